// muster version: of this program and of the hub.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"

namespace muster::cli {

absl::StatusOr<ExitCode> Version(Session& session, const VersionOptions& options) {
  std::string hub_version;
  absl::Status unknown;
  if (!options.client_only) {
    absl::StatusOr<HubClient*> hub = session.Hub();
    absl::StatusOr<pb::HubView> view =
        hub.ok() ? Tried("ask the hub for its version", (*hub)->GetHub()) : hub.status();
    unknown = view.status();
    if (view.ok()) hub_version = view->version();
  }
  if (options.need_hub && !unknown.ok()) return unknown;
  if (IsDocument(session.format())) {
    Value::Map body;
    body.Set("client", kVersion);
    body.Set("hub", hub_version.empty() ? Value() : Value(hub_version));
    session.PrintDocument(Typed("Version", std::move(body)));
    return ExitCode::kOk;
  }
  std::string out = absl::StrCat("muster ", kVersion, "\n");
  if (!hub_version.empty()) {
    absl::StrAppend(&out, "hub    ", SafeText(hub_version), "\n");
  } else if (!options.client_only) {
    absl::StrAppend(&out, "hub    <unknown>: ", SafeText(ProblemOf(unknown).what), "\n");
  }
  session.Print(out);
  return ExitCode::kOk;
}

}  // namespace muster::cli
