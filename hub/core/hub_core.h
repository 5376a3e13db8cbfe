// HubCore: everything that a hub decides, as one deterministic function of its records, of the
// events that happen and of the time.
//
//   HubCore core(settings, random);
//   ... core.LoadRecord(key, value) for each record under HubCore::kLoadPrefixes ...
//   core.FinishLoad();
//   core.Handle(now, event, outbox);   // then commit, start, send, answer, publish: hub/hub.h
//
// One thread. Pure: no I/O, no clock; the same calls give the same outbox. Every change of what
// must survive is in the outbox's batch; what is not (links, polls in flight, liveness) is found
// again after a restart, because every step is level-triggered.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "hub/core/event.h"
#include "hub/core/fleet_view.h"
#include "hub/core/outbox.h"

namespace muster::hub {

struct State;

// How this hub behaves. Constant for the life of a process.
struct Settings {
  std::string hub_id;         // fingerprint of the root, hexadecimal
  std::string version;        // of this program
  std::string agent_address;  // host:port of the listener for agents, for people
  std::string join_address;   // host:port of the join listener, for people
  bool allow_file_urls = false;
  absl::Duration heartbeat = limits::kHeartbeatInterval;
  absl::Duration certificate_lifetime = limits::kCertificateLifetime;
  absl::Duration desired_state_lifetime = limits::kDesiredStateLifetime;
  absl::Duration desired_state_refresh = limits::kDesiredStateRefresh;
  absl::Duration fleet_interval = absl::Minutes(1);  // between polls of the fleet repository
};

class HubCore {
 public:
  // What must be loaded, in any order. "commit/" and "event/" are the journal: loading them finds
  // where it ends.
  static constexpr std::array<absl::string_view, 16> kLoadPrefixes = {
      "meta",        "repository/",     "package/",      "declaration/", "cluster/", "desired/",
      "observed/",   "newest-receipt/", "token/",        "render/",      "commit/",  "event/",
      "credential/", "rollout/",        "rollout-plan/", "audit-head"};

  // `random` must outlive the core and be fit for tokens.
  HubCore(Settings settings, Random& random);
  ~HubCore();
  HubCore(const HubCore&) = delete;
  HubCore& operator=(const HubCore&) = delete;

  // Takes one record of the store. kDataLoss when it cannot be read: the hub must not start, and
  // the message names the key. Requires: FinishLoad was not called yet.
  absl::Status LoadRecord(absl::string_view key, absl::string_view value);
  // Checks that the records fit together and works out the rest. Call once, also for a new store.
  absl::Status FinishLoad();

  // Handles `event`, adding to `outbox` what is to be done. Requires: FinishLoad was called.
  void Handle(absl::Time now, const Event& event, Outbox& outbox);

  // When a Tick is due, if nothing else happens before.
  absl::Time NextWake() const;

  // The present state for readers. Cheap: only what changed since the last call is built anew.
  std::shared_ptr<const FleetView> View();

 private:
  std::unique_ptr<State> state_;
};

}  // namespace muster::hub
