// HealthRules: how objects of kinds that nobody knows say that they are healthy, as expressions
// over their fields (common/expression).
//
// A package's own come from `spec.health.rules`; Muster ships some for well-known operators. Pure;
// immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "agent/health/object_health.h"
#include "common/expression/expression.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

class HealthRules {
 public:
  // Returns kInvalidArgument, naming the rule, for an expression that is none.
  static absl::StatusOr<HealthRules> Make(absl::Span<const v1::HealthRule> rules);

  // Those that come with Muster.
  static const HealthRules& Shipped();

  // What the first rule that fits the key says; nothing when none fits. Asked in this order:
  // suspended, degraded, healthy, progressing; when no answer is yes, the object is Progressing.
  std::optional<ObjectHealth> Ask(const ObjectKey& key, const Value& live) const;

 private:
  struct Rule {
    std::string group;  // "*.x" is everything below x
    std::string kind;   // empty: all of the group
    std::optional<Expression> suspended, degraded, healthy, progressing, message;
  };

  static bool Fits(const Rule& rule, const ObjectKey& key);
  static ObjectHealth Answer(const Rule& rule, const Value& live);

  std::vector<Rule> rules_;
};

// The condition of status.conditions with this type; null when there is none.
const Value* ConditionOf(const Value& live, absl::string_view type);

// The text of a member; empty when it is not there or no text.
absl::string_view TextOf(const Value* value, absl::string_view member);

// Since when the condition is as it is; InfinitePast() when it does not say.
absl::Time SinceOf(const Value* condition);

}  // namespace muster::agent
