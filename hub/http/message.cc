#include "hub/http/message.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/manifest/utf8.h"

namespace muster::hub {
namespace {

// Percent-decoding, and '+' as a blank where forms write one; nullopt for a broken escape.
std::optional<std::string> Decode(absl::string_view text, bool form) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
          !absl::ascii_isxdigit(text[i + 2])) {
        return std::nullopt;
      }
      out += absl::HexStringToBytes(text.substr(i + 1, 2));
      i += 2;
    } else {
      out += form && text[i] == '+' ? ' ' : text[i];
    }
    if (absl::ascii_iscntrl(out.back())) return std::nullopt;
  }
  if (FindInvalidUtf8(out) != absl::string_view::npos) return std::nullopt;
  return out;
}

}  // namespace

bool ParseTarget(absl::string_view target, HttpRequest* request) {
  if (!absl::StartsWith(target, "/")) return false;
  const size_t mark = target.find('?');
  const std::optional<std::string> path = Decode(target.substr(0, mark), false);
  if (!path.has_value()) return false;
  request->path = *path;
  request->query.clear();
  if (mark == absl::string_view::npos) return true;
  for (absl::string_view pair : absl::StrSplit(target.substr(mark + 1), '&', absl::SkipEmpty())) {
    const size_t equals = pair.find('=');
    const std::optional<std::string> key = Decode(pair.substr(0, equals), true);
    const std::optional<std::string> value =
        equals == absl::string_view::npos ? "" : Decode(pair.substr(equals + 1), true);
    if (!key.has_value() || !value.has_value()) return false;
    request->query.emplace_back(*key, *value);
  }
  return true;
}

std::string CookieOf(absl::string_view header, absl::string_view name) {
  for (absl::string_view pair : absl::StrSplit(header, ';')) {
    pair = absl::StripAsciiWhitespace(pair);
    if (absl::ConsumePrefix(&pair, name) && absl::ConsumePrefix(&pair, "=")) {
      return std::string(pair);
    }
  }
  return "";
}

bool TakesGzip(absl::string_view accept_encoding) {
  for (absl::string_view one : absl::StrSplit(accept_encoding, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(one, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts[0]), "gzip")) continue;
    if (parts.size() == 1) return true;
    absl::string_view weight = absl::StripAsciiWhitespace(parts[1]);
    double value = 0;
    return !absl::ConsumePrefix(&weight, "q=") || !absl::SimpleAtod(weight, &value) || value > 0;
  }
  return false;
}

bool MatchesEtag(absl::string_view if_none_match, absl::string_view etag) {
  for (absl::string_view one : absl::StrSplit(if_none_match, ',')) {
    one = absl::StripAsciiWhitespace(one);
    if (one == "*" || one == etag) return true;
  }
  return false;
}

}  // namespace muster::hub
