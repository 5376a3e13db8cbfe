// WatchStream: one Watch call: says that the picture of the fleet has changed, and no more often
// than it is told to. Newest wins: a slow reader misses numbers, never the last change.
//
// Any thread. Keeps itself alive until gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "common/base/mutex.h"
#include "proto/operator_service.grpc.pb.h"

namespace muster::hub {

class WatchStream final : public grpc::ServerWriteReactor<v1::WatchNotice>,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  // `on_done` is the stream's last word.
  explicit WatchStream(std::function<void(WatchStream*)> on_done) : on_done_(std::move(on_done)) {}

  // Sends the first notice.
  void Start(uint64_t version);

  // A no-op when `version` was told already.
  void Tell(uint64_t version);

  void End(const absl::Status& status);

 private:
  void OnWriteDone(bool ok) override;
  void OnCancel() override { End(absl::CancelledError("the caller left")); }
  void OnDone() override;

  void WriteNext() EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void(WatchStream*)> on_done_;
  std::shared_ptr<WatchStream> self_;

  Mutex mutex_;
  v1::WatchNotice notice_;  // gRPC's while writing_
  uint64_t wanted_ GUARDED_BY(mutex_) = 0;
  uint64_t told_ GUARDED_BY(mutex_) = 0;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
};

}  // namespace muster::hub
