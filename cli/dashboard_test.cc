#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TestRun RunWithConsole() {
  TestRun run;
  run.hub->login.set_url("https://127.0.0.1:7446");
  run.hub->login.set_code("secret-code");
  run.hub->login.set_expires_ms(absl::ToUnixMillis(run.clock.Now() + absl::Minutes(5)));
  run.hub->login.set_fingerprint("0a1b2c");
  run.hub->login.set_private_authority(true);
  return run;
}

TEST(Dashboard, PrintsNothingButTheAddressToStdout) {
  TestRun run = RunWithConsole();
  EXPECT_EQ(run({"dashboard"}), 0);
  EXPECT_EQ(run.out(), "https://127.0.0.1:7446/login#secret-code\n");
  EXPECT_THAT(run.err(), HasSubstr("within 5m"));
  EXPECT_THAT(run.err(), Not(HasSubstr("secret-code")));
}

TEST(Dashboard, SaysHowToKnowACertificateThatBrowsersDoNot) {
  TestRun run = RunWithConsole();
  run({"dashboard"});
  EXPECT_THAT(run.err(), HasSubstr("0A:1B:2C"));
  run.hub->login.set_private_authority(false);
  run({"dashboard"});
  EXPECT_THAT(run.err(), Not(HasSubstr("0A:1B:2C")));
}

TEST(Dashboard, IsADocumentForPrograms) {
  TestRun run = RunWithConsole();
  EXPECT_EQ(run({"dashboard", "-o", "json"}), 0);
  const Value document = *ParseJson(run.out());
  EXPECT_EQ(document.Get("kind")->string(), "Dashboard");
  EXPECT_EQ(document.Get("url")->string(), "https://127.0.0.1:7446/login#secret-code");
}

TEST(Dashboard, SaysThatThereIsNone) {
  TestRun run;
  run.hub->Fail("CreateLogin", absl::FailedPreconditionError("this hub has no console"));
  EXPECT_EQ(run({"dashboard"}), 2);
  EXPECT_EQ(run.out(), "");
  EXPECT_THAT(run.err(), HasSubstr("this hub has no console"));
}

}  // namespace
}  // namespace muster::cli
