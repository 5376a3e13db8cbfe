// Report: what the agent tells its hub: the observed state when it changes, until the hub has it;
// a heartbeat in between; and a while later a receipt for each desired state that was wholly
// applied.
//
// A report that only shows work in progress waits a second for the end of the work, so that most
// changes cost one report; one that only counts how far objects got, five. Pure; the core's thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/core/acceptance.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/base/digest.h"
#include "common/base/random.h"
#include "proto/agent_service.pb.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// What the rooms say besides the packages.
struct Situation {
  v1::Condition accepted;     // without `since_ms`; no type: there was no push yet
  absl::Status look_failure;  // of the last look at the cluster
};

// The report as of now, but for `observed_ms`. `before` is the previous one: conditions whose
// status is the same keep their `since_ms`.
v1::ObservedState Observe(const State& state, const AgentSettings& settings,
                          const Situation& situation, const v1::ObservedState& before,
                          absl::Time now);

// The receipt for the accepted state, serialized.
std::string MakeReceipt(const State& state, absl::Time now);

class Reporter {
 public:
  // All must outlive it.
  Reporter(const AgentSettings& settings, State& state, Random& random)
      : settings_(settings), state_(state), random_(random) {}

  void OnLinkUp(Outbox& outbox);
  void OnLinkDown();
  void OnWelcomed(const v1::Welcome& welcome, absl::Time now);
  void OnAcked(const ReportAcked& event, absl::Time now);
  // A receipt was added to those that are pending.
  void OnReceipt(absl::Time now);
  void OnWanted() { wanted_ = true; }

  // Something may have changed that is reported.
  void Touch(absl::Time now);

  // Takes in what changed, if it is time to: when nothing more will change soon (`settled`), and
  // otherwise at an interval. Looking at a thousand objects has its price.
  void Refresh(bool settled, const Situation& situation, absl::Time now);

  // Sends what is due.
  void Advance(bool settled, absl::Time now, Outbox& outbox);

  absl::Time NextWake() const;
  const v1::ObservedState& observed() const { return observed_; }
  const Digest& digest() const { return digest_; }  // of observed()

 private:
  bool SendDue(bool settled, absl::Time now) const;
  void Send(absl::Time now, Outbox& outbox);
  void SendReceiptsIfDue(absl::Time now, Outbox& outbox);

  const AgentSettings& settings_;
  State& state_;
  Random& random_;

  v1::ObservedState observed_;
  Digest content_;  // of `observed_` without its time
  Digest gist_;     // of it without what objects say of their progress
  Digest digest_;   // of `observed_`, as the hub knows it
  absl::Time changed_at_ = absl::InfinitePast();
  absl::Time touched_at_ = absl::InfiniteFuture();  // first, since the last look

  bool welcomed_ = false;
  bool wanted_ = false;
  bool settled_ = true;  // at the last Advance
  absl::Duration heartbeat_interval_;
  absl::Time next_heartbeat_ = absl::InfiniteFuture();
  absl::Time sent_at_ = absl::InfinitePast();
  uint64_t sent_number_ = 0;
  Digest sent_;  // last sent on this stream
  Digest sent_gist_;
  Digest acked_;  // last acknowledged, on any stream
  absl::Time receipts_due_ = absl::InfiniteFuture();
};

}  // namespace muster::agent
