// ApiCatalog: what kinds an API server serves and under which paths: its discovery, read once and
// kept small.
//
// Read from the aggregated documents of /api and /apis (two requests), or group by group from a
// server that knows no such thing. Pure; a plain value.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

struct ApiKind {
  std::string plural;
  bool namespaced = false;
  bool lists = false, watches = false, patches = false, deletes = false;
};

class ApiCatalog {
 public:
  // Takes in an APIGroupDiscoveryList. kInvalidArgument when it is none.
  absl::Status AddAggregated(const Value& document);

  // Takes in an APIResourceList, of one group and version.
  absl::Status AddResources(const Value& document);

  // The server behind this group and version did not say what it serves.
  void AddAway(const std::string& api_version) { away_.insert(api_version); }
  // Then a kind that is not found may be there all the same.
  bool IsAway(absl::string_view api_version) const { return away_.contains(api_version); }

  // Null when the server does not serve the kind in this version.
  const ApiKind* Find(absl::string_view api_version, absl::string_view kind) const;

  // "/apis/apps/v1/namespaces/web/deployments/frontend"; without `name` the collection. Requires:
  // the kind is the key's.
  static std::string Path(const ApiKind& kind, const ObjectKey& key);
  static std::string CollectionPath(const ApiKind& kind, absl::string_view api_version,
                                    absl::string_view namespace_);

  // All kinds, each in the version that the server prefers.
  struct Listed {
    std::string api_version;
    std::string kind;
    ApiKind api;
  };
  std::vector<Listed> Preferred() const;

  bool empty() const { return kinds_.empty(); }

 private:
  void Add(const std::string& api_version, const std::string& kind, ApiKind api);

  std::map<std::pair<std::string, std::string>, ApiKind> kinds_;          // by version and kind
  std::map<std::pair<std::string, std::string>, std::string> preferred_;  // by group and kind
  std::set<std::string, std::less<>> away_;                               // group and version
};

// The group-versions in an APIVersions or APIGroupList document, preferred ones of a group first.
std::vector<std::string> GroupVersionsIn(const Value& document);

}  // namespace muster::agent
