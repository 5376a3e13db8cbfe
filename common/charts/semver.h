// Semantic versions and ranges of them, as Helm understands them for charts.
//
// A version may lack its minor and patch numbers and may begin with 'v'. A range is what Helm's
// `--version` takes: "1.2.3", "1.2.x", "^1.2", "~1.2.3", ">=1.2 <2", "1.2 - 2.3", "*", with "," or
// a blank for and, "||" for or. A pre-release fits only where the range names a pre-release itself.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct SemVer {
  uint64_t major = 0, minor = 0, patch = 0;
  std::string pre;  // "rc.1"; empty: a release

  // Negative, zero or positive. Build metadata does not count.
  friend int Compare(const SemVer& a, const SemVer& b);
};

// kInvalidArgument, saying why, for what is none.
absl::StatusOr<SemVer> ParseSemVer(absl::string_view text);

class SemVerRange {
 public:
  // kInvalidArgument, naming the part that cannot be read.
  static absl::StatusOr<SemVerRange> Parse(absl::string_view text);

  bool Contains(const SemVer& version) const;

 private:
  enum class Op { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kTilde, kCaret };
  struct Term {
    Op op = Op::kEqual;
    SemVer version;
    int given = 3;  // how many of the numbers: 0 for "*", 2 for "1.2" and "1.2.x"
  };
  static absl::StatusOr<Term> ParseTerm(absl::string_view text);
  static bool Fits(const Term& term, const SemVer& version);
  static bool FitsCaret(const Term& term, const SemVer& version);

  std::vector<std::vector<Term>> any_;  // one of these, all terms of it
};

// Whether the text is one version written out, and no range.
bool IsExactVersion(absl::string_view text);

// The highest of `versions` in the range: its index, -1 when none fits. Texts that are no versions
// are passed over. Of equal ones the first counts.
int HighestIn(const SemVerRange& range, const std::vector<std::string>& versions);

}  // namespace muster
