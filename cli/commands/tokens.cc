// muster token, muster join: inviting a cluster.
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/commands/token_request.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

absl::Status TakeLabels(const std::vector<std::string>& words, pb::CreateTokenRequest& request) {
  for (const std::string& word : words) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (parts.first.empty() || word.find('=') == std::string::npos) {
      return UsageProblem(absl::StrCat("'", word, "' is not KEY=VALUE"),
                          "for example: --label env=prod");
    }
    pb::Label& label = *request.add_labels();
    label.set_key(std::string(parts.first));
    label.set_value(std::string(parts.second));
  }
  return absl::OkStatus();
}

// The command that joins a cluster: what people paste where the agent runs. The token goes through
// a file, so that no list of processes shows it.
std::string AgentCommand(const TokenOptions& options, const pb::CreateTokenResponse& token) {
  const std::string name = options.cluster.empty() ? "NAME" : options.cluster;
  return absl::StrCat("(umask 077; echo ", token.token(), " > ", name, ".token) &&\n",
                      "  muster-agent --data /var/lib/muster-agent --name ", name, " --join ",
                      token.join_address(), " --token-file ", name,
                      ".token --driver directory --directory DIR");
}

}  // namespace

absl::StatusOr<pb::CreateTokenRequest> TokenRequestOf(const TokenOptions& options) {
  pb::CreateTokenRequest request;
  request.set_cluster_name(options.cluster);
  // A token that fits any name would let the agent choose who it is: then a person decides.
  request.set_needs_accept(options.needs_accept || options.cluster.empty());
  RETURN_IF_ERROR(TakeLabels(options.labels, request));
  if (!options.lifetime.empty()) {
    absl::Duration lifetime;
    if (!absl::ParseDuration(options.lifetime, &lifetime) || lifetime < absl::Seconds(1)) {
      return UsageProblem(absl::StrCat("--lifetime '", options.lifetime, "' is not a duration"),
                          "give a number and a unit: --lifetime 30m; at most 24h");
    }
    request.set_lifetime_ms(absl::ToInt64Milliseconds(lifetime));
  }
  return request;
}

absl::StatusOr<ExitCode> TokenCreate(Session& session, const TokenOptions& options) {
  ASSIGN_OR_RETURN(const pb::CreateTokenRequest request, TokenRequestOf(options));
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  ASSIGN_OR_RETURN(const pb::CreateTokenResponse token,
                   Tried("create a join token", hub->CreateToken(request)));
  if (options.only_token) {
    session.Print(absl::StrCat(token.token(), "\n"));
    return ExitCode::kOk;
  }
  if (IsDocument(session.format())) {
    Value::Map body = DocumentOf(token);
    body.Set("command", AgentCommand(options, token));
    session.PrintDocument(Typed("TokenCreated", std::move(body)));
    return ExitCode::kOk;
  }
  if (session.format() == Format::kName) {
    session.Print(absl::StrCat("token/", SafeText(token.token_id()), "\n"));
    return ExitCode::kOk;
  }
  session.Print(absl::StrCat(
      "token/", SafeText(token.token_id()), " created for ",
      options.cluster.empty() ? "any cluster" : absl::StrCat("cluster/", options.cluster),
      ", valid until ", TimeText(token.expires_ms()), ", for one use, shown only now\n\n",
      "Run this where the cluster's agent runs:\n\n  ", SafeLines(AgentCommand(options, token)),
      "\n\n"));
  session.TellNext(
      request.needs_accept()
          ? absl::StrCat("muster accept ", options.cluster.empty() ? "NAME" : options.cluster)
          : absl::StrCat("muster wait cluster/", options.cluster));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> TokenRevoke(Session& session, const std::string& id) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::NameRequest request;
  request.set_name(std::string(absl::StripPrefix(id, "token/")));
  ASSIGN_OR_RETURN(
      const pb::DoneResponse done,
      WithHint(Tried(absl::StrCat("revoke token/", request.name()), hub->RevokeToken(request)),
               "muster token list"));
  session.PrintDone(done.message(), "muster token list");
  return ExitCode::kOk;
}

}  // namespace muster::cli
