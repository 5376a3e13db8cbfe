// GrpcBlobFetcher: blobs from the hub through AgentService.FetchBlobs, on the channel that the link
// uses. One call at a time; Stop: any thread.
#pragma once

#include "agent/rpc/blob_fetcher.h"
#include "agent/rpc/hub_channel.h"
#include "common/base/mutex.h"

namespace grpc {
class ClientContext;
}  // namespace grpc

namespace muster::agent {

class GrpcBlobFetcher final : public BlobFetcher {
 public:
  // `channel` must outlive the fetcher.
  explicit GrpcBlobFetcher(HubChannel& channel) : channel_(channel) {}

  absl::Status Fetch(const v1::FetchBlobsRequest& request, Sink sink) override;

  // Ends the call that runs, and refuses those that come.
  void Stop();

 private:
  HubChannel& channel_;

  Mutex mutex_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  grpc::ClientContext* running_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace muster::agent
