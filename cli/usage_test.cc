// What is said to somebody who mistyped, is not allowed, or whose hub is away.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/grammar.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Usage, HelpsSomebodyWhoTypesNothing) {
  TestRun run;
  EXPECT_EQ(run({}), 0);
  EXPECT_THAT(run.out(), HasSubstr("Start here:"));
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_THAT(run.out(), HasSubstr("Exit codes: 0 ok"));
}

TEST(Usage, EveryCommandHasHelpWithAnExample) {
  const std::vector<std::string> commands = Grammar().Commands();
  EXPECT_THAT(commands, Contains("token create"));
  for (const std::string& command : commands) {
    if (command == "init") continue;  // the hub explains its own
    std::vector<std::string> words = absl::StrSplit(command, ' ');
    words.push_back("--help");
    TestRun run;
    EXPECT_EQ(run(words), 0) << command;
    EXPECT_THAT(run.out(), HasSubstr(absl::StrCat("Usage: muster ", command, " "))) << command;
    EXPECT_THAT(run.out(), HasSubstr("Example:\n")) << command;
    words.pop_back();
    words.insert(words.begin(), "help");
    const std::string same = run.out();
    EXPECT_EQ(run(words), 0);
    EXPECT_EQ(run.out(), same);
  }
}

TEST(Usage, SuggestsTheCommandThatWasMeant) {
  TestRun run;
  EXPECT_EQ(run({"gett", "clusters"}), 2);
  EXPECT_EQ(run.err(),
            "error: 'muster gett' is no command; did you mean 'get'?\n  hint: muster --help\n");
  EXPECT_EQ(run({"token", "craete"}), 2);
  EXPECT_EQ(run.err(),
            "error: 'muster token craete' is no command; did you mean 'create'?\n"
            "  hint: muster token --help\n");
  EXPECT_EQ(run({"helm"}), 2);
  EXPECT_EQ(run.err(), "error: 'muster helm' is no command\n  hint: muster --help\n");
}

TEST(Usage, SuggestsTheFlagAndTheFormatThatWereMeant) {
  TestRun run;
  EXPECT_EQ(run({"get", "clusters", "--seletor", "env=prod"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("unknown flag '--seletor'; did you mean '--selector'?"));
  EXPECT_EQ(run({"get", "clusters", "-o", "jsn"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("unknown format 'jsn'; did you mean 'json'?"));
}

TEST(Usage, SaysWhatIsMissingOrTooMuch) {
  TestRun run;
  EXPECT_EQ(run({"history"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("CLUSTER is required"));
  EXPECT_EQ(run({"token"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("needs one of: create, list, revoke"));
  EXPECT_EQ(run({"accept", "a", "b"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("takes no more words"));
  EXPECT_EQ(run({"get", "clusters", "--limit", "many"}), 2);
  EXPECT_EQ(run({"get", "clusters", "--timeout", "soon"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("--timeout 'soon' is not a duration"));
  EXPECT_EQ(run({"wait", "--all", "--timeout", "-3s"}), 2);
  EXPECT_THAT(run.hub->calls, ElementsAre());
}

TEST(Usage, ErrorsAreJsonWhenJsonWasAskedFor) {
  TestRun run;
  EXPECT_EQ(run({"get", "cluster", "nobody", "-o", "json"}), 2);
  EXPECT_EQ(run.out(), "");
  const Value error = *ParseJson(run.err());
  EXPECT_EQ(error.Get("kind")->string(), "Error");
  EXPECT_EQ(error.Get("code")->string(), "NOT_FOUND");
  EXPECT_EQ(error.Get("exitCode")->AsInt64(), 2);
}

TEST(ExitCodes, TellTheKindOfFailure) {
  struct Case {
    absl::Status status;
    int code;
  };
  for (const Case& one : {Case{absl::UnavailableError("connection refused"), 5},
                          Case{absl::DeadlineExceededError("no answer"), 3},
                          Case{absl::PermissionDeniedError("operators only"), 4},
                          Case{absl::UnauthenticatedError("certificate expired"), 4},
                          Case{absl::InternalError("broken"), 2}}) {
    TestRun run;
    run.hub->Fail("ListClusters", one.status);
    EXPECT_EQ(run({"get", "clusters"}), one.code);
    EXPECT_THAT(run.err(), HasSubstr("error: cannot list clusters\n"));
    EXPECT_THAT(run.err(), HasSubstr(std::string(one.status.message())));
  }
}

TEST(ExitCodes, AnUnreachableHubIsNamed) {
  TestRun run;
  run.hub->Fail("ListClusters", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"get", "clusters"}), 5);
  EXPECT_EQ(run.err(),
            "error: cannot list clusters\n"
            "  where: hub hub.test:7444 (context test)\n"
            "  why: connection refused\n"
            "  hint: muster doctor\n");
  run.hub->Fail("ListClusters", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"get", "clusters", "--context", "other"}), 5);
  EXPECT_THAT(run.err(), HasSubstr("hub other.test:7444 (context other)"));
  run.variables["MUSTER_CONTEXT"] = "other";
  run.hub->Fail("ListClusters", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"get", "clusters"}), 5);
  EXPECT_THAT(run.err(), HasSubstr("context other"));
}

TEST(Completion, OffersCommandsFlagsAndValues) {
  TestRun run;
  EXPECT_EQ(run({"__complete", "de"}), 0);
  EXPECT_EQ(run.out(), "describe\n");
  EXPECT_EQ(run({"__complete", "token", ""}), 0);
  EXPECT_EQ(run.out(), "create\nlist\nrevoke\n");
  EXPECT_EQ(run({"__complete", "get", "clusters", "--sel"}), 0);
  EXPECT_EQ(run.out(), "--selector\n");
  EXPECT_EQ(run({"__complete", "get", "-o", "j"}), 0);
  EXPECT_EQ(run.out(), "json\njsonpath=\n");
  EXPECT_EQ(run({"__complete", "--context", ""}), 0);
  EXPECT_EQ(run.out(), "test\nother\n");
}

TEST(Completion, OffersTheNamesThatTheHubKnows) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "dev-1"));
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"__complete", "describe", "cluster", "p"}), 0);
  EXPECT_EQ(run.out(), "prod-1\n");
  EXPECT_EQ(run({"__complete", "wait", "cluster/d"}), 0);
  EXPECT_EQ(run.out(), "cluster/dev-1\n");
  EXPECT_EQ(run({"__complete", "diff", ""}), 0);
  EXPECT_EQ(run.out(), "dev-1\nprod-1\n");
  EXPECT_EQ(run({"__complete", "get", "cl"}), 0);
  EXPECT_EQ(run.out(), "clusters\n");
  EXPECT_EQ(run({"__complete", "history", "--package", "x", "d"}), 0);
  EXPECT_EQ(run.out(), "dev-1\n");
}

TEST(Completion, NeverFailsNorSpeaks) {
  TestRun run;
  run.connect = absl::InvalidArgumentError("bad certificate");
  EXPECT_EQ(run({"__complete", "describe", "cluster", ""}), 0);
  EXPECT_EQ(run.out(), "");
  EXPECT_EQ(run.err(), "");
  EXPECT_EQ(run({"__complete", "nonsense", "--what", ""}), 0);
  EXPECT_EQ(run.err(), "");
}

TEST(Completion, HasAScriptForEachShell) {
  TestRun run;
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(run({"completion", shell}), 0);
    EXPECT_THAT(run.out(), HasSubstr("muster __complete"));
  }
  EXPECT_EQ(run({"completion", "bahs"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'bash'?"));
}

TEST(Quiet, LeavesOutSuggestions) {
  TestRun run;
  run.hub->clusters.push_back(MakeCluster(run, "prod-1"));
  EXPECT_EQ(run({"suspend", "cluster", "prod-1"}), 0);
  EXPECT_THAT(run.err(), HasSubstr("next: "));
  EXPECT_EQ(run({"resume", "cluster", "prod-1", "-q"}), 0);
  EXPECT_THAT(run.err(), Not(HasSubstr("next: ")));
}

}  // namespace
}  // namespace muster::cli
