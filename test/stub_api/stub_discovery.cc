#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/manifest/json.h"
#include "test/stub_api/stub_cluster.h"

namespace muster {
namespace {

Value::List Verbs() { return {"create", "delete", "get", "list", "patch", "update", "watch"}; }

}  // namespace

StubCluster::StubCluster() {
  Serve({"v1", "Namespace", "namespaces", false});
  for (const char* kind : {"ConfigMap", "Secret", "Service", "ServiceAccount", "Pod", "Event"}) {
    Serve({"v1", kind, absl::AsciiStrToLower(absl::StrCat(kind, "s")), true});
  }
  Serve({"apps/v1", "Deployment", "deployments", true});
  Serve(
      {"apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", false});
}

StubResponse StubCluster::Discover(const StubRequest& request) const {
  const bool core = absl::StartsWith(request.path, "/api/") || request.path == "/api";
  const auto accept = request.headers.find("accept");
  if (request.path == "/api" || request.path == "/apis") {
    const bool aggregated = aggregated_discovery && accept != request.headers.end() &&
                            absl::StrContains(accept->second, "APIGroupDiscoveryList");
    std::map<std::string, std::map<std::string, Value::List>> groups;
    for (const Kind& kind : kinds_) {
      const std::vector<std::string> parts = absl::StrSplit(kind.api_version, '/');
      if ((parts.size() == 1) != core) continue;
      groups[parts.size() == 1 ? "" : parts[0]][parts.back()].push_back(
          Value::Map{{"resource", kind.plural},
                     {"responseKind", Value::Map{{"kind", kind.kind}}},
                     {"scope", kind.namespaced ? "Namespaced" : "Cluster"},
                     {"verbs", Verbs()}});
    }
    Value::List items, legacy, versions_of_core;
    for (auto& [group, versions] : groups) {
      Value::List of_group, names;
      for (auto& [version, resources] : versions) {
        const bool gone =
            away.contains(group.empty() ? version : absl::StrCat(group, "/", version));
        of_group.push_back(
            Value::Map{{"version", version},
                       {"resources", gone ? Value(Value::List()) : Value(std::move(resources))},
                       {"freshness", gone ? "Stale" : "Current"}});
        names.push_back(Value::Map{{"groupVersion", absl::StrCat(group, "/", version)}});
        versions_of_core.push_back(version);
      }
      items.push_back(
          Value::Map{{"metadata", Value::Map{{"name", group}}}, {"versions", std::move(of_group)}});
      legacy.push_back(Value::Map{{"name", group}, {"versions", std::move(names)}});
    }
    if (aggregated) {
      return {
          .body = CanonicalJson(Value::Map{{"kind", "APIGroupDiscoveryList"},
                                           {"apiVersion", "apidiscovery.k8s.io/v2"},
                                           {"metadata", Value::Map{}},
                                           {"items", std::move(items)}}),
          .headers = {{"content-type",
                       "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}}};
    }
    if (core) {
      return {.body = CanonicalJson(
                  Value::Map{{"kind", "APIVersions"}, {"versions", std::move(versions_of_core)}})};
    }
    return {.body =
                CanonicalJson(Value::Map{{"kind", "APIGroupList"}, {"groups", std::move(legacy)}})};
  }
  const std::string version(absl::StripPrefix(absl::StripPrefix(request.path, "/apis/"), "/api/"));
  if (away.contains(version)) return {.status = 503, .body = "service unavailable"};
  Value::List resources;
  for (const Kind& kind : kinds_) {
    if (kind.api_version != version) continue;
    resources.push_back(Value::Map{{"name", kind.plural},
                                   {"kind", kind.kind},
                                   {"namespaced", kind.namespaced},
                                   {"verbs", Verbs()}});
  }
  if (resources.empty()) return {.status = 404, .body = "404 page not found"};
  return {.body = CanonicalJson(Value::Map{{"kind", "APIResourceList"},
                                           {"groupVersion", version},
                                           {"resources", std::move(resources)}})};
}

// Version 3: an index, whose hashes are the documents' sizes, and a document for each group and
// version, with what tells kinds and parameters of a patch.
StubResponse StubCluster::OpenApi(const StubRequest& request) const {
  if (!has_open_api) return {.status = 404, .body = "404 page not found"};
  std::map<std::string, std::string> documents;
  std::map<std::string, Value::Map> paths;
  for (const Kind& kind : kinds_) {
    const size_t slash = kind.api_version.find('/');
    const bool core = slash == std::string::npos;
    Value::List parameters = {Value::Map{{"in", "query"}, {"name", "fieldManager"}}};
    if (kind.dry_runs) parameters.push_back(Value::Map{{"in", "query"}, {"name", "dryRun"}});
    const Value patch = Value::Map{
        {"parameters", std::move(parameters)},
        {"x-kubernetes-group-version-kind",
         Value::Map{{"group", core ? "" : kind.api_version.substr(0, slash)},
                    {"version", core ? kind.api_version : kind.api_version.substr(slash + 1)},
                    {"kind", kind.kind}}}};
    const std::string name = absl::StrCat(core ? "api/" : "apis/", kind.api_version);
    const std::string place = absl::StrCat(
        "/", name, kind.namespaced ? "/namespaces/{namespace}/" : "/", kind.plural, "/{name}");
    paths[name].Set(place, Value::Map{{"patch", patch}});
    Value status = patch;
    CHECK(status.Set("/parameters", Value::List()));
    paths[name].Set(absl::StrCat(place, "/status"), Value::Map{{"patch", std::move(status)}});
  }
  Value::Map index;
  for (auto& [name, of_version] : paths) {
    documents[name] =
        CanonicalJson(Value::Map{{"openapi", "3.0.0"}, {"paths", std::move(of_version)}});
    index.Set(name,
              Value::Map{{"serverRelativeURL",
                          absl::StrCat("/openapi/v3/", name, "?hash=", documents[name].size())}});
  }
  if (request.path == "/openapi/v3") {
    return {.body = CanonicalJson(Value::Map{{"paths", std::move(index)}})};
  }
  const auto found = documents.find(std::string(absl::StripPrefix(request.path, "/openapi/v3/")));
  if (found == documents.end()) return {.status = 404, .body = "404 page not found"};
  return {.body = found->second};
}

}  // namespace muster
