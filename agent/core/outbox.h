// Outbox: what an agent's core wants done after an event. The shell first commits `batch` durably,
// then does the rest.
//
// A plain value on the core's thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "agent/cluster/cluster_driver.h"
#include "common/base/digest.h"
#include "common/store/store.h"
#include "proto/agent_service.pb.h"

namespace muster::agent {

// Ends in BlobsFetched.
struct FetchBlobsJob {
  uint64_t job = 0;
  v1::FetchBlobsRequest request;
};

// Ends in Listed.
struct ListJob {
  uint64_t job = 0;
  std::vector<ObjectKey> keys;
  bool contents = false;
};

// One object to write; the shell reads its JSON from the store by digest.
struct ApplyAction {
  ObjectKey key;
  Digest object;
};

// Ends in Acted. Applies run first, in order, then removals, in order.
struct ActJob {
  uint64_t job = 0;
  std::vector<ApplyAction> apply;
  std::vector<RemoveRequest> remove;
};

using Job = std::variant<FetchBlobsJob, ListJob, ActJob>;

// A report; the shell signs `receipt_payload` (an ApplyReceipt) with the identity key.
struct SendReport {
  v1::Report report;
  std::string receipt_payload;  // empty for none
};

using HubSend = std::variant<v1::Hello, v1::Heartbeat, SendReport>;

struct Outbox {
  Batch batch;
  std::vector<Job> jobs;
  std::vector<HubSend> sends;
};

}  // namespace muster::agent
