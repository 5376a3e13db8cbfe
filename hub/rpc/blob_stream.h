// BlobStream: one FetchBlobs call: blobs in the order asked for, in chunks of their stored form.
//
// Reading happens on worker threads, one batch of chunks at a time, and the next is read when the
// one before has left: a slow reader costs one blob and one batch of memory. Each step ends in the
// next one or in Finish, so there is nothing to lock. Keeps itself alive until gRPC is done with
// it.
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

class BlobStream final : public grpc::ServerWriteReactor<v1::BlobBatch>,
                         public std::enable_shared_from_this<BlobStream> {
 public:
  // What a stream needs of its service, which outlives it.
  struct Parts {
    const Store& store;
    BlobAccess& access;
    Workers& workers;
  };

  // `bundles` is what the asking cluster should have, `bases` what a delta for it may start from:
  // both sorted.
  BlobStream(Parts parts, std::vector<Digest> bundles, std::vector<Digest> bases,
             v1::FetchBlobsRequest request)
      : parts_(parts),
        bundles_(std::move(bundles)),
        bases_(std::move(bases)),
        request_(std::move(request)) {}

  void Start();

 private:
  void OnWriteDone(bool ok) override;
  void OnDone() override { self_.reset(); }

  // Runs `step` on a worker; its error ends the stream.
  void Run(absl::Status (BlobStream::*step)());

  // Steps on a worker.
  absl::Status Admit();
  // Fills a batch and writes it; finishes when nothing is left.
  absl::Status Load();

  // Reads the next wanted blob, and says what a chunk of it starts with.
  absl::Status OpenNext();
  bool opened() const { return offset_ < record_.zstd().size(); }
  // Adds the next chunk of the open blob.
  void AddChunk();
  // Adds a delta instead, if the wanted blob is a manifest, the cluster's own base is one that the
  // hub gave it, and the delta is smaller.
  bool AddDelta(const v1::BlobRequest& wanted, const Digest& digest);

  const Parts parts_;
  const std::vector<Digest> bundles_;
  const std::vector<Digest> bases_;
  const v1::FetchBlobsRequest request_;
  std::shared_ptr<BlobStream> self_;

  int next_ = 0;           // of the request's blobs: to be loaded
  v1::BlobRecord record_;  // that is being sent
  uint64_t offset_ = 0;    // of the next chunk in it
  v1::BlobChunk head_;     // what each of its chunks says of it
  v1::BlobBatch batch_;
  size_t batch_bytes_ = 0;
};

}  // namespace muster::hub
