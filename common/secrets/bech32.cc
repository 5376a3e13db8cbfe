#include "common/secrets/bech32.h"

#include <array>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr absl::string_view kLetters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t kChecksumLetters = 6;
constexpr size_t kTextMax = 4'096;

// The remainder of the polynomial that `values` (of 5 bits each) are the coefficients of.
class Checksum {
 public:
  explicit Checksum(absl::string_view prefix) {
    for (const unsigned char c : prefix) Add(c >> 5);
    Add(0);
    for (const unsigned char c : prefix) Add(c & 31);
  }
  void Add(uint32_t value) {
    constexpr std::array<uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                    0x2a1462b3};
    const uint32_t top = state_ >> 25;
    state_ = ((state_ & 0x1ffffff) << 5) ^ value;
    for (size_t bit = 0; bit < kGenerator.size(); ++bit) {
      if ((top >> bit) & 1) state_ ^= kGenerator[bit];
    }
  }
  uint32_t state() const { return state_; }

 private:
  uint32_t state_ = 1;
};

}  // namespace

std::string EncodeBech32(absl::string_view prefix, absl::string_view bytes) {
  std::string text = absl::StrCat(prefix, "1");
  Checksum checksum(prefix);
  const auto add = [&](uint32_t value) {
    checksum.Add(value);
    text += kLetters[value];
  };
  uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = (bits << 8 | byte) & 0xfff;
    for (count += 8; count >= 5; count -= 5) add(bits >> (count - 5) & 31);
  }
  if (count > 0) add(bits << (5 - count) & 31);
  for (size_t i = 0; i < kChecksumLetters; ++i) checksum.Add(0);
  const uint32_t sum = checksum.state() ^ 1;
  for (int i = kChecksumLetters - 1; i >= 0; --i) text += kLetters[sum >> (5 * i) & 31];
  return text;
}

absl::StatusOr<Bech32> DecodeBech32(absl::string_view text) {
  const auto refuse = [](absl::string_view why) { return absl::InvalidArgumentError(why); };
  if (text.size() > kTextMax) return refuse("it is too long");
  const std::string lower = absl::AsciiStrToLower(text);
  if (lower != text && absl::AsciiStrToUpper(text) != text) {
    return refuse("it mixes capital and small letters");
  }
  const size_t one = lower.rfind('1');
  if (one == std::string::npos || one == 0 || one + kChecksumLetters >= lower.size()) {
    return refuse("it is cut short");
  }
  Bech32 result{.prefix = lower.substr(0, one), .bytes = ""};
  for (const char c : result.prefix) {
    if (c < 33 || c > 126) return refuse("it has a letter that no key has");
  }
  Checksum checksum(result.prefix);
  uint32_t bits = 0;
  int count = 0;
  for (size_t at = one + 1; at < lower.size(); ++at) {
    const size_t value = kLetters.find(lower[at]);
    if (value == kLetters.npos) return refuse("it has a letter that no key has");
    checksum.Add(static_cast<uint32_t>(value));
    if (at + kChecksumLetters >= lower.size()) continue;
    bits = (bits << 5 | static_cast<uint32_t>(value)) & 0xfff;
    count += 5;
    if (count >= 8) result.bytes += static_cast<char>(bits >> (count -= 8) & 0xff);
  }
  if (checksum.state() != 1) return refuse("its checksum does not fit: a letter is wrong");
  if (count >= 5 || (bits & ((1u << count) - 1)) != 0) return refuse("it does not end in a byte");
  return result;
}

}  // namespace muster
