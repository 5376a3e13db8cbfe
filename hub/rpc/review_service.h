// ReviewService: what people ask who look for the odd one out and who want proof, on the
// operator listener. Answered from the published view and the store, on the workers.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/loop/workers.h"
#include "common/store/store.h"
#include "hub/core/fleet_view.h"
#include "hub/rpc/audit_seal.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct ReviewServiceOptions {
  std::string hub_id;
  std::function<std::shared_ptr<const FleetView>()> view;  // any thread
  const Store* store = nullptr;
  AuditSeal seal;
  Workers* workers = nullptr;
};

class ReviewService {
 public:
  // What `options` points to must outlive the service.
  explicit ReviewService(ReviewServiceOptions options);
  ~ReviewService();

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

 private:
  class Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace muster::hub
