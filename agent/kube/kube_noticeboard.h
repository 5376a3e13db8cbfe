// KubeNoticeboard: the agent's story in the cluster: the status of one object of kind Muster
// (muster.dev/v1alpha1) in the agent's namespace, and Events on the objects that it speaks of.
//
// Where the definition of Muster is not installed there is nothing to write to, which is no error.
// An Event that cannot be written is dropped with a line in the log: the status says the same. Its
// own object is watched from the first question on, so that to ask whether the agent is suspended
// costs no request; while the watch is not live, it is a GET. Blocks; one call at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/cluster/noticeboard.h"
#include "agent/kube/api_client.h"
#include "agent/kube/event_loop.h"
#include "agent/kube/reflector.h"
#include "agent/kube/status_object.h"
#include "common/base/clock.h"

namespace muster::agent {

class KubeNoticeboard final : public Noticeboard {
 public:
  // `loop`, `client` and `clock` must outlive it.
  struct Parts {
    EventLoop& loop;
    ApiClient& client;
    const Clock& clock;
    std::string namespace_;  // the agent's
    // The uid of an object that is looked at, without asking for it; empty when it is not known.
    std::function<std::string(const ObjectKey&)> uid_of;
    std::function<void()> changed;  // somebody suspends the agent, or resumes it
  };
  explicit KubeNoticeboard(Parts parts);

  // The loop's thread; before `client` goes.
  void StopWatching() { watch_ = nullptr; }

  absl::StatusOr<std::string> Suspended() override;
  absl::Status Post(const Value& status, const std::vector<Happening>& happenings) override;

 private:
  std::string Path() const;
  absl::StatusOr<ApiResponse> Call(const char* method, std::string path, const Value& body);
  absl::StatusOr<ApiResponse> Apply(const std::string& path, const Value* status);
  void Announce(const Happening& happening);

  bool Watched();

  EventLoop& loop_;
  ApiClient& client_;
  const Clock& clock_;
  const std::string namespace_;
  const std::function<std::string(const ObjectKey&)> uid_of_;
  const std::function<void()> changed_;
  StatusObject own_;
  std::unique_ptr<Reflector> watch_;       // the loop's thread
  std::map<std::string, int64_t> counts_;  // of Events, by name; only the latest
};

}  // namespace muster::agent
