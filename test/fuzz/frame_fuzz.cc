// Frames from a child that was taken over: never a crash or memory without end, and however the
// bytes are cut, the same messages come out.
// Run: bazel run --config=fuzz //test/fuzz:frame_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/check.h"
#include "hub/child/frame.h"

namespace {

constexpr size_t kMessageBytesMax = 1'000;

std::vector<std::string> Decode(absl::string_view stream, size_t step) {
  muster::hub::FrameDecoder decoder(kMessageBytesMax);
  std::vector<std::string> messages;
  for (size_t at = 0; at < stream.size(); at += step) {
    const bool good = decoder.Append(stream.substr(at, step)).ok();
    while (auto message = decoder.Next()) {
      CHECK(message->size() <= kMessageBytesMax);
      messages.push_back(*std::move(message));
    }
    if (!good) break;
  }
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<std::string> whole = Decode(stream, stream.size() + 1);
  const std::vector<std::string> cut = Decode(stream, size_t{data[0]} + 1);
  // Bytes that come after a refused length are lost either way.
  CHECK(whole == cut) << whole.size() << " messages, and cut " << cut.size();

  std::string again;
  for (const std::string& message : whole) again += muster::hub::EncodeFrame(message);
  CHECK(stream.substr(0, again.size()) == again);
  return 0;
}
