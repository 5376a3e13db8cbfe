#include "cli/import/flux_helm_release.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/import/chart_form.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr size_t kReleaseNameMax = 53;

// Why nothing needs to say it.
const std::map<std::string, std::string>& NeedlessFields() {
  static const auto& fields = *new std::map<std::string, std::string>{
      {"interval", "the agent watches what it applied; a repository has its own interval"},
      {"maxHistory", "there is no history of releases: Git has it"},
      {"storageNamespace", "nothing is stored in the cluster"},
      {"persistentClient", "Helm runs at the hub, and asks no cluster"}};
  return fields;
}

// What has no counterpart, and what to do instead.
const std::map<std::string, std::string>& FieldsLeftOut() {
  static const auto& fields = *new std::map<std::string, std::string>{
      {"rollback", "nothing is rolled back by itself: a RolloutPlan stops what fails"},
      {"test", "tests of charts are left out: run them in your CI"},
      {"uninstall", "removing the package deletes its objects; see onRemoval"}};
  return fields;
}

// The chart that a HelmChart, or what is written like one, names.
void ReadHelmChart(const Value& object, FluxHelmRelease& release) {
  release.source = {TextAt(object, "/spec/sourceRef/kind"),
                    TextAt(object, "/spec/sourceRef/namespace"),
                    TextAt(object, "/spec/sourceRef/name")};
  if (release.source.namespace_.empty()) release.source.namespace_ = NamespaceOf(object);
  release.chart = TextAt(object, "/spec/chart");
  release.version = TextAt(object, "/spec/version");
}

class Reader {
 public:
  Reader(const Value& object, const FindConfigMap& find_config_map, ImportItem& item)
      : object_(object), find_config_map_(find_config_map), item_(item) {
    read_.name = NameOf(object);
    read_.namespace_ = NamespaceOf(object);
  }

  absl::StatusOr<FluxHelmRelease> Read() {
    for (const Member& field : MapAt(object_, "/spec")) {
      ASSIGN_OR_RETURN(const bool known, Take(field.key, field.value));
      if (!known) LeaveOut(field.key, "Muster has nothing like it");
    }
    if (read_.source.name.empty()) return absl::UnimplementedError("it names no chart");
    if (read_.source.namespace_.empty()) read_.source.namespace_ = read_.namespace_;
    RETURN_IF_ERROR(Values());
    RETURN_IF_ERROR(Release());
    if (!corrects_drift_) sync_.Set("drift", "report");
    if (!sync_.empty()) read_.common.Set("sync", sync_);
    return std::move(read_);
  }

 private:
  void LeaveOut(const std::string& field, std::string why) {
    item_.LeaveOut(absl::StrCat("spec.", field), std::move(why));
  }

  absl::StatusOr<bool> Take(const std::string& field, const Value& value) {
    if (Chart(field, value) || Behaviour(field, value)) return true;
    if (field == "postRenderers") {
      if (ListAt(value, "").empty()) return true;
      return absl::UnimplementedError(
          "post-renderers change what the chart prints: write that as patches of targets");
    }
    if (field == "kubeConfig") {
      return absl::UnimplementedError(
          "it is for another cluster than its Kustomization: give its package targets yourself");
    }
    if (field == "values" || field == "valuesFrom") return true;
    if (const auto found = NeedlessFields().find(field); found != NeedlessFields().end()) {
      item_.Needless(absl::StrCat("spec.", field), found->second);
      return true;
    }
    const auto found = FieldsLeftOut().find(field);
    if (found == FieldsLeftOut().end()) return false;
    LeaveOut(field, found->second);
    return true;
  }

  bool Chart(const std::string& field, const Value& value) {
    if (field == "chartRef") {
      read_.source = {TextAt(value, "/kind"), TextAt(value, "/namespace"), TextAt(value, "/name")};
      return true;
    }
    if (field != "chart") return false;
    Value::Map like{{"metadata", Value::Map{{"namespace", read_.namespace_}}}};
    like.Set("spec", Value(MapAt(value, "/spec")));
    const Value chart = std::move(like);
    ReadHelmChart(chart, read_);
    const std::pair<const char*, const char*> parts[] = {
        {"valuesFiles", "files in the chart are not read as values: copy them into helm.values"},
        {"valuesFile", "files in the chart are not read as values: copy them into helm.values"},
        {"verify", "signatures of charts are not looked at: pin helm.digest"}};
    for (const auto& [part, why] : parts) {
      if (chart.Find(absl::StrCat("/spec/", part)) == nullptr) continue;
      LeaveOut(absl::StrCat("chart.spec.", part), why);
    }
    return true;
  }

  bool Behaviour(const std::string& field, const Value& value) {
    if (field == "releaseName") {
      release_name_ = TextAt(value, "");
    } else if (field == "targetNamespace") {
      target_namespace_ = TextAt(value, "");
    } else if (field == "dependsOn") {
      for (const Value& entry : ListAt(value, "")) {
        std::string space = TextAt(entry, "/namespace");
        if (space.empty()) space = read_.namespace_;
        read_.depends_on.push_back({"HelmRelease", std::move(space), TextAt(entry, "/name")});
      }
    } else if (field == "suspend") {
      read_.suspended = FlagAt(value, "");
      if (read_.suspended) {
        LeaveOut(field,
                 "the package is declared without targets, so that nothing is touched; give it a "
                 "target when it should run");
      }
    } else if (field == "serviceAccountName") {
      read_.common.Set("serviceAccount", absl::StrCat(read_.namespace_, "/", TextAt(value, "")));
    } else if (field == "timeout") {
      absl::Duration time;
      if (absl::ParseDuration(TextAt(value, ""), &time) && time > absl::ZeroDuration()) {
        read_.common.Set("health", Value::Map{{"timeout", TextAt(value, "")}});
      }
    } else if (field == "driftDetection") {
      corrects_drift_ = TextAt(value, "/mode") == "enabled";
      if (!ListAt(value, "/ignore").empty()) {
        LeaveOut("driftDetection.ignore", "write it as sync.ignore");
      }
    } else if (field == "install" || field == "upgrade") {
      Options(field, value);
    } else {
      return false;
    }
    return true;
  }

  void Options(const std::string& field, const Value& value) {
    for (const Member& option : MapAt(value, "")) {
      const std::string name = absl::StrCat(field, ".", option.key);
      if (option.key == "crds") {
        if (TextAt(option.value, "") == "Skip") {
          LeaveOut(name, "CRDs of a chart are always delivered: delete them with a patch");
        } else {
          item_.Needless(absl::StrCat("spec.", name), "CRDs are delivered first, and kept current");
        }
      } else if (option.key == "createNamespace") {
        if (FlagAt(option.value, "")) {
          LeaveOut(name, "declare the Namespace as an object of a package it depends on");
        }
      } else {
        LeaveOut(name, "options of Helm's install and upgrade mean nothing to an apply");
      }
    }
  }

  // Those of ConfigMaps in the tree in their order, then `values`.
  absl::Status Values() {
    Value merged = Value::Map();
    for (const Value& entry : ListAt(object_, "/spec/valuesFrom")) {
      ASSIGN_OR_RETURN(const Value values, ValuesFrom(entry));
      MergeHelmValues(values, merged);
    }
    const Value own = MapAt(object_, "/spec/values");
    MergeHelmValues(own, merged);
    RETURN_IF_ERROR(CheckHelmValues(merged));
    if (!merged.map().empty()) read_.helm.Set("values", std::move(merged));
    return absl::OkStatus();
  }

  absl::StatusOr<Value> ValuesFrom(const Value& entry) const {
    const std::string kind = TextAt(entry, "/kind"), name = TextAt(entry, "/name");
    const std::string what = absl::StrCat(kind, " ", read_.namespace_, "/", name);
    if (kind != "ConfigMap") {
      return absl::UnimplementedError(
          absl::StrCat("values come from ", what,
                       ", which is not copied into declarations: deliver the secret as an object "
                       "of its own, and let the chart refer to it by name"));
    }
    if (!TextAt(entry, "/targetPath").empty()) {
      return absl::UnimplementedError(
          absl::StrCat("one value comes from ", what, " (targetPath): write it into helm.values"));
    }
    const Value::Map* data = find_config_map_(read_.namespace_, name);
    std::string key = TextAt(entry, "/valuesKey");
    if (key.empty()) key = "values.yaml";
    const Value* text = data == nullptr ? nullptr : data->Get(key);
    if (text == nullptr || !text->is_string()) {
      if (FlagAt(entry, "/optional")) return Value(Value::Map());
      return absl::UnimplementedError(absl::StrCat("values come from ", what,
                                                   ", which is not in the tree with a text '", key,
                                                   "': write them into helm.values"));
    }
    return ReadHelmValues(text->string(), what);
  }

  // Flux's own name for a release that has none.
  absl::Status Release() {
    const std::string& space = target_namespace_.empty() ? read_.namespace_ : target_namespace_;
    if (!space.empty()) read_.common.Set("namespace", space);
    std::string name = release_name_;
    if (name.empty() && !target_namespace_.empty()) name = absl::StrCat(target_namespace_, "-");
    if (release_name_.empty()) absl::StrAppend(&name, read_.name);
    if (name.size() > kReleaseNameMax) {
      return absl::UnimplementedError(absl::StrCat(
          "the release's name '", name, "' is longer than Helm takes: set spec.releaseName"));
    }
    read_.helm.Set("releaseName", name);
    return absl::OkStatus();
  }

  const Value& object_;
  const FindConfigMap& find_config_map_;
  ImportItem& item_;
  FluxHelmRelease read_;
  std::string release_name_, target_namespace_;
  Value::Map sync_;
  bool corrects_drift_ = false;  // Flux's own default
};

std::string TextOf(const FluxReference& reference) {
  return absl::StrCat(reference.kind, " ", reference.namespace_, "/", reference.name);
}

// The chart of a HelmRepository or an OCIRepository.
absl::StatusOr<RegistryChart> ChartOfRegistry(const Value& source, FluxHelmRelease& release) {
  const std::string url = TextAt(source, "/spec/url");
  if (KindOf(source) == "HelmRepository") {
    return FindRegistryChart(url, release.chart, release.version);
  }
  std::string version = TextAt(source, "/spec/ref/semver");
  if (version.empty()) version = TextAt(source, "/spec/ref/tag");
  const std::string digest = TextAt(source, "/spec/ref/digest");
  if (!digest.empty()) release.helm.Set("digest", digest);
  return FindRegistryChart("", url, version);
}

}  // namespace

absl::StatusOr<FluxHelmRelease> ReadFluxHelmRelease(const Value& object,
                                                    const FindConfigMap& find_config_map,
                                                    ImportItem& item) {
  return Reader(object, find_config_map, item).Read();
}

absl::StatusOr<PackageInstance> PackageOfRelease(FluxHelmRelease release, const FileTree& files,
                                                 FluxSources& sources, PlannedFleet& fleet,
                                                 ImportItem& item) {
  PackageInstance instance;
  instance.name = NameFrom(release.name);
  instance.full_name = NameFrom(absl::StrCat(release.namespace_, "-", release.name));
  instance.targeted = !release.suspended;
  const Value* source = sources.Find(release.source);
  if (source != nullptr && release.source.kind == "HelmChart") {
    ReadHelmChart(*source, release);
    source = sources.Find(release.source);
  }
  if (release.source.kind == "GitRepository") {
    ASSIGN_OR_RETURN(const std::string path, NormalizePath(release.chart));
    ASSIGN_OR_RETURN(const FluxSource found, sources.Resolve(release.source, path, item));
    instance.repository = found.repository;
    instance.path = found.directory.empty() ? "." : found.directory;
    if (found.here) NoteChart(files, found.directory, "spec.chart", item);
  } else {
    if (source == nullptr) {
      return absl::NotFoundError(absl::StrCat(TextOf(release.source), " is not in the tree"));
    }
    if (!IsChartSource(*source)) {
      return absl::UnimplementedError(
          absl::StrCat("its chart comes from ", TextOf(release.source), ", which is no registry"));
    }
    ASSIGN_OR_RETURN(RegistryChart found, ChartOfRegistry(*source, release));
    const std::string secret = TextAt(*source, "/spec/secretRef/name");
    if (!secret.empty()) {
      found.repository.credentials = NameFrom(secret);
      item.LeaveOut("spec.chart", absl::StrCat("the hub needs the registry's credential: muster "
                                               "credential put ",
                                               found.repository.credentials));
    }
    release.helm.Set("chart", found.chart);
    release.helm.Set("version", found.version);
    instance.repository = AddRepository(std::move(found.repository), fleet);
    instance.path = ".";
  }
  instance.common = release.common;
  instance.common.Set("helm", release.helm);
  item.check = ImportCheck::kUnchecked;
  item.Needless("spec.chart",
                "an import runs no Helm: compare what `muster render` and `helm template` print");
  return instance;
}

}  // namespace muster::cli
