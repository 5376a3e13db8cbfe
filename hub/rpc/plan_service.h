// PlanService: what a commit would change, for people and CI, on the operator listener.
//
// The core fetches and renders; its answer is compared here, on a worker thread, from the store.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/loop/workers.h"
#include "common/store/store.h"
#include "hub/core/event.h"
#include "hub/rpc/replies.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct PlanServiceOptions {
  std::string hub_id;
  std::function<void(Event event)> post;  // to the hub's inbox; any thread
  const Store* store = nullptr;
  Replies* replies = nullptr;
  Workers* workers = nullptr;  // stopped after the server
};

class PlanService {
 public:
  // What `options` points to must outlive the service.
  explicit PlanService(PlanServiceOptions options);
  ~PlanService();

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

 private:
  class Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace muster::hub
