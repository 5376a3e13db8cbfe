#include "agent/kube/api_catalog.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace muster::agent {
namespace {

std::string Text(const Value* map, absl::string_view key) {
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

const Value::List& List(const Value* map, absl::string_view key) {
  static const auto& none = *new Value::List();
  const Value* value = map == nullptr ? nullptr : map->Get(key);
  return value != nullptr && value->is_list() ? value->list() : none;
}

std::string Join(const std::string& group, const std::string& version) {
  return group.empty() ? version : absl::StrCat(group, "/", version);
}

void ReadVerbs(const Value& resource, ApiKind& api) {
  for (const Value& verb : List(&resource, "verbs")) {
    if (!verb.is_string()) continue;
    api.lists |= verb.string() == "list";
    api.watches |= verb.string() == "watch";
    api.patches |= verb.string() == "patch";
    api.deletes |= verb.string() == "delete";
  }
}

}  // namespace

void ApiCatalog::Add(const std::string& api_version, const std::string& kind, ApiKind api) {
  // A server may name what is no part of a path; such a kind is not served, as far as we know.
  const bool odd = api.plural.empty() || absl::StrContains(api.plural, '/') ||
                   absl::StrContains(api_version, '?') || kind.empty();
  if (odd) return;
  const size_t slash = api_version.find('/');
  const std::string group = slash == std::string::npos ? "" : api_version.substr(0, slash);
  preferred_.try_emplace({group, kind}, api_version);
  kinds_[{api_version, kind}] = std::move(api);
}

absl::Status ApiCatalog::AddAggregated(const Value& document) {
  if (Text(&document, "kind") != "APIGroupDiscoveryList") {
    return absl::InvalidArgumentError("this is no APIGroupDiscoveryList");
  }
  for (const Value& group : List(&document, "items")) {
    const std::string name = Text(group.Get("metadata"), "name");
    for (const Value& version : List(&group, "versions")) {
      const std::string api_version = Join(name, Text(&version, "version"));
      if (Text(&version, "freshness") == "Stale") AddAway(api_version);
      for (const Value& resource : List(&version, "resources")) {
        ApiKind api{.plural = Text(&resource, "resource"),
                    .namespaced = Text(&resource, "scope") == "Namespaced"};
        ReadVerbs(resource, api);
        Add(api_version, Text(resource.Get("responseKind"), "kind"), std::move(api));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ApiCatalog::AddResources(const Value& document) {
  if (Text(&document, "kind") != "APIResourceList") {
    return absl::InvalidArgumentError("this is no APIResourceList");
  }
  for (const Value& resource : List(&document, "resources")) {
    const Value* namespaced = resource.Get("namespaced");
    ApiKind api{
        .plural = Text(&resource, "name"),
        .namespaced = namespaced != nullptr && namespaced->is_bool() && namespaced->boolean()};
    ReadVerbs(resource, api);  // Subresources have a '/' and are left out by Add.
    Add(Text(&document, "groupVersion"), Text(&resource, "kind"), std::move(api));
  }
  return absl::OkStatus();
}

const ApiKind* ApiCatalog::Find(absl::string_view api_version, absl::string_view kind) const {
  const auto at = kinds_.find({std::string(api_version), std::string(kind)});
  return at == kinds_.end() ? nullptr : &at->second;
}

std::string ApiCatalog::CollectionPath(const ApiKind& kind, absl::string_view api_version,
                                       absl::string_view namespace_) {
  const char* root = absl::StrContains(api_version, '/') ? "/apis/" : "/api/";
  if (namespace_.empty() || !kind.namespaced) {
    return absl::StrCat(root, api_version, "/", kind.plural);
  }
  return absl::StrCat(root, api_version, "/namespaces/", namespace_, "/", kind.plural);
}

std::string ApiCatalog::Path(const ApiKind& kind, const ObjectKey& key) {
  return absl::StrCat(CollectionPath(kind, key.api_version, key.namespace_), "/", key.name);
}

std::vector<ApiCatalog::Listed> ApiCatalog::Preferred() const {
  std::vector<Listed> all;
  for (const auto& [group_and_kind, api_version] : preferred_) {
    all.push_back(Listed{.api_version = api_version,
                         .kind = group_and_kind.second,
                         .api = kinds_.at({api_version, group_and_kind.second})});
  }
  return all;
}

std::vector<std::string> GroupVersionsIn(const Value& document) {
  std::vector<std::string> found;
  for (const Value& version : List(&document, "versions")) {
    if (version.is_string()) found.push_back(version.string());
  }
  for (const Value& group : List(&document, "groups")) {
    const std::string preferred = Text(group.Get("preferredVersion"), "groupVersion");
    if (!preferred.empty()) found.push_back(preferred);
    for (const Value& version : List(&group, "versions")) {
      const std::string name = Text(&version, "groupVersion");
      if (!name.empty() && name != preferred) found.push_back(name);
    }
  }
  return found;
}

}  // namespace muster::agent
