// Resolver: names to addresses, off the loop's thread, because the system's look-up blocks.
//
// Resolve and its answer: the loop's thread. An address in figures is answered without a thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/kube/event_loop.h"
#include "common/loop/workers.h"

namespace muster::agent {

// A socket address, as connect takes it.
struct SocketAddress {
  int family = 0;
  std::string bytes;
};

class Resolver {
 public:
  using Answer = std::function<void(absl::StatusOr<std::vector<SocketAddress>>)>;

  explicit Resolver(EventLoop& loop) : loop_(loop) {}

  // Always answers later, never within the call.
  void Resolve(const std::string& host, int port, Answer answer);

 private:
  EventLoop& loop_;
  std::unique_ptr<Workers> workers_;  // made when the first name comes
};

}  // namespace muster::agent
