// Node: a simulated process: it runs turns when something arrives or its time has come, may be
// killed at any moment or at a commit, and starts again from its disk.
//
// HubNode and AgentNode are Nodes. One thread.
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"
#include "common/store/memory_store.h"
#include "test/sim/crash_store.h"
#include "test/sim/event_queue.h"
#include "test/sim/trace.h"

namespace muster::sim {

class Node {
 public:
  struct World {
    EventQueue& queue;
    Trace& trace;
    // Asked after each turn of each node: the invariants.
    std::function<void()> after_turn;
  };

  Node(World world, std::string name) : world_(std::move(world)), name_(std::move(name)) {}
  virtual ~Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::string& name() const { return name_; }
  bool up() const { return life_ % 2 == 1; }
  MemoryStore& disk() { return disk_; }

  // Requires: the node is down.
  void Start();
  // kill -9. Nothing happens when the node is down.
  void Kill();
  // Dies at the next commit that is not empty, and starts again after `rest`.
  void CrashAtCommit(CrashStore::Side side, absl::Duration rest);
  // Kill now, start again after `rest`.
  void Restart(absl::Duration rest);

 protected:
  // Something was posted: a turn is due.
  void Wake();

  // Make the process from `disk()`, throw it away, run one turn, and say when the next is due.
  virtual void Build() = 0;
  virtual void Destroy() = 0;
  virtual void RunTurn(absl::Time now) = 0;
  virtual absl::Time NextWake() const = 0;

  CrashStore& store() { return *store_; }
  World& world() { return world_; }
  // Rises with each start and each end: work for a former life is dropped.
  uint64_t life() const { return life_; }

 private:
  void Turn();
  void Schedule(absl::Time moment);

  World world_;
  const std::string name_;
  MemoryStore disk_;
  std::unique_ptr<CrashStore> store_;
  uint64_t life_ = 0;
  absl::Time scheduled_ = absl::InfiniteFuture();
  absl::Duration rest_after_crash_;
};

}  // namespace muster::sim
