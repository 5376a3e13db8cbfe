#include "agent/core/agent_core.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "agent/core/acceptance.h"
#include "agent/core/diff.h"
#include "agent/core/download.h"
#include "agent/core/health.h"
#include "agent/core/patch.h"
#include "agent/core/reconcile.h"
#include "agent/core/report.h"
#include "agent/core/state.h"
#include "agent/core/story.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "proto/agent_storage.pb.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// Receipts that the hub has not acknowledged are kept up to this number; the oldest go first.
constexpr int kPendingReceiptsMax = 64;

}  // namespace

// The rooms, and what goes on between them.
struct AgentCore::Rooms {
  Rooms(AgentSettings settings_in, Random& random)
      : settings(std::move(settings_in)),
        verifier(settings.verifier),
        signers(settings.signers),
        download(state, random, next_job),
        reconciler(settings, state, random, next_job),
        reporter(settings, state, random),
        storyteller(settings, random, next_job) {
    CHECK(verifier != nullptr);
  }

  void On(absl::Time now, LinkUp&, Outbox& outbox) {
    download.OnLink(true, now);
    reporter.OnLinkUp(outbox);
  }
  void On(absl::Time now, LinkDown&, Outbox&) {
    download.OnLink(false, now);
    reporter.OnLinkDown();
  }
  void On(absl::Time now, Welcomed& event, Outbox& outbox) {
    if (event.verifier != nullptr) Trust(event, outbox);
    reporter.OnWelcomed(event.welcome, now);
  }
  void On(absl::Time now, Pushed& event, Outbox& outbox);
  void On(absl::Time now, ReportAcked& event, Outbox&) { reporter.OnAcked(event, now); }
  void On(absl::Time, ReportWanted&, Outbox&) { reporter.OnWanted(); }
  void On(absl::Time now, BlobsFetched& event, Outbox& outbox) {
    download.OnFetched(now, event, outbox);
    if (std::optional<Refusal> refusal = download.TakeRefusal()) Refuse(*refusal);
  }
  void On(absl::Time now, Listed& event, Outbox& outbox) {
    reconciler.OnListed(now, event, outbox);
  }
  void On(absl::Time now, Acted& event, Outbox& outbox) {
    reconciler.OnActed(now, event, outbox);
    download.Mend(reconciler.TakeMissingBlobs(), now);
  }
  void On(absl::Time now, Told& event, Outbox&) { storyteller.OnTold(now, event); }
  void On(absl::Time now, ClusterChanged&, Outbox&) { reconciler.LookSoon(now); }
  void On(absl::Time, Tick&, Outbox&) {}

  void Trust(Welcomed& event, Outbox& outbox);
  void Refuse(const Refusal& refusal);
  void SayAccepted(pb::ConditionStatus status, absl::string_view reason, std::string message,
                   const Digest& digest);
  void Install(absl::Time now, Outbox& outbox);
  void Accept(const Candidate& candidate, absl::Time now, Outbox& outbox);
  void NoteWhole(absl::Time now, Outbox& outbox);
  void Advance(absl::Time now, Outbox& outbox);

  const AgentSettings settings;
  std::shared_ptr<const Verifier> verifier;
  std::string signers;  // the record under kSignersKey
  State state;
  uint64_t next_job = 0;
  Download download;
  Reconciler reconciler;
  Reporter reporter;
  Storyteller storyteller;
  Situation situation;
  pb::Condition accepted;  // the last verdict on a desired state
  bool started = false;    // the first event after Load has come
};

// The hub has other keys now. They are kept, so that an agent that starts without a hub takes no
// word of a key that was given up.
void AgentCore::Rooms::Trust(Welcomed& event, Outbox& outbox) {
  verifier = std::move(event.verifier);
  pb::AgentSignersRecord record;
  *record.mutable_signer_der() = event.welcome.signer_der();
  std::string bytes = record.SerializeAsString();
  if (bytes == signers) return;
  signers = std::move(bytes);
  outbox.batch.Put(kSignersKey, signers);
}

void AgentCore::Rooms::On(absl::Time now, Pushed& event, Outbox& outbox) {
  pb::Push push = std::move(event.push);
  Verdict verdict = Examine(push.desired_state(), settings, *verifier, state, now);
  if (verdict.refusal.has_value()) return Refuse(*verdict.refusal);
  if (verdict.known) {
    SayAccepted(pb::CONDITION_STATUS_TRUE, "Accepted", "", verdict.digest);
    return;
  }
  if (download.IsOnItsWay(verdict.digest)) return;
  if (std::optional<Refusal> refusal = download.Compare(verdict)) return Refuse(*refusal);
  Candidate candidate{.envelope = std::move(*push.mutable_desired_state()),
                      .desired = std::move(verdict.desired),
                      .digest = verdict.digest};
  download.Begin(std::move(candidate), std::move(push), now, outbox);
}

void AgentCore::Rooms::Refuse(const Refusal& refusal) {
  SayAccepted(pb::CONDITION_STATUS_FALSE, refusal.reason, refusal.message, Digest());
}

void AgentCore::Rooms::SayAccepted(pb::ConditionStatus status, absl::string_view reason,
                                   std::string message, const Digest& digest) {
  accepted.set_type("Accepted");
  accepted.set_status(status);
  accepted.set_reason(std::string(reason));
  accepted.set_message(std::move(message));
  accepted.set_observed(digest.empty() ? "" : digest.hex());
}

// Lets a candidate rule whose blobs are all there. Waits until no cluster job runs, so that each
// result meets the items that it was started for.
void AgentCore::Rooms::Install(absl::Time now, Outbox& outbox) {
  if (!download.ready() || reconciler.busy()) return;
  const Candidate candidate = download.Take();
  const bool was_observe_only = state.observe_only();
  if (!candidate.recall) Accept(candidate, now, outbox);
  bool look = was_observe_only != state.observe_only() || state.observe_only();
  for (auto& [name, package] : state.packages) {
    if (package.targets_known()) continue;
    const auto patch = candidate.patches.find(name);
    if (patch != candidate.patches.end()) {
      PatchTarget(package, patch->second, now);
    } else {
      const Digest bundle = *Digest::FromBytes(package.desired->bundle_digest());
      Retarget(package, bundle, candidate.manifests.at(bundle), now);
    }
  }
  SettleOwners(state, outbox.batch);
  download.ForgetUnneeded();
  for (const auto& [name, package] : state.packages) {
    look = look || !package.looked;
    // It was about to be written, and only a look can tell whether it was.
    for (const Item& item : package.items) look = look || (IsLeftover(item) && item.uid.empty());
  }
  if (look) reconciler.LookSoon(now);
}

void AgentCore::Rooms::Accept(const Candidate& candidate, absl::Time now, Outbox& outbox) {
  // Between the check and now nothing else was accepted: a newer push takes a candidate's place.
  CHECK_GT(candidate.desired.generation(), state.accepted.generation());
  pb::AcceptedRecord& record = state.accepted;
  record.set_time_high_ms(absl::ToUnixMillis(EffectiveTime(state, now)));
  *record.mutable_envelope() = candidate.envelope;
  record.set_payload_digest(candidate.digest.bytes());
  record.set_recovery(candidate.desired.recovery());
  record.set_generation(candidate.desired.generation());
  record.set_applied(false);
  state.desired = candidate.desired;
  AssignPackages(state, outbox.batch);
  PutAccepted(state, outbox.batch);
  SayAccepted(pb::CONDITION_STATUS_TRUE, "Accepted", "", candidate.digest);
}

// Once per accepted state: everything that it says is in the cluster.
void AgentCore::Rooms::NoteWhole(absl::Time now, Outbox& outbox) {
  if (!state.has_accepted() || state.accepted.applied() || reconciler.busy()) return;
  if (state.observe_only() || state.desired.suspended()) return;
  for (const auto& [name, package] : state.packages) {
    const Counts counts = Count(state, package, settings);
    if (package.removing() ? counts.leftover > 0 : !IsWhole(package, counts)) return;
    if (!package.removing() &&
        package.record.applied().bundle_digest() != package.desired->bundle_digest()) {
      return;
    }
  }
  const std::string receipt = MakeReceipt(state, now);
  state.accepted.set_applied(true);
  state.accepted.set_last_receipt_digest(Digest::Of(receipt).bytes());
  state.accepted.add_pending_receipts(receipt);
  if (const int excess = state.accepted.pending_receipts_size() - kPendingReceiptsMax; excess > 0) {
    state.accepted.mutable_pending_receipts()->DeleteSubrange(0, excess);
  }
  PutAccepted(state, outbox.batch);
  reporter.OnReceipt(now);
}

void AgentCore::Rooms::Advance(absl::Time now, Outbox& outbox) {
  started = true;
  if (!download.has_candidate()) download.Recall(now, outbox);
  download.Advance(now, outbox);
  Install(now, outbox);
  // A download that fails hides the verdict for as long as it fails.
  situation.accepted = accepted;
  if (!download.failure().ok()) {
    situation.accepted.set_type("Accepted");
    situation.accepted.set_status(pb::CONDITION_STATUS_UNKNOWN);
    situation.accepted.set_reason("DownloadFailed");
    situation.accepted.set_message(
        absl::StrCat("fetch blobs from the hub: ", download.failure().message(), "; tried again"));
    situation.accepted.clear_observed();
  }
  reconciler.Advance(now, outbox);
  NoteWhole(now, outbox);
  situation.look_failure = reconciler.look_failure();
}

// ---------------------------------------------------------------- the outside

AgentCore::AgentCore(AgentSettings settings, Random& random)
    : rooms_(std::make_unique<Rooms>(std::move(settings), random)) {}

AgentCore::~AgentCore() = default;

absl::Status AgentCore::Load(const std::vector<Record>& records, absl::Time now) {
  ASSIGN_OR_RETURN(rooms_->state, LoadState(records));
  rooms_->state.observe_locally = rooms_->settings.observe;
  rooms_->reconciler.LookSoon(now);
  if (rooms_->state.has_accepted()) {
    rooms_->SayAccepted(pb::CONDITION_STATUS_TRUE, "Accepted", "",
                        *Digest::FromBytes(rooms_->state.accepted.payload_digest()));
    rooms_->situation.accepted = rooms_->accepted;
  }
  rooms_->reporter.Touch(now);
  rooms_->reporter.Refresh(/*settled=*/true, rooms_->situation, now);
  return absl::OkStatus();
}

void AgentCore::Handle(absl::Time now, Event event, Outbox& outbox) {
  Rooms& rooms = *rooms_;
  // Acknowledgements change nothing that is reported; most ticks neither, but they may be due.
  const bool quiet =
      std::holds_alternative<ReportAcked>(event) || std::holds_alternative<LinkUp>(event) ||
      std::holds_alternative<ReportWanted>(event) || std::holds_alternative<Told>(event);
  std::visit([&](auto& e) { rooms.On(now, e, outbox); }, event);
  rooms.Advance(now, outbox);
  if (!quiet) rooms.reporter.Touch(now);
  const bool settled = rooms.reconciler.settled() && !rooms.download.busy();
  rooms.reporter.Refresh(settled, rooms.situation, now);
  rooms.reporter.Advance(settled, now, outbox);
  rooms.storyteller.OnHealed(std::exchange(rooms.state.healed, {}));
  rooms.storyteller.Advance(rooms.reporter.observed(), rooms.reporter.digest(), settled, now,
                            outbox);
}

absl::Time AgentCore::NextWake() const {
  if (!rooms_->started) return absl::InfinitePast();
  return std::min({rooms_->download.NextWake(), rooms_->reconciler.NextWake(),
                   rooms_->reporter.NextWake(), rooms_->storyteller.NextWake()});
}

const pb::ObservedState& AgentCore::observed() const { return rooms_->reporter.observed(); }

const Digest& AgentCore::observed_digest() const { return rooms_->reporter.digest(); }

const pb::DesiredState* AgentCore::desired() const {
  return rooms_->state.has_accepted() ? &rooms_->state.desired : nullptr;
}

Digest AgentCore::desired_digest() const {
  const State& state = rooms_->state;
  return state.has_accepted() ? *Digest::FromBytes(state.accepted.payload_digest()) : Digest();
}

bool AgentCore::Idle() const {
  return rooms_->started && rooms_->reconciler.settled() && !rooms_->download.busy() &&
         !rooms_->download.ready();
}

}  // namespace muster::agent
