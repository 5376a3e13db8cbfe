// BlobStream: one FetchBlobs call: blobs in the order asked for, in chunks of their stored form.
//
// Reading happens on worker threads, one blob at a time, and the next is read when the last chunk
// of the one before has left: a slow reader costs one blob of memory. Each step ends in the next
// one or in Finish, so there is nothing to lock. Keeps itself alive until gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "common/base/digest.h"
#include "common/loop/workers.h"
#include "common/store/store.h"
#include "hub/rpc/blob_access.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::hub {

class BlobStream final : public grpc::ServerWriteReactor<v1::BlobChunk>,
                         public std::enable_shared_from_this<BlobStream> {
 public:
  // What a stream needs of its service, which outlives it.
  struct Parts {
    const Store& store;
    BlobAccess& access;
    Workers& workers;
  };

  // `bundles` is what the asking cluster should have.
  BlobStream(Parts parts, std::vector<Digest> bundles, v1::FetchBlobsRequest request)
      : parts_(parts), bundles_(std::move(bundles)), request_(std::move(request)) {}

  void Start();

 private:
  void OnWriteDone(bool ok) override;
  void OnDone() override { self_.reset(); }

  // Runs `step` on a worker; its error ends the stream.
  void Run(absl::Status (BlobStream::*step)());

  // Steps on a worker.
  absl::Status Admit();
  absl::Status Load();

  // Puts a delta into the chunk, if the wanted blob is a manifest and the delta is smaller.
  bool LoadDelta(const v1::BlobRequest& wanted, const Digest& digest);
  void WriteChunk();

  const Parts parts_;
  const std::vector<Digest> bundles_;
  const v1::FetchBlobsRequest request_;
  std::shared_ptr<BlobStream> self_;

  int next_ = 0;           // of the request's blobs: to be loaded
  v1::BlobRecord record_;  // that is being sent
  uint64_t offset_ = 0;    // of the next chunk in it
  v1::BlobChunk chunk_;
};

}  // namespace muster::hub
