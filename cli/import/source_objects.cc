#include "cli/import/source_objects.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"

namespace muster::cli {
namespace {

bool HoldsAny(absl::string_view text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [text](const std::string& word) { return absl::StrContains(text, word); });
}

bool IsBelow(absl::string_view path, absl::string_view directory) {
  return !directory.empty() && absl::StartsWith(path, directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

std::string TextAt(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  if (found == nullptr) return "";
  if (found->is_string()) return found->string();
  if (found->is_number()) return found->number();
  if (found->is_bool()) return found->boolean() ? "true" : "false";
  return "";
}

bool FlagAt(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  return found != nullptr && found->is_bool() && found->boolean();
}

const Value::List& ListAt(const Value& value, absl::string_view pointer) {
  static const auto& none = *new Value::List();
  const Value* found = value.Find(pointer);
  return found != nullptr && found->is_list() ? found->list() : none;
}

const Value::Map& MapAt(const Value& value, absl::string_view pointer) {
  static const auto& none = *new Value::Map();
  const Value* found = value.Find(pointer);
  return found != nullptr && found->is_map() ? found->map() : none;
}

std::string KindOf(const Value& object) { return TextAt(object, "/kind"); }

std::string GroupOf(const Value& object) {
  const std::string version = TextAt(object, "/apiVersion");
  const size_t slash = version.find('/');
  return slash == std::string::npos ? "" : version.substr(0, slash);
}

std::string NameOf(const Value& object) { return TextAt(object, "/metadata/name"); }

std::string NamespaceOf(const Value& object) { return TextAt(object, "/metadata/namespace"); }

std::string QualifiedName(const Value& object) {
  const std::string space = NamespaceOf(object);
  return space.empty() ? NameOf(object) : absl::StrCat(space, "/", NameOf(object));
}

std::string BaseNameOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == path.npos ? path : path.substr(slash + 1));
}

std::string DirectoryOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return std::string(slash == path.npos ? "" : path.substr(0, slash));
}

bool IsYamlFile(absl::string_view path) {
  return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml");
}

absl::StatusOr<std::string> ResolvePath(const std::string& directory, absl::string_view relative) {
  std::vector<std::string> parts = absl::StrSplit(directory, '/', absl::SkipEmpty());
  for (const absl::string_view part : absl::StrSplit(relative, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.emplace_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    } else {
      return absl::InvalidArgumentError(absl::StrCat("'", relative, "' leads out of the tree"));
    }
  }
  return NormalizePath(parts.empty() ? "." : absl::StrJoin(parts, "/"));
}

bool IsHiddenPath(absl::string_view path) {
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (absl::StartsWith(part, ".")) return true;
  }
  return false;
}

ImportItem ItemOf(const SourceObject& object) {
  ImportItem item;
  item.file = object.file;
  item.line = object.line;
  item.kind = KindOf(object.value);
  item.name = QualifiedName(object.value);
  return item;
}

std::vector<SourceObject> FindObjects(const FileTree& files, const std::string& directory,
                                      const std::string& skip,
                                      const std::vector<std::string>& words,
                                      absl::FunctionRef<bool(const Value&)> wanted,
                                      ImportReport& report) {
  std::vector<SourceObject> found;
  for (const auto& [path, bytes] : files.Below(directory)) {
    if (!IsYamlFile(path) || IsHiddenPath(path) || IsBelow(path, skip)) continue;
    if (!HoldsAny(bytes, words)) continue;
    absl::StatusOr<std::vector<Document>> documents = ParseYaml(bytes, path);
    if (!documents.ok()) {
      ImportItem item;
      item.file = path;
      item.kind = "File";
      item.LeaveOut("", std::string(documents.status().message()));
      report.items.push_back(std::move(item));
      continue;
    }
    for (Document& document : *documents) {
      const int line = document.positions.Find("").line;
      absl::StatusOr<std::vector<ListItem>> items = ExpandLists(std::move(document.value));
      if (!items.ok()) continue;
      for (ListItem& item : *items) {
        if (!item.value.is_map() || !wanted(item.value)) continue;
        const int at = item.pointer.empty() ? line : document.positions.Find(item.pointer).line;
        found.push_back({path, at, std::move(item.value)});
      }
    }
  }
  return found;
}

}  // namespace muster::cli
