// AgentService: what agents may ask of the hub, over mutual TLS: Connect, FetchBlobs, Renew.
//
// Who is asking is read from the verified certificate, never from a message, and is held against
// the allow-list at the start of every stream and call. Arrivals become events in the hub's inbox;
// the hub's turn answers through AgentLinks. Signing, building pushes and reading blobs happen on
// worker threads. Post and Close: the core's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/loop/workers.h"
#include "common/store/store.h"
#include "hub/core/event.h"
#include "hub/core/fleet_view.h"
#include "hub/rpc/agent_links.h"
#include "hub/rpc/replies.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct AgentServiceOptions {
  std::string hub_id;
  std::string signer_der;  // of the key that signs desired states: every agent is told

  // Posts to the hub's inbox. Any thread.
  std::function<void(Event event)> post;

  // The fleet as it is now: its allow-list, and the bundles that a cluster should have. Any thread.
  std::function<std::shared_ptr<const FleetView>()> view;

  // Signs a desired state and adds the blobs that its agent will probably lack. Worker threads.
  std::function<absl::StatusOr<v1::Push>(const PushDesired& desired)> build_push;

  const Store* store = nullptr;  // blobs
  Replies* replies = nullptr;
  Workers* workers = nullptr;  // stopped before the service is destroyed
};

class AgentService final : public AgentLinks {
 public:
  // What `options` points to must outlive the service.
  explicit AgentService(AgentServiceOptions options);
  ~AgentService() override;

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

  void Post(Send send) override;
  void Close(const CloseLink& close) override;

  // Ends the streams of peers that never said Hello, or that the allow-list no longer has (the
  // second lock, beside the core's CloseLink), and the connections that Close was told to end.
  // About once a second; any thread.
  void Sweep(absl::Time now);

  // Ends every stream, with kUnavailable. New ones are refused from now on. Any thread.
  void Stop();

  // Open streams.
  size_t links() const;

 private:
  class Streams;
  std::unique_ptr<Streams> streams_;
};

}  // namespace muster::hub
