#include "cli/problem.h"

#include "gtest/gtest.h"

namespace muster::cli {
namespace {

TEST(Problem, SaysWhatWhereWhyAndWhatToDo) {
  const absl::Status status =
      ProblemStatus(absl::StatusCode::kUnavailable, {.what = "cannot list clusters",
                                                     .where = "hub 127.0.0.1:7444",
                                                     .why = "connection refused\nafter 3 attempts",
                                                     .hint = "muster doctor"});
  EXPECT_EQ(ProblemText(status),
            "error: cannot list clusters\n"
            "  where: hub 127.0.0.1:7444\n"
            "  why: connection refused\n"
            "       after 3 attempts\n"
            "  hint: muster doctor\n");
}

TEST(Problem, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(ProblemText(absl::NotFoundError("there is none")), "error: there is none\n");
}

TEST(Problem, CarriesThePlainErrorAsTheCause) {
  const absl::Status status = Tried("list clusters", absl::InternalError("disk on fire"));
  EXPECT_EQ(ProblemOf(status).what, "cannot list clusters");
  EXPECT_EQ(ProblemOf(status).why, "disk on fire");
  // What is explained already stays as it is.
  EXPECT_EQ(ProblemOf(Tried("do more", status)).what, "cannot list clusters");
  EXPECT_TRUE(Tried("list clusters", absl::OkStatus()).ok());
}

TEST(Problem, KeepsTheFirstHintAndPlace) {
  const absl::Status first = WithHint(absl::InternalError("x"), "one");
  EXPECT_EQ(ProblemOf(WithHint(first, "two")).hint, "one");
  EXPECT_EQ(ProblemOf(WithWhere(first, "here")).where, "here");
}

TEST(Problem, IsJsonForPrograms) {
  const absl::Status status = UsageProblem("no \"such\" flag", "muster --help");
  EXPECT_EQ(ProblemJson(status),
            "{\n"
            "  \"apiVersion\": \"muster.dev/v1alpha1\",\n"
            "  \"code\": \"INVALID_ARGUMENT\",\n"
            "  \"exitCode\": 2,\n"
            "  \"hint\": \"muster --help\",\n"
            "  \"kind\": \"Error\",\n"
            "  \"what\": \"no \\\"such\\\" flag\",\n"
            "  \"where\": \"\",\n"
            "  \"why\": \"\"\n"
            "}\n");
}

TEST(Problem, CannotPutColoursOrCommandsOnATerminal) {
  const std::string text = ProblemText(Tried("x", absl::InternalError("a\x1b[2Jb\x07\rc")));
  EXPECT_EQ(text, "error: cannot x\n  why: a\\x1b[2Jb\\x07 c\n");
}

TEST(ExitCode, FollowsFromTheKindOfError) {
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kError);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kError);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kTimeout);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), ExitCode::kNotAllowed);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), ExitCode::kNotAllowed);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kUnreachable);
}

}  // namespace
}  // namespace muster::cli
