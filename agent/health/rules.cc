#include "agent/health/rules.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

absl::Status Read(const std::string& text, absl::string_view field, const pb::HealthRule& rule,
                  std::optional<Expression>& out) {
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<Expression> expression = Expression::Parse(text);
  if (!expression.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("health rule for ", rule.kind(), rule.group().empty() ? "" : ".", rule.group(),
                     ": ", field, ": ", expression.status().message()));
  }
  out = *std::move(expression);
  return absl::OkStatus();
}

// For people: what the rule's message says, or else the condition that is most often the reason.
std::string Message(const std::optional<Expression>& expression, const Value& live) {
  if (expression.has_value()) {
    const absl::StatusOr<Value> value = expression->Evaluate(live);
    if (value.ok() && value->is_string()) return value->string();
  }
  const Value* ready = ConditionOf(live, "Ready");
  if (const absl::string_view message = TextOf(ready, "message"); !message.empty()) {
    return std::string(message);
  }
  if (const absl::string_view reason = TextOf(ready, "reason"); !reason.empty()) {
    return std::string(reason);
  }
  const Value* status = live.Get("status");
  const absl::string_view phase = TextOf(status, "phase");
  return phase.empty() ? "" : absl::StrCat("phase ", phase);
}

}  // namespace

const Value* ConditionOf(const Value& live, absl::string_view type) {
  const Value* conditions = live.Find("/status/conditions");
  if (conditions == nullptr || !conditions->is_list()) return nullptr;
  for (const Value& condition : conditions->list()) {
    if (TextOf(&condition, "type") == type) return &condition;
  }
  return nullptr;
}

absl::string_view TextOf(const Value* value, absl::string_view member) {
  const Value* found = value == nullptr ? nullptr : value->Get(member);
  return found != nullptr && found->is_string() ? absl::string_view(found->string()) : "";
}

absl::Time SinceOf(const Value* condition) {
  absl::Time since = absl::InfinitePast();
  const absl::string_view text = TextOf(condition, "lastTransitionTime");
  if (text.empty() || !absl::ParseTime(absl::RFC3339_full, text, &since, nullptr)) {
    return absl::InfinitePast();
  }
  return since;
}

absl::StatusOr<HealthRules> HealthRules::Make(absl::Span<const pb::HealthRule> rules) {
  HealthRules made;
  for (const pb::HealthRule& rule : rules) {
    Rule& one = made.rules_.emplace_back();
    one.group = rule.group();
    one.kind = rule.kind();
    RETURN_IF_ERROR(Read(rule.suspended(), "suspended", rule, one.suspended));
    RETURN_IF_ERROR(Read(rule.degraded(), "degraded", rule, one.degraded));
    RETURN_IF_ERROR(Read(rule.healthy(), "healthy", rule, one.healthy));
    RETURN_IF_ERROR(Read(rule.progressing(), "progressing", rule, one.progressing));
    RETURN_IF_ERROR(Read(rule.message(), "message", rule, one.message));
  }
  return made;
}

std::optional<ObjectHealth> HealthRules::Ask(const ObjectKey& key, const Value& live) const {
  for (const Rule& rule : rules_) {
    if (Fits(rule, key)) return Answer(rule, live);
  }
  return std::nullopt;
}

bool HealthRules::Fits(const Rule& rule, const ObjectKey& key) {
  if (!rule.kind.empty() && rule.kind != "*" && rule.kind != key.kind) return false;
  if (rule.group == key.group()) return true;
  return absl::StartsWith(rule.group, "*.") &&
         absl::EndsWith(key.group(), absl::string_view(rule.group).substr(1));
}

ObjectHealth HealthRules::Answer(const Rule& rule, const Value& live) {
  const struct {
    const std::optional<Expression>& question;
    HealthWord word;
  } kQuestions[] = {
      {rule.suspended, HealthWord::kSuspended},
      {rule.degraded, HealthWord::kDegraded},
      {rule.healthy, HealthWord::kHealthy},
      {rule.progressing, HealthWord::kProgressing},
  };
  for (const auto& [question, word] : kQuestions) {
    if (!question.has_value()) continue;
    const absl::StatusOr<bool> answer = question->Test(live);
    if (!answer.ok()) {
      return ObjectHealth{
          .word = HealthWord::kUnknown,
          .message = absl::StrCat("its health rule cannot be asked: ", answer.status().message())};
    }
    if (!*answer) continue;
    if (word == HealthWord::kHealthy) return ObjectHealth{};
    return ObjectHealth{.word = word,
                        .message = Message(rule.message, live),
                        .since = SinceOf(ConditionOf(live, "Ready"))};
  }
  // Whoever says only what is bad means that the rest is good.
  if (!rule.healthy.has_value()) return ObjectHealth{};
  return ObjectHealth{.word = HealthWord::kProgressing,
                      .message = Message(rule.message, live),
                      .since = SinceOf(ConditionOf(live, "Ready"))};
}

}  // namespace muster::agent
