// Ignore patterns: what a `.musterignore` says, in the syntax of .gitignore.
//
// One pattern a line; '#' starts a comment, '!' takes a match back, a '/' at the start or in the
// middle ties the pattern to the file's directory, a '/' at the end makes it match directories
// only;
// '*', '?' and [a-z] stay within one name, '**' crosses directories. As in Git, the last pattern
// that matches decides, and nothing below an ignored directory can be taken back. Pure; any thread.
// Promises: matching costs at most the product of the lengths of pattern and path.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster {

class IgnorePatterns {
 public:
  IgnorePatterns() = default;  // ignores nothing
  explicit IgnorePatterns(absl::string_view text);

  // Whether the file at `path`, relative to the patterns' directory and normalised, is ignored.
  bool Ignores(absl::string_view path) const;

 private:
  struct Pattern {
    std::string glob;  // matches the whole path when anchored, else its last name
    bool negated = false;
    bool directory_only = false;
    bool anchored = false;
  };

  bool Matches(absl::string_view path, bool is_directory) const;

  std::vector<Pattern> patterns_;
};

// Whether `text` matches `glob` as a whole: '*', '?' and [...] stop at '/', '**' does not.
bool MatchesGlob(absl::string_view glob, absl::string_view text);

}  // namespace muster
