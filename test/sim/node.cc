#include "test/sim/node.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "common/base/check.h"

namespace muster::sim {
namespace {

// A woken process takes its turn a moment later, so that what arrives together is one batch.
constexpr absl::Duration kWakeLatency = absl::Microseconds(200);

}  // namespace

void Node::Start() {
  CHECK(!up());
  ++life_;
  store_ = std::make_unique<CrashStore>(disk_);
  scheduled_ = absl::InfiniteFuture();
  world_.trace.Note(world_.queue.Now(), name_, "starts");
  Build();
  Wake();
}

void Node::Kill() {
  if (!up()) return;
  ++life_;
  world_.trace.Note(world_.queue.Now(), name_, "dies");
  Destroy();
  store_.reset();
}

void Node::CrashAtCommit(CrashStore::Side side, absl::Duration rest) {
  if (!up()) return;
  store_->CrashAtCommit(side);
  rest_after_crash_ = rest;
}

void Node::Restart(absl::Duration rest) {
  if (!up()) return;
  Kill();
  world_.queue.After(rest, [this, life = life_] {
    if (life_ == life) Start();
  });
}

void Node::Wake() {
  if (up()) Schedule(world_.queue.Now() + kWakeLatency);
}

void Node::Schedule(absl::Time moment) {
  if (moment >= scheduled_) return;
  scheduled_ = moment;
  world_.queue.At(moment, [this, life = life_, moment] {
    if (life_ != life || scheduled_ != moment) return;
    scheduled_ = absl::InfiniteFuture();
    Turn();
  });
}

void Node::Turn() {
  try {
    RunTurn(world_.queue.Now());
  } catch (const Crash&) {
    Restart(rest_after_crash_);
    return;
  }
  world_.after_turn();
  // A wake that lies in the past would be a busy loop: time must move.
  if (const absl::Time next = NextWake(); next < absl::InfiniteFuture()) {
    Schedule(std::max(next, world_.queue.Now() + absl::Milliseconds(1)));
  }
}

}  // namespace muster::sim
