#include "cli/import/argocd.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/import/application_set.h"
#include "cli/import/argocd_application.h"
#include "cli/import/argocd_chart.h"
#include "cli/import/chart_form.h"
#include "cli/import/kustomize_form.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kGroup = "argoproj.io";
constexpr absl::string_view kAnnotations = "argocd.argoproj.io/";
constexpr absl::string_view kInCluster = "https://kubernetes.default.svc";
constexpr absl::string_view kSkipMark = "+argocd:skip-file-rendering";

bool IsOf(const Value& object, absl::string_view kind) {
  return GroupOf(object) == kGroup && KindOf(object) == kind;
}

bool IsClusterSecret(const Value& object) {
  return KindOf(object) == "Secret" && GroupOf(object).empty() &&
         TextAt(object, "/metadata/labels/argocd.argoproj.io~1secret-type") == "cluster";
}

// A field of a Secret, as it was written: plain in stringData, base64 in data.
std::string SecretText(const Value& secret, const std::string& field) {
  const std::string plain = TextAt(secret, absl::StrCat("/stringData/", field));
  if (!plain.empty()) return plain;
  std::string decoded;
  absl::Base64Unescape(TextAt(secret, absl::StrCat("/data/", field)), &decoded);
  return decoded;
}

bool LooksLikeVersion(absl::string_view text) {
  if (absl::StartsWith(text, "v")) text.remove_prefix(1);
  return !text.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
         absl::StrContains(text, ".");
}

class Importer {
 public:
  explicit Importer(const ImportRequest& request) : request_(request) {
    result_.report.tool = "argocd";
  }

  absl::StatusOr<ImportResult> Run() {
    const std::vector<SourceObject> objects = FindObjects(
        request_.files, request_.start, request_.output, {"argoproj.io"},
        [](const Value& object) {
          return IsOf(object, "Application") || IsOf(object, "ApplicationSet") ||
                 IsOf(object, "AppProject") || IsClusterSecret(object);
        },
        result_.report);
    if (objects.empty()) {
      return absl::NotFoundError("there is no Application and no ApplicationSet of Argo CD");
    }
    for (const SourceObject& object : objects) {
      if (IsClusterSecret(object.value)) AddCluster(object);
      if (IsOf(object.value, "Application")) carried_.insert(NameOf(object.value));
    }
    for (const SourceObject& object : objects) {
      if (IsOf(object.value, "Application")) AddApplication(object);
      if (IsOf(object.value, "ApplicationSet")) AddSet(object);
      if (IsOf(object.value, "AppProject")) {
        ImportItem item = ItemOf(object);
        item.LeaveOut("", "Muster has one tenant: restrict packages by serviceAccount");
        result_.report.items.push_back(std::move(item));
      }
    }
    Tidy(result_.report);
    return std::move(result_);
  }

 private:
  // ---- clusters

  void AddCluster(const SourceObject& object) {
    ImportItem item = ItemOf(object);
    const std::string name = NameFrom(SecretText(object.value, "name"));
    servers_[SecretText(object.value, "server")] = name;
    auto& labels = result_.fleet.clusters[name];
    labels[std::string(kClusterLabel)] = name;
    for (const Member& label : MapAt(object.value, "/metadata/labels")) {
      if (!absl::StartsWith(label.key, kAnnotations)) labels[label.key] = TextAt(label.value, "");
    }
    item.became.push_back(absl::StrCat("cluster/", name));
    item.Needless("data.config", "the cluster's agent comes to the hub: muster bootstrap");
    result_.report.items.push_back(std::move(item));
  }

  // The cluster of a destination, declared.
  std::string ClusterOf(const ArgocdApplication& application) {
    std::string name;
    if (const auto known = servers_.find(application.server); known != servers_.end()) {
      name = known->second;
    } else if (!application.cluster_name.empty()) {
      name = NameFrom(application.cluster_name);
    } else if (application.server.empty() || application.server == kInCluster) {
      name = "in-cluster";
    } else {
      std::string host = RepositoryKey(application.server);
      name = NameFrom(host.substr(0, host.find('/')));
    }
    result_.fleet.clusters[name][std::string(kClusterLabel)] = name;
    return name;
  }

  // ---- repositories

  // Whether the URL means the tree at hand: as it is known, else the first one that has `path`
  // here.
  bool IsHere(const std::string& url, const std::string& path) {
    if (!home_.empty()) return RepositoryKey(url) == home_;
    if (!request_.url.empty() && RepositoryKey(url) == RepositoryKey(request_.url)) {
      home_ = RepositoryKey(url);
      return true;
    }
    const size_t glob = path.find_first_of("*?{[");
    std::string fixed = path.substr(0, glob);
    if (glob != std::string::npos) fixed = DirectoryOf(fixed);
    const absl::StatusOr<std::string> normal = NormalizePath(fixed.empty() ? "." : fixed);
    if (!request_.url.empty() || !normal.ok() || normal->empty() ||
        !request_.files.Contains(*normal)) {
      return false;
    }
    home_ = RepositoryKey(url);
    return true;
  }

  absl::StatusOr<std::string> RepositoryOf(const ArgocdReference& source, ImportItem& item) {
    RETURN_IF_ERROR(NormalizeRepositoryUrl(source.repo_url).status());
    PlannedRepository repository;
    repository.name = BaseNameOf(RepositoryKey(source.repo_url));
    repository.url = source.repo_url;
    const std::string& revision = source.revision;
    if (revision.empty() || revision == "HEAD") {
      if (RepositoryKey(source.repo_url) == home_ && !request_.branch.empty()) {
        repository.ref = request_.branch;
      }
      item.Needless("spec.source.targetRevision",
                    absl::StrCat("HEAD is taken to be branch ", repository.ref));
    } else if (IsCommitId(revision)) {
      repository.ref_kind = "commit";
      repository.ref = revision;
    } else if (!CheckRefName(revision).ok()) {
      item.LeaveOut("spec.source.targetRevision",
                    absl::StrCat("'", revision, "' is no branch, tag or commit; it follows branch ",
                                 repository.ref));
    } else {
      repository.ref_kind = LooksLikeVersion(revision) ? "tag" : "branch";
      repository.ref = revision;
    }
    return AddRepository(std::move(repository), result_.fleet);
  }

  // ---- applications

  void AddApplication(const SourceObject& object) {
    result_.report.items.push_back(ItemOf(object));
    ImportItem& item = result_.report.items.back();
    Add(object.value, std::nullopt, false, object, NameOf(object.value), item);
  }

  void AddSet(const SourceObject& object) {
    result_.report.items.push_back(ItemOf(object));
    ImportItem& item = result_.report.items.back();
    const auto is_here = [this, &object](const std::string& url) {
      return IsHere(url, FirstPath(object.value));
    };
    absl::StatusOr<std::vector<GeneratedApplication>> applications =
        GenerateApplications(object.value, request_.files, is_here);
    if (!applications.ok()) {
      return item.LeaveOut("", std::string(applications.status().message()));
    }
    if (applications->empty()) item.LeaveOut("spec.generators", "generate nothing from this tree");
    bool preserve = FlagAt(object.value, "/spec/syncPolicy/preserveResourcesOnDeletion");
    const std::string updates = TextAt(object.value, "/spec/syncPolicy/applicationsSync");
    if (!updates.empty() && updates != "sync") {
      item.LeaveOut("spec.syncPolicy.applicationsSync",
                    absl::StrCat(updates, ": packages follow what is declared"));
    }
    if (object.value.Find("/spec/strategy") != nullptr) {
      item.LeaveOut("spec.strategy", "all clusters get a change at once");
    }
    int equal = 0;
    ImportCheck worst = ImportCheck::kNone;
    for (GeneratedApplication& application : *applications) {
      item.check = ImportCheck::kNone;
      item.objects = 0;
      Add(application.object, application.selector, !preserve, object, NameOf(object.value), item);
      worst = std::max(worst, item.check);
      equal += item.objects;
    }
    item.check = worst;
    item.objects = equal;
  }

  // The first path that a set names, to tell whether its repository is this tree.
  static std::string FirstPath(const Value& value) {
    if (value.is_list()) {
      for (const Value& each : value.list()) {
        if (std::string path = FirstPath(each); !path.empty()) return path;
      }
    }
    if (!value.is_map()) return "";
    if (const Value* path = value.Get("path"); path != nullptr && path->is_string()) {
      if (!absl::StrContains(path->string(), "{{")) return path->string();
    }
    for (const Member& member : value.map()) {
      if (std::string path = FirstPath(member.value); !path.empty()) return path;
    }
    return "";
  }

  // One Application becomes a package.
  void Add(const Value& object, const std::optional<Value>& selector, bool generated,
           const SourceObject& source, const std::string& set_name, ImportItem& item) {
    ArgocdApplication read = ReadArgocdApplication(object, generated, item);
    if (!read.readable) return;
    PlannedPackage package{absl::StrCat(source.file, ":", source.line), read.common};
    const std::string name = PackageName(read.name, set_name);
    const absl::StatusOr<std::string> path = NormalizePath(read.path);
    if (!path.ok()) {
      return item.LeaveOut("spec.source.path", std::string(path.status().message()));
    }
    if (const Value* space = package.spec.Get("namespace");
        space != nullptr && absl::StrContains(TextAt(*space, ""), "${")) {
      return item.LeaveOut("spec.destination.namespace",
                           "differs by cluster, which a package's namespace cannot");
    }
    const absl::StatusOr<Value> chosen = SelectorFor(read, selector);
    if (!chosen.ok()) {
      return item.LeaveOut("spec.destination", std::string(chosen.status().message()));
    }
    package.spec.Set("targets", Value::List{Value::Map{{"clusterSelector", *chosen}}});
    const bool here = IsHere(read.repo_url, *path);
    if (IsChart(read, *path, here)) {
      const absl::Status carried = SetChart(read, *path, here, package, item);
      if (!carried.ok()) {
        return item.LeaveOut("spec.source.helm", std::string(carried.message()));
      }
      return Declare(name, std::move(package), item);
    }
    const absl::StatusOr<std::string> repository =
        RepositoryOf({read.repo_url, read.revision}, item);
    if (!repository.ok()) {
      return item.LeaveOut("spec.source.repoURL", std::string(repository.status().message()));
    }
    if (!ChooseForm(read, *path, here, name, package, item)) return;
    package.spec.Set("repository", *repository);
    Declare(name, std::move(package), item);
  }

  // ---- charts

  bool IsChart(const ArgocdApplication& read, const std::string& path, bool here) const {
    if (read.has_chart_options) return true;
    if (read.uses_kustomize_options || read.has_directory_options || !here) return false;
    return KustomizationIn(request_.files, path).empty() &&
           request_.files.Find(absl::StrCat(path, path.empty() ? "" : "/", "Chart.yaml")) !=
               nullptr;
  }

  // The package's repository, path and chart.
  absl::Status SetChart(const ArgocdApplication& read, const std::string& path, bool here,
                        PlannedPackage& package, ImportItem& item) {
    const bool seen = here && !absl::StrContains(path, "${");
    const FileTree* const files = seen ? &request_.files : nullptr;
    ASSIGN_OR_RETURN(ChartFields fields, ReadArgocdChart(read, path, files, item));
    ArgocdReference source{read.repo_url, read.revision};
    if (read.chart.name.empty()) {
      if (seen) NoteChart(request_.files, path, "spec.source", item);
      if (seen && request_.files.Find(JoinPath(path, "Chart.yaml").value_or("")) == nullptr) {
        return absl::UnimplementedError(absl::StrCat("there is no Chart.yaml in '", path, "'"));
      }
    } else {
      ASSIGN_OR_RETURN(RegistryChart found,
                       FindRegistryChart(read.repo_url, read.chart.name, read.revision));
      fields.helm.Set("chart", found.chart);
      fields.helm.Set("version", found.version);
      const std::string registry = AddRepository(std::move(found.repository), result_.fleet);
      if (!fields.has_files) {
        package.spec.Set("repository", registry);
      } else {
        fields.helm.Set("repository", registry);
        source = read.references.at(fields.reference);
      }
    }
    if (fields.has_files) {
      ASSIGN_OR_RETURN(const std::string repository, RepositoryOf(source, item));
      package.spec.Set("repository", repository);
      package.spec.Set("path", fields.path.empty() ? "." : fields.path);
    }
    package.spec.Set("helm", std::move(fields.helm));
    item.check = ImportCheck::kUnchecked;
    item.Needless("spec.source.helm",
                  "an import runs no Helm: compare what `muster render` and `helm template` print");
    return absl::OkStatus();
  }

  void Declare(const std::string& name, PlannedPackage package, ImportItem& item) {
    const auto [at, added] = result_.fleet.packages.try_emplace(name, package);
    if (!added && !(Value(at->second.spec) == Value(package.spec))) {
      return item.LeaveOut("metadata.name",
                           absl::StrCat("package ", name, " is made of ", at->second.origin,
                                        " already: give it another name"));
    }
    item.became.push_back(absl::StrCat("package/", name));
  }

  // "${cluster.name}-guestbook" is one package for all clusters.
  static std::string PackageName(const std::string& name, const std::string& otherwise) {
    const std::string rest = absl::StrReplaceAll(name, {{kClusterName, ""}});
    bool any = false;
    for (const char sign : rest) any |= absl::ascii_isalnum(static_cast<unsigned char>(sign)) != 0;
    return NameFrom(any ? rest : otherwise);
  }

  absl::StatusOr<Value> SelectorFor(const ArgocdApplication& read,
                                    const std::optional<Value>& selector) {
    const bool any = read.server == kClusterServer || read.cluster_name == kClusterName;
    if (selector.has_value() && any) return *selector;
    const std::string& target = read.cluster_name.empty() ? read.server : read.cluster_name;
    if (absl::StrContains(target, "${cluster.")) {
      return absl::UnimplementedError(absl::StrCat("'", target, "' is made of a cluster's name"));
    }
    return SelectClusters({ClusterOf(read)});
  }

  // ---- files

  // Sets the package's path. Returns false when no package can be made.
  bool ChooseForm(const ArgocdApplication& read, const std::string& path, bool here,
                  const std::string& name, PlannedPackage& package, ImportItem& item) {
    const bool varies = absl::StrContains(path, "${");
    if (!here || varies) {
      item.check = ImportCheck::kUnchecked;
      item.Needless("spec.source", varies ? "its path differs by cluster: not compared"
                                          : "its files are in another repository: not compared");
      package.spec.Set("path", path.empty() ? "." : path);
      if (!read.edits.empty() || !read.components.empty() || !read.include.empty() ||
          !read.exclude.empty()) {
        item.LeaveOut("spec.source",
                      "its options need the files, which are not here: put them into "
                      "a kustomization in that repository");
      }
      return true;
    }
    if (!request_.files.Contains(path)) {
      item.LeaveOut("spec.source.path", absl::StrCat("there is nothing at '", path, "'"));
      return false;
    }
    FormRequest form{
        .files = request_.files, .output = request_.output, .directory = path, .edits = read.edits};
    form.input.set_renderer(v1::RENDERER_AUTO);
    form.input.set_load_restrictor(v1::LOAD_RESTRICTOR_NONE);
    const absl::StatusOr<std::vector<Value>> objects = ObjectsOf(read, path, form);
    if (!objects.ok()) {
      item.LeaveOut("spec.source", absl::StrCat(path, ": ", objects.status().message()));
      if (absl::IsUnimplemented(objects.status())) return false;
      item.check = ImportCheck::kUnchecked;
      package.spec.Set("path", path);
      return true;
    }
    for (const Value& object : *objects) {
      const bool child = IsOf(object, "Application") && carried_.count(NameOf(object)) > 0;
      (child ? form.dropped : form.expected).push_back(object);
    }
    if (form.expected.empty()) {
      item.Needless("", "all that it delivers are declarations of their own now");
      return false;
    }
    NoteAnnotations(form.expected, item);
    const Form chosen = SimplestForm(form);
    item.objects = static_cast<int>(form.expected.size());
    item.check = chosen.difference.empty() ? ImportCheck::kEqual : ImportCheck::kDiffers;
    if (!chosen.difference.empty()) {
      item.LeaveOut("spec.source",
                    absl::StrCat("the objects are not those of Argo CD: ", chosen.difference));
    }
    if (chosen.has_kustomization) package.spec.Set("loadRestrictor", "none");
    package.spec.Set("path", chosen.path);
    if (chosen.path.empty()) {
      const std::string directory = absl::StrCat("packages/", name, "/all");
      result_.fleet.files[directory + "/kustomization.yaml"] = chosen.kustomization;
      package.spec.Set(
          "path", absl::StrCat(request_.output, request_.output.empty() ? "" : "/", directory));
    }
    return true;
  }

  // What Argo CD makes of the path; fills `form` with what a kustomization around it would list.
  absl::StatusOr<std::vector<Value>> ObjectsOf(const ArgocdApplication& read,
                                               const std::string& path, FormRequest& form) const {
    for (const std::string& component : read.components) {
      ASSIGN_OR_RETURN(std::string place, ResolvePath(path, component));
      form.edits.components.push_back(std::move(place));
    }
    const std::string kustomization = KustomizationIn(request_.files, path);
    if (!kustomization.empty() && !read.has_directory_options) {
      form.resources = {path};
      OverlaidSource source(request_.files);
      ASSIGN_OR_RETURN(std::string text, EditInPlace(*request_.files.Find(kustomization),
                                                     kustomization, path, form.edits));
      source.Put(kustomization, std::move(text));
      v1::RenderInput input = form.input;
      input.set_path(path);
      ASSIGN_OR_RETURN(const Rendering rendering, RenderOverlaid(request_.files, source, input));
      return ValuesOf(rendering);
    }
    if (!form.edits.empty()) {
      return absl::InvalidArgumentError("options of Kustomize, and no kustomization there");
    }
    std::vector<Value> objects;
    for (const auto& [file, bytes] : request_.files.Below(path)) {
      const std::string relative = file.substr(path.empty() ? 0 : path.size() + 1);
      const bool deep = absl::StrContains(relative, "/");
      if ((deep && !read.recurse) || (!IsYamlFile(file) && !absl::EndsWith(file, ".json")))
        continue;
      if (!read.exclude.empty() && MatchesArgocdGlob(read.exclude, relative, true)) continue;
      if (!read.include.empty() && !MatchesArgocdGlob(read.include, relative, true)) continue;
      if (absl::StrContains(bytes, kSkipMark)) continue;
      form.resources.push_back(file);
      ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(bytes, file));
      for (Document& document : documents) {
        ASSIGN_OR_RETURN(std::vector<ListItem> items, ExpandLists(std::move(document.value)));
        for (ListItem& each : items) objects.push_back(std::move(each.value));
      }
    }
    return objects;
  }

  // Argo CD's own annotations on objects stay, and nobody reads them any more.
  static void NoteAnnotations(const std::vector<Value>& objects, ImportItem& item) {
    static const auto& remedies = *new std::map<std::string, std::string>{
        {"sync-wave", "muster.dev/wave"},
        {"hook", "a wave (muster.dev/wave), or run it elsewhere"},
        {"sync-options", "muster.dev/prune, muster.dev/replace or muster.dev/force"},
        {"compare-options", "sync.ignore"}};
    std::map<std::string, int> found;
    for (const Value& object : objects) {
      for (const Member& each : MapAt(object, "/metadata/annotations")) {
        if (absl::StartsWith(each.key, kAnnotations)) ++found[each.key.substr(kAnnotations.size())];
      }
    }
    for (const auto& [key, count] : found) {
      const auto remedy = remedies.find(key);
      item.LeaveOut(
          "metadata.annotations",
          absl::StrCat(
              kAnnotations, key, " on ", count, count == 1 ? " object" : " objects",
              remedy == remedies.end() ? " means nothing to Muster" : ": use " + remedy->second));
    }
  }

  const ImportRequest& request_;
  ImportResult result_;
  std::string home_;                            // RepositoryKey of this tree
  std::map<std::string, std::string> servers_;  // clusters' names
  std::set<std::string> carried_;               // Applications' names
};

}  // namespace

absl::StatusOr<ImportResult> ImportArgocd(const ImportRequest& request) {
  return Importer(request).Run();
}

}  // namespace muster::cli
