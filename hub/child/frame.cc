#include "hub/child/frame.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kReadBytes = 64u << 10;

absl::Status Gone() { return absl::UnavailableError("the other side has closed the channel"); }

}  // namespace

std::string EncodeFrame(absl::string_view message) {
  CHECK(message.size() <= std::numeric_limits<uint32_t>::max());
  std::string frame;
  frame.reserve(kHeaderBytes + message.size());
  for (size_t i = 0; i < kHeaderBytes; ++i) {
    frame.push_back(static_cast<char>(message.size() >> (8 * i)));
  }
  frame.append(message.data(), message.size());
  return frame;
}

std::optional<size_t> FrameDecoder::AnnouncedLength() const {
  if (pending_.size() < kHeaderBytes) return std::nullopt;
  size_t length = 0;
  for (size_t i = 0; i < kHeaderBytes; ++i) {
    length |= size_t{static_cast<unsigned char>(pending_[i])} << (8 * i);
  }
  return length;
}

absl::Status FrameDecoder::Append(absl::string_view bytes) {
  pending_.append(bytes.data(), bytes.size());
  const std::optional<size_t> length = AnnouncedLength();
  if (!length.has_value() || *length <= message_bytes_max_) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "a message of %d bytes is announced; %d are allowed", *length, message_bytes_max_));
}

std::optional<std::string> FrameDecoder::Next() {
  const std::optional<size_t> length = AnnouncedLength();
  if (!length.has_value() || *length > message_bytes_max_ ||
      pending_.size() - kHeaderBytes < *length) {
    return std::nullopt;
  }
  std::string message = pending_.substr(kHeaderBytes, *length);
  pending_.erase(0, kHeaderBytes + *length);
  return message;
}

Deadline DeadlineIn(absl::Duration timeout) {
  if (timeout >= absl::Hours(24 * 365)) return kNoDeadline;
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
}

FrameChannel::FrameChannel(int socket, size_t message_bytes_max)
    : socket_(socket), message_bytes_max_(message_bytes_max), decoder_(message_bytes_max) {}

FrameChannel::~FrameChannel() { close(socket_); }

absl::Status FrameChannel::WaitFor(short events, Deadline deadline) const {
  while (true) {
    int timeout_ms = -1;
    if (deadline != kNoDeadline) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return absl::DeadlineExceededError("no answer in time");
      timeout_ms = static_cast<int>(std::min<int64_t>(left.count(), 60'000));
    }
    pollfd waited = {socket_, events, 0};
    const int ready = poll(&waited, 1, timeout_ms);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) {
      return absl::ErrnoToStatus(errno, "wait for the channel");
    }
  }
}

bool FrameChannel::IsOpen() const {
  char byte;
  const ssize_t count = recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

absl::Status FrameChannel::Send(absl::string_view message, Deadline deadline) {
  if (message.size() > message_bytes_max_) {
    return absl::ResourceExhaustedError(absl::StrFormat("a message of %d bytes; %d are allowed",
                                                        message.size(), message_bytes_max_));
  }
  const std::string frame = EncodeFrame(message);
  size_t sent = 0;
  while (sent < frame.size()) {
    RETURN_IF_ERROR(WaitFor(POLLOUT, deadline));
    const ssize_t count =
        send(socket_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      sent += static_cast<size_t>(count);
    } else if (errno != EAGAIN && errno != EINTR) {
      return Gone();
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FrameChannel::Receive(Deadline deadline) {
  std::vector<char> buffer(kReadBytes);
  while (true) {
    if (std::optional<std::string> message = decoder_.Next()) return *std::move(message);
    RETURN_IF_ERROR(WaitFor(POLLIN, deadline));
    const ssize_t count = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count > 0) {
      RETURN_IF_ERROR(decoder_.Append({buffer.data(), static_cast<size_t>(count)}));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Gone();
    }
  }
}

}  // namespace muster::hub
