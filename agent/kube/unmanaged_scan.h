// UnmanagedScan: finds what stands in managed namespaces and is nobody's package: one list of
// metadata a kind and namespace, page by page.
//
// What another object owns (pods of a deployment) and what Kubernetes makes by itself is left out;
// so is a kind that we may not list. Pure; see operation.h.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/kube/api_catalog.h"
#include "agent/kube/operation.h"

namespace muster::agent {

class UnmanagedScan {
 public:
  // `catalog` is not needed after that.
  UnmanagedScan(const UnmanagedQuery& query, const ApiCatalog& catalog, absl::Time deadline);

  const std::vector<Operation*>& operations() const { return operations_; }

  // After all of them are done.
  absl::StatusOr<Unmanaged> result() &&;

 private:
  class Listing;
  using Identity = std::tuple<std::string, std::string, std::string, std::string>;

  static Identity IdentityOf(const ObjectKey& key);
  void Found(ObjectKey key);

  const size_t keys_max_;
  std::set<Identity> managed_;
  std::vector<std::unique_ptr<Operation>> own_;
  std::vector<Operation*> operations_;
  std::set<ObjectKey> first_;  // the first keys_max
  int64_t count_ = 0;
  absl::Status failure_;  // the server could not be asked
  absl::Status trouble_;  // it could, and could not do it, for some kind
  bool counted_ = false;  // some kind
};

}  // namespace muster::agent
