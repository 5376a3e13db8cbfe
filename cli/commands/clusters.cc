// muster accept, revoke, suspend and resume: deciding about what the hub knows.
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "cli/subject.h"
#include "common/base/status_macros.h"

namespace muster::cli {

absl::StatusOr<ExitCode> Accept(Session& session, const std::string& cluster) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::NameRequest request;
  request.set_name(std::string(absl::StripPrefix(cluster, "cluster/")));
  ASSIGN_OR_RETURN(
      const pb::DoneResponse done,
      WithHint(Tried(absl::StrCat("accept cluster/", request.name()), hub->AcceptCluster(request)),
               "muster get clusters"));
  session.PrintDone(done.message(), absl::StrCat("muster wait cluster/", request.name()));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Revoke(Session& session, const RevokeOptions& options) {
  const std::string name(absl::StripPrefix(options.cluster, "cluster/"));
  if (!options.yes) {
    // To type the name is what keeps the wrong cluster alive.
    if (!session.env().in_terminal) {
      return UsageProblem(absl::StrCat("revoking cluster/", name, " must be confirmed"),
                          absl::StrCat("muster revoke ", name, " --yes"));
    }
    session.env().err << "cluster/" << SafeText(name)
                      << " goes on running what it has, but is never heard again under this "
                         "certificate.\nType its name to revoke it: "
                      << std::flush;
    std::string typed;
    std::getline(session.env().in, typed);
    if (typed != name) return UsageProblem("nothing was revoked: that is not the name", "");
  }
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::NameRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(
      const pb::DoneResponse done,
      WithHint(Tried(absl::StrCat("revoke cluster/", name), hub->RevokeCluster(request)),
               "muster get clusters"));
  session.PrintDone(done.message(), absl::StrCat("muster join ", name));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Suspend(Session& session, const SuspendOptions& options) {
  ASSIGN_OR_RETURN(
      const std::vector<Subject> subjects,
      ParseSubjects(options.words, {Kind::kCluster, Kind::kPackage, Kind::kRepository}));
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  const std::string verb = options.suspended ? "suspend" : "resume";
  for (const Subject& subject : subjects) {
    pb::SuspendRequest request;
    request.set_kind(std::string(NounOf(subject.kind)));
    request.set_name(subject.name);
    request.set_suspended(options.suspended);
    request.set_reason(options.reason);
    ASSIGN_OR_RETURN(const pb::DoneResponse done,
                     Tried(absl::StrCat(verb, " ", SubjectText(subject)), hub->Suspend(request)));
    session.PrintDone(done.message(), options.suspended
                                          ? absl::StrCat("muster resume ", SubjectText(subject))
                                          : absl::StrCat("muster describe ", SubjectText(subject)));
  }
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> AcceptRewrite(Session& session, const AcceptRewriteOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  const std::string name(absl::StripPrefix(options.repository, "repository/"));
  // The hub compares all of its digits: whoever can push can look for another head that begins
  // with the same.
  pb::AcceptRewriteRequest request;
  request.set_repository(name);
  request.set_commit(options.commit);
  ASSIGN_OR_RETURN(const pb::DoneResponse done,
                   WithHint(Tried(absl::StrCat("accept the rewritten history of repository/", name),
                                  hub->AcceptRewrite(request)),
                            absl::StrCat("muster describe repository ", name)));
  session.PrintDone(done.message(), absl::StrCat("muster get commits --repository ", name));
  return ExitCode::kOk;
}

}  // namespace muster::cli
