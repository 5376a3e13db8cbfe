#include "common/render/kustomize/crds.h"

#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/node_reader.h"

namespace muster::kustomize {
namespace {

const std::string* TextAt(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  return value == nullptr || !value->is_string() ? nullptr : &value->string();
}

class CrdReader {
 public:
  explicit CrdReader(const Document& document) : document_(document) {}

  absl::StatusOr<SharedConfig> Read() {
    ASSIGN_OR_RETURN(const MapReader types, MapReader::Open(RootOf(document_), "crds", {}));
    for (const Member& type : types.node().value->map()) {
      if (!type.value.is_map()) {
        return types.At(type.key).Error(
            "a file under 'crds' is a map from type names to OpenAPI definitions ({Schema: ...}); "
            "a CustomResourceDefinition belongs under 'resources'");
      }
      const Value* properties = PropertiesOf(type.key);
      if (properties == nullptr || properties->Get("kind") == nullptr ||
          properties->Get("apiVersion") == nullptr || properties->Get("metadata") == nullptr) {
        continue;
      }
      Gvk gvk{"", "", type.key.substr(type.key.rfind('.') + 1)};
      std::set<std::string> open;
      RETURN_IF_ERROR(Visit(gvk, type.key, "", open));
    }
    return SharedConfig(std::make_shared<TransformerConfig>(std::move(config_)));
  }

 private:
  const Value* PropertiesOf(const std::string& type) const {
    const Value* definition = document_.value.Get(type);
    if (definition == nullptr || !definition->is_map()) return nullptr;
    const Value* schema = definition->Get("Schema");
    if (schema == nullptr) schema = definition->Get("schema");
    const Value* properties = schema == nullptr ? nullptr : schema->Get("properties");
    return properties != nullptr && properties->is_map() ? properties : nullptr;
  }

  // `open` are the types on the way, so that types which hold themselves end.
  absl::Status Visit(const Gvk& gvk, const std::string& type, const std::string& path,
                     std::set<std::string>& open) {
    const Value* properties = PropertiesOf(type);
    if (properties == nullptr || !open.insert(type).second) return absl::OkStatus();
    for (const Member& property : properties->map()) {
      if (!property.value.is_map()) continue;
      const std::string at = path.empty() ? property.key : absl::StrCat(path, "/", property.key);
      RETURN_IF_ERROR(AddMarks(gvk, property.value, at));
      if (const std::string* ref = TextAt(property.value, "$ref"); ref != nullptr) {
        RETURN_IF_ERROR(Visit(gvk, *ref, at, open));
      }
    }
    open.erase(type);
    return absl::OkStatus();
  }

  absl::Status AddMarks(const Gvk& gvk, const Value& property, const std::string& path) {
    const FieldSpec spec = MakeFieldSpec(gvk, path, /*create=*/false);
    if (TextAt(property, "x-kubernetes-annotation") != nullptr) {
      RETURN_IF_ERROR(MergeFieldSpecs({spec}, config_.common_annotations));
    }
    if (TextAt(property, "x-kubernetes-label-selector") != nullptr) {
      RETURN_IF_ERROR(MergeFieldSpecs({spec}, config_.common_labels));
    }
    if (TextAt(property, "x-kubernetes-identity") != nullptr) {
      RETURN_IF_ERROR(MergeFieldSpecs({spec}, config_.name_prefix));
    }
    const std::string* version = TextAt(property, "x-kubernetes-object-ref-api-version");
    const std::string* kind = TextAt(property, "x-kubernetes-object-ref-kind");
    if (version == nullptr || kind == nullptr) return absl::OkStatus();
    const std::string* key = TextAt(property, "x-kubernetes-object-ref-name-key");
    config_.name_reference.push_back(
        {{"", *version, *kind},
         {MakeFieldSpec(gvk, absl::StrCat(path, "/", key == nullptr ? "name" : *key), false)}});
    return absl::OkStatus();
  }

  const Document& document_;
  TransformerConfig config_;
};

}  // namespace

absl::StatusOr<SharedConfig> ReadCrds(const Document& document) {
  return CrdReader(document).Read();
}

}  // namespace muster::kustomize
