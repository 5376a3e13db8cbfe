// Digest: the SHA-256 of some bytes, and the name of everything that is content-addressed.
//
// 32 bytes, ordered, hashable; in text always 64 lower-case hexadecimal digits. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

class Digest {
 public:
  static constexpr int kSize = 32;

  // The all-zero digest, which names nothing; see empty().
  Digest() = default;

  // The SHA-256 (FIPS 180-4) of `bytes`.
  static Digest Of(absl::string_view bytes);

  // Returns kInvalidArgument unless `bytes` is exactly 32 long.
  static absl::StatusOr<Digest> FromBytes(absl::string_view bytes);

  // Returns kInvalidArgument unless `hex` is 64 lower-case hexadecimal digits.
  static absl::StatusOr<Digest> FromHex(absl::string_view hex);

  bool empty() const { return *this == Digest(); }
  std::string bytes() const { return std::string(view()); }
  absl::string_view view() const {
    return absl::string_view(reinterpret_cast<const char*>(bytes_.data()), kSize);
  }
  std::string hex() const;

  // The first 12 digits, for people.
  std::string short_hex() const { return hex().substr(0, 12); }

  friend auto operator<=>(const Digest&, const Digest&) = default;
  friend bool operator==(const Digest& a, const Digest& b) {
    // Four words and no call: agents compare thousands at each change.
    return ((a.Word(0) ^ b.Word(0)) | (a.Word(1) ^ b.Word(1)) | (a.Word(2) ^ b.Word(2)) |
            (a.Word(3) ^ b.Word(3))) == 0;
  }

  template <typename H>
  friend H AbslHashValue(H state, const Digest& digest) {
    return H::combine(std::move(state), digest.bytes_);
  }

 private:
  uint64_t Word(int index) const {
    uint64_t word;
    std::memcpy(&word, bytes_.data() + 8 * index, sizeof word);
    return word;
  }

  std::array<uint8_t, kSize> bytes_{};
};

}  // namespace muster
