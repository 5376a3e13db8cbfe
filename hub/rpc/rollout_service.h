// RolloutService: rollouts as people see and lead them, on the operator listener.
//
// Everything is answered by the core; a decision once it is durable.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/core/event.h"
#include "hub/rpc/replies.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct RolloutServiceOptions {
  std::string hub_id;
  std::function<void(Event event)> post;  // to the hub's inbox; any thread
  Replies* replies = nullptr;
};

class RolloutService {
 public:
  // What `options` points to must outlive the service.
  explicit RolloutService(RolloutServiceOptions options);
  ~RolloutService();

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

 private:
  class Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace muster::hub
