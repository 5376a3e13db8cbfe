#include "cli/import/flux.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/import/flux_helm_release.h"
#include "cli/import/flux_kustomization.h"
#include "cli/import/flux_package.h"
#include "cli/import/flux_sources.h"
#include "cli/import/source_objects.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kOwnFolder = "flux-system";

class Importer {
 public:
  explicit Importer(const ImportRequest& request)
      : request_(request), home_(request, result_.fleet) {
    result_.report.tool = "flux";
  }

  absl::StatusOr<ImportResult> Run() {
    raw_ = FindObjects(
        request_.files, request_.start, request_.output,
        {"toolkit.fluxcd.io", "source.extensions.fluxcd.io", "kind: ConfigMap"},
        [](const Value& object) {
          return IsFluxObject(object) || (GroupOf(object).empty() && KindOf(object) == "ConfigMap");
        },
        result_.report);
    NameKubeconfigs();
    const std::vector<std::string> folders = ClusterFolders();
    for (const std::string& folder : folders) FollowFolder(folder);
    if (folders.empty()) RETURN_IF_ERROR(FollowWholeTree());
    Depend();
    AddPackages(instances_, request_.output, result_.fleet, result_.report);
    NoteUnreached();
    Tidy(result_.report);
    return std::move(result_);
  }

 private:
  // A cluster in which Flux runs.
  struct Hub {
    std::string cluster;
    FluxSources sources;
    std::map<std::string, Value> config_maps;  // by "namespace/name"
    std::map<std::string, bool> followed;      // Kustomizations; whether they became a declaration
  };
  struct Waiting {
    size_t instance;
    const Hub* hub;
    std::vector<FluxReference> depends_on;
  };

  // ---- clusters

  // Folders with Flux's own folder in them.
  std::vector<std::string> ClusterFolders() const {
    std::set<std::string> folders;
    for (const auto& [path, bytes] : request_.files.Below(request_.start)) {
      const std::string directory = DirectoryOf(path);
      if (BaseNameOf(directory) != kOwnFolder || IsHiddenPath(path)) continue;
      if (absl::StartsWith(BaseNameOf(path), "gotk-")) folders.insert(DirectoryOf(directory));
    }
    return {folders.begin(), folders.end()};
  }

  // One Secret's name in several namespaces says nothing; then the namespace names the cluster.
  void NameKubeconfigs() {
    for (const SourceObject& object : raw_) {
      const std::string secret = TextAt(object.value, "/spec/kubeConfig/secretRef/name");
      if (!secret.empty()) kubeconfigs_[secret].insert(NamespaceOf(object.value));
    }
  }

  std::string ClusterOf(const FluxKustomization& kustomization, const Hub& hub) const {
    if (kustomization.kubeconfig.empty()) return hub.cluster;
    const auto known = kubeconfigs_.find(kustomization.kubeconfig);
    const bool shared = known != kubeconfigs_.end() && known->second.size() > 1;
    const std::string name = ClusterOfSecret(kustomization.kubeconfig);
    return NameFrom(shared || name.empty() || name == "cluster" ? kustomization.namespace_ : name);
  }

  Hub& AddHub(const std::string& cluster) {
    hubs_.push_back(
        std::make_unique<Hub>(Hub{cluster, FluxSources(request_, home_, result_.fleet), {}, {}}));
    // Where charts are may be declared by a Kustomization that is followed later.
    for (const SourceObject& object : raw_) {
      if (IsChartSource(object.value)) hubs_.back()->sources.Add(object.value);
    }
    return *hubs_.back();
  }

  void FollowFolder(const std::string& folder) {
    Hub& hub = AddHub(NameFrom(folder.empty() ? request_.folder : BaseNameOf(folder)));
    std::vector<const SourceObject*> roots;
    const std::string own = absl::StrCat(folder, folder.empty() ? "" : "/", kOwnFolder, "/");
    for (const SourceObject& object : raw_) {
      if (!absl::StartsWith(object.file, own)) continue;
      hub.sources.Add(object.value);
      if (IsKustomization(object.value)) roots.push_back(&object);
    }
    NoteControllers(own);
    for (const SourceObject* root : roots) FollowRoot(*root, hub);
    if (roots.empty()) FollowRoot(BootstrapOf(folder), hub);
    for (const SourceObject& object : raw_) {
      if (absl::StartsWith(object.file, own) && KindOf(object.value) == "GitRepository") {
        NoteSource(object, hub);
      }
    }
  }

  // Its source is this very tree.
  void FollowRoot(const SourceObject& root, Hub& hub) {
    if (hub.followed.count(QualifiedName(root.value)) > 0) return;
    const FluxReference source = SourceOf(root.value);
    hub.sources.SetOwn(source);
    ImportItem notes;  // told where the GitRepository itself is
    home_.Learn(hub.sources.FindGit(source.namespace_, source.name), notes);
    Follow(root, hub);
  }

  static FluxReference SourceOf(const Value& object) {
    FluxReference reference{TextAt(object, "/spec/sourceRef/kind"),
                            TextAt(object, "/spec/sourceRef/namespace"),
                            TextAt(object, "/spec/sourceRef/name")};
    if (reference.namespace_.empty()) reference.namespace_ = NamespaceOf(object);
    return reference;
  }

  void NoteControllers(const std::string& own) {
    const std::string file = absl::StrCat(own, "gotk-components.yaml");
    if (request_.files.Find(file) == nullptr) return;
    ImportItem item;
    item.file = file;
    item.kind = "Flux";
    item.Needless("", "Flux's own controllers: remove them when nothing is left to them");
    result_.report.items.push_back(std::move(item));
  }

  // No folder of Flux's own: the Kustomizations that no other one delivers are where it starts.
  absl::Status FollowWholeTree() {
    Hub& hub = AddHub(NameFrom(request_.cluster.empty() ? "default" : request_.cluster));
    std::vector<const SourceObject*> all;
    for (const SourceObject& object : raw_) {
      hub.sources.Add(object.value);
      if (IsKustomization(object.value)) all.push_back(&object);
    }
    if (all.empty()) {
      return absl::NotFoundError(
          "there is neither a folder flux-system nor a Kustomization of Flux");
    }
    std::set<std::string> delivered;  // "file ns/name"
    for (const SourceObject* object : all) {
      ImportItem ignored;
      hub.sources.SetOwn(SourceOf(object->value));
      FluxKustomization read = Read(object->value, hub, ignored);
      FluxSource source;
      source.directory = read.path;
      source.here = true;
      read.variables_known = false;  // for a look, without substitution
      const absl::StatusOr<Rendering> built = BuildAsFlux(request_, source, read);
      if (!built.ok()) continue;
      for (const RenderedObject& each : built->objects) {
        if (each.file == object->file) continue;
        delivered.insert(absl::StrCat(each.file, " ", NameOf(each.object.value)));
      }
    }
    for (const SourceObject* object : all) {
      const std::string name = absl::StrCat(object->file, " ", NameOf(object->value));
      if (delivered.count(name) > 0) continue;
      const absl::StatusOr<std::string> path = NormalizePath(TextAt(object->value, "/spec/path"));
      if (path.ok() && request_.files.Contains(*path)) {
        FollowRoot(*object, hub);
      } else {
        Follow(*object, hub);
      }
    }
    for (const SourceObject& object : raw_) {
      if (KindOf(object.value) == "GitRepository") NoteSource(object, hub);
    }
    return absl::OkStatus();
  }

  // ---- Kustomizations

  FluxKustomization Read(const Value& object, const Hub& hub, ImportItem& item) const {
    return ReadFluxKustomization(object, ConfigMapsOf(hub), item);
  }

  FindConfigMap ConfigMapsOf(const Hub& hub) const {
    return [this, &hub](const std::string& space, const std::string& name) -> const Value::Map* {
      const auto found = hub.config_maps.find(absl::StrCat(space, "/", name));
      if (found != hub.config_maps.end()) return &MapAt(found->second, "/data");
      for (const SourceObject& object : raw_) {
        if (KindOf(object.value) != "ConfigMap" || NameOf(object.value) != name) continue;
        if (NamespaceOf(object.value).empty() || NamespaceOf(object.value) == space) {
          return &MapAt(object.value, "/data");
        }
      }
      return nullptr;
    };
  }

  // Makes a package of the Kustomization and follows those in it. Returns whether it became a
  // declaration, so that Muster does not deliver the object itself.
  bool Follow(const SourceObject& object, Hub& hub) {
    const std::string id = QualifiedName(object.value);
    if (const auto known = hub.followed.find(id); known != hub.followed.end()) return known->second;
    hub.followed[id] = true;
    if (depth_ >= limits::kKustomizeDepthMax) {
      ImportItem item = ItemOf(object);
      item.LeaveOut("", absl::StrCat("is delivered by more than ", limits::kKustomizeDepthMax,
                                     " Kustomizations, one by the other"));
      result_.report.items.push_back(std::move(item));
      return hub.followed[id] = false;
    }
    reached_.insert(absl::StrCat(object.file, " ", NameOf(object.value)));
    const size_t index = result_.report.items.size();
    result_.report.items.push_back(ItemOf(object));
    ++depth_;
    const bool carried = FollowInto(object, hub, index, result_.report.items[index]);
    --depth_;
    hub.followed[id] = carried;
    return carried;
  }

  bool FollowInto(const SourceObject& object, Hub& hub, size_t index, ImportItem& item) {
    FluxKustomization read = Read(object.value, hub, item);
    const absl::StatusOr<FluxSource> source = hub.sources.Resolve(read.source, read.path, item);
    if (!source.ok()) {
      item.LeaveOut("spec.sourceRef", std::string(source.status().message()));
      return false;
    }
    PackageInstance instance;
    instance.cluster = ClusterOf(read, hub);
    instance.name = NameFrom(read.name);
    instance.full_name = NameFrom(absl::StrCat(read.namespace_, "-", read.name));
    instance.repository = source->repository;
    instance.origin = object.line > 0 ? absl::StrCat(object.file, ":", object.line) : object.file;
    instance.item = index;
    instance.targeted = !read.suspended;
    AddCluster(instance.cluster, item);
    if (!source->here) {
      FromElsewhere(*source, read, instance, item);
    } else if (!FromHere(*source, read, hub, instance, item)) {
      return true;
    }
    instance.common = Merged(instance.common, read.common);
    instance.variables = read.variables;
    Keep(std::move(instance), hub, read.depends_on, {"Kustomization", read.namespace_, read.name});
    return true;
  }

  void Keep(PackageInstance instance, const Hub& hub, std::vector<FluxReference> depends_on,
            const FluxReference& made_of) {
    waiting_.push_back({instances_.size(), &hub, std::move(depends_on)});
    delivers_[KeyIn(hub, made_of)].push_back(instances_.size());
    instances_.push_back(std::move(instance));
  }

  static std::string KeyIn(const Hub& hub, const FluxReference& object) {
    return absl::StrCat(hub.cluster, " ", object.kind, " ", object.namespace_, "/", object.name);
  }

  // Makes a package of a release that `parent` delivers. Returns whether it did.
  bool FollowRelease(const SourceObject& object, const FluxKustomization& parent, Hub& hub) {
    ImportItem item = ItemOf(object);
    absl::StatusOr<FluxHelmRelease> read =
        ReadFluxHelmRelease(object.value, ConfigMapsOf(hub), item);
    absl::StatusOr<PackageInstance> made =
        read.ok() ? PackageOfRelease(*read, request_.files, hub.sources, result_.fleet, item)
                  : absl::StatusOr<PackageInstance>(read.status());
    if (!made.ok()) {
      item = ItemOf(object);
      item.LeaveOut("", std::string(made.status().message()));
    } else {
      made->cluster = ClusterOf(parent, hub);
      made->origin = absl::StrCat(object.file, ":", object.line);
      made->item = result_.report.items.size();
      AddCluster(made->cluster, item);
      // What waits for the Kustomization waits for its releases, and they wait for what it does.
      read->depends_on.insert(read->depends_on.end(), parent.depends_on.begin(),
                              parent.depends_on.end());
      delivers_[KeyIn(hub, {"Kustomization", parent.namespace_, parent.name})].push_back(
          instances_.size());
      Keep(*std::move(made), hub, read->depends_on, {"HelmRelease", read->namespace_, read->name});
    }
    result_.report.items.push_back(std::move(item));
    return made.ok();
  }

  void AddCluster(const std::string& cluster, ImportItem& item) {
    auto& labels = result_.fleet.clusters[cluster];
    if (!labels.empty()) return;
    labels[std::string(kClusterLabel)] = cluster;
    item.became.push_back(absl::StrCat("cluster/", cluster));
  }

  static Value::Map Merged(const Value::Map& a, const Value::Map& b) {
    Value::Map all = a;
    for (const Member& member : b) all.Set(member.key, member.value);
    return all;
  }

  // Returns false when nothing is left to deliver.
  bool FromHere(const FluxSource& source, FluxKustomization& read, Hub& hub,
                PackageInstance& instance, ImportItem& item) {
    const absl::StatusOr<Rendering> built = BuildAsFlux(request_, source, read);
    if (!built.ok()) {
      item.check = ImportCheck::kUnchecked;
      item.LeaveOut("spec.path", absl::StrCat("cannot be built: ", built.status().message()));
      instance.path = source.directory.empty() ? "." : source.directory;
      return true;
    }
    if (!read.variables_known) {
      const auto names = UndefinedVariables(ValuesOf(*built), read.variables);
      if (!names.empty()) {
        item.LeaveOut("spec.postBuild",
                      absl::StrCat("give the package values for ", absl::StrJoin(names, ", ")));
      }
    }
    const std::set<std::string> became = FollowChildren(*built, read, hub);
    const auto is_declared = [&](const RenderedObject& each) {
      const Value& object = each.object.value;
      if (!IsFluxObject(object)) return HoldsFluxItself(request_.files, DirectoryOf(each.file));
      return became.count(absl::StrCat(KindOf(object), " ", QualifiedName(object))) > 0;
    };
    if (!ChooseForm(request_, source, read, *built, is_declared, instance, item)) {
      item.Needless("", "all that it delivers are declarations of their own now");
      return false;
    }
    NoteRemaining(*built, source, is_declared, instance);
    return true;
  }

  // Takes note of sources, then follows the Kustomizations. Returns which objects of Flux are
  // declarations now.
  std::set<std::string> FollowChildren(const Rendering& built, const FluxKustomization& parent,
                                       Hub& hub) {
    std::set<std::string> became;
    std::set<std::string> needed;  // sources of what stays with Flux
    for (const RenderedObject& each : built.objects) {
      const Value& object = each.object.value;
      hub.sources.Add(object);
      if (KindOf(object) == "ConfigMap") hub.config_maps[QualifiedName(object)] = object;
    }
    for (const RenderedObject& each : built.objects) {
      const Value& object = each.object.value;
      if (IsKustomization(object)) {
        if (Follow({each.file, each.line, object}, hub)) {
          became.insert(absl::StrCat("Kustomization ", QualifiedName(object)));
        } else {
          needed.insert(TextAt(object, "/spec/sourceRef/name"));
        }
      } else if (request_.helm_releases && IsHelmRelease(object) &&
                 FollowRelease({each.file, each.line, object}, parent, hub)) {
        became.insert(absl::StrCat("HelmRelease ", QualifiedName(object)));
      } else {
        needed.insert(TextAt(object, "/spec/chart/spec/sourceRef/name"));
      }
    }
    for (const RenderedObject& each : built.objects) {
      const Value& object = each.object.value;
      const std::string kind = KindOf(object);
      if (!IsFluxObject(object) || needed.count(NameOf(object)) > 0) continue;
      if (kind != "GitRepository" && kind != "ArtifactGenerator") continue;
      became.insert(absl::StrCat(kind, " ", QualifiedName(object)));
      NoteSource({each.file, each.line, object}, hub);
    }
    return became;
  }

  void NoteSource(const SourceObject& source_object, Hub& hub) {
    const Value& object = source_object.value;
    ImportItem item = ItemOf(source_object);
    if (KindOf(object) == "GitRepository") {
      if (!noted_.insert(absl::StrCat(source_object.file, ":", source_object.line)).second) return;
      const FluxReference reference{"GitRepository", NamespaceOf(object), NameOf(object)};
      const absl::StatusOr<FluxSource> source = hub.sources.Resolve(reference, "", item);
      if (source.ok()) ReadGitRepository(object, item);
      if (source.ok()) item.became.push_back(absl::StrCat("repository/", source->repository));
    } else {
      item.Needless("", "packages name the directories that its artifacts are made of");
    }
    result_.report.items.push_back(std::move(item));
  }

  // What only Flux's controllers can make something of stays an object, as it is today.
  void NoteRemaining(const Rendering& built, const FluxSource& source,
                     const std::function<bool(const RenderedObject&)>& became,
                     PackageInstance& instance) {
    for (const RenderedObject& each : built.objects) {
      const Value& object = each.object.value;
      if (!IsFluxObject(object) || became(each)) continue;
      if (IsKustomization(object)) continue;  // told where it was followed
      instance.delivers.push_back(result_.report.items.size());
      ImportItem item = ItemOf({source.FileInRepository(each.file), each.line, object});
      item.LeaveOut("",
                    KindOf(object) == "HelmRelease" || KindOf(object) == "HelmRepository"
                        ? "stays an object, delivered as before: keep Flux's helm-controller and "
                          "source-controller, or make packages of releases: --helm-releases"
                        : "stays an object, delivered as before: keep the controller of Flux "
                          "that reads it");
      result_.report.items.push_back(std::move(item));
    }
  }

  void FromElsewhere(const FluxSource& source, const FluxKustomization& read,
                     PackageInstance& instance, ImportItem& item) {
    instance.path = source.directory.empty() ? "." : source.directory;
    item.check = ImportCheck::kUnchecked;
    KustomizeEdits edits = read.edits;
    if (!edits.namespace_.empty()) {
      instance.common.Set("namespace", edits.namespace_);
      instance.common.Set("overrideNamespace", true);
      edits.namespace_.clear();
    }
    if (!edits.empty() || !read.components.empty()) {
      item.LeaveOut("spec",
                    "patches, images, prefixes, components and common metadata need the "
                    "files, which are in another repository: run the import there, or put "
                    "them into its kustomization");
    }
    instance.common.Set("loadRestrictor", "none");
    item.Needless("spec.sourceRef", "its files are in another repository: not compared");
  }

  // ---- afterwards

  void Depend() {
    for (const Waiting& waiting : waiting_) {
      PackageInstance& instance = instances_[waiting.instance];
      ImportItem& item = result_.report.items[instance.item];
      for (const FluxReference& reference : waiting.depends_on) {
        const std::string name = absl::StrCat(reference.namespace_, "/", reference.name);
        const auto found = delivers_.find(KeyIn(*waiting.hub, reference));
        if (found == delivers_.end()) {
          item.LeaveOut("spec.dependsOn", absl::StrCat(name, " became no package"));
          continue;
        }
        for (const size_t index : found->second) {
          std::vector<size_t>& all = instance.depends_on;
          if (instances_[index].cluster == instance.cluster) {
            if (std::find(all.begin(), all.end(), index) == all.end()) all.push_back(index);
            continue;
          }
          item.LeaveOut("spec.dependsOn",
                        absl::StrCat(name, " is for cluster ", instances_[index].cluster,
                                     "; packages wait for packages of their own cluster"));
        }
      }
    }
  }

  void NoteUnreached() {
    for (const SourceObject& object : raw_) {
      if (!IsKustomization(object.value)) continue;
      if (object.value.Find("/spec/sourceRef") == nullptr) continue;  // a patch of another
      if (reached_.count(absl::StrCat(object.file, " ", NameOf(object.value))) > 0) continue;
      ImportItem item = ItemOf(object);
      item.LeaveOut("", "no cluster's folder leads to it");
      result_.report.items.push_back(std::move(item));
    }
  }

  const ImportRequest& request_;
  ImportResult result_;
  FluxHome home_;
  std::vector<SourceObject> raw_;
  std::map<std::string, std::set<std::string>> kubeconfigs_;  // namespaces by Secret
  std::vector<std::unique_ptr<Hub>> hubs_;
  int depth_ = 0;  // of the Kustomizations being followed
  std::vector<PackageInstance> instances_;
  std::vector<Waiting> waiting_;
  std::map<std::string, std::vector<size_t>> delivers_;  // by "hub kind namespace/name"
  std::set<std::string> reached_;                        // "file name"
  std::set<std::string> noted_;                          // "file:line" of sources
};

}  // namespace

absl::StatusOr<ImportResult> ImportFlux(const ImportRequest& request) {
  return Importer(request).Run();
}

}  // namespace muster::cli
