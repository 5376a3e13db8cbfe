#include "cli/completion.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/config.h"
#include "cli/fetch.h"
#include "cli/output/format.h"
#include "cli/problem.h"
#include "cli/subject.h"

namespace muster::cli {
namespace {

constexpr int kNamesMax = 200;

constexpr absl::string_view kBash =
    R"(# bash completion for muster; source it, or put it into /etc/bash_completion.d
_muster() {
  local IFS=$'\n'
  COMPREPLY=($(muster __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _muster muster
)";

constexpr absl::string_view kZsh = R"(#compdef muster
_muster() {
  local -a candidates
  candidates=("${(@f)$(muster __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -- $candidates
}
if [ "$funcstack[1]" = "_muster" ]; then _muster; else compdef _muster muster; fi
)";

constexpr absl::string_view kFish =
    R"(# fish completion for muster; put it into ~/.config/fish/completions/muster.fish
function __muster_complete
  set -l words (commandline -opc) (commandline -ct)
  muster __complete $words[2..-1] 2>/dev/null
end
complete -c muster -f -a '(__muster_complete)'
)";

template <typename View>
std::vector<std::string> NamesOf(Session& session, absl::string_view prefix) {
  const absl::StatusOr<HubClient*> hub = session.Hub();
  if (!hub.ok()) return {};
  pb::ListRequest request;
  request.set_limit(kNamesMax);
  const absl::StatusOr<Fetched<View>> fetched = Fetch<View>(**hub, request);
  if (!fetched.ok()) return {};
  std::vector<std::string> names;
  for (const View& item : fetched->items) {
    names.push_back(absl::StrCat(prefix, ListingOf<View>().name(item)));
  }
  return names;
}

std::vector<std::string> NamesOfKind(Session& session, Kind kind, absl::string_view prefix) {
  switch (kind) {
    case Kind::kCluster:
      return NamesOf<pb::ClusterView>(session, prefix);
    case Kind::kPackage:
      return NamesOf<pb::PackageView>(session, prefix);
    case Kind::kRepository:
      return NamesOf<pb::RepositoryView>(session, prefix);
    case Kind::kCommit:
      return NamesOf<pb::CommitView>(session, prefix);
    case Kind::kToken:
      return NamesOf<pb::TokenView>(session, prefix);
    case Kind::kRollout:
      return NamesOf<pb::RolloutView>(session, prefix);
    default:
      return {};
  }
}

std::vector<std::string> ContextNames(Session& session) {
  const absl::StatusOr<Config> config = LoadConfig(session.env());
  std::vector<std::string> names;
  if (!config.ok()) return names;
  for (const ConfigContext& context : config->contexts) names.push_back(context.name);
  return names;
}

std::vector<std::string> FlagValues(Session& session, const std::string& flag) {
  if (flag == "-o" || flag == "--output") return FormatNames();
  if (flag == "--context") return ContextNames(session);
  if (flag == "--cluster") return NamesOfKind(session, Kind::kCluster, "");
  if (flag == "--package") return NamesOfKind(session, Kind::kPackage, "");
  if (flag == "--repository") return NamesOfKind(session, Kind::kRepository, "");
  if (flag == "--for") return {"synced", "applied", "connected"};
  return {};
}

// "get clusters prod-1", "wait cluster/prod-1": a kind first, then names of it.
std::vector<std::string> KindThenName(Session& session, const CompletionPoint& point,
                                      const std::vector<Kind>& kinds) {
  if (!point.operands.empty()) {
    const absl::StatusOr<Kind> kind = ParseKind(point.operands[0], kinds);
    if (kind.ok()) return NamesOfKind(session, *kind, "");
  }
  const size_t slash = point.partial.find('/');
  if (slash != std::string::npos) {
    const std::string word = point.partial.substr(0, slash);
    const absl::StatusOr<Kind> kind = ParseKind(word, kinds);
    return kind.ok() ? NamesOfKind(session, *kind, absl::StrCat(word, "/"))
                     : std::vector<std::string>();
  }
  std::vector<std::string> words;
  for (const Kind kind : kinds) {
    words.push_back(std::string(NounOf(kind)));
    if (point.command == "get") words.back() = std::string(PluralOf(kind));
    if (point.command == "wait") words.back() += "/";
  }
  return words;
}

std::vector<std::string> Operands(Session& session, const CompletionPoint& point) {
  static const auto* const kFirst = new std::map<std::string, Kind>{
      {"diff", Kind::kCluster},       {"trace", Kind::kCluster},
      {"history", Kind::kCluster},    {"accept", Kind::kCluster},
      {"revoke", Kind::kCluster},     {"sync", Kind::kRepository},
      {"token revoke", Kind::kToken}, {"accept-rewrite", Kind::kRepository},
      {"join", Kind::kCluster},
  };
  if (const auto first = kFirst->find(point.command); first != kFirst->end()) {
    if (!point.operands.empty() && point.command != "diff") return {};
    return NamesOfKind(session, first->second, "");
  }
  if (point.command == "get") {
    return KindThenName(session, point,
                        {Kind::kCluster, Kind::kPackage, Kind::kRepository, Kind::kCommit,
                         Kind::kObject, Kind::kToken, Kind::kEvent, Kind::kRollout});
  }
  if (point.command == "describe") {
    return KindThenName(session, point,
                        {Kind::kCluster, Kind::kPackage, Kind::kRepository, Kind::kRollout});
  }
  if (point.command == "rollback" || absl::StartsWith(point.command, "rollout ")) {
    return NamesOfKind(session, Kind::kRollout, "");
  }
  if (point.command == "suspend" || point.command == "resume") {
    return KindThenName(session, point, {Kind::kCluster, Kind::kPackage, Kind::kRepository});
  }
  if (point.command == "wait") {
    return KindThenName(session, point, {Kind::kCluster, Kind::kPackage, Kind::kCommit});
  }
  if (point.command == "context use") return ContextNames(session);
  if (point.command == "completion") return {"bash", "zsh", "fish"};
  return {};
}

}  // namespace

std::vector<std::string> Complete(Session& session, const CompletionPoint& point) {
  std::vector<std::string> all = point.candidates;
  if (!point.flag.empty()) {
    all = FlagValues(session, point.flag);
  } else if (all.empty()) {
    all = Operands(session, point);
  }
  std::vector<std::string> fitting;
  for (std::string& word : all) {
    if (absl::StartsWith(word, point.partial)) fitting.push_back(std::move(word));
  }
  return fitting;
}

absl::StatusOr<std::string> CompletionScript(const std::string& shell) {
  if (shell == "bash") return std::string(kBash);
  if (shell == "zsh") return std::string(kZsh);
  if (shell == "fish") return std::string(kFish);
  return UsageProblem(
      absl::StrCat("no completion for '", shell, "'", Suggestion(shell, {"bash", "zsh", "fish"})),
      "one of: bash, zsh, fish");
}

}  // namespace muster::cli
