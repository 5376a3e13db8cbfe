#include "cli/import/fleet_yaml.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/import/source_objects.h"

namespace muster::cli {
namespace {

using Reasons = std::map<std::string, std::string>;

const Reasons& NotCarried() {
  static const auto& reasons = *new Reasons{
      {"rolloutStrategy", "all clusters get a change at once"},
      {"imageScans", "nothing changes tags: let a pipeline commit them"},
      {"ignore", "conditions cannot be ignored: write a rule in health.rules"},
      {"namespaceLabels", "declare the Namespace as an object of the package"},
      {"namespaceAnnotations", "declare the Namespace as an object of the package"},
      {"serviceAccount", "give the package a serviceAccount: NAMESPACE/NAME in the cluster"},
      {"overwrites", "packages do not change one another"}};
  return reasons;
}

class Reader {
 public:
  Reader(const Value& value, bool corrects_drift, ImportItem& item)
      : value_(value), corrects_drift_(corrects_drift), item_(item) {}

  FleetYaml Read() {
    // What targets start from comes first.
    read_.variant.kustomize_dir = TextAt(value_, "/kustomize/dir");
    if (const Value* yaml = value_.Get("yaml"); yaml != nullptr) {
      read_.variant.overlays = Overlays(*yaml);
    }
    for (const Member& field : MapAt(value_, "")) Field(field.key, field.value);
    Value::Map sync;
    if (!corrects_drift_) sync.Set("drift", "report");
    if (!ignore_.empty()) sync.Set("ignore", ignore_);
    if (adopts_) sync.Set("adopt", "always");
    if (!sync.empty()) read_.common.Set("sync", std::move(sync));
    return std::move(read_);
  }

 private:
  void Field(const std::string& field, const Value& value) {
    if (field == "name") {
      read_.name = TextAt(value, "");
    } else if (field == "labels") {
      read_.labels = MapAt(value, "");
      item_.Needless("labels", "packages are named, not selected");
    } else if (field == "namespace" || field == "defaultNamespace") {
      Namespace(field, TextAt(value, ""));
    } else if (field == "kustomize" || field == "yaml") {
      // Read already.
    } else if (field == "helm") {
      Helm(value);
    } else if (field == "diff") {
      for (const Value& patch : ListAt(value, "/comparePatches")) ComparePatch(patch);
    } else if (field == "dependsOn") {
      for (const Value& entry : ListAt(value, "")) read_.depends_on.push_back(entry);
    } else if (field == "targets" || field == "targetCustomizations") {
      for (const Value& entry : ListAt(value, "")) Customize(field, entry);
    } else if (field == "overrideTargets") {
      read_.overrides_targets = true;
      for (const Value& entry : ListAt(value, "")) read_.override_targets.push_back(entry);
    } else {
      Behaviour(field, value);
    }
  }

  void Behaviour(const std::string& field, const Value& value) {
    if (field == "paused") {
      read_.paused = FlagAt(value, "");
      if (read_.paused) {
        item_.LeaveOut(field,
                       "the package is declared without targets, so that nothing is touched");
      }
    } else if (field == "keepResources") {
      if (FlagAt(value, "")) read_.common.Set("onRemoval", "orphan");
    } else if (field == "correctDrift") {
      corrects_drift_ = FlagAt(value, "/enabled");
      if (FlagAt(value, "/force")) {
        item_.LeaveOut(
            "correctDrift.force",
            "annotate the objects that may be replaced with muster.dev/replace: \"true\"");
      }
    } else {
      const auto known = NotCarried().find(field);
      item_.LeaveOut(field,
                     known == NotCarried().end() ? "Muster has nothing like it" : known->second);
    }
  }

  void Namespace(const std::string& field, const std::string& name) {
    if (name.empty()) return;
    if (field == "defaultNamespace" && forced_) return;
    read_.common.Set("namespace", name);
    if (field == "namespace") {
      forced_ = true;
      read_.common.Set("overrideNamespace", true);
    }
  }

  static std::vector<std::string> Overlays(const Value& value) {
    std::vector<std::string> names;
    for (const Value& name : ListAt(value, "/overlays")) names.push_back(TextAt(name, ""));
    return names;
  }

  // Raw YAML and kustomizations are delivered through Helm too, so that some of it is about them.
  void Helm(const Value& value) {
    static const auto& needless =
        *new Reasons{{"atomic", "each object is applied by itself"},
                     {"waitForJobs", "a Job counts as healthy when it is complete"},
                     {"timeoutSeconds", "health.timeout says how long objects may take"},
                     {"maxHistory", "the hub keeps each cluster's history"},
                     {"disableDependencyUpdate", "nothing is fetched"},
                     {"disableDNS", "rendering reaches no network"}};
    FleetChart& chart = read_.chart;
    for (const Member& field : MapAt(value, "")) {
      const std::string name = absl::StrCat("helm.", field.key);
      const bool flag = FlagAt(field.value, "");
      if (field.key == "chart") {
        chart.chart = TextAt(field.value, "");
      } else if (field.key == "repo") {
        chart.repo = TextAt(field.value, "");
      } else if (field.key == "version") {
        chart.version = TextAt(field.value, "");
      } else if (field.key == "releaseName") {
        chart.release_name = TextAt(field.value, "");
      } else if (field.key == "takeOwnership") {
        adopts_ = flag;
      } else if (field.key == "disablePreProcess") {
        chart.preprocesses = !flag;
      } else if (field.key == "force") {
        if (flag) {
          item_.LeaveOut(name, "annotate the objects that may be replaced with muster.dev/replace");
        }
      } else if (const auto known = needless.find(field.key); known != needless.end()) {
        item_.Needless(name, known->second);
      } else if (!ChartValues(field, read_.values)) {
        OtherHelm(field, name);
      }
    }
  }

  // Whether the field gives values.
  static bool ChartValues(const Member& field, FleetValues& values) {
    if (field.key == "values") {
      if (field.value.is_map()) values.values = field.value;
    } else if (field.key == "valuesFiles") {
      for (const Value& file : ListAt(field.value, "")) values.files.push_back(TextAt(file, ""));
    } else {
      return false;
    }
    return true;
  }

  void OtherHelm(const Member& field, const std::string& name) {
    const bool empty = field.value.is_null() || field.value == Value("") ||
                       field.value == Value(false) ||
                       (field.value.is_map() && field.value.map().empty()) ||
                       (field.value.is_list() && field.value.list().empty());
    if (empty) return;
    if (field.key == "valuesFrom") {
      read_.chart.why_not =
          "helm.valuesFrom: values of a ConfigMap or Secret in the cluster are not in Git: commit "
          "them as a values file";
    } else if (field.key == "templateValues") {
      read_.chart.why_not =
          "helm.templateValues: templates make values: give targets values of their own instead";
    } else {
      item_.LeaveOut(name, "Muster has nothing like it");
    }
  }

  void ComparePatch(const Value& patch) {
    Value::Map rule;
    const std::string kind = TextAt(patch, "/kind");
    const std::string name = TextAt(patch, "/name");
    if (!kind.empty()) rule.Set("kind", kind);
    if (!name.empty()) rule.Set("name", name);
    Value::List paths = ListAt(patch, "/jsonPointers");
    for (const Value& operation : ListAt(patch, "/operations")) {
      if (TextAt(operation, "/op") == "remove") {
        paths.push_back(TextAt(operation, "/path"));
      } else {
        item_.LeaveOut("diff.comparePatches",
                       absl::StrCat("operation ", TextAt(operation, "/op"), " on ", kind, " ", name,
                                    ": sync.ignore names fields"));
      }
    }
    if (paths.empty()) return;
    rule.Set("paths", std::move(paths));
    ignore_.push_back(std::move(rule));
  }

  void Customize(const std::string& at, const Value& entry) {
    FleetCustomization customization;
    customization.name = TextAt(entry, "/name");
    customization.target = entry;
    customization.variant = read_.variant;
    for (const Member& field : MapAt(entry, "")) {
      const std::string& name = field.key;
      if (name == "kustomize") {
        customization.variant.kustomize_dir = TextAt(field.value, "/dir");
      } else if (name == "yaml") {
        customization.variant.overlays = Overlays(field.value);
      } else if (name == "doNotDeploy") {
        customization.excluded = FlagAt(field.value, "");
      } else if (name == "helm") {
        for (const Member& each : MapAt(field.value, "")) {
          if (ChartValues(each, customization.values)) continue;
          item_.LeaveOut(absl::StrCat(at, ".helm.", each.key),
                         "is the package's, not a target's: make two packages");
        }
      } else if (name != "name" && name != "clusterName" && name != "clusterSelector" &&
                 name != "clusterGroup" && name != "clusterGroupSelector") {
        item_.LeaveOut(absl::StrCat(at, ".", name),
                       "is the package's, not a target's: make two packages");
      }
    }
    read_.customizations.push_back(std::move(customization));
  }

  const Value& value_;
  bool corrects_drift_;
  ImportItem& item_;
  FleetYaml read_;
  Value::List ignore_;
  bool adopts_ = false;
  bool forced_ = false;
};

}  // namespace

FleetYaml ReadFleetYaml(const Value& value, bool corrects_drift, ImportItem& item) {
  return Reader(value, corrects_drift, item).Read();
}

}  // namespace muster::cli
