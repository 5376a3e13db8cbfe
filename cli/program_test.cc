#include "cli/program.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

TEST(Program, TakesInputAndKeepsBothStreamsAndTheExitCode) {
  const auto result = CaptureProgram({"sh", "-c", "cat; echo oops >&2; exit 3"}, "hello");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, "hello");
  EXPECT_EQ(result->err, "oops\n");
  EXPECT_EQ(result->code, 3);
}

TEST(Program, CarriesMoreThanAPipeHolds) {
  const std::string much(3 << 20, 'x');
  const auto result = CaptureProgram({"cat"}, much);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->out, much);
}

TEST(Program, OutlivesAProgramThatDoesNotRead) {
  const auto result = CaptureProgram({"true"}, std::string(1 << 20, 'x'));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->code, 0);
}

TEST(Program, SaysWhatIsNotThere) {
  const auto result = CaptureProgram({"no-such-program-of-muster"}, "");
  EXPECT_TRUE(absl::IsNotFound(result.status())) << result.status();
}

TEST(Program, TellsWhichSignalEndedIt) {
  const auto result = CaptureProgram({"sh", "-c", "kill -9 $$"}, "");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->code, 128 + 9);
}

}  // namespace
}  // namespace muster::cli
