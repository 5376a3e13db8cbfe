#include "cli/import/fleet.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/import/fleet_bundles.h"
#include "cli/import/fleet_chart.h"
#include "cli/import/fleet_targets.h"
#include "cli/import/fleet_yaml.h"
#include "cli/import/kustomize_form.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kOverlays = "overlays";
constexpr absl::string_view kVariantVariable = "variant";

// A bundle that is read.
struct ReadBundle {
  FleetBundle bundle;
  FleetYaml yaml;
  size_t item = 0;
  std::string package;
};

class Importer {
 public:
  explicit Importer(const ImportRequest& request)
      : request_(request), targets_(result_.fleet), bundles_(request, objects_, result_) {
    result_.report.tool = "fleet";
  }

  absl::StatusOr<ImportResult> Run() {
    objects_ = FindObjects(
        request_.files, request_.start, request_.output, {"fleet.cattle.io"},
        [](const Value& object) {
          return IsFleetObject(object, "GitRepo") || IsFleetObject(object, "Cluster") ||
                 IsFleetObject(object, "ClusterGroup");
        },
        result_.report);
    ReadClusters();
    const std::vector<FleetBundle> bundles = bundles_.Find();
    if (bundles.empty() && objects_.empty()) {
      return absl::NotFoundError("there is neither a fleet.yaml nor a GitRepo of Fleet");
    }
    for (const FleetBundle& bundle : bundles) Read(bundle);
    NamePackages();
    for (ReadBundle& each : read_) Add(each);
    Tidy(result_.report);
    return std::move(result_);
  }

 private:
  // ---- clusters

  void ReadClusters() {
    for (const SourceObject& object : objects_) {
      if (IsFleetObject(object.value, "ClusterGroup")) {
        targets_.AddGroup(object.value);
        ImportItem item = ItemOf(object);
        item.Needless("", "targets have its selector themselves");
        result_.report.items.push_back(std::move(item));
      } else if (IsFleetObject(object.value, "Cluster")) {
        ImportItem item = ItemOf(object);
        item.became.push_back(absl::StrCat("cluster/", targets_.AddCluster(object.value)));
        result_.report.items.push_back(std::move(item));
      }
    }
  }

  // ---- bundles

  void Read(const FleetBundle& bundle) {
    ReadBundle each{bundle, {}, result_.report.items.size(), ""};
    ImportItem item;
    item.file = bundle.options.empty() ? bundle.directory : bundle.options;
    item.kind = "Bundle";
    item.name = bundle.name;
    Value value;
    if (!bundle.options.empty()) {
      item.line = 1;
      const auto documents = ParseYaml(*request_.files.Find(bundle.options), bundle.options);
      if (!documents.ok() || (!documents->empty() && !(*documents)[0].value.is_map())) {
        item.LeaveOut("", documents.ok() ? "is no map" : std::string(documents.status().message()));
        result_.report.items.push_back(std::move(item));
        return;
      }
      if (!documents->empty()) value = (*documents)[0].value;
    }
    const bool corrects =
        bundle.git_repo != nullptr && FlagAt(bundle.git_repo->value, "/spec/correctDrift/enabled");
    each.yaml = ReadFleetYaml(value, corrects, item);
    FromGitRepo(bundle, each.yaml, item);
    if (!each.yaml.name.empty()) each.bundle.name = each.yaml.name;
    result_.report.items.push_back(std::move(item));
    read_.push_back(std::move(each));
  }

  static void FromGitRepo(const FleetBundle& bundle, FleetYaml& yaml, ImportItem& item) {
    if (bundle.git_repo == nullptr) return;
    const Value& git_repo = bundle.git_repo->value;
    if (FlagAt(git_repo, "/spec/keepResources")) yaml.common.Set("onRemoval", "orphan");
    if (FlagAt(git_repo, "/spec/paused") && !yaml.paused) {
      yaml.paused = true;
      item.LeaveOut("spec.paused",
                    "the package is declared without targets, so that nothing is touched");
    }
    const std::string space = TextAt(git_repo, "/spec/targetNamespace");
    if (!space.empty()) {
      yaml.common.Set("namespace", space);
      yaml.common.Set("overrideNamespace", true);
    }
  }

  void NamePackages() {
    std::set<std::string> taken;
    for (ReadBundle& each : read_) {
      each.package = NameFrom(each.bundle.name);
      for (int i = 2; !taken.insert(each.package).second; ++i) {
        each.package = NumberedName(each.bundle.name, i);
      }
    }
  }

  // ---- packages

  void Add(ReadBundle& each) {
    ImportItem& item = result_.report.items[each.item];
    PlannedPackage package{item.line > 0 ? absl::StrCat(item.file, ":1") : item.file,
                           each.yaml.common};
    const bool is_chart = IsFleetChart(each.yaml, each.bundle.directory, request_.files);
    std::vector<Placed> placed = PlacedOf(each, item);
    if (is_chart) {
      const absl::Status carried = SetChart(each, placed, package, item);
      if (!carried.ok()) return item.LeaveOut("helm", std::string(carried.message()));
    } else {
      NoteNoChart(each.yaml, item);
      package.spec.Set("repository", RepositoryOf(each.bundle, item));
      if (!SetFiles(each, placed, package, item)) return;
    }
    Value::List targets;
    for (const Placed& target : placed) {
      Value::Map entry{{"clusterSelector", target.selector}};
      if (!target.helm.empty()) entry.Set("helm", target.helm);
      if (!target.name.empty()) entry.Set("name", target.name);
      if (!target.variable.empty()) {
        Value::Map variables;
        variables.Set(std::string(kVariantVariable), target.variable);
        entry.Set("variables", std::move(variables));
      }
      targets.push_back(std::move(entry));
    }
    if (!targets.empty() && !each.yaml.paused) package.spec.Set("targets", std::move(targets));
    Depend(each, package, item);
    item.became.push_back(absl::StrCat("package/", each.package));
    result_.fleet.packages[each.package] = std::move(package);
  }

  // ---- charts

  struct Placed {
    Value selector;
    FleetVariant variant;
    std::string name;
    std::string variable;  // names the variant; empty: there is only one
    FleetValues values;    // for a chart
    Value::Map helm;       // of the target
  };

  absl::Status SetChart(const ReadBundle& each, std::vector<Placed>& placed,
                        PlannedPackage& package, ImportItem& item) {
    FleetChartRequest request{
        each.yaml, each.bundle.directory, each.bundle.name, {}, request_.files};
    for (const Placed& target : placed) request.targets.push_back(&target.values);
    ASSIGN_OR_RETURN(FleetChartFields fields, ReadFleetChart(request, item));
    std::string registry;
    if (fields.registry.has_value()) {
      registry = AddRepository(fields.registry->repository, result_.fleet);
      if (fields.has_files) fields.helm.Set("repository", registry);
    }
    package.spec.Set("repository", fields.has_files ? RepositoryOf(each.bundle, item) : registry);
    if (fields.has_files) package.spec.Set("path", fields.path.empty() ? "." : fields.path);
    package.spec.Set("helm", std::move(fields.helm));
    for (size_t i = 0; i < placed.size(); ++i) placed[i].helm = std::move(fields.targets[i]);
    item.check = ImportCheck::kUnchecked;
    item.Needless("helm",
                  "an import runs no Helm: compare what `muster render` and `helm template` print");
    return absl::OkStatus();
  }

  static void NoteNoChart(const FleetYaml& yaml, ImportItem& item) {
    if (!yaml.chart.release_name.empty()) {
      item.Needless("helm.releaseName", "packages have names of their own");
    }
    if (!yaml.values.values.map().empty() || !yaml.values.files.empty()) {
      item.Needless("helm.values", "there is no chart that reads them");
    }
  }

  std::string RepositoryOf(const FleetBundle& bundle, ImportItem& item) {
    if (bundle.git_repo != nullptr) return bundles_.RepositoryOf(*bundle.git_repo);
    PlannedRepository repository;
    repository.name = request_.folder;
    repository.url = request_.url.empty() ? std::string(kUnknownUrl) : request_.url;
    if (!request_.url.empty()) repository.name = BaseNameOf(RepositoryKey(request_.url));
    if (!request_.branch.empty()) repository.ref = request_.branch;
    if (request_.url.empty() && result_.fleet.repositories.empty()) {
      item.LeaveOut("spec.repo",
                    "the tree does not say where its repository is: give --url, or set "
                    "spec.url in fleet/repositories.yaml");
    }
    return AddRepository(std::move(repository), result_.fleet);
  }

  // The targets of the bundle, in the order in which the first that matches decides.
  std::vector<Placed> PlacedOf(const ReadBundle& each, ImportItem& item) {
    const std::vector<Value> bases = BasesOf(each, item);
    std::vector<Placed> placed;
    std::vector<Value> excluded;
    const auto add = [&](Value selector, const FleetVariant& variant, const std::string& name,
                         const FleetValues& values) {
      for (const Value& out : excluded) {
        absl::StatusOr<Value> rest = WithoutSelected(selector, out);
        if (rest.ok()) {
          selector = *std::move(rest);
        } else {
          item.LeaveOut("targetCustomizations.doNotDeploy", std::string(rest.status().message()));
        }
      }
      const auto reached = [&selector](const Placed& one) { return one.selector == selector; };
      if (std::any_of(placed.begin(), placed.end(), reached)) return;  // never decides
      placed.push_back({std::move(selector), variant, name, "", values, {}});
    };
    for (const FleetCustomization& customization : each.yaml.customizations) {
      const absl::StatusOr<std::vector<Value>> selectors =
          targets_.SelectorsOf(customization.target);
      if (!selectors.ok()) {
        item.LeaveOut("targetCustomizations", std::string(selectors.status().message()));
        continue;
      }
      for (const Value& selector : *selectors) {
        if (customization.excluded) {
          excluded.push_back(selector);
          continue;
        }
        for (const Value& base : bases) {
          add(BothSelectors(selector, base), customization.variant, customization.name,
              customization.values);
        }
      }
    }
    for (const Value& base : bases) add(base, each.yaml.variant, "", {});
    return placed;
  }

  // Which clusters get it at all.
  std::vector<Value> BasesOf(const ReadBundle& each, ImportItem& item) {
    std::vector<Value> entries;
    if (each.yaml.overrides_targets) {
      entries = each.yaml.override_targets;
    } else if (each.bundle.git_repo != nullptr) {
      entries = ListAt(each.bundle.git_repo->value, "/spec/targets");
      if (entries.empty() && targets_.HasGroup("default")) {
        entries.push_back(Value::Map{{"clusterGroup", "default"}});
      } else if (entries.empty()) {
        item.LeaveOut("spec.targets",
                      "the GitRepo names none, which means ClusterGroup default, and "
                      "that is not in the tree: the package has no target yet");
      }
    } else {
      item.LeaveOut("spec.targets",
                    "no GitRepo in the tree says which clusters get it: every cluster "
                    "does, unless you change the selector");
      return {Value::Map()};
    }
    std::vector<Value> bases;
    for (const Value& entry : entries) {
      const absl::StatusOr<std::vector<Value>> selectors = targets_.SelectorsOf(entry);
      if (!selectors.ok()) {
        item.LeaveOut("spec.targets", std::string(selectors.status().message()));
        continue;
      }
      bases.insert(bases.end(), selectors->begin(), selectors->end());
    }
    return bases;
  }

  // ---- files

  // Sets the package's path, and the targets' variables where it depends on them.
  bool SetFiles(const ReadBundle& each, std::vector<Placed>& placed, PlannedPackage& package,
                ImportItem& item) {
    std::vector<FleetVariant> variants = {each.yaml.variant};
    for (const Placed& target : placed) {
      if (std::find(variants.begin(), variants.end(), target.variant) == variants.end()) {
        variants.push_back(target.variant);
      }
    }
    if (variants.size() > 1 && MentionsVariables(each.bundle)) {
      item.LeaveOut(
          "targetCustomizations",
          "the files hold ${...}, which variables of targets would replace: every cluster "
          "gets the bundle without overlays");
      variants.resize(1);
    }
    const std::string root =
        absl::StrCat(request_.output, request_.output.empty() ? "" : "/", "packages/");
    item.check = ImportCheck::kEqual;
    for (size_t i = 0; i < variants.size(); ++i) {
      const bool only = variants.size() == 1;
      const std::string name = VariantName(variants, i, placed);
      const absl::StatusOr<Form> form = FormOf(each.bundle, variants[i], !only, item);
      if (!form.ok()) {
        item.LeaveOut("", absl::StrCat(each.bundle.directory, ": ", form.status().message()));
        item.check = ImportCheck::kNone;
        return false;
      }
      if (!form->difference.empty()) {
        item.check = ImportCheck::kDiffers;
        item.LeaveOut("", absl::StrCat("the objects are not those of Fleet: ", form->difference));
      }
      if (form->has_kustomization) package.spec.Set("loadRestrictor", "none");
      if (!form->path.empty()) {
        package.spec.Set("path", form->path);
        continue;
      }
      const std::string directory = absl::StrCat(each.package, "/", name);
      result_.fleet.files[absl::StrCat("packages/", directory, "/kustomization.yaml")] =
          form->kustomization;
      package.spec.Set("path",
                       only ? absl::StrCat(root, directory)
                            : absl::StrCat(root, each.package, "/${", kVariantVariable, "}"));
      for (Placed& target : placed) {
        if (!only && target.variant == variants[i]) target.variable = name;
      }
    }
    return true;
  }

  static std::string VariantName(const std::vector<FleetVariant>& variants, size_t index,
                                 const std::vector<Placed>& placed) {
    if (index == 0) return "all";
    for (const Placed& target : placed) {
      if (target.variant == variants[index] && !target.name.empty()) return NameFrom(target.name);
    }
    return absl::StrCat("variant-", index);
  }

  bool MentionsVariables(const FleetBundle& bundle) const {
    for (const auto& [path, bytes] : request_.files.Below(bundle.directory)) {
      if (absl::StrContains(bytes, "${")) return true;
    }
    return false;
  }

  // What Fleet makes of a variant, and the form for it. `wrapped`: always a kustomization of our
  // own.
  absl::StatusOr<Form> FormOf(const FleetBundle& bundle, const FleetVariant& variant, bool wrapped,
                              ImportItem& item) {
    FormRequest form{.files = request_.files, .output = request_.output};
    form.input.set_renderer(v1::RENDERER_AUTO);
    form.input.set_load_restrictor(v1::LOAD_RESTRICTOR_NONE);
    ASSIGN_OR_RETURN(form.directory, ResolvePath(bundle.directory, variant.kustomize_dir));
    if (!KustomizationIn(request_.files, form.directory).empty()) {
      form.resources = {form.directory};
      v1::RenderInput input = form.input;
      input.set_path(form.directory);
      OverlaidSource source(request_.files);
      ASSIGN_OR_RETURN(const Rendering rendering, RenderOverlaid(request_.files, source, input));
      form.expected = ValuesOf(rendering);
    } else if (!variant.kustomize_dir.empty()) {
      return absl::NotFoundError(absl::StrCat("there is no kustomization in ", form.directory));
    } else {
      RETURN_IF_ERROR(AddRawFiles(bundle, variant, form));
    }
    if (form.expected.empty()) return absl::NotFoundError("holds no objects");
    item.objects += static_cast<int>(form.expected.size());
    if (wrapped) form.always_wraps = true;
    return SimplestForm(form);
  }

  // Raw YAML: files of overlays take the place of those of the same name, or join them.
  absl::Status AddRawFiles(const FleetBundle& bundle, const FleetVariant& variant,
                           FormRequest& form) {
    std::map<std::string, std::string> files;  // path from the bundle -> path
    const size_t skip = bundle.directory.empty() ? 0 : bundle.directory.size() + 1;
    for (const std::string& path :
         FilesOfBundle(request_.files, bundle.directory, bundle.options)) {
      files[path.substr(skip)] = path;
    }
    for (const std::string& overlay : variant.overlays) {
      ASSIGN_OR_RETURN(const std::string directory,
                       JoinPath(bundle.directory, absl::StrCat(kOverlays, "/", overlay)));
      if (request_.files.Below(directory).empty()) {
        return absl::NotFoundError(absl::StrCat("there is no overlay ", directory));
      }
      for (const auto& [path, bytes] : request_.files.Below(directory)) {
        const std::string relative = path.substr(directory.size() + 1);
        if (absl::StrContains(relative, "_patch.")) {
          return absl::UnimplementedError(
              absl::StrCat(path, ": changes a file, not objects: write it as a patch of a target"));
        }
        if (IsYamlFile(path) || absl::EndsWith(path, ".json")) files[relative] = path;
      }
    }
    for (const auto& [relative, path] : files) {
      ASSIGN_OR_RETURN(std::vector<Document> documents,
                       ParseYaml(*request_.files.Find(path), path));
      for (Document& document : documents) {
        ASSIGN_OR_RETURN(std::vector<ListItem> items, ExpandLists(std::move(document.value)));
        for (ListItem& each : items) form.expected.push_back(std::move(each.value));
      }
      form.resources.push_back(path);
    }
    return absl::OkStatus();
  }

  // ---- dependencies

  void Depend(const ReadBundle& each, PlannedPackage& package, ImportItem& item) {
    std::set<std::string> names;
    for (const Value& entry : each.yaml.depends_on) {
      const std::string name = TextAt(entry, "/name");
      const Value* selector = entry.Find("/selector");
      bool found = false;
      for (const ReadBundle& other : read_) {
        const bool meant = name.empty() ? selector != nullptr && HasLabels(other, *selector)
                                        : other.bundle.name == name ||
                                              (other.bundle.git_repo == nullptr &&
                                               absl::EndsWith(name, "-" + other.bundle.name));
        if (!meant || other.package == each.package) continue;
        found = true;
        names.insert(other.package);
      }
      if (!found) {
        item.LeaveOut("dependsOn", name.empty()
                                       ? "its selector means no bundle in the tree"
                                       : absl::StrCat("bundle ", name, " is not in the tree"));
      }
      if (!ListAt(entry, "/acceptedStates").empty()) {
        item.Needless("dependsOn.acceptedStates", "a package waits until the other one is healthy");
      }
    }
    Value::List list;
    for (const std::string& name : names) list.push_back(name);
    if (!list.empty()) package.spec.Set("dependsOn", std::move(list));
  }

  static bool HasLabels(const ReadBundle& bundle, const Value& selector) {
    const Value::Map& wanted = MapAt(selector, "/matchLabels");
    return !wanted.empty() && std::all_of(wanted.begin(), wanted.end(), [&](const Member& label) {
      const Value* value = bundle.yaml.labels.Get(label.key);
      return value != nullptr && *value == label.value;
    });
  }

  const ImportRequest& request_;
  ImportResult result_;
  FleetTargets targets_;
  std::vector<SourceObject> objects_;
  FleetBundles bundles_;
  std::vector<ReadBundle> read_;
};

}  // namespace

absl::StatusOr<ImportResult> ImportFleet(const ImportRequest& request) {
  return Importer(request).Run();
}

}  // namespace muster::cli
