// Event: everything that can happen to an agent. The shell posts them, the core handles them one by
// one. A plain value; made on any thread, handled on the core's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "common/base/digest.h"
#include "common/trust/envelope.h"
#include "proto/agent_service.pb.h"

namespace muster::agent {

// ---------------------------------------------------------------- the hub

// A stream is open and wants its Hello.
struct LinkUp {};

struct LinkDown {
  absl::Status reason;
};

struct Welcomed {
  v1::Welcome welcome;
  // Of the signers in `welcome` that the link found to be issued by the pinned root; null when
  // there are none, and then the keys known so far stay.
  std::shared_ptr<const Verifier> verifier;
};

// Nothing of it was verified yet.
struct Pushed {
  v1::Push push;
};

// What of ours is durable in the hub.
struct ReportAcked {
  uint64_t number = 0;       // of a report; zero: none is meant
  std::string receipt = {};  // digest of a receipt, which speaks for all before it; empty: none
};

struct ReportWanted {};

// One blob that was asked for with its content.
struct BlobContent {
  Digest digest;
  std::string content;
};

// The end of a FetchBlobsJob. What arrived is in the store, each blob checked by its digest.
struct BlobsFetched {
  uint64_t job = 0;
  absl::Status status;                // of the whole; on failure some may have arrived all the same
  std::vector<BlobContent> contents;  // what is in the store now, when the job asked for contents
};

// ---------------------------------------------------------------- the cluster

// One object that is there.
struct ListedObject {
  ObjectKey key;
  LiveObject live;  // without its JSON
  // What an apply of the desired object would change, when its digest was not the expected one and
  // the job named the desired object: at most kFieldsPerProblemMax; the whole when that could not
  // be told. Empty when only ignored fields differ.
  std::vector<FieldChange> changes;
  // Differs, and was compared at this version before: `changes` is not filled in again.
  bool known = false;
  absl::Status compare_failure;  // why `changes` is the whole
};

// The end of a ListJob. An object that was asked for and is not in `objects` is not there.
struct Listed {
  uint64_t job = 0;
  absl::StatusOr<std::vector<ListedObject>> objects;
  std::string suspended;               // what the cluster's own administrator wrote, if anything
  std::optional<Unmanaged> unmanaged;  // when the job asked for it and the driver can tell
};

// The end of an ActJob: one result a request, in the order of the job. An apply whose blob is not
// in the store ends in kDataLoss.
struct Acted {
  uint64_t job = 0;
  std::vector<DriverResult> applied;
  std::vector<DriverResult> removed;
  // The administrator has suspended the agent since it looked: nothing was done, and there are no
  // results.
  std::string suspended;
};

// The end of a TellJob.
struct Told {
  uint64_t job = 0;
  absl::Status status;
};

// Something in the cluster may have changed.
struct ClusterChanged {};

// Time has passed; see AgentCore::NextWake.
struct Tick {};

using Event = std::variant<LinkUp, LinkDown, Welcomed, Pushed, ReportAcked, ReportWanted,
                           BlobsFetched, Listed, Acted, Told, ClusterChanged, Tick>;

}  // namespace muster::agent
