#include "common/manifest/utf8.h"

#include "common/base/check.h"

namespace muster {
namespace {

// The length of the sequence that starts with `lead`, and the range of its second byte, which is
// where overlong forms, surrogates and everything past U+10FFFF are told apart (RFC 3629, 4).
struct Sequence {
  int length = 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
};

Sequence SequenceOf(uint8_t lead) {
  if (lead < 0x80) return {1};
  if (lead < 0xC2) return {0};
  if (lead < 0xE0) return {2};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

}  // namespace

size_t FindInvalidUtf8(absl::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const uint8_t lead = static_cast<uint8_t>(text[at]);
    if (lead < 0x80) {
      ++at;
      continue;
    }
    const Sequence sequence = SequenceOf(lead);
    if (sequence.length == 0 || text.size() - at < static_cast<size_t>(sequence.length)) return at;
    const uint8_t second = static_cast<uint8_t>(text[at + 1]);
    if (second < sequence.second_min || second > sequence.second_max) return at;
    for (int i = 2; i < sequence.length; ++i) {
      if ((static_cast<uint8_t>(text[at + i]) & 0xC0) != 0x80) return at;
    }
    at += sequence.length;
  }
  return absl::string_view::npos;
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  CHECK(code_point <= 0x10FFFF);
  CHECK(code_point < 0xD800 || code_point > 0xDFFF);
  const auto continuation = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    continuation(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

}  // namespace muster
