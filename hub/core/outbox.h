// Outbox: what a core wants done after an event. The shell first commits `batch` durably, then does
// the rest: nothing is sent, started or answered before it is durable.
//
// A plain value on the core's thread.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/store/store.h"
#include "hub/core/event.h"
#include "proto/agent_service.pb.h"
#include "proto/child.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/plan.pb.h"
#include "proto/rollout.pb.h"

namespace muster::hub {

// ---------------------------------------------------------------- jobs

// Ends in FetchDone. The shell adds the credential named `credentials`, unsealed.
struct FetchJob {
  RepositoryName repository;
  std::string credentials;   // empty for none
  v1::FetchRequest request;  // without credential
  uint64_t plan = 0;         // that asks; zero: the repository itself
  uint64_t job = 0;          // a number of its own, while the hub runs
};

// Ends in RenderDone, after the manifests and objects were committed to the store.
struct RenderJob {
  uint64_t job = 0;
  v1::RenderRequest request;
};

// Ends in CertificateIssued: a client certificate for the key in the CSR.
struct IssueJob {
  ClusterId cluster;
  RequestId request = 0;
  bool renewal = false;
  std::string csr_der;
  absl::Time not_before;
  absl::Time not_after;
};

using Job = std::variant<FetchJob, RenderJob, IssueJob>;

// ---------------------------------------------------------------- messages

// Send the desired state whose bytes are `payload`: the shell signs it and adds, as hints, what
// leads from the bundles that the agent has (`bases`) to those that it should have.
struct PushDesired {
  struct Base {
    Digest have;  // bundle that it runs, if the hub gave it that; empty for none
    Digest want;
  };
  std::string payload;
  std::vector<Base> bases;  // changed packages only
};

using AgentSend = std::variant<PushDesired, v1::Welcome, v1::ReportAck, v1::ReportWanted>;

struct Send {
  LinkId link = 0;
  AgentSend message;
};

struct CloseLink {
  LinkId link = 0;
  absl::Status reason;
  bool connection = false;  // close the connection too, not only the stream: revoked
};

// ---------------------------------------------------------------- answers

struct EnrollReply {
  RequestId request = 0;
  absl::StatusOr<v1::EnrollResponse> response;  // root, signer and address are added by the shell
};

struct RenewReply {
  RequestId request = 0;
  absl::StatusOr<v1::RenewResponse> response;  // signers are added by the shell
};

// What an operator's command is answered with. A plan leaves the core as comparisons, and becomes a
// FleetPlan where the store can be read.
using OperatorAnswer = std::variant<v1::DoneResponse, v1::CreateTokenResponse, v1::PlanComparisons,
                                    v1::PlanFleet, v1::RolloutAnswer, v1::ListRolloutsResponse>;

struct OperatorReply {
  RequestId request = 0;
  absl::StatusOr<OperatorAnswer> response;
};

struct Outbox {
  Batch batch;
  std::vector<Job> jobs;
  std::vector<Send> sends;
  std::vector<CloseLink> closes;
  std::vector<EnrollReply> enroll_replies;
  std::vector<RenewReply> renew_replies;
  std::vector<OperatorReply> operator_replies;
};

}  // namespace muster::hub
