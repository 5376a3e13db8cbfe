// Noticeboard: the place in the cluster where the agent tells its story to people who have no hub
// at hand, and where they can stop it.
//
// In Kubernetes: one small status object in the agent's namespace and Events on the objects; its
// annotation muster.dev/suspend stops the agent, whatever the hub says. Twin: MemoryNoticeboard.
// Calls may block; they are made from job threads, as ClusterDriver's are, one at a time.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/mutex.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// Something that happened to an object, for a Kubernetes Event. Equal ones in a row may be counted
// instead of repeated.
struct Happening {
  ObjectKey about;  // a key without a kind: the agent itself
  bool warning = false;
  std::string reason;   // one UpperCamel word
  std::string message;  // for people

  friend bool operator==(const Happening&, const Happening&) = default;
};

class Noticeboard {
 public:
  virtual ~Noticeboard() = default;

  // What somebody wrote to suspend the agent; empty: it is not suspended. That nothing is there to
  // be annotated is no error, that it cannot be read is one.
  virtual absl::StatusOr<std::string> Suspended() = 0;

  // Puts up `status`, the whole `status` of the status object, in place of the one before, and the
  // happenings. Called again, with the newest, after a failure.
  virtual absl::Status Post(const Value& status, const std::vector<Happening>& happenings) = 0;
};

// A noticeboard in memory, for tests and simulations. Any thread.
class MemoryNoticeboard final : public Noticeboard {
 public:
  absl::StatusOr<std::string> Suspended() override {
    MutexLock lock(mutex_);
    if (!failure_.ok()) return failure_;
    return suspended_;
  }
  absl::Status Post(const Value& status, const std::vector<Happening>& happenings) override {
    MutexLock lock(mutex_);
    ++posts_;
    if (!failure_.ok()) return failure_;
    status_ = status;
    happenings_.insert(happenings_.end(), happenings.begin(), happenings.end());
    return absl::OkStatus();
  }

  // ---- the world

  void Suspend(std::string text) {
    MutexLock lock(mutex_);
    suspended_ = std::move(text);
  }
  void Fail(absl::Status status) {
    MutexLock lock(mutex_);
    failure_ = std::move(status);
  }
  Value status() const {
    MutexLock lock(mutex_);
    return status_;
  }
  std::vector<Happening> happenings() const {
    MutexLock lock(mutex_);
    return happenings_;
  }
  int posts() const {
    MutexLock lock(mutex_);
    return posts_;
  }

 private:
  mutable Mutex mutex_;
  std::string suspended_ GUARDED_BY(mutex_);
  absl::Status failure_ GUARDED_BY(mutex_);
  Value status_ GUARDED_BY(mutex_);
  std::vector<Happening> happenings_ GUARDED_BY(mutex_);
  int posts_ GUARDED_BY(mutex_) = 0;
};

}  // namespace muster::agent
