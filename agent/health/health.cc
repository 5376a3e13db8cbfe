#include "agent/health/health.h"

#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/health/workloads.h"

namespace muster::agent {
namespace {

// A generation; some controllers write theirs as a text.
std::optional<int64_t> GenerationAt(const Value& live, absl::string_view pointer) {
  const Value* value = live.Find(pointer);
  if (value == nullptr) return std::nullopt;
  int64_t number = 0;
  if (value->is_string() && absl::SimpleAtoi(value->string(), &number)) return number;
  return value->AsInt64();
}

std::string Terminating(const Value& live, absl::string_view since) {
  std::string message = absl::StrCat("is being deleted since ", since);
  const Value* finalizers = live.Find("/metadata/finalizers");
  if (finalizers == nullptr || !finalizers->is_list() || finalizers->list().empty()) {
    return message;
  }
  return absl::StrCat(
      message, "; waits for ",
      absl::StrJoin(finalizers->list(), ", ", [](std::string* out, const Value& finalizer) {
        if (finalizer.is_string()) out->append(finalizer.string());
      }));
}

// What holds for every kind before it is asked how it does.
std::optional<ObjectHealth> BeforeAll(const Value& live) {
  const absl::string_view deleted = TextOf(live.Get("metadata"), "deletionTimestamp");
  if (!deleted.empty()) {
    ObjectHealth health{.word = HealthWord::kProgressing, .message = Terminating(live, deleted)};
    absl::ParseTime(absl::RFC3339_full, deleted, &health.since, nullptr);
    return health;
  }
  const std::optional<int64_t> wanted = GenerationAt(live, "/metadata/generation");
  const std::optional<int64_t> seen = GenerationAt(live, "/status/observedGeneration");
  if (wanted.has_value() && seen.has_value() && *seen < *wanted) {
    return ObjectHealth{.word = HealthWord::kProgressing,
                        .message = "its controller has not seen the last change yet"};
  }
  return std::nullopt;
}

ObjectHealth FromCondition(HealthWord word, const Value* condition) {
  const absl::string_view message = TextOf(condition, "message");
  return ObjectHealth{
      .word = word,
      .message = std::string(message.empty() ? TextOf(condition, "reason") : message),
      .since = SinceOf(condition)};
}

// The convention of the Kubernetes API for those that nobody knows.
ObjectHealth Generic(const Value& live) {
  const Value* stalled = ConditionOf(live, "Stalled");
  if (TextOf(stalled, "status") == "True") return FromCondition(HealthWord::kDegraded, stalled);
  const Value* reconciling = ConditionOf(live, "Reconciling");
  if (TextOf(reconciling, "status") == "True") {
    return FromCondition(HealthWord::kProgressing, reconciling);
  }
  const Value* ready = ConditionOf(live, "Ready");
  if (ready == nullptr || TextOf(ready, "status") == "True") return ObjectHealth();
  return FromCondition(HealthWord::kProgressing, ready);
}

}  // namespace

ObjectHealth HealthOf(const ObjectKey& key, const Value& live, const HealthRules* rules) {
  if (const std::optional<ObjectHealth> health = BeforeAll(live)) return *health;
  if (rules != nullptr) {
    if (std::optional<ObjectHealth> health = rules->Ask(key, live)) return *std::move(health);
  }
  if (std::optional<ObjectHealth> health = HealthRules::Shipped().Ask(key, live)) {
    return *std::move(health);
  }
  if (std::optional<ObjectHealth> health = WorkloadHealth(key, live)) return *std::move(health);
  return Generic(live);
}

}  // namespace muster::agent
