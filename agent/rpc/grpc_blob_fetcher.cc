#include "agent/rpc/grpc_blob_fetcher.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "common/net/rpc_status.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::agent {

namespace pb = muster::v1;

absl::Status GrpcBlobFetcher::Fetch(const pb::FetchBlobsRequest& request, Sink sink) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + limits::kBlobFetchTimeout));
  {
    MutexLock lock(mutex_);
    if (stopped_) return absl::CancelledError("fetch blobs: the agent is stopping");
    running_ = &context;
  }
  const auto stub = pb::AgentService::NewStub(channel_.Current());
  const auto reader = stub->FetchBlobs(&context, request);
  absl::Status refused;
  pb::BlobBatch batch;
  while (refused.ok() && reader->Read(&batch)) {
    for (const pb::BlobChunk& chunk : batch.chunks()) {
      refused = sink(chunk);
      if (refused.ok()) continue;
      context.TryCancel();
      break;
    }
  }
  const absl::Status status = FromGrpc(reader->Finish());
  {
    MutexLock lock(mutex_);
    running_ = nullptr;
  }
  return refused.ok() ? status : refused;
}

void GrpcBlobFetcher::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  if (running_ != nullptr) running_->TryCancel();
}

}  // namespace muster::agent
