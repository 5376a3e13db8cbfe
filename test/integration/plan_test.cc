// A plan through a real hub: real Git, the real render child, real comparison; and nothing of it
// becomes intent.
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "common/net/rpc_status.h"
#include "gtest/gtest.h"
#include "proto/plan.grpc.pb.h"
#include "test/integration/world.h"

namespace muster::test {
namespace {

namespace pb = muster::v1;

class PlanTest : public testing::Test {
 protected:
  void SetUp() override {
    hub_.Start();
    stub_ = pb::PlanService::NewStub(hub_.OperatorChannel());
  }

  absl::StatusOr<pb::FleetPlan> Plan(const std::string& revision) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(60)));
    pb::PlanRequest request;
    request.set_repository("apps");
    request.set_revision(revision);
    pb::FleetPlan plan;
    const grpc::Status status = stub_->Plan(&context, request, &plan);
    if (!status.ok()) return FromGrpc(status);
    return plan;
  }

  TestHub hub_;
  std::unique_ptr<pb::PlanService::Stub> stub_;
};

TEST_F(PlanTest, SaysWhatABranchWouldChangeAndLeavesTheClusterAlone) {
  TestAgent agent(hub_, "prod-1");
  agent.Start();
  ASSERT_TRUE(Eventually([&] { return agent.Greets("first"); }));
  hub_.repository().Branch("topic");
  WriteGreeting(hub_.repository(), "second");
  hub_.repository().Commit("A better greeting");
  hub_.repository().Switch("main");

  const absl::StatusOr<pb::FleetPlan> plan = Plan("topic");
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->commit().subject(), "A better greeting");
  EXPECT_TRUE(plan->descends());
  EXPECT_EQ(plan->clusters_changed(), 1);
  ASSERT_EQ(plan->groups_size(), 1);
  ASSERT_EQ(plan->groups(0).objects_size(), 1);
  EXPECT_EQ(plan->groups(0).objects(0).fields(0).path(), "data.text");
  EXPECT_EQ(plan->groups(0).objects(0).fields(0).before(), "\"first\"");
  EXPECT_EQ(plan->groups(0).objects(0).fields(0).after(), "\"second\"");

  const absl::StatusOr<pb::FleetPlan> same = Plan("main");
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->clusters_changed(), 0);
  EXPECT_EQ(Plan("nowhere").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(agent.Greets("first"));
  EXPECT_EQ(hub_.Cluster("prod-1").sync(), pb::SYNC_STATUS_SYNCED);
}

}  // namespace
}  // namespace muster::test
