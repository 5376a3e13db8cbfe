#include "hub/rpc/replies.h"

#include <optional>

#include "gtest/gtest.h"

namespace muster::hub {
namespace {

TEST(Replies, AnswersTheOneThatAsked) {
  Replies replies;
  std::optional<absl::StatusOr<v1::RenewResponse>> first;
  std::optional<absl::StatusOr<v1::RenewResponse>> second;
  replies.AwaitRenew([&](auto response) { first = std::move(response); });
  const RequestId request =
      replies.AwaitRenew([&](auto response) { second = std::move(response); });

  v1::RenewResponse response;
  response.set_certificate_der("der");
  replies.Answer(RenewReply{request, response});

  EXPECT_FALSE(first.has_value());
  ASSERT_TRUE(second.has_value());
  ASSERT_TRUE(second->ok());
  EXPECT_EQ((*second)->certificate_der(), "der");
}

TEST(Replies, DropsASecondAnswer) {
  Replies replies;
  int answers = 0;
  const RequestId request = replies.AwaitEnroll([&](auto) { ++answers; });
  replies.Answer(EnrollReply{request, v1::EnrollResponse()});
  replies.Answer(EnrollReply{request, v1::EnrollResponse()});
  EXPECT_EQ(answers, 1);
}

TEST(Replies, DropsAnAnswerOfAnotherKind) {
  Replies replies;
  int answers = 0;
  const RequestId request = replies.AwaitEnroll([&](auto) { ++answers; });
  replies.Answer(RenewReply{request, v1::RenewResponse()});
  EXPECT_EQ(answers, 0);
  replies.Answer(EnrollReply{request, v1::EnrollResponse()});
  EXPECT_EQ(answers, 1);
}

TEST(Replies, StopAnswersWhoWaitsAndWhoComesLater) {
  Replies replies;
  absl::Status waiting;
  absl::Status late;
  replies.AwaitOperator([&](auto answer) { waiting = answer.status(); });
  replies.Stop();
  replies.AwaitOperator([&](auto answer) { late = answer.status(); });
  EXPECT_EQ(waiting.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(late.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster::hub
