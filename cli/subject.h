// Subject: what a command is about, as people type it: "cluster/prod-1", "clusters prod-1 prod-2",
// "pkg web". Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::cli {

enum class Kind {
  kCluster,
  kPackage,
  kRepository,
  kCommit,
  kObject,
  kToken,
  kEvent,
  kHistory,
  kRollout,
};

// "cluster", "package", ...
absl::string_view NounOf(Kind kind);
// "clusters", "packages", ...
absl::string_view PluralOf(Kind kind);

// Takes singular, plural and the short names that completion shows. kInvalidArgument suggests the
// nearest of `allowed`.
absl::StatusOr<Kind> ParseKind(absl::string_view word, const std::vector<Kind>& allowed);

struct Subject {
  Kind kind = Kind::kCluster;
  std::string name;

  friend bool operator==(const Subject&, const Subject&) = default;
};

// "cluster/prod-1".
std::string SubjectText(const Subject& subject);

// {"cluster/a", "package/b"} or {"cluster", "a", "b"}. kInvalidArgument says what is missing.
absl::StatusOr<std::vector<Subject>> ParseSubjects(const std::vector<std::string>& words,
                                                   const std::vector<Kind>& allowed);

}  // namespace muster::cli
