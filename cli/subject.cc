#include "cli/subject.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

struct KindNames {
  Kind kind;
  absl::string_view noun;
  absl::string_view plural;
  absl::string_view brief;
};

constexpr KindNames kKinds[] = {
    {Kind::kCluster, "cluster", "clusters", "cl"},
    {Kind::kPackage, "package", "packages", "pkg"},
    {Kind::kRepository, "repository", "repositories", "repo"},
    {Kind::kCommit, "commit", "commits", "co"},
    {Kind::kObject, "object", "objects", "obj"},
    {Kind::kToken, "token", "tokens", "tok"},
    {Kind::kEvent, "event", "events", "ev"},
    {Kind::kHistory, "history", "history", "hist"},
    {Kind::kRollout, "rollout", "rollouts", "ro"},
};

const KindNames& NamesOf(Kind kind) { return kKinds[static_cast<int>(kind)]; }

std::vector<std::string> Plurals(const std::vector<Kind>& kinds) {
  std::vector<std::string> words;
  for (const Kind kind : kinds) words.push_back(std::string(NamesOf(kind).plural));
  return words;
}

}  // namespace

absl::string_view NounOf(Kind kind) { return NamesOf(kind).noun; }

absl::string_view PluralOf(Kind kind) { return NamesOf(kind).plural; }

absl::StatusOr<Kind> ParseKind(absl::string_view word, const std::vector<Kind>& allowed) {
  const std::string lower = absl::AsciiStrToLower(word);
  for (const Kind kind : allowed) {
    const KindNames& names = NamesOf(kind);
    if (lower == names.noun || lower == names.plural || lower == names.brief) return kind;
  }
  std::vector<std::string> nearby = Plurals(allowed);
  for (const Kind kind : allowed) nearby.push_back(std::string(NounOf(kind)));
  return UsageProblem(absl::StrCat("unknown kind '", word, "'", Suggestion(lower, nearby)),
                      absl::StrCat("one of: ", absl::StrJoin(Plurals(allowed), ", ")));
}

std::string SubjectText(const Subject& subject) {
  return absl::StrCat(NounOf(subject.kind), "/", subject.name);
}

absl::StatusOr<std::vector<Subject>> ParseSubjects(const std::vector<std::string>& words,
                                                   const std::vector<Kind>& allowed) {
  std::vector<Subject> subjects;
  if (words.empty()) {
    return UsageProblem("nothing is named",
                        absl::StrCat("for example: ", NounOf(allowed[0]), "/NAME"));
  }
  if (!absl::StrContains(words[0], '/')) {
    ASSIGN_OR_RETURN(const Kind kind, ParseKind(words[0], allowed));
    if (words.size() == 1) {
      return UsageProblem(absl::StrCat("which ", NounOf(kind), "?"),
                          absl::StrCat("for example: ", NounOf(kind), " NAME"));
    }
    for (size_t i = 1; i < words.size(); ++i) {
      // "cluster cluster/prod-1" names one cluster all the same.
      absl::string_view name = words[i];
      absl::ConsumePrefix(&name, absl::StrCat(NounOf(kind), "/"));
      subjects.push_back({kind, std::string(name)});
    }
    return subjects;
  }
  for (const std::string& word : words) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('/', 1));
    ASSIGN_OR_RETURN(const Kind kind, ParseKind(parts.first, allowed));
    if (parts.second.empty()) {
      return UsageProblem(absl::StrCat("'", word, "' names nothing"),
                          absl::StrCat("for example: ", NounOf(kind), "/NAME"));
    }
    subjects.push_back({kind, std::string(parts.second)});
  }
  return subjects;
}

}  // namespace muster::cli
