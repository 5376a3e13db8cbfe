// Who may call what: every RPC of every service, by everybody that there is. A new RPC without a
// row here fails.
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/rpc/renewer.h"
#include "gtest/gtest.h"
#include "hub/keyring.h"
#include "proto/agent_service.pb.h"
#include "proto/console_service.pb.h"
#include "proto/join_service.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/plan.pb.h"
#include "proto/rollout.pb.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

// What becomes of a call with an empty request.
enum class Outcome {
  kServed,   // it got past the door, whatever came of it there
  kDenied,   // PERMISSION_DENIED or UNAUTHENTICATED by the handler's door
  kNoEntry,  // no connection: TLS refused the peer
};

std::string Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kServed:
      return "served";
    case Outcome::kDenied:
      return "denied";
    default:
      return "no entry";
  }
}

// By whom an RPC may be called.
enum class Door { kAgents, kOperators, kAnybody };

const std::map<std::string, Door>& Doors() {
  static const auto* const doors = new std::map<std::string, Door>{
      {"JoinService/Enroll", Door::kAnybody},
      {"AgentService/Connect", Door::kAgents},
      {"AgentService/FetchBlobs", Door::kAgents},
      {"AgentService/Renew", Door::kAgents},
      {"OperatorService/GetHub", Door::kOperators},
      {"OperatorService/ListClusters", Door::kOperators},
      {"OperatorService/ListPackages", Door::kOperators},
      {"OperatorService/ListRepositories", Door::kOperators},
      {"OperatorService/ListCommits", Door::kOperators},
      {"OperatorService/ListObjects", Door::kOperators},
      {"OperatorService/ListTokens", Door::kOperators},
      {"OperatorService/ListEvents", Door::kOperators},
      {"OperatorService/ListHistory", Door::kOperators},
      {"OperatorService/GetBlob", Door::kOperators},
      {"OperatorService/Watch", Door::kOperators},
      {"OperatorService/CreateToken", Door::kOperators},
      {"OperatorService/RevokeToken", Door::kOperators},
      {"OperatorService/AcceptCluster", Door::kOperators},
      {"OperatorService/RevokeCluster", Door::kOperators},
      {"OperatorService/Sync", Door::kOperators},
      {"OperatorService/Suspend", Door::kOperators},
      {"OperatorService/AcceptRewrite", Door::kOperators},
      {"OperatorService/PutCredential", Door::kOperators},
      {"OperatorService/DeleteCredential", Door::kOperators},
      {"ConsoleService/CreateLogin", Door::kOperators},
      {"PlanService/Plan", Door::kOperators},
      {"PlanService/GetPlanFleet", Door::kOperators},
      {"RolloutService/ListRollouts", Door::kOperators},
      {"RolloutService/DecideRollout", Door::kOperators},
  };
  return *doors;
}

// Every method of the services, as the protos declare them.
std::set<std::string> DeclaredMethods() {
  std::set<std::string> methods;
  for (const google::protobuf::FileDescriptor* file :
       {pb::Hello::descriptor()->file(), pb::EnrollRequest::descriptor()->file(),
        pb::HubView::descriptor()->file(), pb::CreateLoginRequest::descriptor()->file(),
        pb::FleetPlan::descriptor()->file(), pb::RolloutView::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        methods.insert(
            absl::StrCat(file->service(i)->name(), "/", file->service(i)->method(j)->name()));
      }
    }
  }
  return methods;
}

TEST(IdentityMatrix, HasARowForEveryMethod) {
  std::set<std::string> rows;
  for (const auto& [method, door] : Doors()) rows.insert(method);
  EXPECT_EQ(rows, DeclaredMethods());
}

// One call with an empty message, whatever the kind of method.
grpc::Status CallEmpty(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
  const auto call = stub.PrepareCall(&context, absl::StrCat("/muster.v1.", method), &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(&tag);
  queue.Next(&tag, &ok);
  if (ok) {
    const grpc::Slice nothing;
    call->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), &tag);
    queue.Next(&tag, &ok);
    grpc::ByteBuffer answer;
    call->Read(&answer, &tag);
    queue.Next(&tag, &ok);
    if (ok) context.TryCancel();  // an answer is enough; Watch would go on for ever
  }
  const bool answered = ok;
  grpc::Status status;
  call->Finish(&status, &tag);
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return answered ? grpc::Status::OK : status;
}

Outcome OutcomeOf(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::PERMISSION_DENIED:
      return Outcome::kDenied;
    case grpc::StatusCode::UNAUTHENTICATED:
      // A token that is not good is Enroll's own answer.
      return absl::StrContains(status.error_message(), "join token") ? Outcome::kServed
                                                                     : Outcome::kDenied;
    case grpc::StatusCode::UNAVAILABLE:
      return Outcome::kNoEntry;
    default:
      return Outcome::kServed;
  }
}

class IdentityMatrixTest : public testing::Test {
 protected:
  void SetUp() override { hub_.Start(); }

  std::string AddressOf(const std::string& method) const {
    if (absl::StartsWith(method, "JoinService/")) return hub_.addresses().join;
    if (absl::StartsWith(method, "AgentService/")) return hub_.addresses().agent;
    return hub_.addresses().operators;
  }

  // Calls every method as who has `pair`, and holds the outcome against `expected`.
  template <typename Expected>
  void CallAll(const std::string& who, const std::optional<TlsKeyPair>& pair, Expected expected) {
    for (const auto& [method, door] : Doors()) {
      const auto channel = DialHub(AddressOf(method), hub_.keyring().root_pem(), pair);
      const grpc::Status status = CallEmpty(channel, method);
      EXPECT_EQ(Name(OutcomeOf(status)), Name(expected(door)))
          << who << " calls " << method << ": " << status.error_code() << " "
          << status.error_message();
    }
  }

  TestHub hub_;
};

TEST_F(IdentityMatrixTest, WithoutACertificateOnlyTheJoinListenerAnswers) {
  CallAll("nobody", std::nullopt,
          [](Door door) { return door == Door::kAnybody ? Outcome::kServed : Outcome::kNoEntry; });
}

TEST_F(IdentityMatrixTest, AnAgentReachesTheAgentServiceOnly) {
  TestAgent agent(hub_, "prod-1");
  CallAll("agent", agent::ClientKeyPair(agent.identity()),
          [](Door door) { return door == Door::kOperators ? Outcome::kDenied : Outcome::kServed; });
}

TEST_F(IdentityMatrixTest, ARevokedAgentReachesNothing) {
  TestAgent agent(hub_, "prod-1");
  hub_.Revoke("prod-1");
  CallAll("revoked agent", agent::ClientKeyPair(agent.identity()),
          [](Door door) { return door == Door::kAnybody ? Outcome::kServed : Outcome::kDenied; });
}

TEST_F(IdentityMatrixTest, AnOperatorReachesTheOperatorServiceOnly) {
  const auto pair = hub::MakeOperatorKeyPair(hub_.keyring().authority, "alice", absl::Now());
  ASSERT_TRUE(pair.ok());
  CallAll("operator", *pair,
          [](Door door) { return door == Door::kAgents ? Outcome::kDenied : Outcome::kServed; });
}

TEST_F(IdentityMatrixTest, AnExpiredOperatorReachesNothing) {
  const auto pair = hub::MakeOperatorKeyPair(hub_.keyring().authority, "alice",
                                             absl::Now() - absl::Hours(24 * 800));
  ASSERT_TRUE(pair.ok());
  CallAll("expired operator", *pair,
          [](Door door) { return door == Door::kAnybody ? Outcome::kServed : Outcome::kNoEntry; });
}

TEST_F(IdentityMatrixTest, AnotherHubsOperatorReachesNothing) {
  TestHub other;
  const auto pair = hub::MakeOperatorKeyPair(other.keyring().authority, "alice", absl::Now());
  ASSERT_TRUE(pair.ok());
  CallAll("another hub's operator", *pair,
          [](Door door) { return door == Door::kAnybody ? Outcome::kServed : Outcome::kNoEntry; });
}

}  // namespace
}  // namespace muster::test
