#include "test/sim/world.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/manifest/bundle.h"
#include "hub/core/keys.h"
#include "proto/storage.pb.h"

namespace muster::sim {
namespace {

// Any moment will do, as long as it is the same one each time.
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

constexpr absl::Duration kHealthTimeout = absl::Minutes(5);  // the packages': they name none

std::string Seed32(absl::string_view text) { return Digest::Of(text).bytes(); }

v1::HubMeta Meta(const std::string& hub_id) {
  v1::HubMeta meta;
  meta.set_format(1);
  meta.set_hub_id(hub_id);
  meta.set_fleet_url(Forge::kFleetUrl);
  meta.set_fleet_branch("main");
  meta.set_created_ms(absl::ToUnixMillis(kStart));
  return meta;
}

}  // namespace

World::World(WorldSettings settings)
    : settings_(settings),
      random_(settings.seed),
      queue_(kStart),
      node_world_{queue_, trace_, [this] { AfterTurn(); }},
      signing_key_(Ed25519PrivateKey::FromSeed(Seed32("hub"))),
      hub_id_(Digest::Of("root").hex()) {
  forge_ = std::make_unique<Forge>(remotes_, random_, settings_.agents);
  network_ = std::make_unique<Network>(Network::Parts{queue_, random_, trace_});
  hub_ = std::make_unique<HubNode>(HubNode::Setup{.world = node_world_,
                                                  .network = *network_,
                                                  .remotes = remotes_,
                                                  .signing_key = signing_key_,
                                                  .hub_id = hub_id_,
                                                  .seed = settings_.seed});
  network_->set_ack_check(
      [this](int index, const std::set<Digest>& acceptable) { CheckAck(index, acceptable); });
  MakeAgents();
  PrepareDisk();
  hub_->Start();
  for (auto& agent : agents_) agent->Start();
}

World::~World() {
  for (auto& agent : agents_) agent->Kill();
  hub_->Kill();
}

void World::MakeAgents() {
  const auto verifier = std::make_shared<const Ed25519Verifier>(
      std::vector<Ed25519PublicKey>{signing_key_.public_key()}, /*threshold=*/1);
  generations_.resize(settings_.agents);
  accepted_.resize(settings_.agents);
  packages_.resize(settings_.agents);
  made_.resize(settings_.agents);
  for (int i = 0; i < settings_.agents; ++i) {
    const std::string name = Forge::ClusterName(i);
    agents_.push_back(std::make_unique<AgentNode>(
        AgentNode::Setup{.world = Node::World{queue_, trace_,
                                              [this, i] {
                                                turned_agent_ = i;
                                                AfterTurn();
                                                turned_agent_ = -1;
                                              }},
                         .network = *network_,
                         .index = i,
                         .name = name,
                         .cluster = ClusterId(Digest::Of(name).hex().substr(0, 32)),
                         .spki = Digest::Of(absl::StrCat("key of ", name)),
                         .hub_id = hub_id_,
                         .verifier = verifier,
                         .identity = Ed25519PrivateKey::FromSeed(Seed32(name)),
                         .seed = settings_.seed * 1'000 + i,
                         .blobs = [this](const Digest& digest) -> absl::StatusOr<std::string> {
                           if (!hub_->up()) return absl::UnavailableError("the hub is down");
                           return hub_->disk().Get(hub::keys::Blob(digest));
                         },
                         .keep_json = settings_.keep_json}));
    agents_.back()->set_removal_check(
        [this, i](const agent::RemoveRequest& request) { CheckRemoval(i, request); });
    agents_.back()->set_apply_check(
        [this, i](const std::vector<agent::ApplyRequest>& requests) { CheckWaves(i, requests); },
        [this, i](const ObjectKey& key) { made_[i].insert(key); });
  }
}

// The clusters are enrolled already: enrolment has tests of its own, and its keys are random.
void World::PrepareDisk() {
  Batch batch;
  batch.Put(hub::keys::kMeta, Meta(hub_id_).SerializeAsString());
  for (int i = 0; i < settings_.agents; ++i) {
    const std::string name = Forge::ClusterName(i);
    v1::ClusterRecord record;
    record.set_id(agents_[i]->cluster().text());
    record.set_name(name);
    record.set_state(v1::ClusterRecord::STATE_ENROLLED);
    record.set_spki(Digest::Of(absl::StrCat("key of ", name)).bytes());
    record.set_identity_public_key(Ed25519PrivateKey::FromSeed(Seed32(name)).public_key().bytes());
    record.set_certificate_der("certificate");
    record.set_enrolled_ms(absl::ToUnixMillis(kStart));
    record.set_certificate_expires_ms(absl::ToUnixMillis(kStart + absl::Hours(24 * 3650)));
    batch.Put(hub::keys::Cluster(agents_[i]->cluster()), record.SerializeAsString());
  }
  CHECK_OK(hub_->disk().Commit(batch));
}

void World::Advance(absl::Duration span) {
  const absl::Time end = queue_.Now() + span;
  while (queue_.Step(end)) {
  }
}

bool World::Converged() const { return WhyNotConverged().empty(); }

void World::MustConverge(absl::Duration limit) {
  const absl::Time start = queue_.Now();
  while (!Converged()) {
    if (queue_.Now() - start > limit) {
      Fail(absl::StrCat("S6: not converged after ", absl::FormatDuration(limit), ": ",
                        WhyNotConverged()));
    }
    Advance(absl::Seconds(1));
  }
  trace_.Note(queue_.Now(), "world", "has converged");
}

void World::Run() {
  PlanCommits();
  if (settings_.faults) PlanStorm();
  Advance(settings_.storm);
  EndStorm();
  MustConverge(settings_.calm);
  CheckReceipts();
}

// ---------------------------------------------------------------- questions

std::string World::WhyNotConverged() const {
  const std::shared_ptr<const hub::FleetView> view = hub_->view();
  if (view == nullptr) return "the hub is down";
  for (size_t i = 0; i < agents_.size(); ++i) {
    const std::string& name = agents_[i]->name();
    if (agents_[i]->driver().Objects() != forge_->Expected(static_cast<int>(i))) {
      return absl::StrCat(name, " does not hold what Git says: ", Difference(static_cast<int>(i)));
    }
    const std::shared_ptr<const hub::ClusterRow> row = view->clusters().Find(name);
    if (row == nullptr) return absl::StrCat("the hub does not show ", name);
    if (!row->converged || row->connection != v1::CONNECTION_STATUS_CONNECTED ||
        row->sync != v1::SYNC_STATUS_SYNCED || row->health != v1::HEALTH_STATUS_HEALTHY) {
      return absl::StrCat("the hub shows ", name, " as ",
                          v1::ConnectionStatus_Name(row->connection), ", ",
                          v1::SyncStatus_Name(row->sync), ", ", v1::HealthStatus_Name(row->health),
                          row->converged ? "" : ", not converged", ": ", row->message);
    }
  }
  return "";
}

std::string World::Difference(int index) const {
  const std::map<ObjectKey, std::string> live = agents_[index]->driver().Objects();
  const std::map<ObjectKey, std::string> expected = forge_->Expected(index);
  std::string text;
  for (const auto& [key, json] : expected) {
    const auto found = live.find(key);
    if (found == live.end()) absl::StrAppend(&text, " missing ", key.name);
    if (found != live.end() && found->second != json) absl::StrAppend(&text, " other ", key.name);
  }
  for (const auto& [key, json] : live) {
    if (!expected.contains(key)) absl::StrAppend(&text, " surplus ", key.name, " ", json);
  }
  const agent::AgentCore* core = agents_[index]->core();
  const std::shared_ptr<const hub::FleetView> view = hub_->view();
  const auto row = view->clusters().Find(agents_[index]->name());
  return absl::StrCat(
      text, "; agent: ", core == nullptr ? "down" : absl::StrCat(core->observed().generation()),
      network_->Connected(index) ? ", connected" : ", not connected", "; hub: ",
      row == nullptr ? "no row" : hub::MakeClusterView(*view, *row, true).ShortDebugString());
}

void World::AfterTurn() {
  ++tally_.turns;
  if (turned_agent_ >= 0) CheckAgent(turned_agent_);
}

void World::CheckAgent(int index) {
  const agent::AgentCore* core = agents_[index]->core();
  if (core == nullptr || core->desired() == nullptr) return;
  const uint64_t generation = core->desired()->generation();
  if (generation < generations_[index]) {
    Fail(absl::StrCat("S1: ", agents_[index]->name(), " fell from generation ", generations_[index],
                      " to ", generation));
  }
  if (generation == generations_[index]) return;
  generations_[index] = generation;
  for (const v1::DesiredPackage& package : core->desired()->packages()) {
    Accepted& known = packages_[index][package.name()];
    if (known.bundle != package.bundle_digest()) known = {package.bundle_digest(), queue_.Now()};
  }
  const Digest accepted = core->desired_digest();
  const auto [known, is_new] = accepted_[index].emplace(generation, accepted);
  if (!is_new && known->second != accepted) {
    Fail(absl::StrCat("S4: two desired states of generation ", generation, " for ",
                      agents_[index]->name()));
  }
  trace_.Note(queue_.Now(), agents_[index]->name(),
              absl::StrCat("accepts generation ", generation, " ", accepted.short_hex()));
  // The hub may have moved on since; what it has now must not be older.
  const absl::StatusOr<std::string> stored =
      hub_->disk().Get(hub::keys::Desired(agents_[index]->cluster()));
  v1::DesiredRecord record;
  v1::DesiredState state;
  if (!stored.ok() || !record.ParseFromString(*stored) ||
      !state.ParseFromString(record.payload()) || state.generation() < generation ||
      (state.generation() == generation && Digest::Of(record.payload()) != accepted)) {
    Fail(absl::StrCat("S2: ", agents_[index]->name(), " accepted generation ", generation,
                      ", which the hub has not on its disk"));
  }
}

void World::CheckAck(int index, const std::set<Digest>& acceptable) {
  const absl::StatusOr<std::string> stored =
      hub_->disk().Get(hub::keys::Observed(agents_[index]->cluster()));
  v1::ObservedRecord record;
  if (!stored.ok() || !record.ParseFromString(*stored) ||
      !acceptable.contains(Digest::Of(record.state().SerializeAsString()))) {
    Fail(absl::StrCat("S5: a report of ", agents_[index]->name(),
                      " was acknowledged and is not on the hub's disk"));
  }
}

// Whatever was lost, sent again or cut off on the way: no honest agent's chain of receipts breaks.
void World::CheckReceipts() {
  const absl::StatusOr<std::vector<Record>> events = hub_->disk().Scan(hub::keys::kEvents);
  CHECK_OK(events);
  for (const Record& record : *events) {
    v1::EventRecord event;
    CHECK(event.ParseFromString(record.value));
    if (event.reason() == "ReceiptChainBroken") {
      Fail(absl::StrCat("S7: ", event.subject(), ": ", event.message()));
    }
  }
}

// Each package's manifest, as the hub has it.
const v1::Manifest& World::ManifestOf(const v1::DesiredPackage& package) {
  const auto [at, is_new] = manifests_.try_emplace(package.bundle_digest());
  if (!is_new) return at->second;
  absl::StatusOr<Digest> bundle = Digest::FromBytes(package.bundle_digest());
  CHECK_OK(bundle);
  absl::StatusOr<std::string> stored = hub_->disk().Get(hub::keys::Blob(*bundle));
  CHECK_OK(stored);
  v1::BlobRecord blob;
  CHECK(blob.ParseFromString(*stored));
  absl::StatusOr<std::string> bytes = Decompress(blob.zstd(), blob.size());
  CHECK_OK(bytes);
  CHECK(at->second.ParseFromString(*bytes));
  return at->second;
}

void World::CheckRemoval(int index, const agent::RemoveRequest& request) {
  const agent::AgentCore* core = agents_[index]->core();
  if (core == nullptr || core->desired() == nullptr) {
    Fail(absl::StrCat("S3: ", agents_[index]->name(), " removes without an accepted state"));
  }
  made_[index].erase(request.key);
  for (const v1::DesiredPackage& package : core->desired()->packages()) {
    for (const v1::ManifestEntry& entry : ManifestOf(package).entries()) {
      if (KeyOf(entry) == request.key) {
        Fail(absl::StrCat("S3: ", agents_[index]->name(), " removes ", request.key.name,
                          ", which package ", package.name(), " has"));
      }
    }
  }
}

void World::CheckWaves(int index, const std::vector<agent::ApplyRequest>& requests) {
  const agent::AgentCore* core = agents_[index]->core();
  if (core == nullptr || core->desired() == nullptr) return;
  std::set<ObjectKey> coming;  // for the first time
  for (const agent::ApplyRequest& request : requests) {
    if (!made_[index].contains(request.key)) coming.insert(request.key);
  }
  for (const v1::DesiredPackage& package : core->desired()->packages()) {
    if (queue_.Now() - packages_[index][package.name()].at >= kHealthTimeout) continue;
    const v1::ManifestEntry* missing = nullptr;  // of the earliest wave
    const v1::ManifestEntry* last = nullptr;     // that comes now
    for (const v1::ManifestEntry& entry : ManifestOf(package).entries()) {
      const ObjectKey key = KeyOf(entry);
      const bool earliest = missing == nullptr || entry.wave() < missing->wave();
      if (!made_[index].contains(key) && earliest) missing = &entry;
      if (coming.contains(key) && (last == nullptr || entry.wave() > last->wave())) last = &entry;
    }
    if (missing == nullptr || last == nullptr || last->wave() <= missing->wave()) continue;
    Fail(absl::StrCat("S8: ", agents_[index]->name(), " makes ", last->name(), " of wave ",
                      last->wave(), " before ", missing->name(), " of wave ", missing->wave()));
  }
}

void World::Fail(const std::string& what) {
  std::cerr << trace_.Tail(60) << "\n"
            << what << "\n"
            << "repeat: bazel run //test/sim:replay -- --seed " << settings_.seed << " --agents "
            << settings_.agents << " --commits " << settings_.commits << " --minutes "
            << absl::ToInt64Minutes(settings_.storm) << "\n";
  std::abort();
}

}  // namespace muster::sim
