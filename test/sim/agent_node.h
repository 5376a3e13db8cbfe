// AgentNode: an agent of a simulated world: the real shell and core over a disk, a cluster and a
// network that are not.
//
// The cluster (a MemoryDriver) and the disk outlive the process. One thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/agent.h"
#include "agent/cluster/memory_driver.h"
#include "agent/jobs.h"
#include "agent/perform.h"
#include "common/base/random.h"
#include "common/loop/inbox.h"
#include "common/trust/ed25519.h"
#include "test/sim/network.h"
#include "test/sim/node.h"

namespace muster::sim {

// Blobs straight from the hub's disk, when the hub is up.
class SimFetcher final : public agent::BlobFetcher {
 public:
  // Returns a blob's stored record, or why there is none.
  using Source = std::function<absl::StatusOr<std::string>(const Digest&)>;

  explicit SimFetcher(Source source) : source_(std::move(source)) {}
  absl::Status Fetch(const v1::FetchBlobsRequest& request, Sink sink) override;
  int64_t fetched() const { return fetched_; }

 private:
  Source source_;
  int64_t fetched_ = 0;
};

class AgentNode final : public Node {
 public:
  struct Setup {
    World world;
    Network& network;
    int index = 0;
    std::string name;
    ClusterId cluster;
    Digest spki;
    std::string hub_id;
    std::shared_ptr<const Verifier> verifier;  // of the hub's key
    Ed25519PrivateKey identity;
    uint64_t seed = 0;
    SimFetcher::Source blobs;
    bool keep_json = true;  // whether the cluster keeps contents, for drift in detail
  };

  explicit AgentNode(Setup setup);
  ~AgentNode() override;

  const ClusterId& cluster() const { return setup_.cluster; }
  agent::MemoryDriver& driver() { return driver_; }
  // Null while the node is down.
  const agent::AgentCore* core() const { return agent_ ? &agent_->core() : nullptr; }
  int64_t fetched() const { return fetcher_.fetched(); }

  // Called before each removal: the world checks that it is due.
  using RemovalCheck = std::function<void(const agent::RemoveRequest&)>;
  void set_removal_check(RemovalCheck check);
  // Called with what is about to be written, and again with each object that was.
  using ApplyCheck = std::function<void(const std::vector<agent::ApplyRequest>&)>;
  using AppliedNote = std::function<void(const ObjectKey&)>;
  void set_apply_check(ApplyCheck check, AppliedNote note);

 protected:
  void Build() override;
  void Destroy() override;
  void RunTurn(absl::Time now) override;
  absl::Time NextWake() const override { return agent_->NextWake(); }

 private:
  class Jobs;
  class CheckedDriver;

  void Post(agent::Event event);

  Setup setup_;
  agent::MemoryDriver driver_;
  std::unique_ptr<CheckedDriver> checked_;
  SimFetcher fetcher_;
  Ed25519Signer signer_;
  SimLink link_;

  // Of the present life.
  std::unique_ptr<SeededRandom> random_;
  std::unique_ptr<Inbox<agent::Event>> inbox_;
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<agent::Agent> agent_;
};

}  // namespace muster::sim
