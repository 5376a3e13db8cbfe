// Convergence: waiting until clusters have what they should, with one line for each change of phase
// and the cause as soon as something has failed. Behind `muster wait` and `muster sync --wait`. One
// thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "cli/session.h"
#include "cli/verdict.h"

namespace muster::cli {

// A commit, or its first digits.
struct Revision {
  std::string repository;  // empty for whichever has it
  std::string id;
};

struct ConvergenceOptions {
  Goal goal = Goal::kSynced;
  std::vector<std::string> clusters;  // by name; none: all that fit the selector
  bool declared_too = false;          // with those that have not joined: else they do not count
  std::string selector;
  std::string package;              // judge this package only; those clusters that have it
  std::vector<Revision> revisions;  // first wait until the hub has rendered these
  bool fail_fast = true;
  absl::Duration timeout;
};

// kOk when all are there; kDiffers when one has failed (the cause is printed); kDeadlineExceeded
// with what was still missing.
absl::StatusOr<ExitCode> AwaitConvergence(Session& session, HubClient& hub,
                                          const ConvergenceOptions& options);

}  // namespace muster::cli
