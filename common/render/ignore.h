// Ignore patterns: what an ignore file says, in the syntax of .gitignore.
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
#include "common/render/file_tree.h"

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

// The ignore files of a package: `.musterignore`, and for trees that other tools read
// `.sourceignore` (Flux) and `.fleetignore` (Fleet), all in the syntax above. Each holds for its
// directory and what is below; what one of them ignores no other takes back.
class IgnoreFiles {
 public:
  // Those at and below the directory `root` of `files`.
  IgnoreFiles(const FileTree& files, absl::string_view root);

  // Whether the file at `path`, from the root of `files`, is ignored.
  bool Ignores(absl::string_view path) const;

 private:
  struct Scope {
    std::string directory;  // with a '/' at the end; empty for the root
    IgnorePatterns patterns;
  };

  std::vector<Scope> scopes_;
};

// Whether `text` matches `glob` as a whole: '*', '?' and [...] stop at '/', '**' does not.
bool MatchesGlob(absl::string_view glob, absl::string_view text);

}  // namespace muster
