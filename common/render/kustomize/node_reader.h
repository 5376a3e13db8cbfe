// NodeReader: typed reading of a YAML document, with file, line and field in every error.
//
//   ASSIGN_OR_RETURN(MapReader image, MapReader::Open(node, "an image", {"name", "newTag"}));
//   RETURN_IF_ERROR(image.Text("newTag", edit.new_tag));
//
// Missing fields and nulls leave what was there, as Go's decoder does. Keys are found without
// regard to case when none is spelled exactly so. Pure; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

// A node of a document. `value` may be null: then it is missing.
struct Node {
  const Document* document;
  const Value* value;
  std::string pointer;
  std::shared_ptr<const std::string> file;

  Place place() const { return {file, document->positions.Find(pointer).line}; }
  // kInvalidArgument "file:line:column: `what`".
  absl::Status Error(absl::string_view what) const;
};

Node RootOf(const Document& document);

class MapReader {
 public:
  // kInvalidArgument when the node is no map, or has a key that is not in `known`. An empty `known`
  // allows any.
  static absl::StatusOr<MapReader> Open(Node node, absl::string_view what,
                                        const std::vector<absl::string_view>& known);

  const Node& node() const { return node_; }
  bool Has(absl::string_view name) const;  // and not null
  Node At(absl::string_view name) const;

  absl::Status Text(absl::string_view name, std::string& out) const;
  absl::Status Bool(absl::string_view name, bool& out) const;
  // The literal of an integer.
  absl::Status Integer(absl::string_view name, std::string& out) const;
  absl::Status TextMap(absl::string_view name, std::map<std::string, std::string>& out) const;
  absl::Status Texts(absl::string_view name, std::vector<std::string>& out) const;
  // For each element of a list, null elements included.
  absl::Status Each(absl::string_view name,
                    absl::FunctionRef<absl::Status(const Node&)> read) const;

 private:
  explicit MapReader(Node node) : node_(std::move(node)) {}

  const Member* Find(absl::string_view name) const;

  Node node_;
};

// The text of a node that must be one.
absl::StatusOr<std::string> TextOf(const Node& node, absl::string_view what);

}  // namespace muster::kustomize
