#include "hub/core/hub_core.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "hub/core/desired_state.h"
#include "hub/core/enrollment.h"
#include "hub/core/liveness.h"
#include "hub/core/observed.h"
#include "hub/core/operators.h"
#include "hub/core/placement.h"
#include "hub/core/plans.h"
#include "hub/core/receipts.h"
#include "hub/core/rendering.h"
#include "hub/core/rollouts.h"
#include "hub/core/sources.h"
#include "hub/core/state.h"
#include "hub/core/tokens.h"
#include "hub/core/view_builder.h"

namespace muster::hub {
namespace {

constexpr absl::Duration kClockBehindMax = absl::Minutes(1);

// Which room an event belongs to.
struct Dispatch {
  Turn& turn;
  void operator()(const AgentConnected& event) { OnAgentConnected(turn, event); }
  void operator()(const AgentDisconnected& event) { OnAgentDisconnected(turn, event); }
  void operator()(const AgentReceipts& event) { OnAgentReceipts(turn, event); }
  void operator()(const AgentHeartbeat& event) { OnAgentHeartbeat(turn, event); }
  void operator()(const AgentReport& event) { OnAgentReport(turn, event); }
  void operator()(const EnrollRequested& event) { OnEnrollRequested(turn, event); }
  void operator()(const RenewRequested& event) { OnRenewRequested(turn, event); }
  void operator()(const CertificateIssued& event) { OnCertificateIssued(turn, event); }
  void operator()(const FetchDone& event) {
    if (event.plan != 0) {
      OnPlanFetched(turn, event);
      return;
    }
    OnFetchDone(turn, event);
    LetFirstsGo();
  }
  void operator()(const RenderDone& event) {
    if (OnPlanRendered(turn, event)) return;
    OnRenderDone(turn, event);
    LetFirstsGo();
  }
  void operator()(const OperatorAsked& event) {
    OnOperatorAsked(turn, event);
    LetFirstsGo();
  }
  void operator()(const Tick&) {}

  // What the first desired states waited for may have come, or may not be coming any more.
  void LetFirstsGo() {
    State& state = turn.state;
    state.marks.compose.merge(state.waiting_first);
    state.waiting_first.clear();
  }
};

// The first turn: what was soft is found again.
void Start(Turn& turn) {
  State& state = turn.state;
  state.started = state.now;
  StartSources(turn);
  StartLiveness(turn);
  StartTokens(turn);
  MarkRollouts(state);
  for (const auto& [id, cluster] : state.clusters) {
    if (cluster.enrolled()) state.marks.compose.insert(id);
  }
}

void RunWakes(Turn& turn) {
  State& state = turn.state;
  while (!state.wakes.empty() && state.wakes.begin()->at <= state.now) {
    const Wake wake = *state.wakes.begin();
    state.wakes.erase(state.wakes.begin());
    switch (wake.kind) {
      case Wake::Kind::kPoll:
        PollIfDue(turn, wake.id);
        break;
      case Wake::Kind::kRender:
        state.marks.render.insert(RepositoryName(wake.id));
        break;
      case Wake::Kind::kLiveness:
        CheckLiveness(turn, wake.id);
        break;
      case Wake::Kind::kRefresh:
        if (ClusterState* cluster = FindCluster(state, ClusterId(wake.id))) {
          RefreshIfDue(turn, *cluster);
        }
        break;
      case Wake::Kind::kRollout:
        RolloutWakes(state, wake.id);
        break;
      case Wake::Kind::kToken:
        ForgetTokenIfDue(turn, wake.id);
        break;
    }
  }
}

// Time does not go back; a clock that does is shown, because until it has caught up nothing that
// waits for its time happens.
void WatchClock(State& state, absl::Time now) {
  const bool behind = state.now - now > kClockBehindMax;
  if (behind == state.clock_behind) return;
  state.clock_behind = behind;
  state.marks.view_hub = true;
}

// The line from placement to desired state, for what the event changed.
void Settle(Turn& turn) {
  Place(turn);
  StartRenders(turn);
  SpreadChanges(turn);
  RunRollouts(turn);
  Compose(turn);
  WriteMarked(turn);
}

}  // namespace

HubCore::HubCore(Settings settings, Random& random)
    : state_(std::make_unique<State>(std::move(settings), random)) {}

HubCore::~HubCore() = default;

absl::Status HubCore::LoadRecord(absl::string_view key, absl::string_view value) {
  CHECK(state_->interner != nullptr) << "a record after FinishLoad: " << key;
  return hub::LoadRecord(*state_, key, value);
}

absl::Status HubCore::FinishLoad() {
  const absl::Status status = LinkRecords(*state_);
  if (!status.ok()) return status;
  for (const auto& [name, package] : state_->packages) state_->marks.place_packages.insert(name);
  Outbox nothing;
  Turn turn{*state_, nothing};
  Place(turn);
  CHECK(nothing.jobs.empty() && nothing.sends.empty());
  ViewBuilder(*state_).MarkAll();
  return absl::OkStatus();
}

void HubCore::Handle(absl::Time now, const Event& event, Outbox& outbox) {
  CHECK(state_->interner == nullptr) << "an event before FinishLoad";
  State& state = *state_;
  WatchClock(state, now);
  state.now = std::max(state.now, now);
  Turn turn{state, outbox};
  if (state.started == absl::InfinitePast()) Start(turn);
  std::visit(Dispatch{turn}, event);
  RunWakes(turn);
  Settle(turn);
}

absl::Time HubCore::NextWake() const {
  if (state_->started == absl::InfinitePast()) return absl::InfinitePast();
  return state_->wakes.empty() ? absl::InfiniteFuture() : state_->wakes.begin()->at;
}

std::shared_ptr<const FleetView> HubCore::View() { return ViewBuilder(*state_).Build(); }

}  // namespace muster::hub
