// OperatorService: what people and CI may ask of the hub, over mutual TLS with an operator's
// certificate; a cluster's opens nothing here.
//
// Reads are answered from the published picture and the store, on worker threads. Writes become
// events for the core, under the name in the certificate, and are answered once they are durable. A
// credential is sealed before it becomes an event: the core never sees a secret.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/loop/workers.h"
#include "common/store/store.h"
#include "hub/core/event.h"
#include "hub/core/fleet_view.h"
#include "hub/rpc/replies.h"
#include "hub/rpc/views.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct OperatorServiceOptions {
  std::string hub_id;
  HubPlace place;
  std::string sealing_key;

  // Posts to the hub's inbox. Any thread.
  std::function<void(Event event)> post;

  // The fleet as it is now. Any thread.
  std::function<std::shared_ptr<const FleetView>()> view;

  const Store* store = nullptr;
  Replies* replies = nullptr;
  Workers* workers = nullptr;  // stopped after the server
};

class OperatorService {
 public:
  // What `options` points to must outlive the service.
  explicit OperatorService(OperatorServiceOptions options);
  ~OperatorService();

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

  // Tells the watchers when the picture has changed since they were told. About once a second, and
  // never more often; any thread.
  void Sweep();

  // Ends the watches; new ones are refused from now on. Any thread.
  void Stop();

 private:
  class Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace muster::hub
