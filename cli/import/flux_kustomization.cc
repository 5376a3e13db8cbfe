#include "cli/import/flux_kustomization.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "cli/import/source_objects.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {
namespace {

class Reader {
 public:
  Reader(const Value& object, const FindConfigMap& find_config_map, ImportItem& item)
      : object_(object), find_config_map_(find_config_map), item_(item) {
    read_.name = NameOf(object);
    read_.namespace_ = NamespaceOf(object);
  }

  FluxKustomization Read() {
    for (const Member& field : MapAt(object_, "/spec")) {
      if (Source(field.key, field.value) || Build(field.key, field.value) ||
          Behaviour(field.key, field.value) || Needless(field.key)) {
        continue;
      }
      LeaveOut(field.key, "Muster has nothing like it");
    }
    if (read_.source.namespace_.empty()) read_.source.namespace_ = read_.namespace_;
    Sync();
    return std::move(read_);
  }

 private:
  void LeaveOut(const std::string& field, std::string why) {
    item_.LeaveOut(absl::StrCat("spec.", field), std::move(why));
  }

  bool Source(const std::string& field, const Value& value) {
    if (field == "path") {
      Path(TextAt(value, ""));
    } else if (field == "sourceRef") {
      read_.source = {TextAt(value, "/kind"), TextAt(value, "/namespace"), TextAt(value, "/name")};
    } else if (field == "dependsOn") {
      for (const Value& entry : ListAt(value, "")) {
        std::string space = TextAt(entry, "/namespace");
        if (space.empty()) space = read_.namespace_;
        read_.depends_on.push_back({"Kustomization", std::move(space), TextAt(entry, "/name")});
        if (!TextAt(entry, "/readyExpr").empty()) {
          LeaveOut("dependsOn.readyExpr", "Muster waits until the other package is healthy");
        }
      }
    } else if (field == "kubeConfig") {
      read_.kubeconfig = TextAt(value, "/secretRef/name");
      if (read_.kubeconfig.empty()) read_.kubeconfig = TextAt(value, "/configMapRef/name");
    } else {
      return false;
    }
    return true;
  }

  void Path(const std::string& path) {
    absl::StatusOr<std::string> normal = NormalizePath(path.empty() ? "." : path);
    if (normal.ok()) {
      read_.path = *std::move(normal);
    } else {
      LeaveOut("path", std::string(normal.status().message()));
    }
  }

  bool Build(const std::string& field, const Value& value) {
    KustomizeEdits& edits = read_.edits;
    if (field == "targetNamespace") {
      edits.namespace_ = TextAt(value, "");
    } else if (field == "namePrefix") {
      edits.name_prefix = TextAt(value, "");
    } else if (field == "nameSuffix") {
      edits.name_suffix = TextAt(value, "");
    } else if (field == "images") {
      edits.images = ListAt(value, "");
    } else if (field == "patches" || field == "patchesJson6902") {
      for (const Value& patch : ListAt(value, "")) AddPatch(patch);
    } else if (field == "patchesStrategicMerge") {
      for (const Value& patch : ListAt(value, "")) {
        edits.patches.push_back(Value::Map{{"patch", WriteYaml(patch)}});
      }
    } else if (field == "components") {
      for (const Value& path : ListAt(value, "")) read_.components.push_back(TextAt(path, ""));
    } else if (field == "commonMetadata") {
      edits.metadata_labels = MapAt(value, "/labels");
      edits.metadata_annotations = MapAt(value, "/annotations");
    } else if (field == "postBuild") {
      PostBuild(value);
    } else {
      return false;
    }
    return true;
  }

  // patchesJson6902 has its operations as a list, patches as text.
  void AddPatch(const Value& patch) {
    Value::Map entry;
    const Value* text = patch.Get("patch");
    if (text == nullptr) return;
    entry.Set("patch", text->is_string() ? *text : Value(WriteYaml(*text)));
    if (const Value* target = patch.Get("target"); target != nullptr && target->is_map()) {
      entry.Set("target", *target);
    }
    if (const Value* options = patch.Get("options"); options != nullptr) {
      entry.Set("options", *options);
    }
    read_.edits.patches.push_back(std::move(entry));
  }

  void PostBuild(const Value& value) {
    for (const Value& entry : ListAt(value, "/substituteFrom")) SubstituteFrom(entry);
    for (const Member& variable : MapAt(value, "/substitute")) {
      read_.variables[variable.key] = TextAt(variable.value, "");
    }
    read_.substitutes = !read_.variables.empty() || !read_.variables_known;
  }

  void SubstituteFrom(const Value& entry) {
    const std::string kind = TextAt(entry, "/kind");
    const std::string name = TextAt(entry, "/name");
    const std::string field = "postBuild.substituteFrom";
    const Value::Map* data = nullptr;
    if (kind == "ConfigMap") data = find_config_map_(read_.namespace_, name);
    if (data != nullptr) {
      for (const Member& variable : *data) {
        read_.variables[variable.key] = TextAt(variable.value, "");
      }
      return;
    }
    read_.variables_known = false;
    if (kind == "Secret") {
      LeaveOut(field, absl::StrCat("the values of Secret ", read_.namespace_, "/", name,
                                   " are not copied into declarations; deliver secrets as objects "
                                   "of their own, and give what is no secret as variables"));
    } else {
      LeaveOut(field, absl::StrCat(kind, " ", read_.namespace_, "/", name,
                                   " is not in the tree; give its values as variables"));
    }
  }

  bool Behaviour(const std::string& field, const Value& value) {
    if (field == "prune") {
      prune_ = FlagAt(value, "");
    } else if (field == "deletionPolicy") {
      DeletionPolicy(TextAt(value, ""));
    } else if (field == "timeout") {
      Timeout(TextAt(value, ""));
    } else if (field == "suspend") {
      read_.suspended = FlagAt(value, "");
      if (read_.suspended) {
        LeaveOut(field,
                 "the package is declared without targets, so that nothing is touched; give "
                 "it a target when it should run");
      }
    } else if (field == "force") {
      if (FlagAt(value, "")) {
        LeaveOut(field,
                 "annotate the objects that may be replaced with muster.dev/replace: "
                 "\"true\"");
      }
    } else if (field == "serviceAccountName") {
      const std::string account = TextAt(value, "");
      if (!account.empty()) {
        read_.common.Set("serviceAccount", absl::StrCat(read_.namespace_, "/", account));
      }
    } else if (field == "decryption") {
      LeaveOut(field,
               "only a cluster's own key decrypts: seal the files again with muster secret "
               "seal");
    } else if (field == "healthCheckExprs") {
      for (const Value& rule : ListAt(value, "")) AddHealthRule(rule);
    } else if (field == "ignoreMissingComponents") {
      if (FlagAt(value, "")) LeaveOut(field, "a component that is missing is an error");
    } else {
      return false;
    }
    return true;
  }

  void Timeout(const std::string& text) {
    absl::Duration timeout;
    if (!absl::ParseDuration(text, &timeout) || timeout <= absl::ZeroDuration()) {
      return LeaveOut("timeout", absl::StrCat("'", text, "' is no duration"));
    }
    health_.Set("timeout", text);
  }

  void DeletionPolicy(const std::string& policy) {
    if (policy == "Orphan" || policy == "Delete") {
      on_removal_ = policy == "Orphan" ? "orphan" : "delete";
    } else if (policy == "WaitForTermination") {
      on_removal_ = "delete";
      item_.Needless("spec.deletionPolicy", "the agent waits until what it deletes is gone");
    }
  }

  void AddHealthRule(const Value& rule) {
    LeaveOut("healthCheckExprs",
             absl::StrCat("write it as a rule in health.rules for kind ", TextAt(rule, "/kind"),
                          ", whose expressions are a part of CEL"));
  }

  bool Needless(const std::string& field) {
    static const auto& needless = *new std::map<std::string, std::string>{
        {"interval", "the agent watches what it applied; a repository has its own interval"},
        {"retryInterval", "the agent tries again by itself, ever more slowly"},
        {"wait", "whoever depends on a package waits for the health of all its objects"},
        {"healthChecks", "whoever depends on a package waits for the health of all its objects"},
        {"validation", "the API server checks what is applied"}};
    const auto found = needless.find(field);
    if (found == needless.end()) return false;
    item_.Needless(absl::StrCat("spec.", field), found->second);
    return true;
  }

  void Sync() {
    if (!prune_) read_.common.Set("sync", Value::Map{{"prune", false}});
    if (on_removal_.empty() && !prune_) on_removal_ = "orphan";
    if (on_removal_ == "orphan") read_.common.Set("onRemoval", on_removal_);
    if (!health_.empty()) read_.common.Set("health", health_);
  }

  const Value& object_;
  const FindConfigMap& find_config_map_;
  ImportItem& item_;
  FluxKustomization read_;
  Value::Map health_;
  bool prune_ = false;
  std::string on_removal_;
};

}  // namespace

bool IsFluxObject(const Value& object) {
  const std::string group = GroupOf(object);
  return absl::EndsWith(group, ".toolkit.fluxcd.io") || group == "source.extensions.fluxcd.io";
}

bool IsKustomization(const Value& object) {
  return GroupOf(object) == "kustomize.toolkit.fluxcd.io" && KindOf(object) == "Kustomization";
}

bool IsHelmRelease(const Value& object) {
  return GroupOf(object) == "helm.toolkit.fluxcd.io" && KindOf(object) == "HelmRelease";
}

bool IsChartSource(const Value& object) {
  if (GroupOf(object) != "source.toolkit.fluxcd.io") return false;
  const std::string kind = KindOf(object);
  return kind == "HelmRepository" || kind == "OCIRepository" || kind == "HelmChart";
}

std::string ClusterOfSecret(const std::string& secret) {
  std::string name = secret;
  for (const std::string part : {"-kubeconfig", "kubeconfig-", "kubeconfig"}) {
    const size_t at = name.find(part);
    if (at != std::string::npos) name.erase(at, part.size());
  }
  return name;
}

SourceObject BootstrapOf(const std::string& folder) {
  constexpr absl::string_view kName = "flux-system";
  Value::Map source{{"kind", "GitRepository"}, {"name", kName}};
  Value::Map spec{{"path", absl::StrCat("./", folder)}, {"prune", true}};
  spec.Set("sourceRef", std::move(source));
  Value::Map object{{"apiVersion", "kustomize.toolkit.fluxcd.io/v1"},
                    {"kind", "Kustomization"},
                    {"metadata", Value::Map{{"name", kName}, {"namespace", kName}}}};
  object.Set("spec", std::move(spec));
  return {absl::StrCat(folder, folder.empty() ? "" : "/", kName), 0, std::move(object)};
}

FluxKustomization ReadFluxKustomization(const Value& object, const FindConfigMap& find_config_map,
                                        ImportItem& item) {
  return Reader(object, find_config_map, item).Read();
}

}  // namespace muster::cli
