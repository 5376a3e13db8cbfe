// BlobFetcher: blobs by digest from the hub.
//
// Real: GrpcBlobFetcher over AgentService.FetchBlobs. Twins: in tests and in test/sim. Blocks;
// called from a job thread, one call at a time.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "proto/agent_service.pb.h"

namespace muster::agent {

class BlobFetcher {
 public:
  virtual ~BlobFetcher() = default;

  // Hands each chunk of the answer to `sink`, in the order of arrival, and returns how the stream
  // ended. Stops when `sink` returns an error, and returns that. Checks nothing: whoever asks
  // verifies each blob by its digest. Resuming after a failure is another call with offsets.
  using Sink = absl::FunctionRef<absl::Status(const v1::BlobChunk& chunk)>;
  virtual absl::Status Fetch(const v1::FetchBlobsRequest& request, Sink sink) = 0;
};

}  // namespace muster::agent
