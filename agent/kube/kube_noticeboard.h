// KubeNoticeboard: the agent's story in the cluster: the status of one object of kind Muster
// (muster.dev/v1alpha1) in the agent's namespace, and Events on the objects that it speaks of.
//
// Where the definition of Muster is not installed there is nothing to write to, which is no error.
// An Event that cannot be written is dropped with a line in the log: the status says the same.
// Blocks; one call at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/cluster/noticeboard.h"
#include "agent/kube/api_client.h"
#include "agent/kube/event_loop.h"
#include "common/base/clock.h"

namespace muster::agent {

class KubeNoticeboard final : public Noticeboard {
 public:
  // `loop`, `client` and `clock` must outlive it. `name_space` is the agent's.
  KubeNoticeboard(EventLoop& loop, ApiClient& client, const Clock& clock, std::string name_space)
      : loop_(loop), client_(client), clock_(clock), namespace_(std::move(name_space)) {}

  absl::StatusOr<std::string> Suspended() override;
  absl::Status Post(const Value& status, const std::vector<Happening>& happenings) override;

 private:
  std::string Path() const;
  absl::StatusOr<ApiResponse> Call(const char* method, std::string path, const Value& body);
  absl::StatusOr<ApiResponse> Apply(const std::string& path, const Value* status);
  void Announce(const Happening& happening);

  EventLoop& loop_;
  ApiClient& client_;
  const Clock& clock_;
  const std::string namespace_;
  std::map<std::string, int64_t> counts_;  // of Events, by name; only the latest
};

}  // namespace muster::agent
