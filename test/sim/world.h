// World: one hub, many agents, a Git host and a network, in one deterministic run of a seed.
//
//   World world({.seed = 17, .agents = 50});
//   world.Run();                       // faults, then calm, then everything must have converged
//   EXPECT_EQ(world.trace().digest(), ...);
//
// Invariants asked after every turn (numbers as in docs/architecture.md, "What the simulator
// asks"):
//   S1. An agent's accepted generation never falls, over restarts too.
//   S2. An agent accepts only what the hub has made durable for it before.
//   S3. No object is removed that the agent's accepted state has a place for.
//   S4. A generation is never used for two different desired states of a cluster.
//   S5. What an agent was told is durable is on the hub's disk, over crashes.
//   S8. No object of a later wave is made before those of the earlier waves of its package, unless
//       they had the package's health timeout to get there.
// Liveness, asked at the end:
//   S6. Within `calm` after the last fault every cluster holds exactly what Git says, and the hub
//       knows it: Connected, Synced, Healthy, applied equal to desired.
//   S7. No cluster's chain of receipts was ever broken.
//
// One thread. A violated invariant aborts with the newest lines of the trace and the line that
// repeats the run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "test/sim/agent_node.h"
#include "test/sim/event_queue.h"
#include "test/sim/forge.h"
#include "test/sim/hub_node.h"
#include "test/sim/network.h"
#include "test/sim/trace.h"

namespace muster::sim {

struct WorldSettings {
  uint64_t seed = 1;
  int agents = 50;
  // How long faults and commits go on; none of it with `faults` false but the commits.
  absl::Duration storm = absl::Minutes(10);
  bool faults = true;
  // How long everything may take to converge afterwards.
  absl::Duration calm = absl::Minutes(5);
  int commits = 10;  // good ones, spread over the storm
  bool keep_json = true;
};

class World {
 public:
  explicit World(WorldSettings settings);
  ~World();

  // The whole story: storm, calm, final questions.
  void Run();

  // Parts of it, for scenarios.
  void Advance(absl::Duration span);
  bool Converged() const;
  // Advances until converged; aborts when that takes longer than `limit`.
  void MustConverge(absl::Duration limit);

  const Trace& trace() const { return trace_; }
  Trace& trace() { return trace_; }
  EventQueue& queue() { return queue_; }
  Forge& forge() { return *forge_; }
  Network& network() { return *network_; }
  HubNode& hub() { return *hub_; }
  AgentNode& agent(int index) { return *agents_[index]; }
  int agents() const { return static_cast<int>(agents_.size()); }

  // What was done to this run, for the test's own conscience: a storm without faults proves little.
  struct Tally {
    int hub_crashes = 0;
    int agent_crashes = 0;
    int cuts = 0;
    int drifts = 0;
    int bad_commits = 0;
    int64_t turns = 0;
  };
  const Tally& tally() const { return tally_; }

 private:
  void PrepareDisk();
  void MakeAgents();
  void PlanStorm();
  void PlanCommits();
  void OneFault();
  void NetworkFault();
  void CrashFault();
  void GitFault();
  void ClusterFault();
  void EndStorm();
  void AcceptRewrites();

  void AfterTurn();
  void CheckAgent(int index);
  void CheckAck(int index, const std::set<Digest>& acceptable);
  void CheckReceipts();
  void CheckRemoval(int index, const agent::RemoveRequest& request);
  void CheckWaves(int index, const std::vector<agent::ApplyRequest>& requests);
  const v1::Manifest& ManifestOf(const v1::DesiredPackage& package);
  [[noreturn]] void Fail(const std::string& what);
  std::string WhyNotConverged() const;
  std::string Difference(int index) const;

  const WorldSettings settings_;
  SeededRandom random_;
  EventQueue queue_;
  Trace trace_;
  Tally tally_;
  hub::MemoryRemotes remotes_;
  std::unique_ptr<Forge> forge_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<HubNode> hub_;
  std::vector<std::unique_ptr<AgentNode>> agents_;
  Node::World node_world_;
  Ed25519PrivateKey signing_key_;
  std::string hub_id_;
  int turned_agent_ = -1;

  // Of each agent: the highest generation seen, and the digest of each.
  std::vector<uint64_t> generations_;
  std::vector<std::map<uint64_t, Digest>> accepted_;
  // Likewise: each package's bundle and when it was accepted, and the objects that were ever made
  // and not removed since.
  struct Accepted {
    std::string bundle;
    absl::Time at;
  };
  std::vector<std::map<std::string, Accepted>> packages_;
  std::vector<std::set<ObjectKey>> made_;
  std::map<std::string, v1::Manifest> manifests_;  // by digest
};

}  // namespace muster::sim
