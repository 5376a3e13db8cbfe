// ApplyOperation: writes one object by server-side apply, or says what that would change.
//
// An object of ours costs one request. One that is not in the inventory is looked at first unless
// it is known not to be there, so that nobody's object is written over: `adopt` decides, and a
// conflict on the way in means that somebody was faster. Fields that people's tools own are taken
// back by force; fields that other controllers own are a conflict, unless the request has `force`.
// Pure; see operation.h.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/kube/live_cache.h"
#include "agent/kube/operation.h"
#include "common/manifest/value.h"

namespace muster::agent {

class ApplyOperation final : public Operation {
 public:
  static constexpr const char* kVerb = "apply";

  // `request` and `cache` must outlive it.
  ApplyOperation(const ApplyRequest& request, ServedObject served, absl::Time deadline,
                 LiveCache& cache);

  std::optional<ApiRequest> Next() override;
  void Take(absl::StatusOr<ApiResponse> response) override;

  DriverResult result() && { return std::move(result_); }

 private:
  enum class Step {
    kLook,         // GET: what is there
    kProbe,        // a dry run by force: what it would become
    kWrite,        // the apply
    kWriteForced,  // again, by force: what stood in the way are hand edits
    kDelete,       // of what cannot be changed in place
    kAwaitGone,    // GET until it is
    kDone,
  };

  void TakeLook(const ApiResponse& response);
  void Looked();
  absl::Status MayProbe() const;
  void TakeProbe(const ApiResponse& response);
  void TakeWrite(const ApiResponse& response);
  void TakeDelete(const ApiResponse& response);
  void TakeAwaited(const ApiResponse& response);
  void Refuse(const ApiResponse& response);
  void Fail(absl::Status status);
  void LeaveToOthers();
  const Terms* terms() const { return request_.terms.get(); }

  const ApplyRequest& request_;
  const ObjectKey key_;
  const std::string path_;
  const std::function<absl::Status()> may_probe_;
  const absl::Time deadline_;
  LiveCache& cache_;

  Step step_;
  std::string body_;
  std::optional<Value> live_;  // as it was looked at; nothing: it is not there
  bool looked_ = false;
  bool replacing_ = false;
  int polls_ = 0;
  DriverResult result_;
};

// What of a desired object the server takes: without what only a server writes (status, versions),
// and without a namespace where the kind has none.
std::string ApplyBody(const std::string& json, bool namespaced);

}  // namespace muster::agent
