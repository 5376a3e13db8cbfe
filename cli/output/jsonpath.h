// JsonPath: kubectl's templates for -o jsonpath=: text, and in braces paths into a document.
//
//   {.items[*].name}   {.items[?(@.sync=="OutOfSync")].name}   {.labels['topology.io/zone']}
//   {range .items[*]}{.name}{"\t"}{.sync}{"\n"}{end}
//
// As in kubectl: several results stand side by side with a space between, maps and lists are JSON,
// and what is not there is nothing. `..` is refused. Pure; any thread; a value.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::cli {

class JsonPath {
 public:
  // kInvalidArgument says at which column, and what is wrong.
  static absl::StatusOr<JsonPath> Parse(absl::string_view text);

  // One path alone, with or without braces and the first dot: "{.name}", ".name", "name".
  static absl::StatusOr<JsonPath> ParsePath(absl::string_view text);

  // The text with what the paths lead to, harmless for a terminal.
  std::string Text(const Value& document) const;

  // What the path leads to; the pointers live as long as `document`. Requires: from ParsePath.
  std::vector<const Value*> Find(const Value& document) const;

  struct Node;  // jsonpath.cc

 private:
  std::shared_ptr<const std::vector<Node>> nodes_;
};

}  // namespace muster::cli
