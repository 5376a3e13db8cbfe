#include "common/config/rollout_plans.h"

#include <optional>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/config/declarations.h"
#include "common/config/structure.h"

namespace muster {
namespace {

constexpr size_t kWavesMax = 32;

// "10%" or 3; at least `least`, and a share at most the whole.
void ReadShare(const Value* value, int least, const std::string& at, Findings& findings,
               v1::ClusterShare* share) {
  if (value == nullptr) return;
  const std::optional<Budget> budget = ParseBudget(*value);
  if (!budget.has_value() || budget->amount < least || (budget->percent && budget->amount > 100)) {
    findings.Add(at, least > 0
                         ? "must be a number of clusters from 1 on, or a share from 1% to 100%"
                         : "must be a number of clusters, or a share up to 100%");
    return;
  }
  share->set_value(budget->amount);
  share->set_percent(budget->percent);
}

int64_t DurationOf(const Value* value) {
  return value == nullptr ? 0 : ParseDurationMs(value->string()).value_or(0);
}

std::string TextOf(const Value* value) { return value == nullptr ? "" : value->string(); }

v1::RolloutWave ReadWave(const Value& value, const std::string& at, Findings& findings) {
  v1::RolloutWave wave;
  wave.set_name(value.Get("name")->string());
  *wave.mutable_cluster_selector() =
      ReadSelector(*value.Get("clusterSelector"), at + "/clusterSelector", findings);
  if (const Value* size = value.Get("clusters")) {
    ReadShare(size, 1, at + "/clusters", findings, wave.mutable_size());
  }
  if (const Value* most = value.Get("maxConcurrency")) {
    ReadShare(most, 1, at + "/maxConcurrency", findings, wave.mutable_max_concurrency());
  }
  if (const Value* most = value.Get("maxFailures")) {
    ReadShare(most, 0, at + "/maxFailures", findings, wave.mutable_max_failures());
  }
  wave.set_soak_ms(DurationOf(value.Get("soak")));
  wave.set_progress_deadline_ms(DurationOf(value.Get("progressDeadline")));
  wave.set_approval_before(value.Get("approval") != nullptr);
  wave.set_approval_after(value.Get("approvalAfter") != nullptr);
  return wave;
}

}  // namespace

v1::RolloutPlan ReadRolloutPlan(Findings& findings) {
  const Document& document = findings.document();
  const Value& root = document.value;
  v1::RolloutPlan plan;
  plan.mutable_origin()->set_file(document.file);
  plan.mutable_origin()->set_line(document.positions.Find("").line);
  plan.set_name(root.Find("/metadata/name")->string());
  const Value* project = root.Find("/spec/project");
  plan.set_project(project == nullptr ? "default" : project->string());
  const Value::List& waves = root.Find("/spec/waves")->list();
  if (waves.empty()) findings.Add("/spec/waves", "has no wave: nobody would ever be moved");
  if (waves.size() > kWavesMax) {
    findings.Add("/spec/waves", absl::StrCat("has more than ", kWavesMax, " waves"));
    return plan;
  }
  std::set<std::string> names;
  for (size_t i = 0; i < waves.size(); ++i) {
    const std::string at = absl::StrCat("/spec/waves/", i);
    v1::RolloutWave wave = ReadWave(waves[i], at, findings);
    if (!names.insert(wave.name()).second) {
      findings.Add(at + "/name", absl::StrCat("'", wave.name(), "' is the name of two waves"));
    }
    *plan.add_waves() = std::move(wave);
  }
  plan.set_on_failure(TextOf(root.Find("/spec/onFailure")) == "rollback"
                          ? v1::ROLLOUT_FAILURE_ROLLBACK
                          : v1::ROLLOUT_FAILURE_PAUSE);
  plan.set_on_newer(TextOf(root.Find("/spec/onNewer")) == "queue" ? v1::ROLLOUT_NEWER_QUEUE
                                                                  : v1::ROLLOUT_NEWER_SUPERSEDE);
  return plan;
}

}  // namespace muster
