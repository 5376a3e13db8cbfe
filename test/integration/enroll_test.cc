// A new cluster joins: every way in which that must work, and every way in which it must not.
#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "agent/rpc/enroller.h"
#include "common/base/random.h"
#include "common/net/rpc_status.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "common/trust/join_token.h"
#include "gtest/gtest.h"
#include "proto/join_service.grpc.pb.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

class EnrollTest : public testing::Test {
 protected:
  void SetUp() override { hub_.Start(); }

  // A whole and true request with `token`.
  pb::EnrollRequest Request(const std::string& text, const std::string& name) {
    const JoinToken token = *JoinToken::Parse(text);
    pb::EnrollRequest request;
    request.set_token_id(token.id.text());
    request.set_csr_der(MakeCsr(P256Key::Generate()));
    request.set_identity_public_key(Ed25519PrivateKey::Generate().public_key().bytes());
    request.set_cluster_name(name);
    request.set_cluster_uid("uid-" + name);
    request.set_proof(
        JoinProof(TokenKey(token.secret), {.token_id = request.token_id(),
                                           .hub_id = token.root_fingerprint.hex(),
                                           .csr_der = request.csr_der(),
                                           .identity_public_key = request.identity_public_key(),
                                           .cluster_name = request.cluster_name(),
                                           .cluster_uid = request.cluster_uid()}));
    return request;
  }

  absl::StatusOr<pb::EnrollResponse> Call(const pb::EnrollRequest& request) {
    const auto stub = pb::JoinService::NewStub(
        DialHub(hub_.addresses().join, hub_.keyring().root_pem(), std::nullopt));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
    pb::EnrollResponse response;
    const absl::Status status = FromGrpc(stub->Enroll(&context, request, &response));
    if (!status.ok()) return status;
    return response;
  }

  TestHub hub_;
};

TEST_F(EnrollTest, GivesAnIdentityByThePinnedRoot) {
  MemoryStore store;
  const auto identity = Join(hub_, hub_.TokenFor("prod-1"), "prod-1", store);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->cluster_name(), "prod-1");
  EXPECT_EQ(identity->hub_id(), hub_.keyring().hub_id());
  EXPECT_EQ(identity->agent_address(), hub_.addresses().agent);
  EXPECT_TRUE(agent::CheckCertificate(*identity, absl::Now()).ok());
  // It is durable, and nothing is left to be repeated.
  EXPECT_EQ(agent::LoadIdentity(store)->cluster_id(), identity->cluster_id());
  EXPECT_TRUE(absl::IsNotFound(store.Get(agent::kEnrolmentKey).status()));
  EXPECT_EQ(hub_.Cluster("prod-1").state(), "Enrolled");
}

TEST_F(EnrollTest, RefusesATokenThatWasUsed) {
  const std::string token = hub_.TokenFor("prod-1");
  MemoryStore first;
  MemoryStore second;
  ASSERT_TRUE(Join(hub_, token, "prod-1", first).ok());
  const auto again = Join(hub_, token, "prod-1", second);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kUnauthenticated) << again.status();
}

TEST_F(EnrollTest, RefusesATokenThatHasExpired) {
  pb::CreateTokenRequest request;
  request.set_cluster_name("prod-1");
  request.set_lifetime_ms(1);
  const std::string token = hub_.CreateToken(request).token();
  MemoryStore store;
  const auto identity = Join(hub_, token, "prod-1", store);
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kUnauthenticated) << identity.status();
}

TEST_F(EnrollTest, RefusesATokenForAnotherName) {
  const std::string token = hub_.TokenFor("prod-1");
  MemoryStore wrong;
  const auto identity = Join(hub_, token, "prod-2", wrong);
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kPermissionDenied) << identity.status();
  // The honest mistake cost nothing.
  MemoryStore right;
  EXPECT_TRUE(Join(hub_, token, "prod-1", right).ok());
}

TEST_F(EnrollTest, TellsNothingToAHubWithAnotherRoot) {
  JoinToken token = *JoinToken::Parse(hub_.TokenFor("prod-1"));
  token.root_fingerprint = Digest::Of("another hub's root");
  MemoryStore store;
  const auto identity = Join(hub_, token.Text(), "prod-1", store);
  EXPECT_EQ(identity.status().code(), absl::StatusCode::kPermissionDenied) << identity.status();
  EXPECT_TRUE(absl::IsNotFound(agent::LoadIdentity(store).status()));
  EXPECT_EQ(hub_.Cluster("prod-1").name(), "");
}

TEST_F(EnrollTest, RefusesARequestThatWasAltered) {
  const std::string token = hub_.TokenFor("prod-1");
  const pb::EnrollRequest honest = Request(token, "prod-1");
  std::vector<pb::EnrollRequest> altered(4, honest);
  altered[0].mutable_proof()->front() ^= 1;
  altered[1].set_cluster_uid("another");
  altered[2].set_csr_der(MakeCsr(P256Key::Generate()));
  altered[3].set_identity_public_key(Ed25519PrivateKey::Generate().public_key().bytes());
  for (size_t i = 0; i < altered.size(); ++i) {
    const auto response = Call(altered[i]);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kUnauthenticated)
        << i << ": " << response.status();
  }
  EXPECT_TRUE(Call(honest).ok());
}

TEST_F(EnrollTest, SaysTheSameOfEveryTokenThatIsNotGood) {
  const std::string used = hub_.TokenFor("prod-1");
  MemoryStore store;
  ASSERT_TRUE(Join(hub_, used, "prod-1", store).ok());
  SystemRandom random;
  const std::string unknown =
      JoinToken::Make(random, hub_.keyring().authority.fingerprint()).Text();
  EXPECT_EQ(Call(Request(used, "prod-1")).status(), Call(Request(unknown, "prod-1")).status());
}

TEST_F(EnrollTest, AnswersTheSameRequestWithTheSameCertificate) {
  const pb::EnrollRequest request = Request(hub_.TokenFor("prod-1"), "prod-1");
  const auto first = Call(request);
  const auto second = Call(request);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->certificate_der(), second->certificate_der());
  EXPECT_EQ(first->cluster_id(), second->cluster_id());
  // Over a restart of the hub too.
  hub_.Stop();
  hub_.Start();
  const auto third = Call(request);
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(first->certificate_der(), third->certificate_der());
}

TEST_F(EnrollTest, WaitsForAPersonWhenTheTokenNamesNobody) {
  const std::string token = hub_.TokenFor("");
  const pb::EnrollRequest request = Request(token, "edge-7");
  const auto pending = Call(request);
  ASSERT_TRUE(pending.ok()) << pending.status();
  EXPECT_EQ(pending->state(), pb::EnrollResponse::STATE_PENDING);
  EXPECT_TRUE(pending->certificate_der().empty());
  const pb::ClusterView view = hub_.Cluster("edge-7");
  EXPECT_EQ(view.state(), "Pending");
  EXPECT_EQ(view.words(), pending->words());
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(view.words(), absl::ByAnyChar(" -"))).size(),
            6u);

  pb::NameRequest accept;
  accept.set_name("edge-7");
  grpc::ClientContext context;
  pb::DoneResponse done;
  const grpc::Status accepted = hub_.operators().AcceptCluster(&context, accept, &done);
  ASSERT_TRUE(accepted.ok()) << accepted.error_message();
  const auto response = Call(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->state(), pb::EnrollResponse::STATE_ACCEPTED);
}

// Processes whose parent is this one and whose command line has `word`.
std::vector<pid_t> Children(const std::string& word) {
  std::vector<pid_t> found;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    pid_t pid = 0;
    while (file >> pid) {
      std::ifstream command(absl::StrCat("/proc/", pid, "/cmdline"));
      const std::string line((std::istreambuf_iterator<char>(command)),
                             std::istreambuf_iterator<char>());
      if (line.find(word) != std::string::npos) found.push_back(pid);
    }
  }
  return found;
}

TEST_F(EnrollTest, GoesOnAfterTheJoinChildWasKilled) {
  const std::vector<pid_t> children = Children("join");
  ASSERT_EQ(children.size(), 1u);
  ASSERT_EQ(kill(children.front(), SIGKILL), 0);
  // The agent tries again by itself, and the next child has the same port.
  MemoryStore store;
  const auto identity = Join(hub_, hub_.TokenFor("prod-1"), "prod-1", store);
  EXPECT_TRUE(identity.ok()) << identity.status();
  EXPECT_NE(Children("join"), children);
}

TEST_F(EnrollTest, RefusesAMessageThatIsTooLong) {
  pb::EnrollRequest request = Request(hub_.TokenFor("prod-1"), "prod-1");
  request.set_agent_version(std::string(100 << 10, 'x'));
  EXPECT_EQ(Call(request).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster::test
