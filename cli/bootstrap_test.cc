// muster bootstrap, muster agent manifest.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/test_run.h"
#include "common/secrets/age.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// A cluster behind a kubectl that answers by the first word that fits.
struct Cluster {
  explicit Cluster(TestRun& run) {
    run.hub->hub.set_hub_id("hub-id");
    run.on_capture = [this](const std::vector<std::string>& words, const std::string& input) {
      lines.push_back(absl::StrJoin(words, " "));
      return Answer(lines.back(), input);
    };
  }

  ProgramResult Answer(const std::string& line, const std::string& input) {
    if (absl::StrContains(line, "current-context")) return {0, "kind-dev\n", ""};
    if (absl::StrContains(line, "auth can-i")) {
      return admin ? ProgramResult{0, "yes\n", ""} : ProgramResult{1, "no\n", ""};
    }
    if (absl::StrContains(line, "get statefulset")) return {0, installed, ""};
    if (absl::StrContains(line, "get pods")) {
      return {0, R"({"items": [{"metadata": {"name": "p"}, "status": {"phase": "Pending"}}]})", ""};
    }
    if (absl::StrContains(line, "apply")) {
      applied = input;
      if (on_apply) on_apply();
      return apply;
    }
    return {1, "", "unexpected: " + line};
  }

  bool admin = true;
  std::string installed;  // the agent's workload as kubectl prints it
  ProgramResult apply;
  std::function<void()> on_apply;
  std::vector<std::string> lines;
  std::string applied;
};

void JoinsWhenApplied(TestRun& run, Cluster& cluster, const std::string& name) {
  cluster.on_apply = [&run, name] { run.hub->clusters.push_back(MakeCluster(run, name)); };
}

TEST(Bootstrap, InstallsTheAgentAndWaitsUntilTheHubHearsIt) {
  TestRun run;
  Cluster cluster(run);
  JoinsWhenApplied(run, cluster, "kind-dev");
  EXPECT_EQ(run({"bootstrap", "--context", "kind-dev", "--labels", "env=prod,region=eu"}), 0)
      << run.err();
  EXPECT_EQ(run.out(), "cluster/kind-dev joined: Connected, Synced\n");
  EXPECT_THAT(run.err(), HasSubstr("7 objects applied in namespace muster-system"));
  EXPECT_THAT(run.err(), HasSubstr("next: muster describe cluster kind-dev"));
  EXPECT_THAT(run.hub->calls, Contains("CreateToken"));
  EXPECT_THAT(cluster.lines, Contains(HasSubstr("kubectl --context=kind-dev apply --server-side")));
  EXPECT_THAT(cluster.applied, HasSubstr("--name=kind-dev"));
  EXPECT_THAT(cluster.applied, HasSubstr("muster.dev/hub: hub-id"));
}

TEST(Bootstrap, WarnsOfWhatAPodCannotReachOrFetch) {
  TestRun run;
  Cluster cluster(run);
  run.hub->hub.set_join_address("127.0.0.1:7445");
  run.hub->hub.set_agent_address("hub.example.com:7443");
  JoinsWhenApplied(run, cluster, "prod-1");
  EXPECT_EQ(run({"bootstrap", "prod-1"}), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("warning: the hub's join address is 127.0.0.1:7445"));
  EXPECT_THAT(run.err(), Not(HasSubstr("the hub's agent address")));
  EXPECT_THAT(run.err(), HasSubstr("names no registry"));
  EXPECT_EQ(run({"agent", "manifest", "prod-2", "--join", "hub.example.com:7445", "--image",
                 "registry.example.com/muster-agent:1"}),
            0);
  EXPECT_THAT(run.err(), Not(HasSubstr("warning")));
}

TEST(Bootstrap, AgainOnlyBringsTheObjectsUpToDate) {
  TestRun run;
  Cluster cluster(run);
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  cluster.installed =
      R"({"metadata": {"annotations": {"muster.dev/hub": "hub-id",
                                       "muster.dev/cluster": "prod-1"}}})";
  EXPECT_EQ(run({"bootstrap", "prod-1"}), 0) << run.err();
  EXPECT_EQ(run.out(), "cluster/prod-1 is up to date: Connected, Synced\n");
  EXPECT_THAT(run.hub->calls, Not(Contains("CreateToken")));
  EXPECT_THAT(cluster.applied, Not(HasSubstr("kind: Secret")));
}

TEST(Bootstrap, BringsKeysOfAgeAsASecret) {
  TestRun run;
  Cluster cluster(run);
  JoinsWhenApplied(run, cluster, "prod-1");
  const AgeIdentity first = AgeIdentity::Generate(), second = AgeIdentity::Generate();
  std::ofstream(run.folder + "/keys.txt") << first.text();  // without an end of line
  run.in = AgeIdentityFile(second);
  EXPECT_EQ(run({"bootstrap", "prod-1", "--age-identity", run.folder + "/keys.txt",
                 "--age-identity", "-"}),
            0)
      << run.err();
  EXPECT_THAT(run.err(), HasSubstr("age keys in the Secret muster-agent-age"));
  EXPECT_THAT(run.out() + run.err(), Not(HasSubstr("AGE-SECRET-KEY")));
  EXPECT_THAT(cluster.applied, HasSubstr("name: muster-agent-age"));
  EXPECT_THAT(
      cluster.applied,
      HasSubstr(absl::Base64Escape(absl::StrCat(first.text(), "\n", AgeIdentityFile(second)))));
}

TEST(Bootstrap, RefusesWhatIsNoKeyOfAgeAndShowsNothingOfIt) {
  TestRun run;
  Cluster cluster(run);
  std::ofstream(run.folder + "/keys.txt") << "AGE-SECRET-KEY-1NONSENSE\n";
  EXPECT_EQ(run({"bootstrap", "prod-1", "--age-identity", run.folder + "/keys.txt"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("--age-identity"));
  EXPECT_THAT(run.err(), HasSubstr("line 1"));
  EXPECT_THAT(run.err(), Not(HasSubstr("NONSENSE")));
  EXPECT_EQ(run({"bootstrap", "prod-1", "--age-identity", run.folder + "/none"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("/none"));
  EXPECT_EQ(cluster.applied, "");
  EXPECT_THAT(run.hub->calls, Not(Contains("CreateToken")));
}

TEST(Bootstrap, ChangesNothingWhenTheNameIsTaken) {
  TestRun run;
  Cluster cluster(run);
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"bootstrap", "prod-1"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("the name is taken"));
  EXPECT_EQ(cluster.applied, "");
}

TEST(Bootstrap, SaysWhatThePodWaitsForWhenTimeRunsOut) {
  TestRun run;
  Cluster cluster(run);
  EXPECT_EQ(run({"bootstrap", "prod-1", "--timeout", "10s"}), 3);
  EXPECT_THAT(run.err(), HasSubstr("waiting: pod p: Pending\n"));
  EXPECT_THAT(run.err(), HasSubstr("is installed, but has not joined"));
  EXPECT_THAT(run.err(), HasSubstr("logs muster-agent-0"));
}

TEST(Bootstrap, NeedsAnAdministratorUnlessTheAgentIsLimited) {
  TestRun run;
  Cluster cluster(run);
  cluster.admin = false;
  EXPECT_EQ(run({"bootstrap", "prod-1"}), 4);
  EXPECT_THAT(run.err(), HasSubstr("you are no administrator"));
  EXPECT_THAT(run.hub->calls, Not(Contains("CreateToken")));
  JoinsWhenApplied(run, cluster, "prod-1");
  EXPECT_EQ(run({"bootstrap", "prod-1", "--only-namespace", "web"}), 0) << run.err();
}

TEST(Bootstrap, PassesOnWhatKubectlSays) {
  TestRun run;
  Cluster cluster(run);
  cluster.apply = {1, "", "Warning: x\nError from server (Forbidden): no\n"};
  EXPECT_EQ(run({"bootstrap", "prod-1", "--context", "c"}), 4);
  EXPECT_THAT(run.err(), HasSubstr("where: context c"));
  EXPECT_THAT(run.err(), HasSubstr("kubectl: (Forbidden): no"));
}

TEST(Bootstrap, TellsWhatToDoWithoutKubectl) {
  TestRun run;
  EXPECT_EQ(run({"bootstrap", "prod-1"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("muster agent manifest NAME"));
}

TEST(Bootstrap, ShowsTheWordsThatAPersonMustCompare) {
  TestRun run;
  Cluster cluster(run);
  cluster.on_apply = [&run] {
    run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
    run.hub->clusters.back().set_state("Pending");
    run.hub->clusters.back().set_words("one two three");
  };
  EXPECT_EQ(run({"bootstrap", "prod-1", "--needs-accept", "--timeout", "5s"}), 3);
  EXPECT_THAT(run.err(), HasSubstr("\"one two three\""));
  EXPECT_THAT(run.err(), HasSubstr("muster accept prod-1"));
}

TEST(AgentManifestCommand, PrintsTheSameWithANewToken) {
  TestRun run;
  EXPECT_EQ(run({"agent", "manifest", "prod-1", "--observe"}), 0) << run.err();
  EXPECT_THAT(run.out(), HasSubstr("kind: StatefulSet"));
  EXPECT_THAT(run.out(), HasSubstr("- --observe"));
  EXPECT_THAT(run.out(), HasSubstr("kind: Secret"));
  EXPECT_THAT(run.hub->calls, Contains("CreateToken"));
}

TEST(AgentManifestCommand, WarnsWhenItPrintsPrivateKeys) {
  TestRun run;
  run.in = AgeIdentityFile(AgeIdentity::Generate());
  EXPECT_EQ(run({"agent", "manifest", "prod-1", "--age-identity", "-"}), 0) << run.err();
  EXPECT_THAT(run.err(), HasSubstr("holds private keys"));
  EXPECT_EQ(run({"agent", "manifest", "prod-1"}), 0);
  EXPECT_THAT(run.err(), Not(HasSubstr("private keys")));
}

TEST(AgentManifestCommand, AsksNoHubWithoutAToken) {
  TestRun run;
  EXPECT_EQ(run({"agent", "manifest", "--no-token", "--join", "hub:7445"}), 0) << run.err();
  EXPECT_THAT(run.out(), Not(HasSubstr("kind: Secret")));
  EXPECT_TRUE(run.hub->calls.empty());
  EXPECT_EQ(run({"agent", "manifest", "--no-token"}), 2);
  EXPECT_EQ(run({"agent", "manifest"}), 2);
}

}  // namespace
}  // namespace muster::cli
