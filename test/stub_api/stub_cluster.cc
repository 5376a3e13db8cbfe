#include "test/stub_api/stub_cluster.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

constexpr char kSeparator = '\x1f';
constexpr const char* kTime = "2026-01-01T00:00:00Z";

std::string Text(const Value& object, absl::string_view pointer) {
  const Value* value = object.Find(pointer);
  return value != nullptr && value->is_string() ? value->string() : "";
}

bool IsKeyedByName(absl::string_view field, const Value& value) {
  static const auto& names =
      *new std::set<std::string, std::less<>>{"containers", "initContainers", "env", "volumes"};
  if (!value.is_list() || value.list().empty() || !names.contains(field)) return false;
  return std::all_of(value.list().begin(), value.list().end(),
                     [](const Value& each) { return each.Get("name") != nullptr; });
}

std::string Join(const std::string& path, const std::string& step) {
  return path.empty() ? step : absl::StrCat(path, std::string(1, kSeparator), step);
}

void FlattenInto(const Value& value, const std::string& path, absl::string_view field,
                 std::map<std::string, Value>& leaves) {
  if (value.is_map() && !value.map().empty()) {
    for (const Member& member : value.map()) {
      FlattenInto(member.value, Join(path, "f:" + member.key), member.key, leaves);
    }
  } else if (IsKeyedByName(field, value)) {
    for (const Value& element : value.list()) {
      const Value keys = Value::Map{{"name", *element.Get("name")}};
      FlattenInto(element, Join(path, "k:" + CanonicalJson(keys)), "", leaves);
    }
  } else {
    leaves.emplace(path, value);
  }
}

// Where the steps lead, made on the way when `make`; null when it is not there.
Value* Walk(Value& root, const std::string& path, bool make) {
  Value* at = &root;
  for (const absl::string_view step : absl::StrSplit(path, kSeparator)) {
    const std::string name(step.substr(2));
    if (absl::StartsWith(step, "f:")) {
      if (!at->is_map()) {
        if (!make) return nullptr;
        *at = Value::Map();
      }
      if (make) at->map().Insert(name, Value());
      at = at->map().Get(name);
    } else {
      const Value keys = *ParseJson(name);
      if (!at->is_list()) {
        if (!make) return nullptr;
        *at = Value::List();
      }
      Value* found = nullptr;
      for (Value& element : at->list()) {
        if (*element.Get("name") == *keys.Get("name")) found = &element;
      }
      if (found == nullptr && make) {
        at->list().push_back(keys);
        found = &at->list().back();
      }
      at = found;
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

void RemoveLeaf(Value& root, const std::string& path) {
  const size_t cut = path.rfind(kSeparator);
  const std::string step = path.substr(cut == path.npos ? 0 : cut + 1);
  Value* above = cut == path.npos ? &root : Walk(root, path.substr(0, cut), false);
  if (above == nullptr) return;
  if (above->is_map()) above->map().Erase(step.substr(2));
  const bool empty = above->is_map() ? above->map().empty() : false;
  if (empty && cut != path.npos) RemoveLeaf(root, path.substr(0, cut));
}

Value TreeOf(const std::set<std::string>& paths) {
  Value tree = Value::Map();
  for (const std::string& path : paths) {
    Value* at = &tree;
    for (const absl::string_view step : absl::StrSplit(path, kSeparator)) {
      at->map().Insert(std::string(step), Value::Map());
      at = at->map().Get(step);
    }
  }
  return tree;
}

// ".data.value", as a server writes it.
std::string Printed(const std::string& path) {
  std::string text;
  for (const absl::string_view step : absl::StrSplit(path, kSeparator)) {
    if (absl::StartsWith(step, "f:")) {
      absl::StrAppend(&text, ".", step.substr(2));
    } else {
      const Value keys = *ParseJson(step.substr(2));
      absl::StrAppend(&text, "[name=", CanonicalJson(*keys.Get("name")), "]");
    }
  }
  return text;
}

}  // namespace

void StubCluster::Serve(Kind kind) { kinds_.push_back(std::move(kind)); }

void StubCluster::Unserve(const std::string& kind) {
  std::erase_if(kinds_, [&](const Kind& each) { return each.kind == kind; });
}

StubResponse StubCluster::Error(int code, const std::string& reason, const std::string& message,
                                Value::Map details) {
  return {.status = code,
          .body = CanonicalJson(Value::Map{{"apiVersion", "v1"},
                                           {"kind", "Status"},
                                           {"status", "Failure"},
                                           {"code", code},
                                           {"reason", reason},
                                           {"message", message},
                                           {"details", std::move(details)}})};
}

const Value* StubCluster::Get(const std::string& path) const {
  const auto at = objects_.find(path);
  return at == objects_.end() ? nullptr : &at->second.object;
}

// Takes a path apart: "/apis/apps/v1/namespaces/web/deployments/x".
const StubCluster::Kind* StubCluster::FindKind(const std::string& path, std::string& name_space,
                                               std::string& name) const {
  absl::string_view rest = path;
  for (const Kind& kind : kinds_) {
    const std::string root = absl::StrCat(
        absl::StrContains(kind.api_version, '/') ? "/apis/" : "/api/", kind.api_version, "/");
    if (!absl::StartsWith(path, root)) continue;
    rest = absl::string_view(path).substr(root.size());
    std::vector<std::string> parts = absl::StrSplit(rest, '/');
    name_space.clear();
    if (kind.namespaced && parts.size() >= 3 && parts[0] == "namespaces") {
      name_space = parts[1];
      parts.erase(parts.begin(), parts.begin() + 2);
    }
    if (parts.empty() || parts.size() > 2 || parts[0] != kind.plural) continue;
    name = parts.size() == 2 ? parts[1] : "";
    return &kind;
  }
  return nullptr;
}

// ---------------------------------------------------------------- requests

StubResponse StubCluster::Handle(const StubRequest& request, Listener listener,
                                 uint64_t* subscription) {
  if (keep_log) {
    log.push_back(request);
    log.back().body.clear();
  }
  if (intercept) {
    if (std::optional<StubResponse> answer = intercept(request); answer.has_value()) return *answer;
  }
  const auto given = request.headers.find("authorization");
  if (!token.empty() && (given == request.headers.end() || given->second != "Bearer " + token)) {
    return Error(401, "Unauthorized", "Unauthorized");
  }
  if (request.path == "/version") return {.body = R"({"gitVersion":"v1.34.0-stub"})"};
  if (request.method == "PATCH" && absl::EndsWith(request.path, "/status")) {
    return ApplyStatus(request);
  }
  std::string name_space, name;
  const Kind* kind = FindKind(request.path, name_space, name);
  if (absl::StartsWith(request.path, "/openapi/v3")) return OpenApi(request);
  if (kind == nullptr) return Discover(request);
  if (away.contains(kind->api_version)) return Error(503, "ServiceUnavailable", "no endpoints");
  if (request.method == "POST") return Create(request);
  if (name.empty())
    return Collection(request, *kind, name_space, std::move(listener), subscription);
  const auto type = request.headers.find("content-type");
  const bool merges =
      type != request.headers.end() && absl::StrContains(type->second, "merge-patch");
  if (request.method == "PATCH" && !merges) return Apply(request, *kind, name_space);
  const auto at = objects_.find(request.path);
  if (at == objects_.end()) {
    return Error(404, "NotFound", absl::StrCat(kind->plural, " \"", name, "\" not found"));
  }
  if (request.method == "DELETE") return Remove(request);
  if (request.method == "PATCH") return Merge(request);
  return {.body = CanonicalJson(at->second.object)};
}

StubResponse StubCluster::Collection(const StubRequest& request, const Kind& kind,
                                     const std::string& name_space, Listener listener,
                                     uint64_t* subscription) {
  const auto query = [&](const char* key) {
    const auto at = request.query.find(key);
    return at == request.query.end() ? std::string() : at->second;
  };
  const std::string kind_path = absl::StrCat(kind.api_version, "/", kind.plural);
  if (query("watch") == "true") {
    return Watch(request, kind_path, name_space, std::move(listener), subscription);
  }
  size_t limit = 0;
  (void)absl::SimpleAtoi(query("limit"), &limit);
  const std::string after = query("continue");
  std::string items, last;
  size_t count = 0;
  bool more = false;
  for (auto at = objects_.upper_bound(after); at != objects_.end(); ++at) {
    const Stored& stored = at->second;
    if (stored.kind_path != kind_path) continue;
    if (!name_space.empty() && Text(stored.object, "/metadata/namespace") != name_space) continue;
    if (limit != 0 && count == limit) {
      more = true;
      break;
    }
    Value item = stored.object;
    item.Remove("/apiVersion");
    item.Remove("/kind");
    absl::StrAppend(&items, count == 0 ? "" : ",", CanonicalJson(item));
    last = at->first;
    ++count;
  }
  return {.body =
              absl::StrCat(R"({"kind":")", kind.kind, R"(List","apiVersion":")", kind.api_version,
                           R"(","metadata":{"resourceVersion":")", version_, R"(","continue":")",
                           more ? last : "", R"("},"items":[)", items, "]}")};
}

StubResponse StubCluster::Watch(const StubRequest& request, const std::string& kind_path,
                                const std::string& name_space, Listener listener,
                                uint64_t* subscription) {
  uint64_t from = 0;
  const auto version = request.query.find("resourceVersion");
  if (version != request.query.end()) (void)absl::SimpleAtoi(version->second, &from);
  if (from < oldest_) {
    return Error(410, "Expired", absl::StrCat("too old resource version: ", from));
  }
  StubResponse response{.stays_open = true};
  for (const Past& past : past_) {
    if (past.version <= from || past.kind_path != kind_path) continue;
    if (name_space.empty() || name_space == past.namespace_) {
      absl::StrAppend(&response.body, past.line);
    }
  }
  *subscription = next_subscription_++;
  listeners_[*subscription] = {kind_path, name_space, std::move(listener)};
  return response;
}

StubCluster::Fields StubCluster::Flatten(const Value& object) {
  Value own = object;
  for (const char* pointer :
       {"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace", "/metadata/uid",
        "/metadata/resourceVersion", "/metadata/managedFields", "/metadata/creationTimestamp",
        "/metadata/deletionTimestamp", "/metadata/finalizers", "/status"}) {
    own.Remove(pointer);
  }
  if (const Value* metadata = own.Get("metadata");
      metadata != nullptr && metadata->is_map() && metadata->map().empty()) {
    own.Remove("/metadata");
  }
  Fields leaves;
  if (own.is_map() && !own.map().empty()) FlattenInto(own, "", "", leaves);
  return leaves;
}

StubResponse StubCluster::Apply(const StubRequest& request, const Kind& kind,
                                const std::string& name_space) {
  const absl::StatusOr<Value> body = ParseJson(request.body);
  if (!body.ok() || !body->is_map()) return Error(400, "BadRequest", "the body is no object");
  if (body->Find("/metadata/managedFields") != nullptr) {
    return Error(400, "BadRequest", "metadata.managedFields must be nil");
  }
  const std::string manager = request.query.at("fieldManager");
  const bool force = request.query.contains("force");
  const auto at = objects_.find(request.path);
  const bool is_new = at == objects_.end();
  Stored stored;
  if (is_new) {
    stored.object = *body;
    stored.kind_path = absl::StrCat(kind.api_version, "/", kind.plural);
    if (!name_space.empty()) stored.object.Set("/metadata/namespace", name_space);
    stored.object.Set("/metadata/uid", absl::StrCat("uid-", next_uid_));
    stored.object.Set("/metadata/creationTimestamp", kTime);
  } else {
    stored = at->second;
  }
  const Fields wanted = Flatten(*body);
  std::set<std::string>& own = stored.owners[{manager, "Apply"}];
  Value::List causes;
  for (const auto& [path, value] : wanted) {
    const Value* live = Walk(stored.object, path, false);
    if (live != nullptr && *live == value) continue;
    for (auto& [owner, paths] : stored.owners) {
      if (owner.first == manager && owner.second == "Apply") continue;
      if (!paths.contains(path)) continue;
      if (force) {
        paths.erase(path);
      } else {
        causes.push_back(Value::Map{{"reason", "FieldManagerConflict"},
                                    {"field", Printed(path)},
                                    {"message", absl::StrCat("conflict with \"", owner.first,
                                                             "\" using ", kind.api_version)}});
      }
    }
  }
  if (!causes.empty()) {
    const std::string message = absl::StrCat("Apply failed with ", causes.size(), " conflicts");
    return Error(409, "Conflict", message, {{"causes", std::move(causes)}});
  }
  for (const std::string& path : own) {
    if (wanted.contains(path)) continue;
    const bool shared = std::any_of(stored.owners.begin(), stored.owners.end(), [&](const auto& o) {
      return o.first != std::pair(manager, std::string("Apply")) && o.second.contains(path);
    });
    if (!shared) RemoveLeaf(stored.object, path);
  }
  own.clear();
  for (const auto& [path, value] : wanted) {
    Value& live = *Walk(stored.object, path, true);
    const bool merges = value.is_map() && live.is_map();  // an empty one adds nothing
    if (!merges) live = value;
    own.insert(path);
  }
  std::erase_if(stored.owners, [](const auto& each) { return each.second.empty(); });
  WriteManagers(stored);
  const bool same = !is_new && stored.object == at->second.object;
  if (!request.query.contains("dryRun") && !same) {
    if (is_new) ++next_uid_;
    Commit(request.path, stored, is_new ? "ADDED" : "MODIFIED");
    return {.status = is_new ? 201 : 200, .body = CanonicalJson(*Get(request.path))};
  }
  return {.body = CanonicalJson(stored.object)};
}

StubResponse StubCluster::ApplyStatus(const StubRequest& request) {
  const std::string path(absl::StripSuffix(request.path, "/status"));
  const absl::StatusOr<Value> body = ParseJson(request.body);
  const Value* status = body.ok() ? body->Get("status") : nullptr;
  if (status == nullptr) return Error(400, "BadRequest", "the body has no status");
  if (!objects_.contains(path)) return Error(404, "NotFound", path + " not found");
  SetStatus(path, CanonicalJson(*status));
  return {.body = CanonicalJson(*Get(path))};
}

StubResponse StubCluster::Create(const StubRequest& request) {
  const absl::StatusOr<Value> body = ParseJson(request.body);
  if (!body.ok()) return Error(400, "BadRequest", "the body is no object");
  const std::string path = absl::StrCat(request.path, "/", Text(*body, "/metadata/name"));
  if (objects_.contains(path)) return Error(409, "AlreadyExists", path + " already exists");
  Update(path, request.body, "creator");
  return {.status = 201, .body = CanonicalJson(*Get(path))};
}

// A merge patch whose members replace those of the object, one level deep.
StubResponse StubCluster::Merge(const StubRequest& request) {
  const absl::StatusOr<Value> body = ParseJson(request.body);
  if (!body.ok() || !body->is_map()) return Error(400, "BadRequest", "the body is no object");
  Value object = objects_.at(request.path).object;
  for (const Member& member : body->map()) object.map().Set(member.key, member.value);
  Update(request.path, CanonicalJson(object), "merger");
  return {.body = CanonicalJson(*Get(request.path))};
}

StubResponse StubCluster::Remove(const StubRequest& request) {
  const Stored& stored = objects_.at(request.path);
  const absl::StatusOr<Value> options = ParseJson(request.body);
  for (const char* field : {"uid", "resourceVersion"}) {
    const std::string wanted =
        options.ok() ? Text(*options, absl::StrCat("/preconditions/", field)) : "";
    const std::string live = Text(stored.object, absl::StrCat("/metadata/", field));
    if (wanted.empty() || wanted == live) continue;
    return Error(409, "Conflict",
                 absl::StrCat("Precondition failed: ", field, " in precondition: ", wanted,
                              ", in object meta: ", live));
  }
  if (stored.object.Find("/metadata/finalizers") != nullptr) {
    Stored going = stored;
    going.object.Set("/metadata/deletionTimestamp", kTime);
    Commit(request.path, std::move(going), "MODIFIED");
    return {.body = CanonicalJson(*Get(request.path))};
  }
  Erase(request.path);
  return {.body = R"({"apiVersion":"v1","kind":"Status","status":"Success"})"};
}

// ---------------------------------------------------------------- the world

void StubCluster::WriteManagers(Stored& stored) {
  Value::List entries;
  for (const auto& [owner, paths] : stored.owners) {
    entries.push_back(Value::Map{{"manager", owner.first},
                                 {"operation", owner.second},
                                 {"apiVersion", "v1"},
                                 {"time", kTime},
                                 {"fieldsType", "FieldsV1"},
                                 {"fieldsV1", TreeOf(paths)}});
  }
  stored.object.Set("/metadata/managedFields", std::move(entries));
}

void StubCluster::Update(const std::string& path, const std::string& json,
                         const std::string& manager) {
  std::string name_space, name;
  const Kind* kind = FindKind(path, name_space, name);
  CHECK(kind != nullptr) << path;
  const auto at = objects_.find(path);
  Stored stored;
  Fields before;
  if (at != objects_.end()) {
    stored = at->second;
    before = Flatten(stored.object);
  }
  Value object = *ParseJson(json);
  object.Set("/metadata/uid", at != objects_.end() ? Text(stored.object, "/metadata/uid")
                                                   : absl::StrCat("uid-", next_uid_++));
  object.Set("/metadata/creationTimestamp", kTime);
  const Fields now = Flatten(object);
  std::set<std::string> taken;
  for (const auto& [leaf, value] : now) {
    const auto was = before.find(leaf);
    if (was == before.end() || !(was->second == value)) taken.insert(leaf);
  }
  for (auto& [owner, paths] : stored.owners) {
    std::erase_if(paths, [&](const std::string& leaf) {
      return taken.contains(leaf) || !now.contains(leaf);
    });
  }
  stored.owners[{manager, "Update"}].insert(taken.begin(), taken.end());
  std::erase_if(stored.owners, [](const auto& each) { return each.second.empty(); });
  stored.object = std::move(object);
  stored.kind_path = absl::StrCat(kind->api_version, "/", kind->plural);
  WriteManagers(stored);
  Commit(path, std::move(stored), at != objects_.end() ? "MODIFIED" : "ADDED");
}

void StubCluster::SetStatus(const std::string& path, const std::string& json) {
  Stored stored = objects_.at(path);
  stored.object.Set("/status", *ParseJson(json));
  Commit(path, std::move(stored), "MODIFIED");
}

void StubCluster::Delete(const std::string& path) {
  if (objects_.contains(path)) Erase(path);
}

void StubCluster::Commit(const std::string& path, Stored stored, const char* type) {
  stored.object.Set("/metadata/resourceVersion", absl::StrCat(++version_));
  Tell(type, stored);
  objects_[path] = std::move(stored);
}

void StubCluster::Erase(const std::string& path) {
  auto node = objects_.extract(path);
  node.mapped().object.Set("/metadata/resourceVersion", absl::StrCat(++version_));
  Tell("DELETED", node.mapped());
}

void StubCluster::Tell(const char* type, const Stored& stored) {
  Past past{.version = version_,
            .kind_path = stored.kind_path,
            .namespace_ = Text(stored.object, "/metadata/namespace"),
            .line = absl::StrCat(R"({"type":")", type, R"(","object":)",
                                 CanonicalJson(stored.object), "}\n")};
  for (const auto& [id, subscription] : listeners_) {
    if (subscription.kind_path != past.kind_path) continue;
    if (!subscription.namespace_.empty() && subscription.namespace_ != past.namespace_) continue;
    subscription.listener(past.line);
  }
  past_.push_back(std::move(past));
}

void StubCluster::SendBookmarks() {
  const std::string line =
      absl::StrCat(R"({"type":"BOOKMARK","object":{"kind":"Bookmark","apiVersion":"v1",)",
                   R"("metadata":{"resourceVersion":")", version_, "\"}}}\n");
  for (const auto& [id, subscription] : listeners_) subscription.listener(line);
}

}  // namespace muster
