// The straight line over real sockets: a commit reaches a cluster, and what happens around it.
#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/time/clock.h"
#include "agent/rpc/enroller.h"
#include "agent/rpc/hub_channel.h"
#include "agent/rpc/renewer.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/net/rpc_status.h"
#include "common/trust/certificate.h"
#include "gtest/gtest.h"
#include "proto/agent_service.grpc.pb.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

class ConnectTest : public testing::Test {
 protected:
  void SetUp() override { hub_.Start(); }

  bool IsConnected(const std::string& name) {
    return hub_.Cluster(name).connection() == pb::CONNECTION_STATUS_CONNECTED;
  }

  // How FetchBlobs of one blob ends for who has `identity`.
  absl::Status Fetch(const pb::AgentIdentityRecord& identity, const std::string& digest) {
    agent::HubChannel channel(hub_.addresses().agent, CertificateToPem(identity.root_der()),
                              agent::ClientKeyPair(identity));
    const auto stub = pb::AgentService::NewStub(channel.Current());
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
    pb::FetchBlobsRequest request;
    request.add_blobs()->set_digest(digest);
    const auto reader = stub->FetchBlobs(&context, request);
    pb::BlobBatch batch;
    while (reader->Read(&batch)) {
    }
    return FromGrpc(reader->Finish());
  }

  TestHub hub_;
};

TEST_F(ConnectTest, ACommitReachesTheCluster) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  EXPECT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  WriteGreeting(hub_.repository(), "second");
  hub_.repository().Commit("second");
  hub_.Sync();
  EXPECT_TRUE(Eventually([&] { return agent.Greets("second"); }));
  EXPECT_TRUE(Eventually([&] {
    const pb::ClusterView view = hub_.Cluster("prod-1");
    return view.sync() == pb::SYNC_STATUS_SYNCED && view.health() == pb::HEALTH_STATUS_HEALTHY &&
           view.desired_generation() == view.applied_generation() && view.applied_ms() != 0;
  })) << hub_.Cluster("prod-1").DebugString();
}

TEST_F(ConnectTest, ReconnectsAfterTheHubWasRestarted) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  hub_.Stop();
  hub_.Start();
  EXPECT_TRUE(Eventually([&] { return IsConnected("prod-1"); }));
  WriteGreeting(hub_.repository(), "second");
  hub_.repository().Commit("second");
  hub_.Sync();
  EXPECT_TRUE(Eventually([&] { return agent.Greets("second"); }));
}

TEST_F(ConnectTest, HealsDriftWithoutAHubAfterARestart) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  agent.Stop();
  hub_.Stop();
  agent.Start();
  for (const auto& [key, json] : agent.cluster().Objects()) agent.cluster().Delete(key);
  EXPECT_FALSE(agent.Greets("first"));
  EXPECT_TRUE(Eventually([&] { return agent.Greets("first"); }));
}

TEST_F(ConnectTest, RevocationEndsStreamsAndEveryCall) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return IsConnected("prod-1"); }));
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  const std::string bundle = hub_.Cluster("prod-1").packages(0).desired_bundle();
  ASSERT_TRUE(Fetch(agent.identity(), bundle).ok());

  hub_.Revoke("prod-1");
  EXPECT_TRUE(Eventually([&] { return !IsConnected("prod-1"); }));
  EXPECT_EQ(Fetch(agent.identity(), bundle).code(), absl::StatusCode::kPermissionDenied);
  // What runs goes on running.
  EXPECT_TRUE(agent.Greets("first"));
}

TEST_F(ConnectTest, ADigestIsNoCapability) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  const std::string former = hub_.Cluster("prod-1").packages(0).desired_bundle();
  WriteGreeting(hub_.repository(), "second");
  hub_.repository().Commit("second");
  hub_.Sync();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("second"); }));
  const std::string present = hub_.Cluster("prod-1").packages(0).desired_bundle();
  ASSERT_NE(former, present);
  // The hub still has the former bundle, but the cluster's desired state no longer reaches it.
  EXPECT_TRUE(Fetch(agent.identity(), present).ok());
  EXPECT_EQ(Fetch(agent.identity(), former).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Fetch(agent.identity(), Digest::Of("unknown").bytes()).code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Fetch(agent.identity(), "short").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ConnectTest, AnAgentThatRenewedGoesOnUnderItsNewKey) {
  MemoryStore store;
  const auto identity = Join(hub_, hub_.TokenFor("prod-1"), "prod-1", store);
  ASSERT_TRUE(identity.ok()) << identity.status();
  agent::HubChannel channel(hub_.addresses().agent, CertificateToPem(identity->root_der()),
                            agent::ClientKeyPair(*identity));
  const RealClock clock;
  SystemRandom random;
  int renewed = 0;
  agent::Renewer renewer({.channel = channel,
                          .store = store,
                          .clock = clock,
                          .random = random,
                          .on_renewed = [&] { ++renewed; }},
                         *identity);
  ASSERT_TRUE(renewer.Renew().ok());
  EXPECT_EQ(renewed, 1);
  const auto next = agent::LoadIdentity(store);
  ASSERT_TRUE(next.ok());
  EXPECT_NE(next->certificate_der(), identity->certificate_der());
  EXPECT_NE(next->private_key_pem(), identity->private_key_pem());
  // Admitted: refused for the blob only, which nothing reaches.
  EXPECT_EQ(Fetch(*next, Digest::Of("unknown").bytes()).message().find("the hub does not admit"),
            std::string::npos);
}

// The first message must be Hello, and only the first.
TEST_F(ConnectTest, EndsAStreamThatDoesNotBeginWithHello) {
  TestAgent agent(hub_, "prod-1");
  agent::HubChannel channel(hub_.addresses().agent, CertificateToPem(agent.identity().root_der()),
                            agent::ClientKeyPair(agent.identity()));
  const auto stub = pb::AgentService::NewStub(channel.Current());
  for (const bool hello_first : {false, true}) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Minutes(4)));
    const auto stream = stub->Connect(&context);
    pb::AgentMessage message;
    if (hello_first) {
      message.mutable_hello()->set_agent_version("test");
      stream->Write(message);
      stream->Write(message);
    } else {
      message.mutable_heartbeat();
      stream->Write(message);
    }
    pb::HubMessage arrived;
    while (stream->Read(&arrived)) {
    }
    const grpc::StatusCode code = stream->Finish().error_code();
    // A hub that is just writing its welcome cuts the stream off.
    const bool cut_off = hello_first && code == grpc::StatusCode::CANCELLED;
    EXPECT_TRUE(code == grpc::StatusCode::INVALID_ARGUMENT || cut_off) << code;
  }
}

TEST(SecondHub, IsRefusedOnTheSameDirectory) {
  TestHub hub;
  hub.Start();
  hub::HubOptions options = hub.options();
  options.listen = {.agent = "127.0.0.1:0", .operators = "127.0.0.1:0", .join = "127.0.0.1:0"};
  hub::Assembly second(options);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
}

TEST(SecondHub, IsRefusedOnTheSamePort) {
  TestHub hub;
  hub.Start();
  TestHub other;
  hub::HubOptions options = other.options();
  options.listen.agent = hub.addresses().agent;
  hub::Assembly second(options);
  const absl::Status status = second.Start();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
}

}  // namespace
}  // namespace muster::test
