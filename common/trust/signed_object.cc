#include "common/trust/signed_object.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

constexpr absl::string_view kSealTrailer = "Muster-Seal: ";
constexpr absl::string_view kSignatureMarks[] = {
    "-----BEGIN SSH SIGNATURE-----", "-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----",
    "-----BEGIN SIGNED MESSAGE-----"};

absl::Status Bad(absl::string_view why) { return absl::InvalidArgumentError(why); }

struct Header {
  absl::string_view name;
  absl::string_view value;  // of the first line
  absl::string_view whole;  // every byte of it, continuation and line ends included
};

// The headers, up to the empty line, which it takes too; `rest` is then the message.
absl::StatusOr<std::vector<Header>> TakeHeaders(absl::string_view& rest) {
  std::vector<Header> headers;
  while (true) {
    const size_t end = rest.find('\n');
    if (end == absl::string_view::npos) return Bad("its headers do not end");
    const absl::string_view line = rest.substr(0, end);
    const absl::string_view whole = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    if (line.empty()) return headers;
    if (absl::StrContains(line, '\0')) return Bad("a header has a zero byte");
    if (line[0] == ' ') {
      if (headers.empty()) return Bad("it starts with a continued line");
      Header& last = headers.back();
      last.whole = absl::string_view(last.whole.data(), last.whole.size() + whole.size());
      continue;
    }
    const size_t space = line.find(' ');
    if (space == absl::string_view::npos) return Bad("a header has no value");
    headers.push_back({line.substr(0, space), line.substr(space + 1), whole});
  }
}

bool IsId(absl::string_view text) {
  if (text.size() != 40) return false;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

bool IsOneLine(const Header& header) {
  return header.whole.size() == header.name.size() + header.value.size() + 2;
}

// "Ada Lovelace <ada@example.com> 1700000000 +0100".
std::optional<int64_t> TimeOf(absl::string_view person) {
  const size_t close = person.rfind('>');
  if (close == absl::string_view::npos) return std::nullopt;
  const std::vector<absl::string_view> parts =
      absl::StrSplit(absl::StripAsciiWhitespace(person.substr(close + 1)), ' ');
  int64_t seconds = 0;
  const bool good = parts.size() == 2 && absl::SimpleAtoi(parts[0], &seconds) && seconds >= 0 &&
                    seconds < (int64_t{1} << 40);
  return good ? std::optional<int64_t>(seconds * 1'000) : std::nullopt;
}

std::string AddressOf(absl::string_view person) {
  const size_t open = person.find('<'), close = person.find('>');
  const bool good = open != absl::string_view::npos && close != absl::string_view::npos &&
                    open < close && person.rfind('<') == open && person.rfind('>') == close;
  return good ? std::string(person.substr(open + 1, close - open - 1)) : "";
}

// The signature of a gpgsig header: each continued line starts with one space that is not its own.
std::string Unfold(const Header& header) {
  std::string text(header.value);
  absl::string_view rest = header.whole.substr(header.name.size() + 1 + header.value.size() + 1);
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    absl::StrAppend(&text, "\n", rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
  return text + "\n";
}

// Trailers are in the last paragraph of a message that has more than one.
bool HasSeal(absl::string_view message) {
  message = absl::StripTrailingAsciiWhitespace(message);
  const size_t last = message.rfind("\n\n");
  if (last == absl::string_view::npos) return false;
  for (const absl::string_view line : absl::StrSplit(message.substr(last + 2), '\n')) {
    absl::string_view why = line;
    if (absl::ConsumePrefix(&why, kSealTrailer) && !absl::StripAsciiWhitespace(why).empty()) {
      return true;
    }
  }
  return false;
}

absl::Status NotInOrder(absl::string_view wanted) {
  return Bad(absl::StrCat("it has no ", wanted, " where one belongs"));
}

}  // namespace

absl::StatusOr<SignedObject> ParseCommitObject(absl::string_view raw) {
  SignedObject object;
  absl::string_view message = raw;
  ASSIGN_OR_RETURN(const std::vector<Header> headers, TakeHeaders(message));
  size_t at = 0;
  const auto next_is = [&](absl::string_view name) {
    return at < headers.size() && headers[at].name == name && IsOneLine(headers[at]);
  };
  if (!next_is("tree") || !IsId(headers[at].value)) return NotInOrder("tree");
  for (++at; next_is("parent"); ++at) {
    if (!IsId(headers[at].value)) return NotInOrder("parent");
    object.parents.emplace_back(headers[at].value);
  }
  if (!next_is("author")) return NotInOrder("author");
  object.author_email = AddressOf(headers[at++].value);
  if (!next_is("committer")) return NotInOrder("committer");
  const std::optional<int64_t> time = TimeOf(headers[at++].value);
  if (!time) return Bad("its committer has no time");
  object.time_ms = *time;
  const size_t head = raw.size() - message.size();
  object.payload.reserve(raw.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    const Header& header = headers[i];
    const bool again = header.name == "tree" || header.name == "parent" ||
                       header.name == "author" || header.name == "committer";
    if (i >= at && again) return Bad(absl::StrCat("it has a second ", header.name));
    if (header.name == "gpgsig") {
      if (!object.signature.empty()) return Bad("it has two signatures");
      object.signature = Unfold(header);
      continue;
    }
    if (absl::StartsWith(header.name, "gpgsig")) {
      return Bad(absl::StrCat("it has a second kind of signature, ",
                              absl::CHexEscape(header.name.substr(0, 32))));
    }
    object.payload.append(header.whole.data(), header.whole.size());
  }
  object.payload.append(raw.data() + head - 1, message.size() + 1);  // the empty line too
  object.seal = HasSeal(message);
  return object;
}

absl::StatusOr<SignedObject> ParseTagObject(absl::string_view raw) {
  SignedObject object;
  absl::string_view message = raw;
  ASSIGN_OR_RETURN(const std::vector<Header> headers, TakeHeaders(message));
  constexpr absl::string_view kNames[] = {"object", "type", "tag", "tagger"};
  if (headers.size() != 4) return Bad("it has not exactly the headers of a tag");
  for (size_t i = 0; i < 4; ++i) {
    if (headers[i].name != kNames[i] || !IsOneLine(headers[i])) return NotInOrder(kNames[i]);
  }
  if (!IsId(headers[0].value)) return NotInOrder("object");
  object.target = std::string(headers[0].value);
  object.target_type = std::string(headers[1].value);
  object.name = std::string(headers[2].value);
  const std::optional<int64_t> time = TimeOf(headers[3].value);
  if (!time) return Bad("its tagger has no time");
  object.time_ms = *time;

  size_t begins = 0, at = raw.size();
  for (size_t line = raw.size() - message.size(); line < raw.size();) {
    const size_t end = std::min(raw.find('\n', line), raw.size());
    for (const absl::string_view mark : kSignatureMarks) {
      if (raw.substr(line, end - line) != mark) continue;
      ++begins;
      at = line;
    }
    line = end + 1;
  }
  if (begins > 1) return Bad("it has two signatures");
  object.payload = std::string(raw.substr(0, at));
  object.signature = std::string(raw.substr(at));
  return object;
}

}  // namespace muster
