// Frames: messages over a byte stream, each preceded by its length as four bytes, little endian.
// Between the hub and its children, see proto/child.proto.
//
// FrameDecoder is pure; FrameChannel owns a socket, blocks up to a deadline and belongs to one
// thread. Memory follows the bytes that have arrived, never a length that was only promised.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace muster::hub {

// The frame of `message`. Requires: it is shorter than 4 GiB.
std::string EncodeFrame(absl::string_view message);

class FrameDecoder {
 public:
  explicit FrameDecoder(size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  // Takes the next bytes of the stream. kResourceExhausted once a longer message is announced; the
  // stream is lost from then on.
  absl::Status Append(absl::string_view bytes);

  // The next whole message, if there is one.
  std::optional<std::string> Next();

 private:
  std::optional<size_t> AnnouncedLength() const;

  const size_t message_bytes_max_;
  std::string pending_;
};

// A moment on a clock that never jumps.
using Deadline = std::chrono::steady_clock::time_point;
Deadline DeadlineIn(absl::Duration timeout);  // InfiniteDuration for none
inline constexpr Deadline kNoDeadline = Deadline::max();

class FrameChannel {
 public:
  // Owns `socket`, a stream socket.
  FrameChannel(int socket, size_t message_bytes_max);
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  // Both return kDeadlineExceeded, after which the stream is of no use; kUnavailable when the other
  // side has gone; kResourceExhausted for a message that is too long.
  absl::Status Send(absl::string_view message, Deadline deadline);
  absl::StatusOr<std::string> Receive(Deadline deadline);

  // Whether the other side still holds its end, as far as can be seen now.
  bool IsOpen() const;

 private:
  absl::Status WaitFor(short events, Deadline deadline) const;

  const int socket_;
  const size_t message_bytes_max_;
  FrameDecoder decoder_;
};

}  // namespace muster::hub
