#include "hub/child/frame.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace muster::hub {
namespace {

TEST(FrameDecoder, FindsMessagesHoweverTheBytesArrive) {
  const std::string stream =
      EncodeFrame("one") + EncodeFrame("") + EncodeFrame(std::string(300, 'x'));
  for (size_t step = 1; step <= stream.size(); ++step) {
    FrameDecoder decoder(1000);
    std::vector<std::string> found;
    for (size_t at = 0; at < stream.size(); at += step) {
      ASSERT_TRUE(decoder.Append(absl::string_view(stream).substr(at, step)).ok());
      while (auto message = decoder.Next()) found.push_back(*message);
    }
    EXPECT_EQ(found, (std::vector<std::string>{"one", "", std::string(300, 'x')})) << step;
  }
}

TEST(FrameDecoder, RefusesALengthOverTheLimitBeforeTheBytesCome) {
  FrameDecoder decoder(1000);
  EXPECT_TRUE(decoder.Append(absl::string_view("\xe8\x03\x00\x00", 4)).ok());  // 1000
  FrameDecoder other(1000);
  const absl::Status status = other.Append(absl::string_view("\xe9\x03\x00\x00", 4));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(other.Next().has_value());
}

TEST(FrameDecoder, TheLimitHoldsForTheSecondMessageToo) {
  FrameDecoder decoder(10);
  ASSERT_TRUE(decoder.Append(EncodeFrame("ok") + std::string("\xff\xff\xff\x7f", 4)).ok());
  EXPECT_EQ(decoder.Next(), "ok");
  EXPECT_FALSE(decoder.Next().has_value());
  EXPECT_FALSE(decoder.Append("x").ok());
}

class FrameChannelTest : public testing::Test {
 protected:
  FrameChannelTest() {
    int sockets[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
    here_ = std::make_unique<FrameChannel>(sockets[0], 8u << 20);
    there_ = std::make_unique<FrameChannel>(sockets[1], 8u << 20);
  }

  std::unique_ptr<FrameChannel> here_;
  std::unique_ptr<FrameChannel> there_;
};

TEST_F(FrameChannelTest, CarriesMessagesLargerThanTheSocketHolds) {
  const std::string large(5u << 20, 'x');
  std::thread sender([&] { EXPECT_TRUE(here_->Send(large, kNoDeadline).ok()); });
  const auto received = there_->Receive(kNoDeadline);
  sender.join();
  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_TRUE(*received == large);
}

TEST_F(FrameChannelTest, ASilentPeerMeetsTheDeadline) {
  EXPECT_EQ(here_->Receive(DeadlineIn(absl::Milliseconds(20))).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  // A peer that never reads, too: the socket fills up.
  EXPECT_EQ(here_->Send(std::string(5u << 20, 'x'), DeadlineIn(absl::Milliseconds(20))).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(FrameChannelTest, APeerThatHasGoneIsUnavailable) {
  EXPECT_TRUE(here_->IsOpen());
  there_.reset();
  EXPECT_FALSE(here_->IsOpen());
  EXPECT_EQ(here_->Receive(kNoDeadline).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(here_->Send("x", kNoDeadline).code(), absl::StatusCode::kUnavailable);
}

TEST_F(FrameChannelTest, DoesNotSendWhatThePeerWouldRefuse) {
  EXPECT_EQ(here_->Send(std::string((8u << 20) + 1, 'x'), kNoDeadline).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster::hub
