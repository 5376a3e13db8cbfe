// RemoveOperation: deletes one object, and only the one that was meant: by uid, in the version in
// which nothing forbade it.
//
// Pure; see operation.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/kube/live_cache.h"
#include "agent/kube/operation.h"

namespace muster::agent {

// A DeleteOptions: what must hold for the deletion, in the background. A version of zero asks for
// none.
std::string DeleteBody(const std::string& uid, uint64_t version);

class RemoveOperation final : public Operation {
 public:
  static constexpr const char* kVerb = "remove";

  // `request` and `cache` must outlive it.
  RemoveOperation(const RemoveRequest& request, ServedObject served, absl::Time deadline,
                  LiveCache& cache);

  std::optional<ApiRequest> Next() override;
  void Take(absl::StatusOr<ApiResponse> response) override;

  DriverResult result() && { return std::move(result_); }

 private:
  enum class Step { kLook, kDelete, kDone };

  void Judge(const LiveObject& live);
  void TakeDelete(const ApiResponse& response);
  void End(absl::Status status);

  const RemoveRequest& request_;
  const ObjectKey key_;
  const std::string path_;
  const absl::Time deadline_;
  LiveCache& cache_;

  Step step_ = Step::kLook;
  uint64_t version_ = 0;
  int looks_ = 0;
  DriverResult result_;
};

}  // namespace muster::agent
