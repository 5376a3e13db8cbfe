// RolloutTest: clusters and a plan, with a clock that a test moves. For tests only.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "hub/core/rollout/rollout.h"

namespace muster::hub {

namespace pb = muster::v1;

inline constexpr int64_t kMinute = 60'000;

class RolloutTest : public testing::Test {
 protected:
  RolloutTest() {
    pb::RolloutWave& canary = *plan.add_waves();
    canary.set_name("canary");
    pb::Label& label = *canary.mutable_cluster_selector()->add_match_labels();
    label.set_key("wave");
    label.set_value("canary");
    canary.mutable_max_concurrency()->set_value(1);
    pb::RolloutWave& rest = *plan.add_waves();
    rest.set_name("rest");
    rest.mutable_cluster_selector();
    rest.mutable_max_concurrency()->set_value(2);
  }

  RolloutCluster& Add(const std::string& name, const std::string& wave = "rest") {
    RolloutCluster& cluster = clusters[name];
    cluster.id = name;
    cluster.name = name;
    cluster.labels = {{"wave", wave}};
    cluster.target = cluster.desired = old_content;
    return cluster;
  }

  void Fail(const std::string& name) { clusters[name].progress = Progress::kFailed; }

  pb::RolloutWave& AddWave(const std::string& name, bool approval = false) {
    pb::RolloutWave& wave = *plan.add_waves();
    wave.set_name(name);
    wave.mutable_cluster_selector();
    wave.set_approval_before(approval);
    return wave;
  }

  absl::Status ApproveIt(const std::string& wave = "") {
    return Approve({wave, false, "ada", now, ""}, rollout);
  }

  // A canary and four others.
  void Fleet() {
    Add("c0", "canary");
    for (const char* name : {"p1", "p2", "p3", "p4"}) Add(name);
  }

  void Release(const std::string& content) {
    for (auto& [name, cluster] : clusters) cluster.target = Digest::Of(content);
    rollout = StartRollout(rollout, Digest::Of(content), now);
  }

  // Looks, and gives the clusters what it says. Names of those moved.
  std::vector<std::string> Turn() {
    std::vector<RolloutCluster> list;
    for (const auto& [name, cluster] : clusters) list.push_back(cluster);
    step = Advance(plan, list, now, rollout, still);
    for (const std::string& id : step.moves) {
      clusters[id].desired = clusters[id].target;
      clusters[id].progress = Progress::kWorking;
    }
    for (const std::string& id : step.returns) {
      clusters[id].desired = rollout.members[id].from;
      clusters[id].progress = Progress::kHealthy;
    }
    return step.moves;
  }

  // Everybody who was moved is well, then turns until nobody moves any more.
  void AllWell() {
    for (int i = 0; i < 100; ++i) {
      for (auto& [name, cluster] : clusters) {
        if (cluster.desired == cluster.target) cluster.progress = Progress::kHealthy;
      }
      if (Turn().empty()) return;
    }
    FAIL() << "it never comes to rest";
  }

  const Digest old_content = Digest::Of("old");
  pb::RolloutPlan plan;
  std::map<std::string, RolloutCluster> clusters;
  Rollout rollout;
  Step step;
  std::string still;
  int64_t now = 1'000'000;
};

}  // namespace muster::hub
