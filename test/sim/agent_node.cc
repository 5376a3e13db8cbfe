#include "test/sim/agent_node.h"

#include <utility>
#include <vector>

#include "common/base/check.h"
#include "proto/storage.pb.h"

namespace muster::sim {
namespace {

// How long a call to the cluster or for blobs takes.
constexpr absl::Duration kJobTime = absl::Milliseconds(5);

}  // namespace

absl::Status SimFetcher::Fetch(const v1::FetchBlobsRequest& request, Sink sink) {
  for (const v1::BlobRequest& wanted : request.blobs()) {
    absl::StatusOr<Digest> digest = Digest::FromBytes(wanted.digest());
    CHECK_OK(digest);
    absl::StatusOr<std::string> record = source_(*digest);
    if (!record.ok()) return record.status();
    v1::BlobRecord blob;
    CHECK(blob.ParseFromString(*record));
    v1::BlobChunk chunk;
    chunk.set_digest(wanted.digest());
    chunk.set_size(blob.size());
    chunk.set_stored_size(blob.zstd().size());
    chunk.set_offset(wanted.offset());
    chunk.set_data(blob.zstd().substr(wanted.offset()));
    ++fetched_;
    if (absl::Status status = sink(chunk); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// What is written and removed passes the world's eyes first; all else goes straight through.
class AgentNode::CheckedDriver final : public agent::ClusterDriver {
 public:
  explicit CheckedDriver(agent::MemoryDriver& driver) : driver_(driver) {}

  std::string Name() const override { return driver_.Name(); }
  absl::StatusOr<std::vector<agent::LiveObject>> List(const std::vector<agent::Query>& queries,
                                                      bool contents) override {
    return driver_.List(queries, contents);
  }
  std::vector<agent::DriverResult> Apply(
      const std::vector<agent::ApplyRequest>& requests) override {
    const bool writes = !requests.empty() && !requests[0].dry_run;
    if (writes && check_apply_) check_apply_(requests);
    std::vector<agent::DriverResult> results = driver_.Apply(requests);
    for (const agent::DriverResult& result : results) {
      if (writes && note_applied_ && result.status.ok()) note_applied_(result.key);
    }
    return results;
  }
  std::vector<agent::DriverResult> Remove(
      const std::vector<agent::RemoveRequest>& requests) override {
    if (check_) {
      for (const agent::RemoveRequest& request : requests) check_(request);
    }
    return driver_.Remove(requests);
  }
  absl::StatusOr<agent::Unmanaged> ListUnmanaged(const agent::UnmanagedQuery& query) override {
    return driver_.ListUnmanaged(query);
  }
  void Watch(std::function<void()> changed) override { driver_.Watch(std::move(changed)); }

  RemovalCheck check_;
  ApplyCheck check_apply_;
  AppliedNote note_applied_;

 private:
  agent::MemoryDriver& driver_;
};

// Does each job at once and delivers the result a moment later, unless the process died meanwhile.
class AgentNode::Jobs final : public agent::Jobs {
 public:
  explicit Jobs(AgentNode& node) : node_(node), life_(node.life()) {}

  void Start(agent::Job job) override {
    node_.world().queue.After(kJobTime, [node = &node_, life = life_, job = std::move(job)] {
      if (node->life() != life) return;
      node->Post(agent::Perform(job, agent::Tools{*node->checked_, node->disk(), node->fetcher_}));
    });
  }

 private:
  AgentNode& node_;
  const uint64_t life_;
};

AgentNode::AgentNode(Setup setup)
    : Node(setup.world, setup.name),
      setup_(std::move(setup)),
      driver_(setup_.keep_json),
      checked_(std::make_unique<CheckedDriver>(driver_)),
      fetcher_(setup_.blobs),
      signer_(setup_.identity),
      link_(setup_.network, setup_.index) {
  driver_.Watch([this] {
    if (up()) Post(agent::ClusterChanged());
  });
}

AgentNode::~AgentNode() = default;

void AgentNode::set_removal_check(RemovalCheck check) { checked_->check_ = std::move(check); }

void AgentNode::set_apply_check(ApplyCheck check, AppliedNote note) {
  checked_->check_apply_ = std::move(check);
  checked_->note_applied_ = std::move(note);
}

void AgentNode::Build() {
  random_ = std::make_unique<SeededRandom>(setup_.seed + life());
  inbox_ = std::make_unique<Inbox<agent::Event>>(name(), 100'000);
  jobs_ = std::make_unique<Jobs>(*this);
  agent::AgentSettings settings;
  settings.hub_id = setup_.hub_id;
  settings.cluster_id = setup_.cluster.text();
  settings.agent_version = "sim";
  settings.driver = driver_.Name();
  settings.verifier = setup_.verifier;
  agent_ = std::make_unique<agent::Agent>(
      agent::AgentParts{store(), *jobs_, link_, signer_, *inbox_}, settings, *random_);
  CHECK_OK(agent_->Load(world().queue.Now()));
  setup_.network.AgentUp(setup_.index,
                         AgentPort{name(), setup_.cluster, setup_.spki,
                                   [this](agent::Event event) { Post(std::move(event)); }});
}

void AgentNode::Destroy() {
  setup_.network.AgentDown(setup_.index);
  agent_.reset();
  jobs_.reset();
  inbox_.reset();
  random_.reset();
}

void AgentNode::Post(agent::Event event) {
  inbox_->Post(std::move(event));
  Wake();
}

void AgentNode::RunTurn(absl::Time now) { CHECK_OK(agent_->Turn(now)); }

}  // namespace muster::sim
