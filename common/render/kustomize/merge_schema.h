// MergeSchema: how the lists of known kinds merge in a strategic merge patch of Kustomize's.
//
// The built-in one says what Kubernetes 1.21's API says, which is what Kustomize carries; kinds
// that it does not know have lists that are replaced. `openapi: {path: ...}` puts another in its
// place. Not common/render/merge_keys.h, which follows today's API server. Pure; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/res_id.h"

namespace muster::kustomize {

class MergeSchema {
 public:
  // A type of maps; zero is the type of which nothing is known.
  using Type = int;

  struct Field {
    Type type = 0;        // of the map, of the values of a map of maps, or of the list's elements
    bool merges = false;  // a list whose elements merge
    std::vector<std::string> keys;  // that tell them apart; none: the list is one of scalars
  };

  static const MergeSchema& BuiltIn();
  // Of an OpenAPI document (definitions).
  static absl::StatusOr<std::shared_ptr<const MergeSchema>> Read(const Document& document);

  Type TypeOf(const std::string& api_version, const std::string& kind) const;
  // What is known of a field; null when nothing is.
  const Field* FieldOf(Type type, absl::string_view field) const;

 private:
  friend class MergeSchemaReader;

  struct Node {
    std::map<std::string, Field, std::less<>> fields;
    std::unique_ptr<Field> any;  // additionalProperties
  };
  std::map<std::pair<std::string, std::string>, Type> kinds_;
  std::vector<Node> nodes_;
};

}  // namespace muster::kustomize
