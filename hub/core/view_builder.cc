#include "hub/core/view_builder.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hub/core/desired_state.h"
#include "hub/core/fleet_config.h"
#include "hub/core/keys.h"
#include "hub/core/signatures.h"
#include "hub/core/sources.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Why the newest revision is not what the cluster should have; null when it is.
std::shared_ptr<const std::string> ErrorOf(const Placement& placement) {
  if (placement.variant == nullptr) return placement.error;
  return placement.variant->error != nullptr ? placement.variant->error : placement.waiting;
}

// Tells a package's renderings apart, in four bytes for each of its clusters.
uint32_t IdOf(const Variant& variant) {
  uint32_t id = 0;
  std::memcpy(&id, variant.params.view().data(), sizeof(id));
  return id;
}

// Whether what the agent said of a package is about the bundle that it should have.
bool Speaks(const PackageStatus& status, const ReportedPackage& reported) {
  return status.desired != nullptr && reported.attempted == status.desired->bundle;
}

void TakeReported(const ReportedPackage& said, PackageStatus& status) {
  status.applied = said.applied;
  status.objects = said.objects;
  status.drifted = said.drifted;
  status.held = said.held;
  status.failed = said.failed;
  status.drift_healed = said.drift_healed;
}

void JudgePackageStatus(const ClusterState& cluster, const ReportedPackage* reported,
                        PackageStatus& status) {
  const bool connected = cluster.connection == pb::CONNECTION_STATUS_CONNECTED;
  if (!connected || cluster.reported.digest.empty()) return;  // Unknown, both
  if (reported == nullptr) {
    status.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
    status.health =
        status.desired == nullptr ? pb::HEALTH_STATUS_UNKNOWN : pb::HEALTH_STATUS_PROGRESSING;
    return;
  }
  if (Speaks(status, *reported) && HasPresentContent(cluster)) {
    status.sync = reported->sync;
    status.health = reported->health;
  } else if (Speaks(status, *reported)) {
    // The same bundle under another policy: its health is still its health.
    status.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
    status.health = reported->health;
  } else {
    status.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
    status.health = std::max(reported->health, pb::HEALTH_STATUS_PROGRESSING);
  }
  if (status.error != nullptr) status.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
}

// Every package that concerns the cluster: selected, desired or reported. The three lists are
// sorted by name and merged.
std::vector<PackageStatus> StatusesOf(const ClusterState& cluster) {
  std::vector<PackageStatus> statuses;
  statuses.reserve(std::max({cluster.placements.size(), cluster.desired.packages.size(),
                             cluster.reported.packages.size()}));
  auto placement = cluster.placements.begin();
  auto desired = cluster.desired.packages.begin();
  auto reported = cluster.reported.packages.begin();
  while (true) {
    const std::string* next = nullptr;
    const auto earliest = [&next](const std::string& name) {
      if (next == nullptr || name < *next) next = &name;
    };
    if (placement != cluster.placements.end()) earliest(placement->package->record.spec().name());
    if (desired != cluster.desired.packages.end()) earliest((*desired)->name.text());
    if (reported != cluster.reported.packages.end()) earliest(reported->name.text());
    if (next == nullptr) return statuses;

    const Variant* variant = nullptr;
    PackageStatus& status = statuses.emplace_back();
    status.name = PackageName(*next);
    if (placement != cluster.placements.end() &&
        placement->package->record.spec().name() == status.name.text()) {
      status.selected = true;
      status.error = ErrorOf(*placement);
      variant = placement++->variant;
    }
    if (desired != cluster.desired.packages.end() && (*desired)->name == status.name) {
      status.desired = *desired++;
    }
    if (variant != nullptr) status.rendering = IdOf(*variant);
    status.current = variant != nullptr && status.desired != nullptr && variant->good &&
                     variant->good->bundle_digest() == status.desired->bundle.view();
    const ReportedPackage* said = nullptr;
    if (reported != cluster.reported.packages.end() && reported->name == status.name) {
      said = &*reported++;
      TakeReported(*said, status);
    }
    JudgePackageStatus(cluster, said, status);
  }
}

// Who suspended the cluster and why, and what became of it meanwhile; empty: nobody did.
std::string SuspensionOf(const ClusterState& cluster, const ClusterRow& row) {
  std::string text;
  const std::string& local = cluster.reported.suspended_locally;
  if (row.suspended) {
    const std::string& reason = cluster.record.suspend_reason();
    absl::StrAppend(&text, "suspended", reason.empty() ? "" : ": ", reason);
  }
  if (!local.empty()) {
    absl::StrAppend(&text, text.empty() ? "" : "; also ",
                    "suspended in the cluster itself: ", local);
  }
  if (text.empty()) return text;
  uint32_t drifted = 0;
  for (const PackageStatus& package : row.packages) drifted += package.drifted;
  if (drifted == 1) absl::StrAppend(&text, "; 1 object differs from what Git says");
  if (drifted > 1) absl::StrAppend(&text, "; ", drifted, " objects differ from what Git says");
  return text;
}

// The one sentence that says why the cluster is not as it should be.
std::string MessageOf(const State& state, const ClusterState& cluster, const ClusterRow& row) {
  if (cluster.record.state() == pb::ClusterRecord::STATE_PENDING) {
    return absl::StrCat("waits to be accepted; when its agent shows the words ", row.words,
                        ", run 'muster accept ", row.name, "'");
  }
  if (cluster.record.state() == pb::ClusterRecord::STATE_REVOKED) {
    return "revoked; what it runs stays";
  }
  if (row.suspended) return SuspensionOf(cluster, row);
  for (const pb::Condition& condition : row.conditions) {
    if (condition.status() == pb::CONDITION_STATUS_FALSE) return condition.message();
  }
  if (cluster.heard == absl::InfinitePast() && cluster.reported.digest.empty()) {
    return "its agent has not connected yet";
  }
  if (row.connection != pb::CONNECTION_STATUS_CONNECTED) {
    return cluster.heard == absl::InfinitePast()
               ? "not heard from since this hub was started"
               : "not heard from; its state is the last one known";
  }
  for (const PackageStatus& package : row.packages) {
    if (package.error != nullptr) {
      return absl::StrCat(package.name.text(), ": ", *package.error);
    }
  }
  if (cluster.desired.generation == 0) {
    return state.packages.empty() ? "no package is declared yet"
                                  : "waits for the first rendering of its packages";
  }
  if (cluster.reported.digest.empty()) return "its agent has not reported yet";
  if (std::string suspension = SuspensionOf(cluster, row); !suspension.empty()) return suspension;
  if (!cluster.reported.message.empty()) return cluster.reported.message;
  if (!HasPresentContent(cluster)) {
    return absl::StrCat("generation ", cluster.desired.generation, " is on its way");
  }
  const pb::DeclarationRecord* declaration = DeclarationOf(state, cluster);
  if (declaration != nullptr && declaration->removed()) {
    return "its declaration left Git; it keeps its labels until it is declared again or revoked";
  }
  return "";
}

// The worst of its packages, and of what the agent said of the whole.
void JudgeCluster(const ClusterState& cluster, ClusterRow& row) {
  const bool connected = cluster.connection == pb::CONNECTION_STATUS_CONNECTED;
  if (!cluster.enrolled() || !connected || cluster.reported.digest.empty() ||
      cluster.desired.generation == 0) {
    row.sync = pb::SYNC_STATUS_UNKNOWN;
    row.health = pb::HEALTH_STATUS_UNKNOWN;
    return;
  }
  row.sync = std::max(pb::SYNC_STATUS_SYNCED, cluster.reported.sync);
  row.health = std::max(pb::HEALTH_STATUS_HEALTHY, cluster.reported.health);
  if (!HasPresentContent(cluster)) row.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
  for (const PackageStatus& package : row.packages) {
    row.sync = std::max(row.sync, package.sync);
    row.health = std::max(row.health, package.health);
  }
  if (row.suspended) row.health = std::max(row.health, pb::HEALTH_STATUS_SUSPENDED);
  for (const pb::Condition& condition : row.conditions) {
    if (condition.status() == pb::CONDITION_STATUS_FALSE) row.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
  }
  row.converged = row.sync == pb::SYNC_STATUS_SYNCED && row.health == pb::HEALTH_STATUS_HEALTHY &&
                  HasAllBundles(cluster);
}

void FillFromDeclaration(const pb::DeclarationRecord& declaration, ClusterRow& row) {
  const pb::ClusterDeclaration& spec = declaration.spec();
  row.project = spec.project();
  row.labels.assign(spec.labels().begin(), spec.labels().end());
  if (spec.mode() == pb::CLUSTER_MODE_OBSERVE) row.mode = pb::CLUSTER_MODE_OBSERVE;
  row.origin = spec.origin();
}

void FillFromCluster(const State& state, const ClusterState& cluster, ClusterRow& row) {
  const pb::ClusterRecord& record = cluster.record;
  row.id = cluster.id;
  row.state = record.state();
  const auto& labels = LabelsInForce(state, cluster);
  row.labels.assign(labels.begin(), labels.end());
  row.connection = cluster.enrolled() ? cluster.connection : pb::CONNECTION_STATUS_OFFLINE;
  row.suspended = record.suspended();
  row.desired_generation = cluster.desired.generation;
  row.desired_digest = cluster.desired.digest;
  row.applied_generation = cluster.reported.converged_generation;
  row.observed_digest = cluster.reported.digest;
  const bool applied = cluster.desired.generation > 0 &&
                       cluster.reported.converged_generation >= cluster.desired.content_generation;
  row.applied_ms = applied ? cluster.reported.converged_ms : 0;
  row.last_seen_ms = cluster.heard == absl::InfinitePast() ? cluster.reported.received_ms
                                                           : absl::ToUnixMillis(cluster.heard);
  row.enrolled_ms = record.enrolled_ms();
  row.certificate_expires_ms = record.certificate_expires_ms();
  row.agent_version = record.agent_version();
  row.driver = record.driver();
  row.recipient = record.recipient();
  row.unmanaged = cluster.reported.unmanaged;
  // Also when the agent was started so, whatever the hub declares.
  if (cluster.reported.observes) row.mode = pb::CLUSTER_MODE_OBSERVE;
  if (record.state() == pb::ClusterRecord::STATE_PENDING) row.words = record.words();
  if (cluster.enrolled()) {
    for (const std::string* spki : {&record.spki(), &record.next_spki()}) {
      if (!spki->empty()) row.spkis.push_back(*Digest::FromBytes(*spki));
    }
  }
  row.packages = StatusesOf(cluster);
  row.observed = cluster.reported.state;
  row.conditions = cluster.conditions;
  JudgeCluster(cluster, row);
  row.message = MessageOf(state, cluster, row);
}

}  // namespace

void ViewBuilder::MarkAll() {
  Marks& marks = state_.marks;
  for (const auto& [name, repository] : state_.repositories) marks.view_repositories.insert(name);
  for (const auto& [name, package] : state_.packages) marks.view_packages.insert(name);
  for (const auto& [name, declaration] : state_.declarations) marks.view_clusters.insert(name);
  for (const auto& [id, cluster] : state_.clusters) ShowCluster(state_, cluster);
}

std::shared_ptr<const FleetView> ViewBuilder::Build() {
  Marks& marks = state_.marks;
  const bool same = marks.view_clusters.empty() && marks.view_heard.empty() &&
                    marks.view_packages.empty() && marks.view_repositories.empty() &&
                    !marks.view_hub && state_.view->version() > 0;
  if (same) return state_.view;
  auto view = std::make_shared<FleetView>(*state_.view);
  ++view->version_;
  for (const ClusterName& name : marks.view_clusters) BuildCluster(name, *view);
  for (const ClusterId& id : marks.view_heard) BuildHeard(id, *view);
  for (const PackageName& name : marks.view_packages) BuildPackage(name, *view);
  for (const RepositoryName& name : marks.view_repositories) BuildRepository(name, *view);
  marks.view_clusters.clear();
  marks.view_heard.clear();
  marks.view_hub = false;
  marks.view_packages.clear();
  marks.view_repositories.clear();
  BuildHub(*view);
  state_.view = std::move(view);
  return state_.view;
}

void ViewBuilder::BuildCluster(const ClusterName& name, FleetView& view) {
  const std::shared_ptr<const ClusterRow> before = view.clusters_.Find(name.text());
  const ClusterState* cluster = FindClusterByName(state_, name);
  const auto declaration = state_.declarations.find(name);
  if (cluster == nullptr && before != nullptr && !before->id.empty()) {
    cluster = FindCluster(state_, before->id);  // revoked
  }
  if (cluster == nullptr && declaration == state_.declarations.end()) {
    view.clusters_.Erase(name.text());
    Relist(before.get(), nullptr, view);
    return;
  }
  auto row = std::make_shared<ClusterRow>();
  row->name = name.text();
  row->project = "default";
  if (declaration != state_.declarations.end()) FillFromDeclaration(declaration->second, *row);
  if (cluster != nullptr) {
    FillFromCluster(state_, *cluster, *row);
  } else {
    row->message = absl::StrCat("declared; invite it with 'muster join ", name.text(), "'");
  }
  Relist(before.get(), row.get(), view);
  view.clusters_.Set(name.text(), std::move(row));
}

void ViewBuilder::BuildHeard(const ClusterId& id, FleetView& view) {
  const ClusterState* cluster = FindCluster(state_, id);
  if (cluster == nullptr) return;
  const std::string& name = cluster->record.name();
  const std::shared_ptr<const ClusterRow> before = view.clusters_.Find(name);
  if (before == nullptr || before->id != id) return;
  const int64_t heard_ms = absl::ToUnixMillis(cluster->heard);
  if (before->last_seen_ms == heard_ms) return;
  auto row = std::make_shared<ClusterRow>(*before);
  row->last_seen_ms = heard_ms;
  view.clusters_.Set(name, std::move(row));
}

void ViewBuilder::BuildPackage(const PackageName& name, FleetView& view) {
  const auto found = state_.packages.find(name);
  if (found == state_.packages.end()) {
    view.packages_.Erase(name.text());
    return;
  }
  const PackageState& package = found->second;
  auto row = std::make_shared<PackageRow>();
  row->spec = package.record.spec();
  row->suspended = package.record.suspended();
  row->bundles = static_cast<int32_t>(package.variants.size());
  const auto repository = state_.repositories.find(RepositoryName(row->spec.repository()));
  for (const auto& [params, variant] : package.variants) {
    row->selected += variant.clusters;
    if (!variant.good) continue;
    const absl::StatusOr<Digest> input = Digest::FromBytes(variant.good->input_digest());
    row->renderings.push_back({.id = IdOf(variant),
                               .input = input.ok() ? *input : Digest(),
                               .commit = variant.error == nullptr ? variant.tried_commit : ""});
    row->objects = std::max(row->objects, static_cast<int32_t>(variant.good->object_count()));
    const bool newest = repository != state_.repositories.end() &&
                        variant.good->commit() == repository->second.record.commit();
    if (newest || row->commit.empty()) row->commit = variant.good->commit();
  }
  row->conditions.assign(package.record.conditions().begin(), package.record.conditions().end());
  view.packages_.Set(name.text(), std::move(row));
}

void ViewBuilder::BuildRepository(const RepositoryName& name, FleetView& view) {
  const auto found = state_.repositories.find(name);
  if (found == state_.repositories.end()) {
    view.repositories_.Erase(name.text());
    return;
  }
  const RepositoryState& repository = found->second;
  const pb::RepositoryRecord& record = repository.record;
  auto row = std::make_shared<RepositoryRow>();
  pb::RepositoryView& out = row->view;
  out.set_name(name.text());
  out.set_project(record.spec().project());
  out.set_url(record.spec().url());
  out.set_ref(RefText(record.spec()));
  out.set_commit(record.commit());
  if (repository.head.commit().id() == record.commit()) {
    out.set_subject(repository.head.commit().subject());
  }
  out.set_polled_ms(record.polled_ms());
  out.set_next_poll_ms(
      repository.next_poll == absl::InfinitePast() ? 0 : absl::ToUnixMillis(repository.next_poll));
  out.set_suspended(record.suspended());
  out.set_frozen(!record.frozen_commit().empty());
  out.set_seen_commit(record.frozen_commit());
  out.set_failures(repository.failures);
  out.set_fleet(name.text() == keys::kFleetRepository);
  out.set_verify(VerifyText(record.spec().verify()));
  *out.mutable_origin() = record.spec().origin();
  *out.mutable_conditions() = record.conditions();
  if (record.suspended()) {
    out.set_message(absl::StrCat("suspended", record.suspend_reason().empty() ? "" : ": ",
                                 record.suspend_reason()));
  }
  for (const pb::Condition& condition : record.conditions()) {
    const bool bad = condition.type() == "Frozen"
                         ? condition.status() == pb::CONDITION_STATUS_TRUE
                         : condition.status() == pb::CONDITION_STATUS_FALSE;
    if (bad && out.message().empty()) out.set_message(condition.message());
  }
  if (record.commit().empty() && out.message().empty()) out.set_message("not fetched yet");
  view.repositories_.Set(name.text(), std::move(row));
}

void ViewBuilder::BuildHub(FleetView& view) {
  HubFacts& hub = view.hub_;
  const Settings& settings = state_.settings;
  hub.version = settings.version;
  hub.hub_id = settings.hub_id;
  hub.agent_address = settings.agent_address;
  hub.join_address = settings.join_address;
  hub.fleet_url = state_.meta.fleet_url();
  hub.fleet_path = state_.meta.fleet_path();
  hub.conditions.clear();
  if (state_.clock_behind) {
    hub.conditions.push_back(MakeCondition(
        "ClockGood", pb::CONDITION_STATUS_FALSE, "ClockBehind",
        absl::StrCat("the clock of this machine is behind the time that was acted upon already, ",
                     absl::FormatTime(absl::RFC3339_sec, state_.now, absl::UTCTimeZone()),
                     "; polls wait until it has caught up; set the clock"),
        ""));
  }
  const RepositoryState* fleet = FleetRepository(state_);
  hub.fleet_commit = fleet == nullptr ? "" : fleet->record.commit();
  hub.started_ms = state_.started == absl::InfinitePast() ? 0 : absl::ToUnixMillis(state_.started);
  hub.now_ms = state_.now == absl::InfinitePast() ? 0 : state_.now_ms();
}

void ViewBuilder::Relist(const ClusterRow* before, const ClusterRow* after, FleetView& view) {
  const auto listed = [](const ClusterRow* row) {
    return row != nullptr && (row->state == pb::ClusterRecord::STATE_PENDING ||
                              row->state == pb::ClusterRecord::STATE_ENROLLED);
  };
  const bool same = listed(before) == listed(after) &&
                    (!listed(after) || (before->id == after->id && before->spkis == after->spkis));
  if (same) return;
  if (listed(before)) {
    view.names_.Erase(before->id.text());
    for (const Digest& spki : before->spkis) view.admitted_.Erase(spki.view());
  }
  if (!listed(after)) return;
  view.names_.Set(after->id.text(), std::make_shared<const std::string>(after->name));
  for (const Digest& spki : after->spkis) {
    view.admitted_.Set(spki.view(), std::make_shared<const std::string>(after->id.text()));
  }
}

}  // namespace muster::hub
