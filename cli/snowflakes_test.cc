// muster snowflakes: what is shown of clusters that should be equal and are not.
#include "absl/strings/str_cat.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// One of 200 in which somebody changed the replicas.
TestRun RunWithSnowflake() {
  TestRun run;
  pb::Snowflakes& found = run.hub->snowflakes;
  found.set_clusters(200);
  found.set_alike(199);
  found.set_differing(1);
  found.set_total(1);
  pb::Snowflake& odd = *found.add_snowflakes();
  odd.set_reason(pb::Snowflake::REASON_CHANGED);
  odd.set_group("web");
  odd.set_peers(200);
  odd.set_usual(199);
  odd.set_clusters_total(1);
  odd.add_clusters()->set_name("prod-77");
  odd.mutable_clusters(0)->set_connection(pb::CONNECTION_STATUS_CONNECTED);
  odd.set_differences_total(1);
  pb::LiveDifference& field = *odd.add_differences();
  field.set_what(pb::LiveDifference::WHAT_FIELD);
  field.set_package("web");
  field.set_kind("Deployment");
  field.set_namespace_("web");
  field.set_name("api");
  field.set_pointer("/spec/replicas");
  field.set_here("7");
  field.set_usual("3");
  field.set_usual_is_git(true);
  field.set_changed_by("kubectl-edit");
  field.set_changed_ms(run.Ago(absl::Minutes(3)));
  return run;
}

TEST(Snowflakes, AreShownWithWhatDiffers) {
  TestRun run = RunWithSnowflake();
  EXPECT_EQ(run({"snowflakes"}), 1);
  EXPECT_EQ(run.out(),
            "200 clusters compared: 199 as their peers, 1 not\n\n"
            "Changed  prod-77: 1 of 200 clusters with web; 199 are alike\n"
            "  web\n"
            "    Deployment web/api  /spec/replicas: 7 instead of 3  (kubectl-edit, 3m ago)\n");
  EXPECT_THAT(run.err(), HasSubstr("muster describe cluster prod-77"));
}

TEST(Snowflakes, AreNotThereWhereAllIsEqual) {
  TestRun run;
  run.hub->snowflakes.set_clusters(3);
  run.hub->snowflakes.set_alike(3);
  EXPECT_EQ(run({"snowflakes"}), 0);
  EXPECT_EQ(run.out(), "3 clusters compared: 3 as their peers, 0 not\n");
}

TEST(Snowflakes, AskForWhatWasSaid) {
  TestRun run;
  EXPECT_EQ(run({"snowflakes", "-l", "env=prod", "--by", "env,region", "--limit", "5"}), 0);
  EXPECT_EQ(run.hub->asked_snowflakes.selector(), "env=prod");
  EXPECT_THAT(run.hub->asked_snowflakes.by(), ElementsAre("env", "region"));
  EXPECT_EQ(run.hub->asked_snowflakes.limit(), 5);
}

TEST(Snowflakes, AreADocumentForPrograms) {
  TestRun run = RunWithSnowflake();
  EXPECT_EQ(run({"snowflakes", "-o", "json"}), 1);
  const Value document = *ParseJson(run.out());
  EXPECT_EQ(document.Get("kind")->string(), "Snowflakes");
  EXPECT_EQ(run({"snowflakes", "-o", "csv"}), 2);
}

TEST(Snowflakes, ShowTextFromOutsideHarmless) {
  TestRun run = RunWithSnowflake();
  run.hub->snowflakes.mutable_snowflakes(0)->mutable_differences(0)->set_here("\x1b[2J");
  run({"snowflakes"});
  EXPECT_THAT(run.out(), Not(HasSubstr("\x1b")));
}

TEST(Snowflakes, SayWhatTheHubRefuses) {
  TestRun run;
  run.hub->Fail("GetSnowflakes", absl::InvalidArgumentError("selector 'env in prod': no list"));
  EXPECT_EQ(run({"snowflakes", "-l", "env in prod"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("no list"));
}

}  // namespace
}  // namespace muster::cli
