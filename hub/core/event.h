// Event: everything that can happen to a hub. The shell posts them, the core handles them one by
// one. A plain value; made on any thread, handled on the core's.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "proto/agent_service.pb.h"
#include "proto/child.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/plan.pb.h"
#include "proto/rollout.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

// One open stream of one agent. Never reused within a process.
using LinkId = uint64_t;

// One question that waits for its answer: an RPC. Never reused within a process.
using RequestId = uint64_t;

// ---------------------------------------------------------------- agents

// A stream whose certificate was verified and whose Hello has arrived.
struct AgentConnected {
  LinkId link = 0;
  ClusterId cluster;  // from the certificate
  Digest spki;        // of the certificate's key
  std::string peer;   // address, for people
  v1::Hello hello;
};

struct AgentDisconnected {
  LinkId link = 0;
};

struct AgentHeartbeat {
  LinkId link = 0;
  v1::Heartbeat heartbeat;
};

struct AgentReport {
  LinkId link = 0;
  v1::Report report;
};

struct AgentReceipts {
  LinkId link = 0;
  v1::Receipts receipts;
};

// ---------------------------------------------------------------- enrolment

struct EnrollRequested {
  RequestId request = 0;
  std::string peer;
  v1::EnrollRequest enroll;
};

struct RenewRequested {
  RequestId request = 0;
  ClusterId cluster;  // from the certificate
  Digest spki;        // of the certificate that asks
  v1::RenewRequest renew;
};

// The end of an IssueJob.
struct CertificateIssued {
  ClusterId cluster;
  Digest spki;            // of the new key
  RequestId request = 0;  // as in the job
  bool renewal = false;
  absl::StatusOr<std::string> certificate_der;
  int64_t expires_ms = 0;
};

// ---------------------------------------------------------------- sources

// The end of a FetchJob.
struct FetchDone {
  RepositoryName repository;
  absl::StatusOr<v1::FetchResponse> result;
  uint64_t plan = 0;  // as in the job
  uint64_t job = 0;   // likewise
};

// One input's rendering. Its manifest and objects are in the store already: they are named by
// content, so it does no harm when nobody comes to need them.
struct Rendered {
  absl::Status status;  // the user's fault, with file and line; the rest is empty then
  Digest input;
  Digest bundle;  // empty when the input was known: the core knows its bundle
  uint64_t manifest_bytes = 0;
  uint32_t object_count = 0;
  uint64_t object_bytes = 0;
  std::string engine;
  std::string engine_version;
  std::vector<std::string> uses;  // as in RenderOutput
  bool uses_known = false;
  std::vector<std::string> repositories;  // as in RenderOutput; also when `status` is bad
  std::vector<v1::ChartWant> charts;      // likewise
};

// The end of a RenderJob.
struct RenderDone {
  uint64_t job = 0;
  absl::StatusOr<std::vector<Rendered>> results;  // in the order of the job's inputs
};

// ---------------------------------------------------------------- people

struct RevokeToken {
  std::string name;
};
struct AcceptCluster {
  std::string name;
};
struct RevokeCluster {
  std::string name;
};
struct SyncNow {
  std::string repository;
};  // empty: every repository
struct DeleteCredential {
  std::string name;
};
// Sealed by the shell: the core never sees a secret.
struct PutCredential {
  std::string name;
  v1::CredentialRecord sealed;
};

using OperatorCommand =
    std::variant<v1::CreateTokenRequest, v1::SuspendRequest, v1::AcceptRewriteRequest, RevokeToken,
                 AcceptCluster, RevokeCluster, SyncNow, PutCredential, DeleteCredential,
                 v1::PlanRequest, v1::PlanFleetRequest, v1::RolloutDecision,
                 v1::ListRolloutsRequest>;

struct OperatorAsked {
  RequestId request = 0;
  std::string actor;  // from the certificate
  OperatorCommand command;
};

// Time has passed; see HubCore::NextWake.
struct Tick {};

using Event = std::variant<AgentConnected, AgentDisconnected, AgentHeartbeat, AgentReport,
                           AgentReceipts, EnrollRequested, RenewRequested, CertificateIssued,
                           FetchDone, RenderDone, OperatorAsked, Tick>;

}  // namespace muster::hub
