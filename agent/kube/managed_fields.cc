#include "agent/kube/managed_fields.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "agent/cluster/unmanaged.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr int kDepthMax = 64;

std::string Text(const Value* map, absl::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

const Value::List& Entries(const Value& object) {
  static const auto& none = *new Value::List();
  const Value* entries = object.Find("/metadata/managedFields");
  return entries != nullptr && entries->is_list() ? entries->list() : none;
}

bool IsLeaf(const Value& fields) { return !fields.is_map() || fields.map().empty(); }

// Whether `element` has the values of the keys in `keys`, a JSON object.
bool HasKeys(const Value& element, const Value& keys) {
  if (!keys.is_map()) return false;
  for (const Member& key : keys.map()) {
    const Value* value = element.Get(key.key);
    // A key may be left out where it has a default, such as a port's protocol.
    if (value != nullptr && !(*value == key.value)) return false;
  }
  return true;
}

Value ProjectInto(const Value& live, const Value& fields, int depth);

Value ProjectMap(const Value& live, const Value& fields, int depth) {
  Value::Map result;
  for (const Member& member : live.map()) {
    const Value* below = fields.Get("f:" + member.key);
    if (below != nullptr) result.Insert(member.key, ProjectInto(member.value, *below, depth + 1));
  }
  return result;
}

Value ProjectList(const Value& live, const Value& fields, int depth) {
  Value::List result;
  for (const Member& step : fields.map()) {
    absl::string_view name = step.key;
    if (absl::ConsumePrefix(&name, "k:")) {
      const absl::StatusOr<Value> keys = ParseJson(name);
      if (!keys.ok()) continue;
      for (const Value& element : live.list()) {
        if (!HasKeys(element, *keys)) continue;
        result.push_back(ProjectInto(element, step.value, depth + 1));
        break;
      }
    } else if (absl::ConsumePrefix(&name, "v:")) {
      const absl::StatusOr<Value> value = ParseJson(name);
      for (const Value& element : live.list()) {
        if (!value.ok() || !(element == *value)) continue;
        result.push_back(element);
        break;
      }
    } else if (absl::ConsumePrefix(&name, "i:")) {
      size_t index;
      if (absl::SimpleAtoi(name, &index) && index < live.list().size()) {
        result.push_back(ProjectInto(live.list()[index], step.value, depth + 1));
      }
    }
  }
  return result;
}

Value ProjectInto(const Value& live, const Value& fields, int depth) {
  if (IsLeaf(fields) || depth > kDepthMax) return live;
  if (live.is_map()) return ProjectMap(live, fields, depth);
  if (live.is_list()) return ProjectList(live, fields, depth);
  return live;  // It changed its kind under us.
}

void Unite(Value& into, const Value& fields, int depth) {
  if (!fields.is_map() || depth > kDepthMax) return;
  if (!into.is_map()) into = Value::Map();
  for (const Member& step : fields.map()) {
    if (Value* there = into.Get(step.key); there != nullptr) {
      // A leaf covers everything below: it stays one.
      if (IsLeaf(*there)) continue;
      if (IsLeaf(step.value)) {
        *there = Value::Map();
      } else {
        Unite(*there, step.value, depth + 1);
      }
    } else {
      into.map().Insert(step.key, step.value);
    }
  }
}

}  // namespace

const Value* AppliedFields(const Value& object, absl::string_view manager) {
  for (const Value& entry : Entries(object)) {
    if (Text(&entry, "manager") != manager || Text(&entry, "operation") != "Apply") continue;
    if (!Text(&entry, "subresource").empty()) continue;
    return entry.Get("fieldsV1");
  }
  return nullptr;
}

Value Project(const Value& object, const Value& fields) {
  Value result =
      IsLeaf(fields) || !object.is_map() ? Value(Value::Map()) : ProjectInto(object, fields, 0);
  for (const char* pointer : {"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"}) {
    if (const Value* value = object.Find(pointer); value != nullptr) result.Set(pointer, *value);
  }
  return result;
}

Value ProjectWithHandEdits(const Value& object, absl::string_view manager) {
  Value fields = Value::Map();
  for (const Value& entry : Entries(object)) {
    const std::string name = Text(&entry, "manager");
    const Value* tree = entry.Get("fieldsV1");
    if (tree == nullptr || !Text(&entry, "subresource").empty()) continue;
    if (name == manager || IsHandTool(name)) Unite(fields, *tree, 0);
  }
  return Project(object, fields);
}

bool Covers(const Value& fields, absl::string_view pointer) {
  const auto steps = SplitPointer(pointer);
  if (!steps.has_value()) return false;
  const Value* at = &fields;
  bool first = true;
  for (const std::string& step : *steps) {
    if (!first && IsLeaf(*at)) return true;
    first = false;
    at = at->Get("f:" + step);
    if (at == nullptr) return false;
  }
  return true;
}

Value UnionOfFields(const Value& a, const Value& b) {
  Value result = a;
  Unite(result, b, 0);
  return result;
}

LastChange LastChangeOf(const Value& object, absl::string_view manager) {
  LastChange last;
  for (const Value& entry : Entries(object)) {
    const std::string name = Text(&entry, "manager");
    if (name == manager || Text(&entry, "subresource") == "status") continue;
    absl::Time time;
    if (!absl::ParseTime(absl::RFC3339_full, Text(&entry, "time"), &time, nullptr)) continue;
    if (!last.manager.empty() && time <= last.time) continue;
    last = {name, time};
  }
  return last;
}

bool EqualButForWriting(const Value& a, const Value& b) {
  Value left = a;
  Value right = b;
  for (Value* side : {&left, &right}) {
    for (const char* pointer : {"/metadata/managedFields", "/metadata/resourceVersion",
                                "/metadata/generation", "/metadata/creationTimestamp"}) {
      side->Remove(pointer);
    }
  }
  return left == right;
}

}  // namespace muster::agent
