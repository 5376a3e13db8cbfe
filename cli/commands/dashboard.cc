// muster dashboard: the address of the console, with a code that signs this operator in.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

// "1a2b.." as browsers show it: "1A:2B:..".
std::string Colons(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    absl::StrAppend(&out, out.empty() ? "" : ":", absl::AsciiStrToUpper(hex.substr(i, 2)));
  }
  return out;
}

}  // namespace

absl::StatusOr<ExitCode> Dashboard(Session& session) {
  ASSIGN_OR_RETURN(HubClient* const hub, session.Hub());
  ASSIGN_OR_RETURN(const pb::CreateLoginResponse login,
                   Tried("ask the hub for its console", hub->CreateLogin()));
  // Behind '#': a browser sends it to no server and no log.
  const std::string url = absl::StrCat(login.url(), "/login#", login.code());
  if (IsDocument(session.format())) {
    Value::Map body;
    body.Set("url", url);
    body.Set("expiresAt", TimeText(login.expires_ms()));
    body.Set("fingerprint", login.fingerprint());
    body.Set("privateAuthority", login.private_authority());
    session.PrintDocument(Typed("Dashboard", std::move(body)));
    return ExitCode::kOk;
  }
  session.Print(absl::StrCat(SafeText(url), "\n"));
  session.Tell(absl::StrCat("Open it in a browser: it signs you in once, within ",
                            AgeText(absl::FromUnixMillis(login.expires_ms()) - session.now()),
                            "."));
  if (login.private_authority()) {
    session.Tell(
        "The browser will warn: the console's certificate is by the hub's own root. Compare its\n"
        "SHA-256, or let the browser trust the context's caFile (docs/console.md):");
    session.Tell(absl::StrCat("  ", Colons(login.fingerprint())));
  }
  return ExitCode::kOk;
}

}  // namespace muster::cli
