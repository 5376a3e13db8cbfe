// SshReader: reads SSH's wire form (RFC 4251, section 5) strictly: numbers and counted strings, one
// after the other, and nothing left at the end. Pure; a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace muster {

class SshReader {
 public:
  explicit SshReader(absl::string_view bytes) : left_(bytes) {}

  // Nullopt when the bytes end before what they promise.
  std::optional<uint32_t> Number() {
    if (left_.size() < 4) return std::nullopt;
    uint32_t number = 0;
    for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<uint8_t>(left_[i]);
    left_.remove_prefix(4);
    return number;
  }
  std::optional<absl::string_view> String() {
    const std::optional<uint32_t> size = Number();
    if (!size || *size > left_.size()) return std::nullopt;
    const absl::string_view string = left_.substr(0, *size);
    left_.remove_prefix(*size);
    return string;
  }

  bool at_end() const { return left_.empty(); }

 private:
  absl::string_view left_;
};

inline void AppendSshString(absl::string_view string, std::string& out) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<uint32_t>(string.size()) >> shift));
  }
  out.append(string.data(), string.size());
}

}  // namespace muster
