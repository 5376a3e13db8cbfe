// PushBuilder: makes the message that brings one agent its desired state: the signed envelope and,
// as hints, what leads from the bundles that the agent has to those that it should have.
//
// A thousand agents that go from the same bundle to the same bundle cost one computation: hints are
// kept by (have, want). What does not fit into limits::kInlineBytesMax is left out; the agent
// fetches it. Any thread; may read the store, so not on a thread that must not wait for a disk.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/mutex.h"
#include "common/store/store.h"
#include "common/trust/envelope.h"
#include "hub/core/outbox.h"
#include "proto/agent_service.pb.h"

namespace muster::hub {

class PushBuilder {
 public:
  // Both must outlive this.
  PushBuilder(const Store& store, const Signer& signer) : store_(store), signer_(signer) {}

  // An error comes from the signer alone; a blob that the store lacks is left out.
  absl::StatusOr<v1::Push> Build(const PushDesired& push);

 private:
  // What leads from one bundle to another.
  struct Hint {
    std::vector<v1::ManifestDelta> manifest;  // none or one
    std::vector<v1::InlineBlob> blobs;
    size_t bytes = 0;
  };
  using Pair = std::pair<Digest, Digest>;

  std::shared_ptr<const Hint> HintFor(const Digest& have, const Digest& want);
  Hint Compute(const Digest& have, const Digest& want) const;

  const Store& store_;
  const Signer& signer_;

  Mutex mutex_;
  std::map<Pair, std::shared_ptr<const Hint>> hints_ GUARDED_BY(mutex_);
  std::deque<Pair> oldest_first_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub
