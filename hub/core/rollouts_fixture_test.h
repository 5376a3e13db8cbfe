// RolloutsTest: three clusters, a canary among them, and a package that goes by a plan of two
// waves. For tests only.
#pragma once

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "hub/core/core_fixture_test.h"

namespace muster::hub {

class RolloutsTest : public CoreFixture {
 protected:
  RolloutsTest() {
    v1::RolloutPlan& plan = *config.add_rollout_plans();
    plan.set_name("careful");
    plan.mutable_origin()->set_file("fleet/careful.yaml");
    v1::RolloutWave& canary = *plan.add_waves();
    canary.set_name("canary");
    v1::Label& label = *canary.mutable_cluster_selector()->add_match_labels();
    label.set_key("wave");
    label.set_value("canary");
    canary.set_soak_ms(600'000);
    v1::RolloutWave& rest = *plan.add_waves();
    rest.set_name("rest");
    rest.mutable_cluster_selector();
    rest.mutable_max_concurrency()->set_value(1);
    DeclareRepository("apps");
    DeclarePackage("web");
    PushConfig();
    PushApps("c1", {{"web", "one"}});
    for (const char* name : {"a", "b", "c"}) {
      Join(name, {{"wave", name[0] == 'a' ? "canary" : "rest"}});
    }
    Settle();
    config.mutable_packages(0)->set_rollout("careful");
    PushConfig();
    Settle();
  }

  // Lets time pass with every agent heard.
  void Pass(absl::Duration duration) {
    while (duration > absl::ZeroDuration()) {
      for (const auto& [name, agent] : agents) Beat(agent);
      const absl::Duration step = std::min(duration, absl::Seconds(20));
      CoreFixture::Pass(step);
      duration -= step;
    }
  }

  // Healthy agents, until nothing moves any more; time passes only as far as looks need it.
  void Settle() {
    for (int i = 0; i < 10; ++i) {
      ReportAll();
      Run();
      Pass(absl::Seconds(1));
    }
  }

  bool Has(const std::string& cluster, const std::string& text) {
    const FakeAgent& agent = agents[cluster];
    return agent.desired.packages_size() == 1 &&
           agent.desired.packages(0).bundle_digest() == BundleOf(text).bytes();
  }

  v1::RolloutView Rollout() {
    const auto answer = Ask(v1::ListRolloutsRequest());
    EXPECT_TRUE(answer.ok()) << answer.status();
    const auto& response = std::get<v1::ListRolloutsResponse>(*answer);
    return response.rollouts_size() == 1 ? response.rollouts(0) : v1::RolloutView();
  }

  std::string ReleaseNow() { return absl::BytesToHexString(Rollout().release()); }

  absl::Status Suspend(bool suspended) {
    v1::SuspendRequest suspend;
    suspend.set_kind("package");
    suspend.set_name("web");
    suspend.set_suspended(suspended);
    const absl::Status status = Ask(suspend).status();
    Run();
    return status;
  }

  absl::Status Decide(const std::string& action, const std::string& release = "",
                      const std::string& reason = "") {
    v1::RolloutDecision decision;
    decision.set_package("web");
    decision.set_action(action);
    decision.set_release(release);
    decision.set_reason(reason);
    const absl::Status status = Ask(decision).status();
    Run();
    return status;
  }

  void ReportDegraded(const std::string& name) {
    FakeAgent& agent = agents[name];
    v1::ObservedState state = Applied(agent);
    state.set_health(v1::HEALTH_STATUS_DEGRADED);
    for (v1::ObservedPackage& package : *state.mutable_packages()) {
      if (package.name() == "web") package.set_health(v1::HEALTH_STATUS_DEGRADED);
    }
    Report(agent, state);
    Pass(absl::Seconds(1));
  }
};

}  // namespace muster::hub
