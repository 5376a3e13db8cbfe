#include "hub/core/records.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// A digest out of a record; the empty one for anything that is none.
Digest DigestOrNone(absl::string_view bytes) {
  const absl::StatusOr<Digest> digest = Digest::FromBytes(bytes);
  return digest.ok() ? *digest : Digest();
}

void AppendVarint(uint64_t value, std::string& out) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// "web: Deployment web/web: image pull failed": the first thing that a person should know.
std::string WorstOf(const pb::ObservedState& state) {
  for (const pb::Condition& condition : state.conditions()) {
    if (condition.type() == "Accepted" && condition.status() == pb::CONDITION_STATUS_FALSE) {
      return condition.message();
    }
  }
  for (const pb::ObservedPackage& package : state.packages()) {
    const bool fine =
        package.sync() == pb::SYNC_STATUS_SYNCED && package.health() <= pb::HEALTH_STATUS_SUSPENDED;
    if (fine) continue;
    if (const std::string worst = WorstOfPackage(package); !worst.empty()) {
      return absl::StrCat(package.name(), ": ", worst);
    }
  }
  for (const pb::Condition& condition : state.conditions()) {
    if (condition.status() == pb::CONDITION_STATUS_FALSE) return condition.message();
  }
  return "";
}

}  // namespace

std::shared_ptr<const PackageEntry> MakeEntry(const pb::DesiredPackage& package) {
  auto entry = std::make_shared<PackageEntry>();
  entry->name = PackageName(package.name());
  entry->bundle = DigestOrNone(package.bundle_digest());
  entry->source = std::make_shared<const AppliedBundle>(
      AppliedBundle{entry->bundle, package.source().repository(), package.source().commit(),
                    /*claimed=*/false});
  entry->objects = package.object_count();
  entry->suspended = package.suspended();
  entry->bytes = package.SerializeAsString();
  entry->digest = Digest::Of(entry->bytes);
  return entry;
}

std::shared_ptr<const PackageEntry> Interner::Entry(const pb::DesiredPackage& package) {
  std::shared_ptr<const PackageEntry> entry = MakeEntry(package);
  return entries_.try_emplace(entry->digest, entry).first->second;
}

std::shared_ptr<const AppliedBundle> Interner::Applied(const pb::AppliedRecord& record) {
  const Digest bundle = DigestOrNone(record.bundle_digest());
  auto [at, added] = applied_.try_emplace(
      {bundle, absl::StrCat(record.repository(), "@", record.commit(), "@", record.claimed())},
      nullptr);
  if (added) {
    at->second = std::make_shared<const AppliedBundle>(
        AppliedBundle{bundle, record.repository(), record.commit(), record.claimed()});
  }
  return at->second;
}

std::string PayloadOf(absl::string_view hub_id, const ClusterId& cluster, const Desired& desired) {
  pb::DesiredState head;  // fields before `packages`
  head.set_hub_id(std::string(hub_id));
  head.set_cluster_id(cluster.text());
  head.set_recovery(desired.recovery);
  head.set_generation(desired.generation);
  if (!desired.previous.empty()) head.set_previous_digest(desired.previous.bytes());
  head.set_issued_ms(desired.issued_ms);
  head.set_not_after_ms(desired.not_after_ms);
  head.set_root_version(1);
  head.set_mode(desired.mode);
  pb::DesiredState tail;  // fields after it
  tail.set_suspended(desired.suspended);

  std::string payload = head.SerializeAsString();
  constexpr char kPackagesTag = (pb::DesiredState::kPackagesFieldNumber << 3) | 2;
  for (const auto& entry : desired.packages) {
    payload.push_back(kPackagesTag);
    AppendVarint(entry->bytes.size(), payload);
    payload += entry->bytes;
  }
  return payload + tail.SerializeAsString();
}

Digest ContentOf(const Desired& desired) {
  std::string bytes = absl::StrCat(static_cast<int>(desired.mode), desired.suspended ? "s" : "r");
  for (const auto& entry : desired.packages) absl::StrAppend(&bytes, entry->digest.view());
  return Digest::Of(bytes);
}

absl::StatusOr<Desired> ReadDesired(absl::string_view hub_id, const ClusterId& cluster,
                                    const pb::DesiredRecord& record, Interner& interner) {
  pb::DesiredState state;
  if (!state.ParseFromString(record.payload())) {
    return absl::DataLossError("the payload is no DesiredState");
  }
  Desired desired;
  desired.generation = state.generation();
  desired.recovery = state.recovery();
  desired.previous = DigestOrNone(state.previous_digest());
  desired.digest = Digest::Of(record.payload());
  desired.content_generation = record.content_generation();
  desired.issued_ms = state.issued_ms();
  desired.not_after_ms = state.not_after_ms();
  desired.mode = state.mode();
  desired.suspended = state.suspended();
  for (const pb::DesiredPackage& package : state.packages()) {
    desired.packages.push_back(interner.Entry(package));
  }
  desired.content = ContentOf(desired);
  if (PayloadOf(hub_id, cluster, desired) != record.payload()) {
    return absl::DataLossError("the payload was made by another hub or another format");
  }
  return desired;
}

void ReadState(const pb::ObservedState& state, Reported& reported) {
  reported.generation = state.generation();
  reported.desired_digest = DigestOrNone(state.desired_digest());
  reported.sync = state.sync();
  reported.health = state.health();
  reported.unmanaged = state.unmanaged();
  reported.observes = state.mode() == pb::CLUSTER_MODE_OBSERVE;
  reported.message = WorstOf(state);
  reported.suspended_locally = state.suspended_locally();
  reported.packages.clear();
  for (const pb::ObservedPackage& package : state.packages()) {
    ReportedPackage one;
    one.name = PackageName(package.name());
    one.attempted = DigestOrNone(package.attempted_digest().empty() ? package.bundle_digest()
                                                                    : package.attempted_digest());
    one.sync = package.sync();
    one.health = package.health();
    one.objects = package.objects();
    one.drifted = package.drifted();
    one.held = package.held();
    one.failed = package.failed();
    one.drift_healed = package.drift_healed();
    reported.packages.push_back(std::move(one));
  }
  std::sort(reported.packages.begin(), reported.packages.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

absl::StatusOr<Reported> ReadReported(const pb::ObservedRecord& record, Interner& interner) {
  Reported reported;
  ReadState(record.state(), reported);
  reported.state = std::make_shared<const std::string>(record.state().SerializeAsString());
  ASSIGN_OR_RETURN(reported.digest, Digest::FromBytes(record.digest()));
  reported.received_ms = record.received_ms();
  reported.converged_digest = DigestOrNone(record.converged_digest());
  reported.converged_ms = record.converged_ms();
  reported.converged_generation = record.converged_generation();
  for (const pb::AppliedRecord& applied : record.applied()) {
    for (ReportedPackage& package : reported.packages) {
      if (package.name.text() == applied.name()) package.applied = interner.Applied(applied);
    }
  }
  return reported;
}

pb::ObservedRecord ReportedRecord(const Reported& reported, const pb::ObservedState& state) {
  pb::ObservedRecord record;
  *record.mutable_state() = state;
  record.set_digest(reported.digest.bytes());
  record.set_received_ms(reported.received_ms);
  if (!reported.converged_digest.empty()) {
    record.set_converged_digest(reported.converged_digest.bytes());
  }
  record.set_converged_ms(reported.converged_ms);
  record.set_converged_generation(reported.converged_generation);
  for (const ReportedPackage& package : reported.packages) {
    if (package.applied == nullptr) continue;
    pb::AppliedRecord* applied = record.add_applied();
    applied->set_name(package.name.text());
    applied->set_bundle_digest(package.applied->bundle.bytes());
    applied->set_repository(package.applied->repository);
    applied->set_commit(package.applied->commit);
    applied->set_claimed(package.applied->claimed);
  }
  return record;
}

}  // namespace muster::hub
