// AgentWorld: one agent core with twins all around it and a hub that does as a test says. For
// tests.
//
// Time stands still until a test moves it. Step() does one thing at a time (handle and commit one
// event, or perform one job), so that a test can crash the agent between any two.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "agent/cluster/memory_driver.h"
#include "agent/cluster/noticeboard.h"
#include "agent/core/agent_core.h"
#include "agent/perform.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/base/random.h"
#include "common/manifest/bundle.h"
#include "common/store/memory_store.h"
#include "common/trust/ed25519.h"
#include "proto/agent_service.pb.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

inline constexpr absl::string_view kTestHub = "hub-1";
inline constexpr absl::string_view kTestCluster = "cluster-1";

// A ConfigMap with one value; `value` makes it differ.
inline Object TestObject(absl::string_view name, absl::string_view value,
                         absl::string_view kind = "ConfigMap", absl::string_view ns = "web") {
  Value::Map metadata{{"name", Value(name)}};
  if (!ns.empty()) metadata.Set("namespace", Value(ns));
  absl::StatusOr<Object> object =
      MakeObject(Value::Map{{"apiVersion", "v1"},
                            {"kind", Value(kind)},
                            {"metadata", std::move(metadata)},
                            {"data", Value::Map{{"value", Value(value)}}}});
  CHECK_OK(object);
  return *std::move(object);
}

inline ObjectKey TestKey(absl::string_view name, absl::string_view kind = "ConfigMap",
                         absl::string_view ns = "web") {
  return TestObject(name, "", kind, ns).key;
}

// The hub's side: bundles, signed states, blobs by digest.
class TestHub final : public BlobFetcher {
 public:
  TestHub() : key_(Ed25519PrivateKey::FromSeed(std::string(32, 'k'))), signer_(key_) {}

  // A package with these objects; its blobs can be fetched from now on.
  v1::DesiredPackage Package(const std::string& name, std::vector<Object> objects) {
    std::vector<BundleInput> inputs;
    for (Object& object : objects) inputs.push_back(BundleInput{.object = std::move(object)});
    const absl::StatusOr<Bundle> bundle = MakeBundle(std::move(inputs));
    CHECK_OK(bundle);
    for (const Bundle::Blob& blob : bundle->blobs) blobs_[blob.digest] = blob.json;
    blobs_[bundle->digest] = bundle->manifest_bytes;
    v1::DesiredPackage package;
    package.set_name(name);
    package.set_bundle_digest(bundle->digest.bytes());
    package.set_manifest_bytes(bundle->manifest_bytes.size());
    package.set_object_count(bundle->manifest.entries_size());
    package.set_object_bytes(bundle->object_bytes);
    package.mutable_source()->set_commit(bundle->digest.hex().substr(0, 40));
    return package;
  }

  // The next generation with these packages.
  v1::DesiredState State(std::vector<v1::DesiredPackage> packages, absl::Time now) {
    v1::DesiredState state;
    state.set_hub_id(std::string(kTestHub));
    state.set_cluster_id(std::string(kTestCluster));
    state.set_generation(++generation_);
    state.set_issued_ms(absl::ToUnixMillis(now));
    state.set_not_after_ms(absl::ToUnixMillis(now + absl::Hours(24 * 30)));
    for (v1::DesiredPackage& package : packages) *state.add_packages() = std::move(package);
    return state;
  }

  v1::Push Sign(const v1::DesiredState& state) const {
    v1::Push push;
    absl::StatusOr<v1::Envelope> envelope =
        signer_.Sign(kDesiredStateType, state.SerializeAsString());
    CHECK_OK(envelope);
    *push.mutable_desired_state() = *std::move(envelope);
    return push;
  }

  std::shared_ptr<const Verifier> verifier() const {
    return std::make_shared<Ed25519Verifier>(std::vector<Ed25519PublicKey>{key_.public_key()}, 1);
  }

  void Inline(const Digest& digest, v1::Push& push) const {
    v1::InlineBlob& blob = *push.add_blobs();
    blob.set_digest(digest.bytes());
    blob.set_size(blobs_.at(digest).size());
    blob.set_zstd(Compress(blobs_.at(digest)));
  }

  absl::Status Fetch(const v1::FetchBlobsRequest& request, Sink sink) override {
    ++fetches;
    if (!online) return absl::UnavailableError("no hub");
    for (const v1::BlobRequest& wanted : request.blobs()) {
      const Digest digest = *Digest::FromBytes(wanted.digest());
      const auto found = blobs_.find(digest);
      if (found == blobs_.end()) continue;
      ++fetched_blobs;
      v1::BlobChunk chunk;
      const std::string zstd = Compress(tamper ? tamper(found->second) : found->second);
      chunk.set_digest(wanted.digest());
      chunk.set_size(found->second.size());
      chunk.set_stored_size(zstd.size());
      chunk.set_offset(wanted.offset());
      chunk.set_data(zstd.substr(wanted.offset()));
      if (const absl::Status status = sink(chunk); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  void Forget(const Digest& digest) { blobs_.erase(digest); }

  const std::string& blob(const Digest& digest) const { return blobs_.at(digest); }

  bool online = true;
  int fetches = 0;
  int fetched_blobs = 0;
  std::function<std::string(const std::string&)> tamper;

 private:
  Ed25519PrivateKey key_;
  Ed25519Signer signer_;
  std::map<Digest, std::string> blobs_;
  uint64_t generation_ = 0;
};

class AgentWorld {
 public:
  AgentWorld() { Start(); }

  // One whose cluster has a noticeboard.
  struct WithNoticeboard {};
  explicit AgentWorld(WithNoticeboard) : has_noticeboard_(true) { Start(); }

  // A new process over what is on the disk.
  void Start() {
    random_ = std::make_unique<SeededRandom>(7);
    AgentSettings settings;
    settings.hub_id = std::string(kTestHub);
    settings.cluster_id = std::string(kTestCluster);
    settings.agent_version = "test";
    settings.driver = "memory";
    settings.has_noticeboard = has_noticeboard_;
    settings.verifier = hub.verifier();
    core_ = std::make_unique<AgentCore>(std::move(settings), *random_);
    events_.clear();
    jobs_.clear();
    sends.clear();
    std::vector<Record> records;
    for (const absl::string_view prefix : kAgentRecordPrefixes) {
      const absl::StatusOr<std::vector<Record>> some = store->Scan(prefix);
      CHECK_OK(some);
      records.insert(records.end(), some->begin(), some->end());
    }
    CHECK_OK(core_->Load(records, now));
  }

  // kill -9: what was not committed is lost, what the cluster got it keeps.
  void Crash() {
    store = std::make_unique<MemoryStore>(store->Durable());
    Start();
  }

  void Connect() {
    Post(LinkUp());
    v1::Welcome welcome;
    welcome.set_heartbeat_interval_ms(30'000);
    Post(Welcomed{.welcome = welcome});
  }

  void Post(Event event) { events_.push_back(std::move(event)); }

  // Handles and commits one event, or performs one job. False when there is nothing to do now.
  bool Step() {
    if (events_.empty() && jobs_.empty() && core_->NextWake() <= now) Post(Tick());
    if (!events_.empty()) {
      Event event = std::move(events_.front());
      events_.pop_front();
      Outbox outbox;
      core_->Handle(now, std::move(event), outbox);
      if (!outbox.batch.empty()) ++commits;
      CHECK_OK(store->Commit(outbox.batch));
      for (Job& job : outbox.jobs) jobs_.push_back(std::move(job));
      for (HubSend& send : outbox.sends) Deliver(std::move(send));
      return true;
    }
    if (jobs_.empty()) return false;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    driver.SetTime(now);
    Post(Perform(job, tools()));
    return true;
  }

  // The next job that Step would perform, when no event waits; null for none.
  Job* NextJob() { return events_.empty() && !jobs_.empty() ? &jobs_.front() : nullptr; }

  void Settle() {
    int steps = 0;
    while (Step()) CHECK_LT(++steps, 100'000) << "the agent does not come to rest";
  }

  // Lets time pass, waking the agent whenever it wants to.
  void Pass(absl::Duration duration) {
    const absl::Time end = now + duration;
    Settle();
    while (core_->NextWake() <= end) {
      now = std::max(now, core_->NextWake());
      Settle();
    }
    now = end;
  }

  v1::DesiredState Push(std::vector<v1::DesiredPackage> packages) {
    v1::DesiredState state = hub.State(std::move(packages), now);
    Post(Pushed{hub.Sign(state)});
    Settle();
    return state;
  }

  Tools tools() {
    return Tools{.driver = driver,
                 .store = *store,
                 .fetcher = hub,
                 .noticeboard = has_noticeboard_ ? &noticeboard : nullptr};
  }

  const v1::ObservedState& observed() const { return core_->observed(); }

  // The problem with this object, in whatever package; a default one when there is none.
  const v1::ObjectProblem& problem(absl::string_view name) const {
    for (const v1::ObservedPackage& package : observed().packages()) {
      for (const v1::ObjectProblem& problem : package.problems()) {
        if (problem.name() == name) return problem;
      }
    }
    static const v1::ObjectProblem kNone;
    return kNone;
  }

  const v1::ObservedPackage& package(absl::string_view name) const {
    for (const v1::ObservedPackage& package : observed().packages()) {
      if (package.name() == name) return package;
    }
    static const v1::ObservedPackage kNone;
    return kNone;
  }

  // The condition `type` among `conditions`, as "Status Reason"; "" when it is absent.
  template <typename Conditions>
  static std::string Condition(const Conditions& conditions, absl::string_view type) {
    for (const v1::Condition& condition : conditions) {
      if (condition.type() == type) {
        const bool is = condition.status() == v1::CONDITION_STATUS_TRUE;
        return absl::StrCat(is ? "True " : "False ", condition.reason());
      }
    }
    return "";
  }

  AgentCore& core() { return *core_; }

  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  TestHub hub;
  MemoryDriver driver;
  MemoryNoticeboard noticeboard;
  std::unique_ptr<MemoryStore> store = std::make_unique<MemoryStore>();
  std::vector<HubSend> sends;
  bool acknowledge = true;  // reports and receipts, as they are sent
  int commits = 0;

 private:
  void Deliver(HubSend send) {
    const auto* report = std::get_if<v1::Report>(&send);
    if (report != nullptr && acknowledge) Post(ReportAcked{report->number()});
    const auto* receipts = std::get_if<SendReceipts>(&send);
    if (receipts != nullptr && acknowledge) {
      Post(ReportAcked{.receipt = Digest::Of(receipts->payloads.back()).bytes()});
    }
    sends.push_back(std::move(send));
  }

  const bool has_noticeboard_ = false;
  std::unique_ptr<SeededRandom> random_;
  std::unique_ptr<AgentCore> core_;
  std::deque<Event> events_;
  std::deque<Job> jobs_;
};

}  // namespace muster::agent
