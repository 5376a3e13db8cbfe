// Rollouts as bytes in the store, and as people see them.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "hub/core/records.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

Digest DigestOrNone(const std::string& bytes) {
  const absl::StatusOr<Digest> digest = Digest::FromBytes(bytes);
  return digest.ok() ? *digest : Digest();
}

std::string BytesOf(const Digest& digest) { return digest.empty() ? "" : digest.bytes(); }

pb::RolloutApprovalRecord ApprovalRecord(const RolloutApproval& approval) {
  pb::RolloutApprovalRecord record;
  record.set_wave(approval.wave);
  record.set_after(approval.after);
  record.set_by(approval.by);
  record.set_at_ms(approval.at_ms);
  record.set_reason(approval.reason);
  return record;
}

std::string WaveState(const Rollout& rollout, const WaveStatus& wave) {
  if (wave.passed) return "Passed";
  return wave.name == rollout.open && rollout.ended_ms == 0 ? "Open" : "Pending";
}

pb::RolloutView ViewOf(const PackageState& package, const RolloutState& state) {
  const Rollout& rollout = state.rollout;
  pb::RolloutView view;
  view.set_package(package.record.spec().name());
  view.set_plan(package.record.spec().rollout());
  view.set_number(rollout.number);
  view.set_release(BytesOf(rollout.release));
  view.set_phase(std::string(PhaseWord(rollout.phase)));
  view.set_message(rollout.message);
  view.set_waits_for(rollout.waits_for);
  view.set_actor(rollout.actor);
  view.set_repository(package.record.spec().repository());
  view.set_commit(state.commit);
  view.set_started_ms(rollout.started_ms);
  view.set_ended_ms(rollout.ended_ms);
  view.set_wave_healthy_ms(rollout.healthy_ms);
  view.set_queued(state.queued);
  for (const WaveStatus& status : state.last.waves) {
    pb::RolloutWaveView& wave = *view.add_waves();
    wave.set_name(status.name);
    wave.set_state(WaveState(rollout, status));
    wave.set_clusters(status.clusters);
    wave.set_waiting(status.waiting);
    wave.set_in_flight(status.in_flight);
    wave.set_healthy(status.healthy);
    wave.set_failed(status.failed);
    wave.set_apart(status.apart);
    wave.set_up_to_date(status.up_to_date);
  }
  for (const std::string& name : state.last.failed) view.add_failed(name);
  for (const std::string& name : state.last.in_no_wave) view.add_in_no_wave(name);
  for (const RolloutApproval& approval : rollout.approvals) {
    *view.add_approvals() = ApprovalRecord(approval);
  }
  return view;
}

RolloutMember MemberOf(const pb::RolloutMemberRecord& one) {
  RolloutMember member{.wave = one.wave(),
                       .rollout = one.rollout(),
                       .from = DigestOrNone(one.from()),
                       .to = DigestOrNone(one.to()),
                       .moved_ms = one.moved_ms(),
                       .apart = one.apart(),
                       .healthy = one.healthy(),
                       .failed = one.failed(),
                       .excused = one.excused(),
                       .generation = one.generation(),
                       .proved = one.proved(),
                       .done = one.done(),
                       .observes = one.observes(),
                       .before = DigestOrNone(one.before())};
  // While the hub was away nobody looked: the time of those on their way begins anew.
  member.apart = member.apart || (!member.healthy && !member.failed);
  return member;
}

}  // namespace

absl::StatusOr<pb::ListRolloutsResponse> RolloutsOf(const State& state,
                                                    const pb::ListRolloutsRequest& request) {
  pb::ListRolloutsResponse response;
  for (const auto& [name, rollout] : state.rollouts) {
    const auto package = state.packages.find(name);
    if (package == state.packages.end()) continue;
    if (!request.package().empty() && request.package() != name.text()) continue;
    *response.add_rollouts() = ViewOf(package->second, rollout);
  }
  response.set_total(response.rollouts_size());
  if (!request.package().empty() && response.rollouts_size() == 0) {
    return absl::NotFoundError(absl::StrCat("package '", request.package(),
                                            "' has no rollout: it is not declared, or names no "
                                            "RolloutPlan; see 'muster get rollouts'"));
  }
  return response;
}

std::string RolloutBytes(const RolloutState& state) {
  const Rollout& rollout = state.rollout;
  pb::RolloutRecord record;
  record.set_number(rollout.number);
  record.set_release(BytesOf(rollout.release));
  record.set_phase(static_cast<int>(rollout.phase));
  record.set_message(rollout.message);
  record.set_actor(rollout.actor);
  record.set_started_ms(rollout.started_ms);
  record.set_ended_ms(rollout.ended_ms);
  record.set_open(rollout.open);
  record.set_opened_ms(rollout.opened_ms);
  record.set_healthy_ms(rollout.healthy_ms);
  record.set_waits_for(rollout.waits_for);
  record.set_waits_after(rollout.waits_after);
  record.set_completed(rollout.completed);
  record.set_declared(BytesOf(state.declared));
  for (const std::string& name : rollout.passed) record.add_passed(name);
  record.set_commit(state.commit);
  for (const RolloutApproval& approval : rollout.approvals) {
    *record.add_approvals() = ApprovalRecord(approval);
  }
  for (const auto& [id, member] : rollout.members) {
    pb::RolloutMemberRecord& one = *record.add_members();
    one.set_cluster_id(id);
    one.set_wave(member.wave);
    one.set_from(BytesOf(member.from));
    one.set_to(BytesOf(member.to));
    one.set_moved_ms(member.moved_ms);
    one.set_healthy(member.healthy);
    one.set_failed(member.failed);
    one.set_excused(member.excused);
    one.set_done(member.done);
    one.set_generation(member.generation);
    one.set_proved(member.proved);
    one.set_rollout(member.rollout);
    one.set_apart(member.apart);
    one.set_observes(member.observes);
    one.set_before(BytesOf(member.before));
  }
  for (const auto& [params, entry] : state.targets) {
    pb::RolloutTargetRecord& target = *record.add_targets();
    target.set_params(params.bytes());
    target.set_entry(entry.bytes());
  }
  for (const auto& [digest, entry] : state.entries) record.add_entries(entry->bytes);
  return record.SerializeAsString();
}

absl::Status LoadRollout(State& state, absl::string_view package, absl::string_view value) {
  pb::RolloutRecord record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("it is no RolloutRecord");
  }
  RolloutState& loaded = state.rollouts[PackageName(package)];
  loaded.written = std::string(value);
  loaded.commit = record.commit();
  Rollout& rollout = loaded.rollout;
  rollout.number = record.number();
  rollout.release = DigestOrNone(record.release());
  if (record.phase() < 0 || record.phase() > static_cast<int>(RolloutPhase::kRolledBack)) {
    return absl::DataLossError("its phase is of another version");
  }
  rollout.phase = static_cast<RolloutPhase>(record.phase());
  rollout.message = record.message();
  rollout.actor = record.actor();
  rollout.started_ms = record.started_ms();
  rollout.ended_ms = record.ended_ms();
  rollout.open = record.open();
  rollout.opened_ms = record.opened_ms();
  rollout.healthy_ms = record.healthy_ms();
  rollout.waits_for = record.waits_for();
  rollout.waits_after = record.waits_after();
  rollout.completed = record.completed();
  rollout.passed.insert(record.passed().begin(), record.passed().end());
  loaded.declared = DigestOrNone(record.declared());
  for (const pb::RolloutApprovalRecord& one : record.approvals()) {
    rollout.approvals.push_back({one.wave(), one.after(), one.by(), one.at_ms(), one.reason()});
  }
  for (const pb::RolloutMemberRecord& one : record.members()) {
    rollout.members[one.cluster_id()] = MemberOf(one);
  }
  for (const pb::RolloutTargetRecord& one : record.targets()) {
    loaded.targets[DigestOrNone(one.params())] = DigestOrNone(one.entry());
  }
  for (const std::string& bytes : record.entries()) {
    pb::DesiredPackage desired;
    if (!desired.ParseFromString(bytes)) return absl::DataLossError("an entry is damaged");
    auto entry = MakeEntry(desired);
    // Its digest is what members and targets name it by.
    if (entry->bytes != bytes) return absl::DataLossError("an entry is of another version");
    loaded.entries[entry->digest] = std::move(entry);
  }
  return absl::OkStatus();
}

}  // namespace muster::hub
