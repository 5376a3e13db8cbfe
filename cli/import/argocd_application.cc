#include "cli/import/argocd_application.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/import/chart_form.h"
#include "cli/import/source_objects.h"

namespace muster::cli {
namespace {

using Reasons = std::map<std::string, std::string>;

constexpr absl::string_view kFinalizer = "resources-finalizer.argocd.argoproj.io";

class Reader {
 public:
  Reader(const Value& object, bool generated, ImportItem& item)
      : object_(object), generated_(generated), item_(item) {}

  ArgocdApplication Read() {
    read_.name = NameOf(object_);
    read_.readable = true;
    for (const Member& field : MapAt(object_, "/spec")) {
      const std::string& name = field.key;
      if (name == "source") {
        Source(field.value);
      } else if (name == "sources") {
        Sources(field.value);
      } else if (name == "destination") {
        Destination(field.value);
      } else if (name == "syncPolicy") {
        SyncPolicy(field.value);
      } else if (name == "ignoreDifferences") {
        for (const Value& entry : ListAt(field.value, "")) IgnoreDifference(entry);
      } else if (name == "project") {
        Project(TextAt(field.value, ""));
      } else if (name == "revisionHistoryLimit" || name == "info") {
        item_.Needless(absl::StrCat("spec.", name), "the hub keeps each cluster's history");
      } else {
        LeaveOut(absl::StrCat("spec.", name), "Muster has nothing like it");
      }
    }
    Finish();
    return std::move(read_);
  }

 private:
  void LeaveOut(std::string field, std::string why) {
    item_.LeaveOut(std::move(field), std::move(why));
  }
  void Refuse(std::string field, std::string why) {
    read_.readable = false;
    LeaveOut(std::move(field), std::move(why));
  }

  void Project(const std::string& project) {
    if (project.empty() || project == "default") return;
    LeaveOut("spec.project", absl::StrCat("what AppProject ", project,
                                          " forbids, Muster does not: it has one tenant"));
  }

  // A chart, or a directory, and beside it repositories that values files come from.
  void Sources(const Value& sources) {
    const Value* main = nullptr;
    bool several = false;
    for (const Value& source : ListAt(sources, "")) {
      const std::string ref = TextAt(source, "/ref");
      const bool only_ref =
          !ref.empty() && source.Get("path") == nullptr && source.Get("chart") == nullptr;
      if (!ref.empty()) {
        read_.references["$" + ref] = {TextAt(source, "/repoURL"),
                                       TextAt(source, "/targetRevision")};
      }
      if (only_ref) continue;
      several |= main != nullptr;
      main = &source;
    }
    if (main == nullptr || several) {
      return Refuse("spec.sources",
                    "several sources: make an Application of each and import again");
    }
    Source(*main);
  }

  void Source(const Value& source) {
    read_.repo_url = TextAt(source, "/repoURL");
    read_.revision = TextAt(source, "/targetRevision");
    read_.path = TextAt(source, "/path");
    read_.chart.name = TextAt(source, "/chart");
    if (source.Find("/plugin") != nullptr) {
      Refuse("spec.source.plugin",
             "a plugin is a program, and rendering runs none: commit what it "
             "prints");
    }
    read_.has_chart_options = !read_.chart.name.empty() || !MapAt(source, "/helm").empty();
    for (const Member& field : MapAt(source, "/helm")) Helm(field.key, field.value);
    for (const Member& field : MapAt(source, "/kustomize")) Kustomize(field.key, field.value);
    for (const Member& field : MapAt(source, "/directory")) Directory(field.key, field.value);
  }

  void Kustomize(const std::string& field, const Value& value) {
    KustomizeEdits& edits = read_.edits;
    read_.uses_kustomize_options = true;
    if (field == "namePrefix") {
      edits.name_prefix = TextAt(value, "");
    } else if (field == "nameSuffix") {
      edits.name_suffix = TextAt(value, "");
    } else if (field == "namespace") {
      edits.namespace_ = TextAt(value, "");
    } else if (field == "images") {
      for (const Value& image : ListAt(value, "")) {
        edits.images.push_back(ArgocdImage(TextAt(image, "")));
      }
    } else if (field == "replicas") {
      edits.replicas = ListAt(value, "");
    } else if (field == "patches") {
      edits.patches = ListAt(value, "");
    } else if (field == "components") {
      for (const Value& path : ListAt(value, "")) read_.components.push_back(TextAt(path, ""));
    } else if (field == "commonAnnotations") {
      edits.common_annotations = MapAt(value, "");
    } else if (field == "commonLabels") {
      labels_ = MapAt(value, "");
    } else if (field == "labelWithoutSelector") {
      without_selector_ = FlagAt(value, "");
    } else if (field == "labelIncludeTemplates") {
      include_templates_ = FlagAt(value, "");
    } else if (field == "forceCommonLabels" || field == "forceCommonAnnotations") {
      // They win anyway.
    } else {
      LeaveOut(absl::StrCat("spec.source.kustomize.", field), "Muster has nothing like it");
    }
  }

  void Helm(const std::string& field, const Value& value) {
    ArgocdChart& chart = read_.chart;
    if (field == "releaseName") {
      chart.release_name = TextAt(value, "");
    } else if (field == "valueFiles") {
      for (const Value& file : ListAt(value, "")) chart.value_files.push_back(TextAt(file, ""));
    } else if (field == "ignoreMissingValueFiles") {
      chart.ignores_missing_files = FlagAt(value, "");
    } else if (field == "valuesObject") {
      if (value.is_map()) chart.values = value;
      has_values_object_ = true;
    } else if (field == "values") {
      InlineValues(TextAt(value, ""));
    } else if (field == "parameters") {
      for (const Value& each : ListAt(value, "")) {
        chart.parameters.push_back(
            {TextAt(each, "/name"), TextAt(each, "/value"), FlagAt(each, "/forceString")});
      }
    } else if (field == "fileParameters") {
      for (const Value& each : ListAt(value, "")) {
        chart.file_parameters.push_back({TextAt(each, "/name"), TextAt(each, "/path"), true});
      }
    } else if (field == "skipCrds") {
      chart.skips_crds = FlagAt(value, "");
    } else {
      OtherHelm(field, value);
    }
  }

  void OtherHelm(const std::string& field, const Value& value) {
    const std::string at = absl::StrCat("spec.source.helm.", field);
    if (field == "passCredentials") {
      item_.Needless(at, "the hub keeps the credentials of repositories");
    } else if (field == "skipTests") {
      item_.Needless(at, "tests are never delivered");
    } else if (field == "version" && TextAt(value, "") == "v3") {
      item_.Needless(at, "the hub has one Helm for all charts");
    } else if (field == "skipSchemaValidation" && !FlagAt(value, "")) {
      // As Helm does anyway.
    } else if (field == "namespace" || field == "kubeVersion" || field == "apiVersions") {
      LeaveOut(at, "the release has the package's namespace and the cluster's Kubernetes");
    } else {
      LeaveOut(at, "Muster has nothing like it");
    }
  }

  void InlineValues(const std::string& text) {
    if (has_values_object_) return;
    absl::StatusOr<Value> values = ReadHelmValues(text, "values");
    if (!values.ok()) {
      return Refuse("spec.source.helm.values", std::string(values.status().message()));
    }
    read_.chart.values = *std::move(values);
  }

  void Directory(const std::string& field, const Value& value) {
    if (field == "recurse") {
      read_.recurse = FlagAt(value, "");
    } else if (field == "include") {
      read_.include = TextAt(value, "");
    } else if (field == "exclude") {
      read_.exclude = TextAt(value, "");
    } else if (!(value.is_map() && value.map().empty())) {
      Refuse(absl::StrCat("spec.source.directory.", field), "Muster has nothing like it");
    }
    read_.has_directory_options = true;
  }

  void Destination(const Value& destination) {
    read_.server = TextAt(destination, "/server");
    read_.cluster_name = TextAt(destination, "/name");
    namespace_ = TextAt(destination, "/namespace");
  }

  void SyncPolicy(const Value& policy) {
    for (const Member& field : MapAt(policy, "")) {
      if (field.key == "automated") {
        automated_ = !field.value.is_null();
        const Value* enabled = field.value.Get("enabled");
        if (enabled != nullptr && *enabled == Value(false)) automated_ = false;
        prune_ = FlagAt(field.value, "/prune");
        self_heal_ = FlagAt(field.value, "/selfHeal");
      } else if (field.key == "syncOptions") {
        for (const Value& option : ListAt(field.value, "")) SyncOption(TextAt(option, ""));
      } else if (field.key == "retry") {
        item_.Needless("spec.syncPolicy.retry", "the agent tries again by itself");
      } else {
        LeaveOut(absl::StrCat("spec.syncPolicy.", field.key), "Muster has nothing like it");
      }
    }
  }

  void SyncOption(const std::string& option) {
    static const auto& needless = *new Reasons{
        {"CreateNamespace=true", "Muster creates a package's namespace"},
        {"ServerSideApply=true", "the agent always applies so"},
        {"ApplyOutOfSyncOnly=true", "the agent only writes what differs"},
        {"PruneLast=true", "the agent prunes last"},
        {"PrunePropagationPolicy=foreground", "the agent waits until what it deletes is gone"},
        {"RespectIgnoreDifferences=true", "fields in sync.ignore are never written"},
        {"SkipDryRunOnMissingResource=true", "the agent waits for definitions"},
        {"FailOnSharedResource=true", "an object of another owner is a conflict"},
        {"CreateNamespace=false", "Muster creates a package's namespace"},
        {"Validate=true", "the API server checks what is applied"}};
    static const auto& others =
        *new Reasons{{"Replace=true", "annotate the objects with muster.dev/replace: \"true\""},
                     {"Force=true", "annotate the objects with muster.dev/replace: \"true\""},
                     {"Prune=false", "annotate the objects with muster.dev/prune: never"}};
    if (const auto found = needless.find(option); found != needless.end()) {
      return item_.Needless("spec.syncPolicy.syncOptions",
                            absl::StrCat(option, ": ", found->second));
    }
    const auto found = others.find(option);
    LeaveOut("spec.syncPolicy.syncOptions",
             absl::StrCat(option, ": ",
                          found == others.end() ? "Muster has nothing like it" : found->second));
  }

  void IgnoreDifference(const Value& entry) {
    Value::Map rule;
    const std::string kind = TextAt(entry, "/kind");
    const std::string name = TextAt(entry, "/name");
    if (!kind.empty() && kind != "*") rule.Set("kind", kind);
    if (!name.empty()) rule.Set("name", name);
    const Value::List& pointers = ListAt(entry, "/jsonPointers");
    if (!pointers.empty()) {
      rule.Set("paths", pointers);
      ignore_.push_back(std::move(rule));
    }
    for (const char* field : {"jqPathExpressions", "managedFieldsManagers"}) {
      if (ListAt(entry, absl::StrCat("/", field)).empty()) continue;
      LeaveOut(absl::StrCat("spec.ignoreDifferences.", field),
               "name the fields as JSON pointers in sync.ignore");
    }
    if (!TextAt(entry, "/namespace").empty()) {
      LeaveOut("spec.ignoreDifferences.namespace", "the rule holds in every namespace");
    }
  }

  void Finish() {
    if (!labels_.empty()) {
      if (without_selector_) {
        Value::Map entry{{"pairs", labels_}};
        if (include_templates_) entry.Set("includeTemplates", true);
        read_.edits.labels.push_back(std::move(entry));
      } else {
        read_.edits.common_labels = labels_;
      }
    }
    if (!namespace_.empty()) read_.common.Set("namespace", namespace_);
    if (!automated_) {
      LeaveOut("spec.syncPolicy.automated",
               "absent, so that Argo CD waits for a person; Muster follows Git by itself, unless a "
               "package is suspended: muster suspend package NAME");
    }
    Value::Map sync;
    if (automated_ && !self_heal_) sync.Set("drift", "report");
    if (automated_ && !prune_) sync.Set("prune", false);
    if (!ignore_.empty()) sync.Set("ignore", ignore_);
    if (!sync.empty()) read_.common.Set("sync", std::move(sync));
    if (!DeletesObjects()) read_.common.Set("onRemoval", "orphan");
    if (read_.readable && read_.path.empty() && read_.chart.name.empty()) {
      Refuse("spec.source.path", "there is none");
    }
  }

  bool DeletesObjects() const {
    if (generated_) return true;
    for (const Value& finalizer : ListAt(object_, "/metadata/finalizers")) {
      if (absl::StartsWith(TextAt(finalizer, ""), kFinalizer)) return true;
    }
    return false;
  }

  const Value& object_;
  const bool generated_;
  ImportItem& item_;
  ArgocdApplication read_;
  std::string namespace_;
  Value::Map labels_;
  Value::List ignore_;
  bool has_values_object_ = false;  // which counts alone
  bool without_selector_ = false;
  bool include_templates_ = false;
  bool automated_ = false;
  bool prune_ = false;
  bool self_heal_ = false;
};

}  // namespace

Value ArgocdImage(const std::string& text) {
  std::string name = text;
  std::string image = text;
  const size_t equals = text.find('=');
  if (equals != std::string::npos) {
    name = text.substr(0, equals);
    image = text.substr(equals + 1);
  }
  std::string tag, digest;
  if (const size_t at = image.find('@'); at != std::string::npos) {
    digest = image.substr(at + 1);
    image = image.substr(0, at);
  }
  // A colon before a slash is that of a port.
  const size_t colon = image.rfind(':');
  if (colon != std::string::npos && image.find('/', colon) == std::string::npos) {
    tag = image.substr(colon + 1);
    image = image.substr(0, colon);
  }
  Value::Map entry{{"name", equals == std::string::npos ? image : name}};
  if (equals != std::string::npos) entry.Set("newName", image);
  if (!tag.empty()) entry.Set("newTag", tag);
  if (!digest.empty()) entry.Set("digest", digest);
  return entry;
}

ArgocdApplication ReadArgocdApplication(const Value& object, bool generated, ImportItem& item) {
  return Reader(object, generated, item).Read();
}

}  // namespace muster::cli
