#include "cli/bootstrap_plan.h"

#include "cli/problem.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

BootstrapSituation Fresh() {
  BootstrapSituation situation;
  situation.cluster = "prod-1";
  situation.hub_id = "hub";
  situation.name_space = "muster-system";
  return situation;
}

BootstrapSituation Installed(const std::string& state) {
  BootstrapSituation situation = Fresh();
  situation.state = state;
  situation.installed = {.exists = true, .hub_id = "hub", .cluster = "prod-1"};
  return situation;
}

std::string Refusal(const BootstrapSituation& situation) {
  const auto step = PlanBootstrap(situation);
  return step.ok() ? "not refused" : ProblemText(step.status());
}

TEST(BootstrapPlan, JoinsWhatNobodyKnows) {
  for (const char* state : {"", "Declared", "Revoked"}) {
    BootstrapSituation situation = Fresh();
    situation.state = state;
    EXPECT_EQ(PlanBootstrap(situation).value(), BootstrapStep::kJoin) << state;
  }
}

TEST(BootstrapPlan, UpdatesWhatHasJoined) {
  EXPECT_EQ(PlanBootstrap(Installed("Enrolled")).value(), BootstrapStep::kUpdate);
  EXPECT_EQ(PlanBootstrap(Installed("Pending")).value(), BootstrapStep::kUpdate);
}

TEST(BootstrapPlan, JoinsAgainAnAgentWhoseTokenWasNeverUsed) {
  EXPECT_EQ(PlanBootstrap(Installed("")).value(), BootstrapStep::kJoin);
}

TEST(BootstrapPlan, RefusesANameThatAnotherClusterHas) {
  BootstrapSituation situation = Fresh();
  situation.state = "Enrolled";
  EXPECT_THAT(Refusal(situation), HasSubstr("the name is taken"));
  EXPECT_THAT(Refusal(situation), HasSubstr("muster revoke prod-1"));
}

TEST(BootstrapPlan, RefusesTheAgentOfAnotherHub) {
  BootstrapSituation situation = Installed("Enrolled");
  situation.installed.hub_id = "0123456789abcdef";
  EXPECT_THAT(Refusal(situation), HasSubstr("belongs to another hub, 0123456789ab"));
}

TEST(BootstrapPlan, RefusesAClusterThatJoinedUnderAnotherName) {
  BootstrapSituation situation = Installed("");
  situation.installed.cluster = "prod-7";
  EXPECT_THAT(Refusal(situation), HasSubstr("as cluster/prod-7"));
  EXPECT_THAT(Refusal(situation), HasSubstr("muster bootstrap prod-7"));
}

TEST(BootstrapPlan, SaysHowARevokedAgentLeaves) {
  EXPECT_THAT(Refusal(Installed("Revoked")), HasSubstr("delete statefulset/muster-agent"));
}

TEST(ClusterNameFrom, KeepsTheTellingPartOfAContext) {
  EXPECT_EQ(ClusterNameFrom("kind-dev").value(), "kind-dev");
  EXPECT_EQ(ClusterNameFrom("arn:aws:eks:eu-west-1:1234:cluster/Prod_1").value(), "prod-1");
  EXPECT_EQ(ClusterNameFrom("gke_project_europe-west1_shop").value(),
            "gke-project-europe-west1-shop");
  EXPECT_EQ(ClusterNameFrom("admin@edge").value(), "admin-edge");
}

TEST(ClusterNameFrom, RefusesWhatMakesNoName) {
  for (const std::string& context : {std::string(), std::string("@@"), std::string(80, 'a')}) {
    EXPECT_FALSE(ClusterNameFrom(context).ok()) << context;
  }
}

std::string StoryOf(const char* pod) {
  return PodsStory(ParseJson(std::string("[") + pod + "]").value().list());
}

TEST(PodsStory, NamesTheReasonThatAPodGives) {
  EXPECT_EQ(PodsStory({}), "no pod yet");
  EXPECT_EQ(StoryOf(R"({"metadata": {"name": "p"}, "status": {"containerStatuses": [{"state":
                {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]}})"),
            "pod p: ImagePullBackOff: not found");
  EXPECT_EQ(StoryOf(R"({"metadata": {"name": "p"}, "status": {"phase": "Pending", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                 "message": "unbound claims"}]}})"),
            "pod p: Unschedulable: unbound claims");
  EXPECT_EQ(StoryOf(R"({"metadata": {"name": "p"}, "status": {"phase": "Running",
                "containerStatuses": [{"state": {"running": {}}}]}})"),
            "pod p: it runs, and has not reached the hub yet");
  EXPECT_EQ(StoryOf(R"({"metadata": {}})"), "pod : ");
}

TEST(BootstrapWarnings, SayWhatAPodCannotReachOrFetch) {
  EXPECT_TRUE(BootstrapWarnings("hub.example.com:7445", "10.0.0.5:7443",
                                "registry.example.com/muster-agent:1")
                  .empty());
  EXPECT_TRUE(BootstrapWarnings("hub:7445", "", "localhost:5000/muster-agent").empty());
  for (const char* local : {"127.0.0.1:7445", "localhost:7445", "[::1]:7445", "0.0.0.0:7445"}) {
    const std::vector<std::string> warnings = BootstrapWarnings(local, local, "r.io/a");
    ASSERT_EQ(warnings.size(), 2u) << local;
    EXPECT_NE(warnings[0].find("--join-listen 0.0.0.0:7445"), std::string::npos);
    EXPECT_NE(warnings[1].find("--agent-address HOST:7443"), std::string::npos);
  }
  for (const char* image : {"muster-agent:1", "team/muster-agent"}) {
    const std::vector<std::string> warnings = BootstrapWarnings("hub:1", "hub:2", image);
    ASSERT_EQ(warnings.size(), 1u) << image;
    EXPECT_NE(warnings[0].find("--image REGISTRY/muster-agent:TAG"), std::string::npos);
  }
}

}  // namespace
}  // namespace muster::cli
