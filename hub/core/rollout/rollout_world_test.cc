// The rollout's world: clusters with faults, people, commits and plans that change, from a seed. As
// the hub does, it looks when something was heard or decided and when it was told to, and at no
// other time. After every look the invariants R1 to R5 of rollout.h hold, judged by what the world
// itself has seen and not by what the rollout remembers; once faults heal every rollout ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
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
  RolloutWorld(uint64_t seed, int clusters) : random_(seed), faults_(60 + 150 * (seed % 5)) {
    MakePlan();
    for (int i = 0; i < clusters; ++i) Join();
    Commit();
  }

  void Run(int turns) {
    for (int i = 0; i < turns && !failed_; ++i) {
      // Quiet hours now and then: nobody looks in them but when a look is due.
      const int64_t most = random_.Below(10) == 0 ? 60 * kMinute : 3 * kMinute;
      Pass(static_cast<int64_t>(random_.Below(most)));
      if (random_.Below(4) == 0) continue;
      Disturb();
      Agents(false);
      Look();
    }
  }

  // No more faults: healthy agents, a willing person. Everything that can be reached must converge.
  void Heal() {
    still_.clear();
    for (auto& [name, cluster] : clusters_) cluster.apart.clear();
    for (int i = 0; i < 2'000 && !failed_; ++i) {
      now_ += kMinute;
      Agents(true);
      if (rollout_.phase == RolloutPhase::kPaused) {
        EXPECT_TRUE(Resume(rollout_).ok());
      }
      const bool dead =
          rollout_.phase == RolloutPhase::kAborted || rollout_.phase == RolloutPhase::kRolledBack;
      if (dead && Retry(now_, rollout_).ok()) Anew();
      if (rollout_.waits_for == "approval") ApproveIt();
      Look();
      if (Converged()) return;
    }
    if (!failed_) ADD_FAILURE() << "it does not converge: " << rollout_.message;
  }

 private:
  // What the world knows of a cluster.
  struct Known {
    int64_t since_ms = 0;  // when it was last given something, came back or ceased to be well
    bool apart = false;    // at the last look, or everything stood still
    bool well = false;     // likewise
    // Healthy at some look since it was given what it has; or the release was complete with it.
    bool proved = true;
    bool late = false;     // its wave was passed without it
    bool settled = false;  // the release that it has was complete with it
  };

  // ------------------------------------------------------------ plans

  pb::RolloutWave MakeWave(bool last) {
    pb::RolloutWave wave;
    wave.set_name(absl::StrCat("w", ++waves_));
    wave.mutable_cluster_selector();
    if (!last) {
      if (random_.Below(2) == 0) {
        pb::Label& label = *wave.mutable_cluster_selector()->add_match_labels();
        label.set_key("group");
        label.set_value(absl::StrCat(random_.Below(5)));
      } else {
        wave.mutable_size()->set_value(1 + static_cast<int>(random_.Below(20)));
        wave.mutable_size()->set_percent(random_.Below(2) == 0);
      }
    }
    wave.mutable_max_concurrency()->set_value(1 + static_cast<int>(random_.Below(15)));
    if (random_.Below(2) == 0) {
      wave.mutable_max_failures()->set_value(static_cast<int>(random_.Below(4)));
    }
    wave.set_soak_ms(static_cast<int64_t>(random_.Below(10)) * kMinute);
    wave.set_approval_before(random_.Below(4) == 0);
    wave.set_approval_after(random_.Below(4) == 0);
    return wave;
  }

  void MakePlan() {
    const int waves = 1 + static_cast<int>(random_.Below(4));
    for (int i = 0; i < waves; ++i) *plan_.add_waves() = MakeWave(i + 1 == waves);
    if (random_.Below(2) == 0) plan_.set_on_failure(pb::ROLLOUT_FAILURE_ROLLBACK);
  }

  // A wave comes somewhere before the last, or any but the last goes.
  void ChangePlan() {
    const int before_last = plan_.waves_size() - 1;
    const int at = static_cast<int>(random_.Below(static_cast<uint64_t>(before_last) + 1));
    if (random_.Below(2) == 0 && at < before_last) {
      plan_.mutable_waves()->DeleteSubrange(at, 1);
      return;
    }
    *plan_.add_waves() = MakeWave(false);
    for (int i = plan_.waves_size() - 1; i > at; --i) plan_.mutable_waves()->SwapElements(i, i - 1);
  }

  // ------------------------------------------------------------ what happens

  void Join() {
    RolloutCluster cluster;
    cluster.name = cluster.id = absl::StrCat("c", 1'000 + ++joined_);
    cluster.labels = {{"group", absl::StrCat(random_.Below(5))}};
    cluster.target = content_;
    if (commits_ == 0) cluster.desired = content_;
    clusters_[cluster.id] = cluster;
  }

  void Commit() {
    content_ = Digest::Of(absl::StrCat("content ", ++commits_));
    for (auto& [id, cluster] : clusters_) {
      if (random_.Below(10) > 0) cluster.target = content_;  // some are not touched by it
    }
    rollout_ = StartRollout(rollout_, content_, now_);
    Anew();
  }

  void Anew() {
    approved_.clear();
    opened_.clear();
    for (auto& [id, known] : known_) {
      known.since_ms = now_;
      known.late = known.settled = false;
    }
  }

  void ApproveIt() {
    const std::string wave = rollout_.open;
    const bool after = rollout_.waits_after;
    if (Approve({"", false, "ada", now_, ""}, rollout_).ok()) approved_.insert({wave, after});
  }

  void Disturb() {
    Help();
    // Who comes when all is done is worth a look.
    if (rollout_.phase == RolloutPhase::kComplete && random_.Below(4) == 0) return Join();
    switch (random_.Below(40)) {
      case 0:
        if (rollout_.phase == RolloutPhase::kComplete || random_.Below(4) == 0) Commit();
        return;
      case 1:
        return Join();
      case 2:
        return Leave(Somebody());
      case 3:
        clusters_[Somebody()].labels = {{"group", absl::StrCat(random_.Below(5))}};
        return;
      case 4:
        return Pause("ada", "", rollout_).IgnoreError();
      case 5:
        if (random_.Below(3) == 0) Abort("ada", "", now_, rollout_).IgnoreError();
        return;
      case 6:
        if (random_.Below(3) == 0) RollBack("ada", "", now_, rollout_).IgnoreError();
        return;
      case 7:
        if (Retry(now_, rollout_).ok()) Anew();
        return;
      case 8:
        return ChangePlan();
      case 9:
        still_ = still_.empty() ? "the package is suspended" : "";
        return;
      default:
        break;
    }
    if (random_.Below(6) > 0) return;
    std::string& apart = clusters_[Somebody()].apart;
    apart = apart.empty() ? "offline" : "";
  }

  // People see to it that nothing stands still for ever.
  void Help() {
    if (random_.Below(4) > 0) return;
    still_.clear();
    Resume(rollout_).IgnoreError();
    if (rollout_.waits_for == "approval") ApproveIt();
    const bool dead =
        rollout_.phase == RolloutPhase::kAborted || rollout_.phase == RolloutPhase::kRolledBack;
    if (dead && random_.Below(2) == 0 && Retry(now_, rollout_).ok()) Anew();
  }

  void Leave(const std::string& id) {
    if (clusters_.size() <= 5) return;
    clusters_.erase(id);
    known_.erase(id);
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
        const bool newcomer = known_[id].late && !known_[id].settled;
        const uint64_t luck = random_.Below(newcomer ? 4 : faults_);
        cluster.progress = luck == 0            ? Progress::kFailed
                           : luck < faults_ / 6 ? Progress::kWorking
                                                : Progress::kHealthy;
      }
    }
  }

  // ------------------------------------------------------------ looks

  // Lets time pass, with the looks that were asked for on the way.
  void Pass(int64_t duration_ms) {
    const int64_t end = now_ + duration_ms;
    while (wake_ms_ && *wake_ms_ <= end && !failed_) {
      now_ = std::max(now_, *wake_ms_);
      Look();
    }
    now_ = end;
  }

  void Look() {
    std::vector<RolloutCluster> list;
    for (const auto& [id, cluster] : clusters_) list.push_back(cluster);
    WatchClusters();
    const Rollout before = rollout_;
    const Step step = Advance(plan_, list, now_, rollout_, still_);
    wake_ms_ = step.wake_ms;
    if (wake_ms_ && *wake_ms_ <= now_) wake_ms_ = now_ + 1;
    CheckFailures();
    CheckMoves(before, step);
    CheckWaves(before, step);
    CheckReturns(before, step);
    Check(!rollout_.message.empty(), "it is stuck without a word");
    TakeStep(before, step);
  }

  // What can be seen, as the rollout is about to see it.
  void WatchClusters() {
    for (const auto& [id, cluster] : clusters_) {
      Known& known = known_[id];
      const bool apart = !cluster.apart.empty() || !still_.empty();
      const bool well =
          !apart && cluster.desired == cluster.target && cluster.progress == Progress::kHealthy;
      if ((known.apart && !apart) || (known.well && !well)) known.since_ms = now_;
      known.apart = apart;
      known.well = well;
      known.proved = known.proved || well;
    }
  }

  // R4: no time counts against a cluster in which it could not be reached or nobody looked.
  void CheckFailures() {
    if (rollout_.phase == RolloutPhase::kRolledBack) return;
    for (const auto& [id, member] : rollout_.members) {
      const RolloutCluster& cluster = clusters_.at(id);
      if (!member.failed || cluster.progress == Progress::kFailed) continue;
      Check(!known_[id].apart, "R4: one that is apart has failed");
      Check(now_ - known_[id].since_ms >= 10 * kMinute, "R4: failed before its time was over");
    }
  }

  void CheckMoves(const Rollout& before, const Step& step) {
    const bool may =
        before.phase == RolloutPhase::kProgressing || before.phase == RolloutPhase::kComplete;
    Check((may && still_.empty()) || step.moves.empty(),
          "R3: a rollout that is not progressing moved somebody");
    std::set<int> moved;
    for (const std::string& id : step.moves) {
      const RolloutMember& member = rollout_.members.at(id);
      const int wave = IndexOf(member.wave);
      moved.insert(wave);
      Check(wave >= 0, "moved in a wave that the plan does not have");
      if (failed_) return;
      Check(clusters_[id].apart.empty(), "R4: one that is apart was moved");
      Check(member.to == clusters_[id].target, "moved to something else than its target");
      for (int i = 0; i < wave; ++i) {
        Check(rollout_.passed.contains(plan_.waves(i).name()),
              "R2: moved before an earlier wave was passed");
      }
      CheckGate(before, plan_.waves(wave));
      CheckLate(before, id, plan_.waves(wave));
      CheckProved(before, id, wave);
    }
    for (const int wave : moved) {
      const int most = std::max(
          1, ShareOf(true, plan_.waves(wave).max_concurrency(), step.waves[wave].clusters, 1));
      Check(step.waves[wave].in_flight <= most, "R1: more in flight than maxConcurrency");
    }
  }

  // R2, R5: the gate in front of a wave was opened for this release, before its first cluster.
  void CheckGate(const Rollout& before, const pb::RolloutWave& wave) {
    if (before.passed.contains(wave.name()) || opened_.contains(wave.name())) return;
    Check(!wave.approval_before() || approved_.contains({wave.name(), false}),
          "R2: moved without the approval in front of its wave");
  }

  // R2: a wave of few that is passed takes in nobody from behind the gates of later ones.
  void CheckLate(const Rollout& before, const std::string& id, const pb::RolloutWave& wave) {
    if (!wave.has_size() || !before.passed.contains(wave.name())) return;
    const auto member = before.members.find(id);
    Check(member != before.members.end() && member->second.wave == wave.name(),
          "R2: a passed wave of few has moved another one");
  }

  // R2: whoever has what the moved one gets, and is to prove it before, has been well with it.
  void CheckProved(const Rollout& before, const std::string& moved, int wave) {
    if (before.completed) return;
    for (const auto& [id, cluster] : clusters_) {
      const Known& known = known_[id];
      if (id == moved || known.proved || known.apart || known.late) continue;
      if (cluster.desired != cluster.target || cluster.target != clusters_[moved].target) continue;
      const auto found = rollout_.members.find(id);
      const bool asked = found != rollout_.members.end() && found->second.to == cluster.target;
      Check(asked, "R2: moved, and nobody asks how one is that has the same already");
      if (failed_ || !asked) return;
      const int other = IndexOf(found->second.wave);
      if (other < 0 || other >= wave) continue;
      Check(found->second.failed || found->second.excused,
            "R2: moved while an earlier wave is on its way with the same");
    }
  }

  // R2: a wave that had something to do is passed well, soaked without a break, and approved.
  void CheckWaves(const Rollout& before, const Step& step) {
    for (int i = 0; i < plan_.waves_size() && !failed_; ++i) {
      const pb::RolloutWave& wave = plan_.waves(i);
      const bool busy =
          InWave(wave.name(), [&](const std::string& id) { return !known_[id].settled; });
      // Since when all who can be reached are well, as the world has seen it.
      const bool unwell = InWave(wave.name(), [&](const std::string& id) {
        const RolloutMember& member = rollout_.members.at(id);
        return !known_[id].apart && !known_[id].settled && !known_[id].well && !member.failed &&
               !member.excused;
      });
      const bool watched = still_.empty() && (before.phase == RolloutPhase::kProgressing ||
                                              before.phase == RolloutPhase::kComplete);
      if (!busy || unwell || !watched) well_since_.erase(wave.name());
      if (busy && !unwell && watched) well_since_.try_emplace(wave.name(), now_);
      const bool passed =
          rollout_.passed.contains(wave.name()) && !before.passed.contains(wave.name());
      if (!passed || !busy || step.waves[i].clusters == 0) continue;
      Check(!unwell, "R2: a wave was passed with somebody on the way");
      // One of which nobody can be reached is passed when the release is proved elsewhere.
      if (!InWave(wave.name(), [&](const std::string& id) { return !known_[id].apart; })) continue;
      const auto since = well_since_.find(wave.name());
      const bool soaked = since != well_since_.end() && now_ - since->second >= wave.soak_ms();
      Check(soaked, "R2: a wave was passed before it had soaked");
      Check(!wave.approval_after() || approved_.contains({wave.name(), true}),
            "R2: a wave was passed without the approval behind it");
    }
  }

  // R3: what a release was complete with is not taken back by itself.
  void CheckReturns(const Rollout& before, const Step& step) {
    for (const std::string& id : step.returns) {
      Check(before.phase == RolloutPhase::kRolledBack || !known_[id].settled,
            "R3: what was complete was taken back by itself");
    }
  }

  void TakeStep(const Rollout& before, const Step& step) {
    for (const std::string& id : step.moves) {
      const std::string& wave = rollout_.members.at(id).wave;
      Give(id, clusters_[id].target, Progress::kWorking);
      known_[id].proved = known_[id].settled = false;
      known_[id].late = before.passed.contains(wave);
      opened_.insert(wave);
    }
    for (const std::string& id : step.returns) {
      Give(id, rollout_.members.at(id).from, Progress::kHealthy);
      known_[id].proved = true;
      known_[id].settled = false;
    }
    // CheckWaves has seen why the wave was passed without them: apart, or tolerated.
    for (auto& [id, member] : rollout_.members) {
      const bool passed =
          rollout_.passed.contains(member.wave) && !before.passed.contains(member.wave);
      known_[id].late = known_[id].late || passed;
    }
    // Another wave is open: to open this one again takes its gate again.
    if (rollout_.open != before.open) {
      std::erase_if(opened_, [&](const std::string& wave) {
        return wave != rollout_.open || rollout_.opened_ms == 0;
      });
    }
    if (rollout_.phase != RolloutPhase::kComplete) return;
    for (auto& [id, known] : known_) {
      const bool has = clusters_[id].desired == clusters_[id].target;
      known.proved = known.proved || has;  // the release is, whatever this one makes of it
      known.settled = known.settled || (has && known.well);
    }
  }

  void Give(const std::string& id, const Digest& content, Progress progress) {
    clusters_[id].desired = content;
    clusters_[id].progress = progress;
    known_[id].since_ms = now_;
    known_[id].well = false;
  }

  // ------------------------------------------------------------ questions

  int IndexOf(const std::string& name) const {
    for (int i = 0; i < plan_.waves_size(); ++i) {
      if (plan_.waves(i).name() == name) return i;
    }
    return -1;
  }

  // Whether one that has the release in this wave fits.
  template <typename Fits>
  bool InWave(const std::string& wave, Fits fits) {
    return std::any_of(clusters_.begin(), clusters_.end(), [&](const auto& entry) {
      const auto member = rollout_.members.find(entry.first);
      if (member == rollout_.members.end() || member->second.wave != wave) return false;
      const RolloutCluster& cluster = entry.second;
      const Digest& to = member->second.to;
      return !to.empty() && to == cluster.target && to == cluster.desired && fits(entry.first);
    });
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
    ADD_FAILURE() << what << ", at " << now_ << ", " << PhaseWord(rollout_.phase) << ", wave '"
                  << rollout_.open << "': " << rollout_.message;
  }

  SeededRandom random_;
  const uint64_t faults_;  // one of so many agents' words is bad
  pb::RolloutPlan plan_;
  std::map<std::string, RolloutCluster> clusters_;  // by id
  std::map<std::string, Known> known_;              // likewise
  Rollout rollout_;
  std::string still_;
  Digest content_ = Digest::Of("before");
  std::optional<int64_t> wake_ms_;
  std::set<std::pair<std::string, bool>> approved_;  // wave, behind it; of this release
  std::set<std::string> opened_;                     // waves in which somebody was moved
  std::map<std::string, int64_t> well_since_;        // waves
  int64_t now_ = 1'000'000;
  int joined_ = 0;
  int commits_ = 0;
  int waves_ = 0;
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
