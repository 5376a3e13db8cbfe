#include "cli/follow.h"

#include <algorithm>
#include <functional>

#include "cli/problem.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kRenewal = absl::Seconds(5);  // looks at least so often
constexpr absl::Duration kRetry = absl::Seconds(1);    // between attempts to reach the hub

bool IsOutage(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable;
}

}  // namespace

absl::Status Follow(Session& session, HubClient& hub, absl::Time deadline,
                    const std::function<absl::StatusOr<bool>()>& look) {
  bool reached = false;  // at least once: then an outage is waited out
  bool told = false;     // of the present outage
  while (true) {
    absl::StatusOr<bool> done = look();
    absl::Status watched = done.status();
    if (done.ok()) {
      if (*done) return absl::OkStatus();
      reached = true;
      told = false;
      const absl::Time until = std::min(deadline, session.now() + kRenewal);
      watched = hub.Watch(until, [&](const pb::WatchNotice&) {
        done = look();
        return done.ok() && !*done;
      });
      if (done.ok() && *done) return absl::OkStatus();
      if (!done.ok()) watched = done.status();
    }
    if (session.now() >= deadline) return absl::DeadlineExceededError("time ran out");
    if (IsOutage(watched) && reached) {
      if (!told) session.Tell("the hub cannot be reached at the moment; trying again");
      told = true;
      session.env().sleep(kRetry);
    } else if (!watched.ok() && watched.code() != absl::StatusCode::kDeadlineExceeded) {
      return watched;
    }
  }
}

}  // namespace muster::cli
