#include "cli/app.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/completion.h"
#include "cli/grammar.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "cli/session.h"

namespace muster::cli {
namespace {

int PrintCompletions(Environment& env, const Grammar& grammar, std::vector<std::string> words) {
  if (words.empty()) words.push_back("");
  // A hub that is slow to answer must not make typing slow.
  GlobalFlags flags;
  flags.timeout = "1s";
  Session session(env, flags);
  std::string out;
  for (const std::string& word : Complete(session, grammar.PointOf(words))) {
    absl::StrAppend(&out, SafeText(word), "\n");
  }
  session.Print(out);
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int RunMuster(Environment& env, const std::vector<std::string>& arguments) {
  Grammar grammar;
  if (!arguments.empty() && arguments[0] == "__complete") {
    return PrintCompletions(env, grammar, {arguments.begin() + 1, arguments.end()});
  }
  const absl::StatusOr<Command> command = grammar.Parse(arguments);
  Session session(env, grammar.flags());
  absl::StatusOr<ExitCode> code = command.ok() ? (*command)(session) : command.status();
  if (code.ok()) return static_cast<int>(*code);
  session.TellProblem(code.status());
  return static_cast<int>(ExitCodeOf(code.status()));
}

}  // namespace muster::cli
