#include "common/config/names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace muster {
namespace {

constexpr size_t kNameBytesMax = 63;
constexpr size_t kPrefixBytesMax = 253;

bool IsLowerAlnum(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

absl::Status Refuse(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", absl::CHexEscape(text), "' ", why));
}

absl::Status CheckLabelWord(absl::string_view word, absl::string_view whole) {
  if (word.size() > kNameBytesMax) return Refuse(whole, "is longer than 63 characters");
  if (!IsAlnum(word.front()) || !IsAlnum(word.back())) {
    return Refuse(whole, "must start and end with a letter or digit");
  }
  for (const char c : word) {
    if (!IsAlnum(c) && c != '-' && c != '_' && c != '.') {
      return Refuse(whole, "may hold only letters, digits, '-', '_' and '.'");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(absl::string_view name) {
  if (name.empty()) return Refuse(name, "is empty");
  if (name.size() > kNameBytesMax) return Refuse(name, "is longer than 63 characters");
  for (const char c : name) {
    if (!IsLowerAlnum(c) && c != '-') {
      return Refuse(name, "may hold only lower-case letters, digits and '-'");
    }
  }
  if (name.front() == '-' || name.back() == '-') {
    return Refuse(name, "must start and end with a letter or digit");
  }
  return absl::OkStatus();
}

absl::Status CheckLabelKey(absl::string_view key) {
  absl::string_view word = key;
  if (const size_t slash = key.find('/'); slash != absl::string_view::npos) {
    const absl::string_view prefix = key.substr(0, slash);
    word = key.substr(slash + 1);
    if (prefix.size() > kPrefixBytesMax) return Refuse(key, "has too long a prefix");
    for (const absl::string_view part : absl::StrSplit(prefix, '.')) {
      if (!CheckName(part).ok()) {
        return Refuse(key, "needs a DNS name, like 'example.com', before its '/'");
      }
    }
  }
  if (word.empty()) return Refuse(key, "is no label key: the name is missing");
  return CheckLabelWord(word, key);
}

absl::Status CheckLabelValue(absl::string_view value) {
  if (value.empty()) return absl::OkStatus();
  return CheckLabelWord(value, value);
}

}  // namespace muster
