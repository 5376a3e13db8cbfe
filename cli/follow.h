// Follow: look at the hub again and again, as soon as something changed.
//
// The hub's Watch only makes it faster: after a few seconds without a notice it looks anyway, and a
// hub that restarts in between is waited for. One thread.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/session.h"

namespace muster::cli {

// Calls `look` at once and after every change until it answers true (then returns OK). Returns
// kDeadlineExceeded at `deadline` and any error of `look`; of kUnavailable only the first time.
absl::Status Follow(Session& session, HubClient& hub, absl::Time deadline,
                    const std::function<absl::StatusOr<bool>()>& look);

}  // namespace muster::cli
