// The rollout's world: clusters with faults, people and commits, from a seed; after every turn the
// invariants R1 to R4 of rollout.h hold, and once faults heal every rollout ends.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "hub/core/rollout/rollout.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr int64_t kMinute = 60'000;

class RolloutWorld {
 public:
  RolloutWorld(uint64_t seed, int clusters) : random_(seed) {
    MakePlan();
    for (int i = 0; i < clusters; ++i) Join();
    Commit();
  }

  void Run(int turns) {
    for (int i = 0; i < turns && !failed_; ++i) {
      now_ += static_cast<int64_t>(random_.Below(3 * kMinute));
      Disturb();
      Agents(false);
      Look();
    }
  }

  // No more faults: healthy agents, a willing person. Everything that can be reached must converge.
  void Heal() {
    for (auto& [name, cluster] : clusters_) cluster.apart.clear();
    for (int i = 0; i < 2'000 && !failed_; ++i) {
      now_ += kMinute;
      Agents(true);
      if (rollout_.phase == RolloutPhase::kPaused) {
        EXPECT_TRUE(Resume(rollout_).ok());
      }
      const bool dead =
          rollout_.phase == RolloutPhase::kAborted || rollout_.phase == RolloutPhase::kRolledBack;
      if (dead) {
        EXPECT_TRUE(Retry(now_, rollout_).ok());
      }
      if (rollout_.waits_for == "approval") {
        EXPECT_TRUE(Approve(plan_, {"", false, "ada", now_, ""}, rollout_).ok());
      }
      Look();
      if (Converged()) return;
    }
    if (!failed_) ADD_FAILURE() << "it does not converge: " << rollout_.message;
  }

 private:
  void MakePlan() {
    const int waves = 1 + static_cast<int>(random_.Below(4));
    for (int i = 0; i < waves; ++i) {
      pb::RolloutWave& wave = *plan_.add_waves();
      wave.set_name(absl::StrCat("w", i));
      wave.mutable_cluster_selector();
      const bool last = i + 1 == waves;
      if (!last) {
        if (random_.Below(2) == 0) {
          pb::Label& label = *wave.mutable_cluster_selector()->add_match_labels();
          label.set_key("group");
          label.set_value(absl::StrCat(i));
        } else {
          wave.mutable_size()->set_value(1 + static_cast<int>(random_.Below(20)));
          wave.mutable_size()->set_percent(random_.Below(2) == 0);
        }
      }
      wave.mutable_max_concurrency()->set_value(1 + static_cast<int>(random_.Below(5)));
      if (random_.Below(2) == 0) {
        wave.mutable_max_failures()->set_value(static_cast<int>(random_.Below(4)));
      }
      wave.set_soak_ms(static_cast<int64_t>(random_.Below(10)) * kMinute);
      wave.set_approval_before(random_.Below(4) == 0);
      wave.set_approval_after(random_.Below(4) == 0);
    }
    if (random_.Below(2) == 0) plan_.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  }

  void Join() {
    RolloutCluster cluster;
    cluster.name = cluster.id = absl::StrCat("c", 1'000 + ++joined_);
    cluster.labels = {{"group", absl::StrCat(random_.Below(5))}};
    cluster.target = content_;
    clusters_[cluster.id] = cluster;
  }

  void Commit() {
    content_ = Digest::Of(absl::StrCat("content ", ++commits_));
    for (auto& [id, cluster] : clusters_) {
      if (random_.Below(10) > 0) cluster.target = content_;  // some are not touched by it
    }
    rollout_ = StartRollout(rollout_, content_, now_);
  }

  void Disturb() {
    switch (random_.Below(30)) {
      case 0:
        Commit();
        break;
      case 1:
        Join();
        break;
      case 2:
        if (clusters_.size() > 5) clusters_.erase(Somebody());
        break;
      case 3:
        clusters_[Somebody()].labels = {{"group", absl::StrCat(random_.Below(5))}};
        break;
      case 4:
        Pause("ada", "", rollout_).IgnoreError();
        break;
      case 5:
      case 6:
        Resume(rollout_).IgnoreError();
        break;
      case 7:
        if (random_.Below(4) == 0) Abort("ada", "", now_, rollout_).IgnoreError();
        break;
      case 8:
        if (random_.Below(4) == 0) RollBack("ada", "", now_, rollout_).IgnoreError();
        break;
      case 9:
      case 10:
        Approve(plan_, {"", false, "ada", now_, ""}, rollout_).IgnoreError();
        break;
      default:
        break;
    }
    RolloutCluster& one = clusters_[Somebody()];
    if (random_.Below(10) == 0) one.apart = one.apart.empty() ? "offline" : "";
  }

  std::string Somebody() {
    auto at = clusters_.begin();
    std::advance(at, random_.Below(clusters_.size()));
    return at->first;
  }

  void Agents(bool well) {
    for (auto& [id, cluster] : clusters_) {
      if (!cluster.apart.empty() || cluster.desired != cluster.target) continue;
      if (well) {
        cluster.progress = Progress::kHealthy;
      } else if (random_.Below(4) == 0) {
        const uint64_t luck = random_.Below(40);
        cluster.progress = luck == 0   ? Progress::kFailed
                           : luck < 10 ? Progress::kWorking
                                       : Progress::kHealthy;
      }
    }
  }

  // One look; then the invariants.
  void Look() {
    std::vector<RolloutCluster> list;
    for (const auto& [id, cluster] : clusters_) list.push_back(cluster);
    const RolloutPhase before = rollout_.phase;
    const int wave_before = rollout_.wave;
    const Step step = Advance(plan_, list, now_, rollout_);
    const bool may = before == RolloutPhase::kProgressing || before == RolloutPhase::kComplete;
    Check(may || step.moves.empty(), "R3: a rollout that is not progressing moved somebody");
    Check(step.moves.empty() || step.returns.empty(), "R3: forth and back in one turn");
    std::map<int, int> moved;
    for (const std::string& id : step.moves) {
      const RolloutMember& member = rollout_.members.at(id);
      ++moved[member.wave];
      Check(clusters_[id].apart.empty(), "R4: one that is apart was moved");
      Check(member.wave <= rollout_.wave, "R2: moved before its wave was open");
      Check(member.to == clusters_[id].target, "moved to something else than its target");
      clusters_[id].desired = clusters_[id].target;
      clusters_[id].progress = Progress::kWorking;
    }
    for (const auto& [wave, count] : moved) {
      const int most = std::max(
          1, ShareOf(true, plan_.waves(wave).max_concurrency(), step.waves[wave].clusters, 1));
      Check(step.waves[wave].in_flight <= most, "R1: more in flight than maxConcurrency");
    }
    for (int wave = wave_before; wave < rollout_.wave && before == rollout_.phase; ++wave) {
      CheckPassed(step, wave);
    }
    for (const std::string& id : step.returns) {
      clusters_[id].desired = rollout_.members.at(id).from;
      clusters_[id].progress = Progress::kHealthy;
    }
    Check(rollout_.phase != RolloutPhase::kProgressing || !rollout_.message.empty(),
          "it is stuck without a word");
  }

  // R2: nobody of a passed wave who can be reached is still on the way.
  void CheckPassed(const Step& step, int wave) {
    for (const auto& [id, cluster] : clusters_) {
      const auto member = rollout_.members.find(id);
      if (member == rollout_.members.end() || member->second.wave != wave) continue;
      if (member->second.to != cluster.target || !cluster.apart.empty()) continue;
      Check(member->second.healthy || member->second.failed || member->second.done,
            "R2: a wave was passed with somebody on the way");
    }
    Check(!plan_.waves(wave).approval_before() || step.waves[wave].healthy == 0 ||
              HasApproval(plan_.waves(wave).name()),
          "R2: a wave was passed without its approval");
  }

  bool HasApproval(const std::string& wave) const {
    for (const RolloutApproval& approval : rollout_.approvals) {
      if (approval.wave == wave) return true;
    }
    return false;
  }

  bool Converged() const {
    if (rollout_.phase != RolloutPhase::kComplete) return false;
    for (const auto& [id, cluster] : clusters_) {
      if (cluster.desired != cluster.target) return false;
    }
    return true;
  }

  void Check(bool good, const char* what) {
    if (good || failed_) return;
    failed_ = true;
    ADD_FAILURE() << what << ", at " << now_ << ", " << PhaseWord(rollout_.phase) << ", wave "
                  << rollout_.wave << ": " << rollout_.message;
  }

  SeededRandom random_;
  pb::RolloutPlan plan_;
  std::map<std::string, RolloutCluster> clusters_;  // by id
  Rollout rollout_;
  Digest content_;
  int64_t now_ = 1'000'000;
  int joined_ = 0;
  int commits_ = 0;
  bool failed_ = false;
};

TEST(RolloutWorld, HoldsItsInvariantsAndComesToAnEnd) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed, ", 50 clusters"));
    RolloutWorld world(seed, 50);
    world.Run(300);
    world.Heal();
    if (testing::Test::HasFailure()) return;
  }
}

TEST(RolloutWorld, OfAThousandClusters) {
  RolloutWorld world(7, 1'000);
  world.Run(200);
  world.Heal();
}

}  // namespace
}  // namespace muster::hub
