// GetOperation: looks at one object itself, where no watch tells of it or its contents are wanted.
//
// Pure; see operation.h.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/kube/live_cache.h"
#include "agent/kube/operation.h"

namespace muster::agent {

class GetOperation final : public Operation {
 public:
  // `cache` must outlive it.
  GetOperation(ServedObject served, std::shared_ptr<const Terms> terms, bool contents,
               absl::Time deadline, LiveCache& cache);

  std::optional<ApiRequest> Next() override;
  void Take(absl::StatusOr<ApiResponse> response) override;

  // The server said so, whatever it said.
  bool answered() const { return answered_; }
  // Nothing when it is not there.
  absl::StatusOr<std::optional<LiveObject>> result() && { return std::move(result_); }

 private:
  absl::StatusOr<std::optional<LiveObject>> Read(const ApiResponse& response);

  const ServedObject served_;
  const std::shared_ptr<const Terms> terms_;
  const bool contents_;
  const absl::Time deadline_;
  LiveCache& cache_;
  bool done_ = false;
  bool answered_ = false;
  absl::StatusOr<std::optional<LiveObject>> result_ = absl::UnknownError("not sent");
};

}  // namespace muster::agent
