// Outbox: what an agent's core wants done after an event. The shell first commits `batch` durably,
// then does the rest.
//
// A plain value on the core's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/cluster/cluster_driver.h"
#include "agent/cluster/noticeboard.h"
#include "common/base/digest.h"
#include "common/store/store.h"
#include "proto/agent_service.pb.h"

namespace muster::agent {

// Bring blobs into the store: those that are there already are not asked for again. Ends in
// BlobsFetched.
struct FetchBlobsJob {
  uint64_t job = 0;
  v1::FetchBlobsRequest request;
  bool contents = false;    // hand the contents back too: for manifests
  bool local_only = false;  // do not ask the hub: what is not in the store is left out
};

// One object to look at.
struct Look {
  ObjectKey key;
  Digest expected;      // digest that it should have now; empty: whatever there is, is compared
  Digest object;        // blob of the desired object, to compare with; empty: nothing is compared
  bool sealed = false;  // that blob is a sealed form (manifest/sealed.h)
  std::vector<std::string> ignore;  // JSON pointers that do not count
  uint64_t compared = 0;  // LiveObject::version at which it was compared last; zero for never
  std::shared_ptr<const Terms> terms;
};

// Ends in Listed.
struct ListJob {
  uint64_t job = 0;
  std::vector<Look> looks;
  std::optional<UnmanagedQuery> unmanaged;  // to be counted as well
};

// One object to write; the shell reads its JSON from the store by digest.
struct ApplyAction {
  ObjectKey key;
  Digest object;
  std::string json;     // instead of `object`, for what is in no bundle
  bool sealed = false;  // the blob is a sealed form (manifest/sealed.h)
  // As in ApplyRequest.
  bool ours = false;
  AdoptRule adopt = AdoptRule::kIfEqual;
  bool force = false;
  bool may_replace = false;  // where the object's annotation asks for it
  std::vector<std::string> keep;
  std::shared_ptr<const Terms> terms;
};

// Ends in Acted. Applies run first, in order, then removals, in order.
struct ActJob {
  uint64_t job = 0;
  std::vector<ApplyAction> apply;
  std::vector<RemoveRequest> remove;
};

// Put what the agent has to say where the cluster's own people look. Ends in Told.
struct TellJob {
  uint64_t job = 0;
  Value status;  // of the status object
  std::vector<Happening> happenings;
};

using Job = std::variant<FetchBlobsJob, ListJob, ActJob, TellJob>;

// Receipts (each an ApplyReceipt), at least one, the oldest first, each naming the one before it;
// the shell signs the last with the identity key, and so all.
struct SendReceipts {
  std::vector<std::string> payloads;
};

using HubSend = std::variant<v1::Hello, v1::Heartbeat, v1::Report, SendReceipts>;

struct Outbox {
  Batch batch;
  std::vector<Job> jobs;
  std::vector<HubSend> sends;
};

}  // namespace muster::agent
