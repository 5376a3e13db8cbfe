#include "cli/kubectl.h"

#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {
namespace {

// What kubectl complains of, without the noise around it: its last line is its reason.
std::string ReasonOf(const ProgramResult& result) {
  std::string reason;
  for (const absl::string_view line : absl::StrSplit(result.err, '\n', absl::SkipWhitespace())) {
    reason = std::string(absl::StripAsciiWhitespace(line));
  }
  for (const absl::string_view prefix : {"error: ", "Error from server "}) {
    reason = std::string(absl::StripPrefix(reason, prefix));
  }
  return reason.empty() ? absl::StrCat("exit code ", result.code) : reason;
}

absl::StatusCode CodeOf(const std::string& reason) {
  if (absl::StrContains(reason, "(Forbidden)") || absl::StrContains(reason, "Unauthorized")) {
    return absl::StatusCode::kPermissionDenied;
  }
  return absl::StatusCode::kFailedPrecondition;
}

absl::StatusOr<Value> ParseAnswer(const std::string& attempt, const std::string& text) {
  absl::StatusOr<Value> value = ParseJson(text);
  if (value.ok()) return value;
  return ProblemStatus(absl::StatusCode::kInternal,
                       {.what = absl::StrCat("cannot ", attempt),
                        .why = absl::StrCat("kubectl's answer: ", value.status().message())});
}

}  // namespace

Kubectl::Kubectl(Session& session, KubectlOptions options)
    : session_(session), options_(std::move(options)) {}

absl::StatusOr<std::string> Kubectl::Run(const std::string& attempt, std::vector<std::string> words,
                                         const std::string& input) {
  std::vector<std::string> line = {"kubectl"};
  if (!options_.kubeconfig.empty()) {
    line.push_back(absl::StrCat("--kubeconfig=", options_.kubeconfig));
  }
  if (!options_.context.empty()) line.push_back(absl::StrCat("--context=", options_.context));
  line.insert(line.end(), std::make_move_iterator(words.begin()),
              std::make_move_iterator(words.end()));
  absl::StatusOr<ProgramResult> result = session_.env().capture(line, input);
  if (!result.ok()) {
    return ProblemStatus(absl::StatusCode::kFailedPrecondition,
                         {.what = absl::StrCat("cannot ", attempt),
                          .why = std::string(result.status().message()),
                          .hint = "install kubectl, or: muster agent manifest NAME > agent.yaml"});
  }
  if (result->code == 0) return std::move(result->out);
  const std::string reason = ReasonOf(*result);
  return ProblemStatus(CodeOf(reason), {.what = absl::StrCat("cannot ", attempt),
                                        .where = options_.context.empty()
                                                     ? "the cluster of kubectl's current context"
                                                     : absl::StrCat("context ", options_.context),
                                        .why = absl::StrCat("kubectl: ", reason)});
}

absl::StatusOr<std::string> Kubectl::Context() {
  if (!options_.context.empty()) return options_.context;
  ASSIGN_OR_RETURN(const std::string name,
                   Run("find the cluster", {"config", "current-context"}, ""));
  return std::string(absl::StripAsciiWhitespace(name));
}

absl::Status Kubectl::CheckAdmin() {
  // Who hands out cluster-admin must have it: the API server allows nobody to give more.
  const absl::StatusOr<std::string> answer =
      Run("look at our rights in the cluster", {"auth", "can-i", "*", "*", "--all-namespaces"}, "");
  if (answer.ok() && absl::StartsWith(*answer, "yes")) return absl::OkStatus();
  // "no" is an exit code of 1 with nothing on stderr.
  if (!answer.ok() && !absl::StrContains(ProblemOf(answer.status()).why, "exit code 1")) {
    return answer.status();
  }
  return ProblemStatus(absl::StatusCode::kPermissionDenied,
                       {.what = "cannot install the agent",
                        .why = "you are no administrator of that cluster",
                        .hint = "use an administrator's context, or limit the agent: "
                                "--only-namespace NAME"});
}

absl::StatusOr<std::optional<Value>> Kubectl::Find(const std::string& name_space,
                                                   const std::string& resource,
                                                   const std::string& name) {
  std::vector<std::string> words = {"get", resource, name, "--ignore-not-found", "--output=json"};
  if (!name_space.empty()) words.push_back(absl::StrCat("--namespace=", name_space));
  const std::string attempt = absl::StrCat("look at ", resource, "/", name);
  ASSIGN_OR_RETURN(const std::string text, Run(attempt, std::move(words), ""));
  if (absl::StripAsciiWhitespace(text).empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Value value, ParseAnswer(attempt, text));
  return std::optional<Value>(std::move(value));
}

absl::StatusOr<Value::List> Kubectl::List(const std::string& name_space,
                                          const std::string& resource,
                                          const std::string& selector) {
  const std::string attempt = absl::StrCat("list ", resource);
  ASSIGN_OR_RETURN(const std::string text,
                   Run(attempt,
                       {"get", resource, absl::StrCat("--namespace=", name_space),
                        absl::StrCat("--selector=", selector), "--output=json"},
                       ""));
  ASSIGN_OR_RETURN(Value value, ParseAnswer(attempt, text));
  Value* const items = value.Get("items");
  if (items == nullptr || !items->is_list()) return Value::List();
  return std::move(items->list());
}

absl::StatusOr<std::string> Kubectl::Apply(absl::Span<const Value> objects) {
  return Run("apply the agent",
             {"apply", "--server-side", "--force-conflicts", "--field-manager=muster-bootstrap",
              "--filename=-"},
             WriteYamlStream(objects));
}

}  // namespace muster::cli
