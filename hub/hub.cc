#include "hub/hub.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "hub/core/keys.h"
#include "proto/audit.pb.h"

namespace muster::hub {
namespace {

// From how many waiting events on a hub that cannot keep up says so.
constexpr size_t kInboxWarning = 50'000;

// While the disk is nearly full: how often it is asked again, and how much may wait for it.
constexpr absl::Duration kHeldWait = absl::Seconds(1);
constexpr size_t kHeldBytesMax = 64u << 20;

// After a turn that took several events, the next begins no sooner than this after it began: each
// turn waits for the disk, and when a whole fleet reports, one wait should serve many.
constexpr absl::Duration kBusyPace = absl::Milliseconds(4);

// Whether the newest line is the one that the next would name: the log goes on where it ended, and
// on no other ground.
absl::Status CheckAuditLog(const Store& store) {
  v1::AuditHeadRecord head;
  const absl::StatusOr<std::string> bytes = store.Get(keys::kAuditHead);
  if (!bytes.ok() && !absl::IsNotFound(bytes.status())) return bytes.status();
  if (bytes.ok() && !head.ParseFromString(*bytes)) {
    return absl::DataLossError("the record 'audit-head' is damaged");
  }
  std::string newest, line;
  RETURN_IF_ERROR(
      store.Visit(Range{.prefix = std::string(keys::kAuditLines), .limit = 1, .reverse = true},
                  [&](absl::string_view key, absl::string_view value) {
                    newest = std::string(key);
                    line = std::string(value);
                    return true;
                  }));
  const bool same = head.number() == 0 ? newest.empty()
                                       : newest == keys::Audit(head.number()) &&
                                             Digest::Of(line).view() == head.digest();
  if (same) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("audit log: its newest record is ", newest.empty() ? "none" : newest,
                   ", and the hub wrote record ", head.number(),
                   " last: somebody changed its data; keep the "
                   "directory as it is for whoever finds out, and start from a backup"));
}

}  // namespace

absl::Status LoadCore(const Store& store, HubCore& core) {
  for (const absl::string_view prefix : HubCore::kLoadPrefixes) {
    absl::Status loaded;
    const absl::Status visited = store.Visit(Range{.prefix = std::string(prefix)},
                                             [&](absl::string_view key, absl::string_view value) {
                                               loaded = core.LoadRecord(key, value);
                                               return loaded.ok();
                                             });
    if (!visited.ok()) return visited;
    if (!loaded.ok()) return loaded;
  }
  RETURN_IF_ERROR(CheckAuditLog(store));
  return core.FinishLoad();
}

Hub::Hub(Parts parts)
    : parts_(parts),
      inbox_("hub", kInboxWarning),
      view_(parts.core.View()),
      obstacle_(std::make_shared<const absl::Status>()) {}

void Hub::Post(Event event) { inbox_.Post(std::move(event)); }

bool Hub::Turn(absl::Time now) { return TakeTurn(now, inbox_.Drain(absl::ZeroDuration())); }

bool Hub::TakeTurn(absl::Time now, std::vector<Event> events) {
  const bool held = IsHeld();
  for (const Event& event : events) parts_.core.Handle(now, event, waiting_);
  const bool tick = events.empty() && parts_.core.NextWake() <= now;
  if (tick) parts_.core.Handle(now, Tick{}, waiting_);
  const absl::Status committed = parts_.store.Commit(waiting_.batch);
  if (absl::IsResourceExhausted(committed)) {
    if (!held) log::Error("the hub waits", {{"why", std::string(committed.message())}});
    Hold(committed);
    return false;
  }
  CHECK_OK(committed);
  if (held) {
    log::Info("the hub goes on: there is room on its disk again");
    obstacle_.Publish(std::make_shared<const absl::Status>());
  }
  // Before anything is sent: who was answered finds what was done, and who is invited is admitted.
  view_.Publish(parts_.core.View());
  Act(std::exchange(waiting_, {}));
  return held || tick || !events.empty();
}

void Hub::Hold(const absl::Status& obstacle) {
  obstacle_.Publish(std::make_shared<const absl::Status>(obstacle));
  const absl::Status refusal = absl::ResourceExhaustedError(
      absl::StrCat("the hub cannot write it down now, and will once it can: ", obstacle.message()));
  for (EnrollReply& reply : waiting_.enroll_replies) {
    parts_.answers.Answer(EnrollReply{reply.request, refusal});
  }
  for (RenewReply& reply : waiting_.renew_replies) {
    parts_.answers.Answer(RenewReply{reply.request, refusal});
  }
  for (OperatorReply& reply : waiting_.operator_replies) {
    parts_.answers.Answer(OperatorReply{reply.request, refusal});
  }
  waiting_.enroll_replies.clear();
  waiting_.renew_replies.clear();
  waiting_.operator_replies.clear();
}

void Hub::Act(Outbox outbox) {
  for (Job& job : outbox.jobs) parts_.jobs.Start(std::move(job));
  for (Send& send : outbox.sends) parts_.links.Post(std::move(send));
  for (const CloseLink& close : outbox.closes) parts_.links.Close(close);
  for (EnrollReply& reply : outbox.enroll_replies) parts_.answers.Answer(std::move(reply));
  for (RenewReply& reply : outbox.renew_replies) parts_.answers.Answer(std::move(reply));
  for (OperatorReply& reply : outbox.operator_replies) parts_.answers.Answer(std::move(reply));
}

void Hub::Run(const Clock& clock) {
  absl::Time next_turn = absl::InfinitePast();
  while (!inbox_.closed()) {
    if (IsHeld()) {
      absl::SleepFor(kHeldWait);
      // What comes meanwhile stays in the inbox when too much waits already.
      const bool room = waiting_.batch.bytes() < kHeldBytesMax;
      TakeTurn(clock.Now(), room ? inbox_.Drain(absl::ZeroDuration()) : std::vector<Event>());
      continue;
    }
    const absl::Duration wait =
        std::clamp(parts_.core.NextWake() - clock.Now(), absl::ZeroDuration(), absl::Minutes(1));
    std::vector<Event> events = inbox_.Drain(wait);
    if (const absl::Duration early = next_turn - absl::Now(); early > absl::ZeroDuration()) {
      absl::SleepFor(std::min(early, kBusyPace));
      for (Event& event : inbox_.Drain(absl::ZeroDuration())) events.push_back(std::move(event));
    }
    next_turn = events.size() > 1 ? absl::Now() + kBusyPace : absl::InfinitePast();
    TakeTurn(clock.Now(), std::move(events));
  }
}

}  // namespace muster::hub
