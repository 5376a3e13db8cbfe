#include "cli/session.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/config.h"
#include "cli/output/document.h"
#include "cli/output/jsonpath.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(10);

Style StyleOf(const Environment& env, const GlobalFlags& flags) {
  Style style;
  const bool dumb = env.Variable("TERM") == "dumb";
  style.terminal = env.out_terminal && !dumb;
  style.colour = style.terminal && env.Variable("NO_COLOR").empty();
  style.ascii = flags.ascii;
  style.width = env.width;
  return style;
}

}  // namespace

Session::Session(Environment& env, const GlobalFlags& flags)
    : env_(env), flags_(flags), style_(StyleOf(env, flags)) {}

absl::StatusOr<absl::Duration> Session::Timeout(absl::Duration otherwise) const {
  if (flags_.timeout.empty()) return otherwise;
  absl::Duration timeout;
  if (!absl::ParseDuration(flags_.timeout, &timeout) || timeout <= absl::ZeroDuration()) {
    return UsageProblem(absl::StrCat("--timeout '", flags_.timeout, "' is not a duration"),
                        "give a number and a unit: --timeout 30s, --timeout 5m");
  }
  return timeout;
}

absl::StatusOr<HubClient*> Session::Hub() {
  if (hub_ != nullptr) return hub_.get();
  ASSIGN_OR_RETURN(const absl::Duration timeout, Timeout(kCallTimeout));
  ASSIGN_OR_RETURN(const Config config, LoadConfig(env_));
  ASSIGN_OR_RETURN(const ConfigContext context, ChooseContext(config, env_, flags_.context));
  hub_name_ = absl::StrCat("hub ", context.hub, " (context ", context.name, ")");
  ASSIGN_OR_RETURN(const HubAddress address, LoadCredentials(context, config.path));
  // A command that waits for minutes still wants each answer soon.
  ASSIGN_OR_RETURN(hub_, Tried("use the credentials of this context",
                               env_.connect(address, std::min(timeout, kCallTimeout))));
  return hub_.get();
}

void Session::PrintDocument(const Value& document) {
  CHECK(IsDocument(format()));
  if (format() == Format::kJsonPath) {
    const absl::StatusOr<JsonPath> path = JsonPath::Parse(TemplateOf(flags_.format));
    CHECK_OK(path);  // looked at when the flags were
    const std::string text = path->Text(document);
    Print(text.empty() || text.back() == '\n' ? text : absl::StrCat(text, "\n"));
    return;
  }
  Print(format() == Format::kJson ? JsonText(document) : YamlText(document));
}

void Session::Tell(absl::string_view line) { env_.err << line << "\n" << std::flush; }

void Session::TellNext(absl::string_view command) {
  if (!flags_.quiet && !command.empty()) Tell(absl::StrCat("next: ", SafeText(command)));
}

void Session::TellProblem(const absl::Status& status) {
  absl::Status full = status;
  const ExitCode code = ExitCodeOf(status);
  if (code != ExitCode::kError && !hub_name_.empty()) full = WithWhere(full, hub_name_);
  if (code == ExitCode::kUnreachable || code == ExitCode::kNotAllowed) {
    full = WithHint(full, "muster doctor");
  }
  env_.err << (format() == Format::kJson ? ProblemJson(full) : ProblemText(full)) << std::flush;
}

void Session::PrintDone(absl::string_view message, absl::string_view next) {
  if (IsDocument(format())) {
    Value::Map body;
    body.Set("message", message);
    body.Set("next", next);
    PrintDocument(Typed("Done", std::move(body)));
    return;
  }
  Print(absl::StrCat(SafeText(message), "\n"));
  TellNext(next);
}

}  // namespace muster::cli
