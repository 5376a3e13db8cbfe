#include "hub/rpc/watch_stream.h"

#include <algorithm>

#include "common/net/rpc_status.h"

namespace muster::hub {

void WatchStream::Start(uint64_t version) {
  self_ = shared_from_this();
  MutexLock lock(mutex_);
  wanted_ = told_ = version;
  notice_.set_version(version);
  writing_ = true;
  StartWrite(&notice_);
}

void WatchStream::Tell(uint64_t version) {
  MutexLock lock(mutex_);
  wanted_ = std::max(wanted_, version);
  WriteNext();
}

void WatchStream::WriteNext() {
  if (writing_ || ended_ || told_ == wanted_) return;
  told_ = wanted_;
  notice_.set_version(told_);
  writing_ = true;
  StartWrite(&notice_);
}

void WatchStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  // What changed meanwhile is told with the next Tell, so that a notice a second stays one.
  if (!ok && !ended_) {
    ended_ = true;
    Finish(grpc::Status::CANCELLED);
  }
}

void WatchStream::End(const absl::Status& status) {
  MutexLock lock(mutex_);
  if (ended_) return;
  ended_ = true;
  Finish(ToGrpc(status));
}

void WatchStream::OnDone() {
  on_done_(this);
  self_.reset();
}

}  // namespace muster::hub
