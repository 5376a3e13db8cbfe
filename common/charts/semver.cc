#include "common/charts/semver.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

constexpr size_t kTextBytesMax = 256;
constexpr size_t kTermsMax = 64;

bool IsDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no version: ", why, "; write it as in 1.2.3"));
}

// Identifiers after '-' or '+': letters, digits and hyphens between dots.
bool AreIdentifiers(absl::string_view text) {
  for (const absl::string_view part : absl::StrSplit(text, '.')) {
    if (part.empty()) return false;
    for (const char c : part) {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-') return false;
    }
  }
  return true;
}

int ComparePre(absl::string_view a, absl::string_view b) {
  if (a == b) return 0;
  if (a.empty()) return 1;  // a release comes after its pre-releases
  if (b.empty()) return -1;
  const std::vector<absl::string_view> left = absl::StrSplit(a, '.'),
                                       right = absl::StrSplit(b, '.');
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (left[i] == right[i]) continue;
    uint64_t x = 0, y = 0;
    const bool first = IsDigits(left[i]) && absl::SimpleAtoi(left[i], &x);
    const bool second = IsDigits(right[i]) && absl::SimpleAtoi(right[i], &y);
    if (first && second && x != y) return x < y ? -1 : 1;
    if (first != second) return first ? -1 : 1;  // numbers come before words
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
  }
  if (left.size() == right.size()) return 0;
  return left.size() < right.size() ? -1 : 1;
}

bool IsWildcard(absl::string_view text) { return text == "x" || text == "X" || text == "*"; }

// Numbers, pre-release and whether there was more than numbers. `wildcards`: x and * may stand for
// numbers, and end them.
struct Numbers {
  SemVer version;
  int given = 0;
};

absl::StatusOr<Numbers> ParseNumbers(absl::string_view text, bool wildcards) {
  const absl::string_view whole = text;
  if (text.size() > kTextBytesMax) return absl::InvalidArgumentError("a version is too long");
  absl::ConsumePrefix(&text, "v");
  const size_t plus = text.find('+');
  if (plus != text.npos) {
    if (!AreIdentifiers(text.substr(plus + 1))) return Malformed(whole, "what follows '+'");
    text = text.substr(0, plus);
  }
  Numbers numbers;
  const size_t dash = text.find('-');
  if (dash != text.npos) {
    if (!AreIdentifiers(text.substr(dash + 1))) return Malformed(whole, "what follows '-'");
    numbers.version.pre = std::string(text.substr(dash + 1));
    text = text.substr(0, dash);
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '.');
  if (parts.size() > 3) return Malformed(whole, "it has more than three numbers");
  uint64_t* const fields[] = {&numbers.version.major, &numbers.version.minor,
                              &numbers.version.patch};
  bool ended = false;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (wildcards && IsWildcard(parts[i])) {
      ended = true;
      continue;
    }
    if (ended || !IsDigits(parts[i]) || !absl::SimpleAtoi(parts[i], fields[i])) {
      return Malformed(whole, absl::StrCat("'", parts[i], "' is no number"));
    }
    if (parts[i].size() > 1 && parts[i].front() == '0') {
      return Malformed(whole, "a number begins with 0");
    }
    ++numbers.given;
  }
  return numbers;
}

// "1.2 - 2.3" becomes ">=1.2 <=2.3"; operators lose the blanks that follow them.
std::vector<std::string> TermsOf(absl::string_view group) {
  std::vector<std::string> terms;
  std::string pending;  // an operator that waits for its version
  bool between = false;
  for (const absl::string_view word :
       absl::StrSplit(group, absl::ByAnyChar(", \t"), absl::SkipEmpty())) {
    if (word == "-" && !terms.empty()) {
      terms.back() = absl::StrCat(">=", terms.back());
      between = true;
      continue;
    }
    const bool is_operator = word.find_first_not_of("=<>!~^") == word.npos;
    if (is_operator) {
      absl::StrAppend(&pending, word);
      continue;
    }
    terms.push_back(absl::StrCat(between ? "<=" : "", std::exchange(pending, ""), word));
    between = false;
  }
  if (!pending.empty() || between) terms.push_back(pending);  // refused as no version
  return terms;
}

// Of the first `given` numbers alone.
int CompareGiven(const SemVer& a, const SemVer& b, int given) {
  const auto compare = [](uint64_t x, uint64_t y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (given > 0 && a.major != b.major) return compare(a.major, b.major);
  if (given > 1 && a.minor != b.minor) return compare(a.minor, b.minor);
  if (given > 2 && a.patch != b.patch) return compare(a.patch, b.patch);
  return 0;
}

}  // namespace

int Compare(const SemVer& a, const SemVer& b) {
  const auto left = std::tie(a.major, a.minor, a.patch);
  const auto right = std::tie(b.major, b.minor, b.patch);
  if (left != right) return left < right ? -1 : 1;
  return ComparePre(a.pre, b.pre);
}

absl::StatusOr<SemVer> ParseSemVer(absl::string_view text) {
  ASSIGN_OR_RETURN(Numbers numbers, ParseNumbers(text, /*wildcards=*/false));
  return std::move(numbers.version);
}

bool IsExactVersion(absl::string_view text) {
  const absl::StatusOr<Numbers> numbers = ParseNumbers(text, /*wildcards=*/false);
  return numbers.ok() && numbers->given == 3;
}

absl::StatusOr<SemVerRange::Term> SemVerRange::ParseTerm(absl::string_view text) {
  static constexpr std::pair<absl::string_view, Op> kOps[] = {
      {">=", Op::kGreaterEqual}, {"=>", Op::kGreaterEqual}, {"<=", Op::kLessEqual},
      {"=<", Op::kLessEqual},    {"!=", Op::kNotEqual},     {"~>", Op::kTilde},
      {"~", Op::kTilde},         {"^", Op::kCaret},         {">", Op::kGreater},
      {"<", Op::kLess},          {"=", Op::kEqual},
  };
  Term term;
  for (const auto& [name, op] : kOps) {
    if (!absl::ConsumePrefix(&text, name)) continue;
    term.op = op;
    break;
  }
  ASSIGN_OR_RETURN(Numbers numbers, ParseNumbers(text, /*wildcards=*/true));
  term.version = std::move(numbers.version);
  term.given = numbers.given;
  const bool excludes = term.op == Op::kLess || term.op == Op::kGreater || term.op == Op::kNotEqual;
  if (term.given == 0 && excludes) return Malformed(text, "nothing could fit");
  return term;
}

absl::StatusOr<SemVerRange> SemVerRange::Parse(absl::string_view text) {
  if (text.size() > kTextBytesMax) return absl::InvalidArgumentError("a range is too long");
  SemVerRange range;
  size_t count = 0;
  for (const absl::string_view group : absl::StrSplit(text, "||")) {
    std::vector<Term> all;
    for (const std::string& one : TermsOf(group)) {
      ASSIGN_OR_RETURN(Term term, ParseTerm(one));
      all.push_back(std::move(term));
      if (++count > kTermsMax) return absl::InvalidArgumentError("a range has too many parts");
    }
    if (all.empty()) return Malformed(text, "a part of the range is empty");
    range.any_.push_back(std::move(all));
  }
  return range;
}

bool SemVerRange::FitsCaret(const Term& term, const SemVer& version) {
  if (Compare(version, term.version) < 0) return false;
  if (term.version.major > 0 || term.given < 2) return version.major == term.version.major;
  if (version.major > 0) return false;
  if (term.version.minor > 0 || term.given < 3) return version.minor == term.version.minor;
  return version.minor == 0 && version.patch == term.version.patch;
}

bool SemVerRange::Fits(const Term& term, const SemVer& version) {
  if (!version.pre.empty() && term.version.pre.empty()) return false;
  if (term.given == 0) return true;
  const int part = CompareGiven(version, term.version, term.given);
  const int whole = Compare(version, term.version);
  const bool partial = term.given < 3;
  switch (term.op) {
    case Op::kEqual:
      return partial ? part == 0 : whole == 0;
    case Op::kNotEqual:
      return partial ? part != 0 : whole != 0;
    case Op::kLess:
      return whole < 0;
    case Op::kLessEqual:
      return partial ? part <= 0 : whole <= 0;
    case Op::kGreater:
      return partial ? part > 0 : whole > 0;
    case Op::kGreaterEqual:
      return whole >= 0;
    case Op::kTilde:
      return whole >= 0 && CompareGiven(version, term.version, std::min(term.given, 2)) == 0;
    case Op::kCaret:
      return FitsCaret(term, version);
  }
  return false;
}

bool SemVerRange::Contains(const SemVer& version) const {
  return std::any_of(any_.begin(), any_.end(), [&](const std::vector<Term>& all) {
    return std::all_of(all.begin(), all.end(),
                       [&](const Term& term) { return Fits(term, version); });
  });
}

int HighestIn(const SemVerRange& range, const std::vector<std::string>& versions) {
  int best = -1;
  std::optional<SemVer> highest;
  for (size_t i = 0; i < versions.size(); ++i) {
    absl::StatusOr<SemVer> version = ParseSemVer(versions[i]);
    if (!version.ok() || !range.Contains(*version)) continue;
    if (highest.has_value() && Compare(*version, *highest) <= 0) continue;
    highest = *std::move(version);
    best = static_cast<int>(i);
  }
  return best;
}

}  // namespace muster
