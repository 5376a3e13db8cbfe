#include "test/cases/compare.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/res_id.h"

namespace muster::cases {
namespace {

constexpr size_t kShownBytes = 160;

using Objects = std::multimap<std::string, const Value*>;

std::string Show(const Value* value) {
  if (value == nullptr) return "nothing";
  std::string json = CanonicalJson(*value);
  if (json.size() > kShownBytes) json = absl::StrCat(json.substr(0, kShownBytes), "...");
  return json;
}

std::string Difference(const std::string& where, const Value* expected, const Value* built);

std::string MapDifference(const std::string& where, const Value& expected, const Value& built) {
  std::set<std::string> keys;
  for (const Member& member : expected.map()) keys.insert(member.key);
  for (const Member& member : built.map()) keys.insert(member.key);
  for (const std::string& key : keys) {
    const std::string found =
        Difference(absl::StrCat(where, ".", key), expected.Get(key), built.Get(key));
    if (!found.empty()) return found;
  }
  return "";
}

std::string ListDifference(const std::string& where, const Value& expected, const Value& built) {
  const size_t size = std::max(expected.list().size(), built.list().size());
  for (size_t i = 0; i < size; ++i) {
    const std::string found = Difference(absl::StrCat(where, "[", i, "]"),
                                         i < expected.list().size() ? &expected.list()[i] : nullptr,
                                         i < built.list().size() ? &built.list()[i] : nullptr);
    if (!found.empty()) return found;
  }
  return "";
}

std::string Difference(const std::string& where, const Value* expected, const Value* built) {
  if (expected != nullptr && built != nullptr) {
    if (*expected == *built) return "";
    if (expected->is_map() && built->is_map()) return MapDifference(where, *expected, *built);
    if (expected->is_list() && built->is_list()) return ListDifference(where, *expected, *built);
  }
  return absl::StrCat(where, ": expected ", Show(expected), ", built ", Show(built));
}

void Add(const Value& value, Objects& objects) {
  objects.emplace(kustomize::ResId::OfObject(value).text(), &value);
}

}  // namespace

std::string FirstDifference(absl::string_view expected,
                            const std::vector<kustomize::BuiltObject>& built) {
  const auto documents = ParseYaml(expected, "expected", YamlReaders::kOne);
  if (!documents.ok()) return std::string(documents.status().message());
  Objects wanted, had;
  for (const Document& document : *documents) Add(document.value, wanted);
  for (const kustomize::BuiltObject& object : built) Add(*object.value, had);
  for (const auto& [id, value] : wanted) {
    if (had.count(id) == 0) return absl::StrCat(id, " is missing; ", had.size(), " were built");
  }
  for (const auto& [id, value] : had) {
    if (wanted.count(id) == 0) return absl::StrCat(id, " was built and is not expected");
  }
  auto at = had.begin();
  for (const auto& [id, value] : wanted) {
    const std::string found = Difference(id, value, at->second);
    if (!found.empty()) return found;
    ++at;
  }
  if (wanted.size() != had.size()) {
    return absl::StrCat(wanted.size(), " objects expected, ", had.size(), " built");
  }
  return "";
}

}  // namespace muster::cases
