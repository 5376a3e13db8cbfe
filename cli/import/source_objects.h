// Source objects: what another tool's tree declares, found by reading every YAML file; and short
// ways to look into them. Pure; any thread.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/import/import_report.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

struct SourceObject {
  std::string file;
  int line = 0;
  Value value;  // a map
};

// The text at a JSON pointer; "" when there is none. Numbers and booleans give their spelling.
std::string TextAt(const Value& value, absl::string_view pointer);
bool FlagAt(const Value& value, absl::string_view pointer);                // true only for true
const Value::List& ListAt(const Value& value, absl::string_view pointer);  // empty when none
const Value::Map& MapAt(const Value& value, absl::string_view pointer);    // likewise

std::string KindOf(const Value& object);
std::string GroupOf(const Value& object);  // of apiVersion
std::string NameOf(const Value& object);
std::string NamespaceOf(const Value& object);
std::string QualifiedName(const Value& object);  // "namespace/name", or "name"

// The last part of a path, and what stands before it ("" for none).
std::string BaseNameOf(absl::string_view path);
std::string DirectoryOf(absl::string_view path);
bool IsYamlFile(absl::string_view path);

// What `relative` means from `directory`; ".." may lead up to the root. kInvalidArgument past it.
absl::StatusOr<std::string> ResolvePath(const std::string& directory, absl::string_view relative);

// Whether a name on the way starts with a dot.
bool IsHiddenPath(absl::string_view path);

// An item about `object`, still empty.
ImportItem ItemOf(const SourceObject& object);

// The objects in YAML files below `directory` that hold one of `words` and for which `wanted` says
// yes, in the order of their files; hidden files and those below `skip` are passed over. A file
// that holds a word and cannot be read becomes an item of `report`.
std::vector<SourceObject> FindObjects(const FileTree& files, const std::string& directory,
                                      const std::string& skip,
                                      const std::vector<std::string>& words,
                                      absl::FunctionRef<bool(const Value&)> wanted,
                                      ImportReport& report);

}  // namespace muster::cli
