// muster trace: from an object in a cluster back to the package, the commit, its author and file.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/fetch.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

// "deployment", "Deployment" and "deployments" are all the kind Deployment; "Deployment.apps" is
// too, in its own group only.
bool IsKind(absl::string_view typed, const pb::ManifestEntry& entry) {
  const size_t dot = typed.find('.');
  if (dot != absl::string_view::npos) {
    const size_t slash = entry.api_version().find('/');
    const absl::string_view group =
        slash == std::string::npos ? "" : absl::string_view(entry.api_version()).substr(0, slash);
    if (!absl::EqualsIgnoreCase(typed.substr(dot + 1), group)) return false;
    typed = typed.substr(0, dot);
  }
  const std::string& kind = entry.kind();
  return absl::EqualsIgnoreCase(typed, kind) ||
         absl::EqualsIgnoreCase(typed, absl::StrCat(kind, "s")) ||
         absl::EqualsIgnoreCase(typed, absl::StrCat(kind, "es"));
}

bool IsVersion(absl::string_view text) {
  return text.size() >= 2 && text[0] == 'v' && absl::ascii_isdigit(text[1]);
}

// An object as it is typed, or as one of our commands or messages names it.
struct ObjectWord {
  std::string kind;  // perhaps with its group: "Deployment.apps"
  std::string name_space;
  std::string name;
};

// [object/]KIND[.GROUP]/[NAMESPACE/]NAME, as -o name prints it, or with the API's version first, as
// messages name it: apps/v1/Deployment/web/api.
absl::StatusOr<ObjectWord> ParseObject(const TraceOptions& options) {
  std::vector<std::string> parts =
      absl::StrSplit(absl::StripPrefix(options.object, "object/"), '/');
  if (parts.size() >= 4 && IsVersion(parts[1])) {
    parts[2] = absl::StrCat(parts[2], ".", parts[0]);
    parts.erase(parts.begin(), parts.begin() + 2);
  } else if (parts.size() >= 3 && IsVersion(parts[0])) {
    parts.erase(parts.begin());
  }
  std::string name_space = options.name_space;
  if (parts.size() == 3 && name_space.empty()) {
    name_space = parts[1];
    parts.erase(parts.begin() + 1);
  }
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return UsageProblem(absl::StrCat("'", options.object, "' is not KIND/NAME"),
                        "for example: muster trace prod-1 Deployment/web -n web");
  }
  return ObjectWord{parts[0], std::move(name_space), parts[1]};
}

// The one object that is meant. kInvalidArgument when it could be several.
absl::StatusOr<pb::ObjectView> FindObject(HubClient& hub, const TraceOptions& options) {
  ASSIGN_OR_RETURN(const ObjectWord word, ParseObject(options));
  pb::ListRequest request;
  request.set_cluster(options.cluster);
  request.set_name(word.name);
  absl::StatusOr<Fetched<pb::ObjectView>> fetched = Fetch<pb::ObjectView>(hub, request);
  const std::string hint = absl::StrCat("muster get objects --cluster ", options.cluster);
  if (!fetched.ok()) return WithHint(fetched.status(), hint);
  std::vector<pb::ObjectView> matching;
  for (pb::ObjectView& object : fetched->items) {
    if (!IsKind(word.kind, object.entry())) continue;
    const std::string& name_space = object.entry().namespace_();
    if (!word.name_space.empty() && name_space != word.name_space) continue;
    matching.push_back(std::move(object));
  }
  if (matching.empty()) {
    return ProblemStatus(
        absl::StatusCode::kNotFound,
        {.what = absl::StrCat("no package gives cluster/", options.cluster, " a ", options.object),
         .hint = hint});
  }
  if (matching.size() > 1) {
    return ProblemStatus(
        absl::StatusCode::kInvalidArgument,
        {.what = absl::StrCat("several objects are called ", options.object),
         .why = absl::StrCat("they are ",
                             absl::StrJoin(matching, ", ",
                                           [](std::string* out, const pb::ObjectView& object) {
                                             const pb::ManifestEntry& entry = object.entry();
                                             absl::StrAppend(
                                                 out, ObjectName(entry.api_version(), entry.kind(),
                                                                 entry.namespace_(), entry.name()));
                                           })),
         .hint = "say which, by one of these names"});
  }
  return std::move(matching.front());
}

struct Chain {
  pb::ObjectView object;
  pb::PackageView package;
  pb::RepositoryView repository;
  pb::CommitView commit;      // with its id at least
  bool package_gone = false;  // Git does not declare the package any more

  // Git does not want the object any more; the commit is the last that did and was applied.
  bool unwanted() const { return object.entry().digest().empty(); }
};

absl::StatusOr<Chain> TraceChain(HubClient& hub, const TraceOptions& options) {
  Chain chain;
  ASSIGN_OR_RETURN(chain.object, FindObject(hub, options));
  pb::ListRequest request;
  request.set_name(chain.object.package());
  // What Git does not declare any more may have left something behind: held, or left in place.
  absl::StatusOr<pb::PackageView> package = FetchOne<pb::PackageView>(hub, request);
  if (package.ok()) {
    chain.package = *std::move(package);
  } else if (absl::IsNotFound(package.status())) {
    chain.package.set_name(chain.object.package());
    chain.package_gone = true;
  } else {
    return package.status();
  }
  if (!chain.object.repository().empty()) chain.package.set_repository(chain.object.repository());
  request.set_name(chain.package.repository());
  absl::StatusOr<pb::RepositoryView> repository = FetchOne<pb::RepositoryView>(hub, request);
  if (repository.ok()) {
    chain.repository = *std::move(repository);
  } else if (absl::IsNotFound(repository.status())) {
    chain.repository.set_name(chain.package.repository());
  } else {
    return repository.status();
  }
  chain.commit.mutable_commit()->set_id(chain.object.commit());
  request.set_name(chain.object.commit());
  request.set_repository(chain.package.repository());
  // A commit that was there before the hub came is not in its record; its id still tells.
  const absl::StatusOr<pb::CommitView> commit = FetchOne<pb::CommitView>(hub, request);
  if (commit.ok()) {
    chain.commit = *commit;
  } else if (!absl::IsNotFound(commit.status())) {
    return commit.status();
  }
  return chain;
}

std::string FileText(const Chain& chain) {
  if (chain.unwanted()) {
    return chain.package_gone ? "none: the package is not declared any more"
                              : "none: no file of the package has it any more";
  }
  if (!chain.object.source_file().empty()) {
    return chain.object.source_line() == 0
               ? chain.object.source_file()
               : absl::StrCat(chain.object.source_file(), ":", chain.object.source_line());
  }
  return absl::StrCat("below ", chain.package.path().empty() ? "the root" : chain.package.path());
}

std::string ChainText(const Chain& chain, const std::string& cluster, absl::Time now,
                      const Style& style) {
  const pb::ManifestEntry& entry = chain.object.entry();
  const pb::Commit& commit = chain.commit.commit();
  std::string out;
  const auto line = [&out](absl::string_view label, absl::string_view text) {
    absl::StrAppendFormat(&out, "%-12s %s\n", absl::StrCat(label, ":"), text);
  };
  const Cell sync = SyncCell(chain.object.sync());
  const Cell health = HealthCell(chain.object.health());
  line("Object", SafeText(absl::StrCat(ObjectText(entry.kind(), entry.namespace_(), entry.name()),
                                       " (", entry.api_version(), ")")));
  line("Digest",
       chain.unwanted() ? "<not in Git any more>" : absl::BytesToHexString(entry.digest()));
  line("Cluster", SafeText(cluster));
  line("Sync", style.Mark(sync.tone, sync.text));
  line("Health", style.Mark(health.tone, health.text));
  if (chain.object.has_problem()) line("Problem", ProblemLine(chain.object.problem(), now));
  absl::StrAppend(&out, "---\n");
  line("Package", SafeText(absl::StrCat(chain.package.name(), " (project ",
                                        OrNone(chain.package.project()), ")")));
  line("Declared", chain.package.origin().file().empty()
                       ? "<unknown>"
                       : SafeText(absl::StrCat(chain.package.origin().file(), ":",
                                               chain.package.origin().line())));
  line("File", SafeText(FileText(chain)));
  absl::StrAppend(&out, "---\n");
  line("Repository", SafeText(absl::StrCat(chain.repository.name(), " ", chain.repository.url(),
                                           " (", OrNone(chain.repository.ref()), ")")));
  line(chain.unwanted() ? "Applied from" : "Commit", SafeText(OrNone(commit.id())));
  line("Author", commit.author().empty() ? "<unknown>" : SafeText(commit.author()));
  line("Committed", commit.committed_ms() == 0
                        ? "<unknown>"
                        : absl::StrCat(TimeText(commit.committed_ms()), " (",
                                       AgeOf(commit.committed_ms(), now), " ago)"));
  line("Subject", commit.subject().empty() ? "<unknown>" : SafeText(commit.subject()));
  return out;
}

}  // namespace

absl::StatusOr<ExitCode> Trace(Session& session, const TraceOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  TraceOptions named = options;
  named.cluster = std::string(absl::StripPrefix(options.cluster, "cluster/"));
  ASSIGN_OR_RETURN(const Chain chain, TraceChain(*hub, named));
  if (IsDocument(session.format())) {
    Value::Map body;
    body.Set("cluster", named.cluster);
    body.Set("object", DocumentOf(chain.object));
    body.Set("package", DocumentOf(chain.package));
    body.Set("repository", DocumentOf(chain.repository));
    body.Set("commit", DocumentOf(chain.commit));
    session.PrintDocument(Typed("Trace", std::move(body)));
    return ExitCode::kOk;
  }
  session.Print(ChainText(chain, named.cluster, session.now(), session.style()));
  session.TellNext(absl::StrCat("muster history ", named.cluster));
  return ExitCode::kOk;
}

}  // namespace muster::cli
