#include "hub/core/rollout/rollout.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr int64_t kProgressDeadlineMs = 10 * 60 * 1'000;
constexpr size_t kNamesShown = 3;

bool IsPending(const RolloutCluster& cluster) {
  return !cluster.target.empty() && cluster.desired != cluster.target;
}

int64_t DeadlineOf(const pb::RolloutWave& wave) {
  return wave.progress_deadline_ms() > 0 ? wave.progress_deadline_ms() : kProgressDeadlineMs;
}

std::string Names(const std::vector<std::string>& names) {
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + std::min(names.size(), kNamesShown));
  const size_t more = names.size() - first.size();
  return absl::StrCat(absl::StrJoin(first, ", "),
                      more > 0 ? absl::StrCat(" and ", more, " more") : "");
}

bool IsApproved(const Rollout& rollout, const pb::RolloutWave& wave, bool after) {
  return std::any_of(
      rollout.approvals.begin(), rollout.approvals.end(),
      [&](const RolloutApproval& one) { return one.wave == wave.name() && one.after == after; });
}

bool Selects(const pb::RolloutWave& wave, const RolloutCluster& cluster) {
  return wave.has_cluster_selector() && Matches(wave.cluster_selector(), cluster.labels);
}

// One look at everything.
class Look {
 public:
  Look(const pb::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters, int64_t now_ms,
       Rollout& rollout, Step& step)
      : plan_(plan), clusters_(clusters), now_ms_(now_ms), rollout_(rollout), step_(step) {}

  void Run(const std::string& still) {
    TakePlan();
    ForgetTheGone();
    Assign();
    if (still.empty()) {
      if (rollout_.phase != RolloutPhase::kRolledBack) Observe();
      Count();
      const bool goes =
          rollout_.phase == RolloutPhase::kProgressing || rollout_.phase == RolloutPhase::kComplete;
      if (goes && !Failed()) GoOn();
    } else {
      StandStill(still, rollout_);
    }
    if (rollout_.phase == RolloutPhase::kRolledBack) SendBack();
    Count();
  }

  void Show() {
    TakePlan();
    ForgetTheGone();
    Assign();
    Count();
  }

 private:
  struct Wave {
    const pb::RolloutWave* spec = nullptr;
    std::vector<const RolloutCluster*> clusters;
  };

  RolloutMember* MemberOf(const RolloutCluster& cluster) {
    const auto found = rollout_.members.find(cluster.id);
    return found == rollout_.members.end() ? nullptr : &found->second;
  }

  // Has what the release gives it by a rollout, this one or one that did not end well.
  bool IsMoved(const RolloutCluster& cluster) {
    const RolloutMember* member = MemberOf(cluster);
    if (member == nullptr || member->to.empty() || member->to != cluster.target) return false;
    return member->rollout == rollout_.number || cluster.desired == member->to;
  }

  bool IsPassed(int index) const { return rollout_.passed.contains(waves_[index].spec->name()); }

  // The plan may be another one than at the last look.
  void TakePlan() {
    std::set<std::string> names;
    for (const pb::RolloutWave& spec : plan_.waves()) {
      waves_.push_back({&spec, {}});
      names.insert(spec.name());
    }
    std::erase_if(rollout_.passed, [&](const std::string& name) { return !names.contains(name); });
    while (open_ < static_cast<int>(waves_.size()) && IsPassed(open_)) ++open_;
    Open();
  }

  // Says which wave is open. What is known of how another one stands does not hold for it.
  void Open() {
    const bool all = open_ == static_cast<int>(waves_.size());
    const std::string& name = all ? std::string() : waves_[open_].spec->name();
    if (rollout_.open == name) return;
    rollout_.open = name;
    rollout_.opened_ms = 0;
    rollout_.healthy_ms = 0;
  }

  void ForgetTheGone() {
    std::set<std::string> here;
    for (const RolloutCluster& cluster : clusters_) here.insert(cluster.id);
    std::erase_if(rollout_.members, [&](const auto& entry) { return !here.contains(entry.first); });
  }

  // The wave that has the cluster whatever happens to others; null: it goes where it fits.
  Wave* BoundTo(const RolloutCluster& cluster) {
    const RolloutMember* member = MemberOf(cluster);
    if (member == nullptr) return nullptr;
    const bool moved = IsMoved(cluster);
    const bool counted =
        !moved && member->rollout == rollout_.number && member->to.empty() && !member->wave.empty();
    if (!moved && !counted) return nullptr;
    for (Wave& wave : waves_) {
      if (wave.spec->name() != member->wave) continue;
      return moved || Selects(*wave.spec, cluster) ? &wave : nullptr;
    }
    // Its wave is gone, and somebody still has to ask how it is: the earliest that may.
    for (Wave& wave : waves_) {
      if (moved && Selects(*wave.spec, cluster)) return &wave;
    }
    return nullptr;
  }

  // Each cluster to the first wave that selects it and has room; who was moved stays where he was.
  void Assign() {
    std::vector<const RolloutCluster*> left;
    std::map<const Wave*, int> used;  // of the room of waves of few, by this rollout
    for (const RolloutCluster& cluster : clusters_) {
      Wave* wave = BoundTo(cluster);
      if (wave == nullptr) {
        left.push_back(&cluster);
        continue;
      }
      wave->clusters.push_back(&cluster);
      const RolloutMember& member = *MemberOf(cluster);
      used[wave] += member.rollout == rollout_.number && member.wave == wave->spec->name();
    }
    for (int i = 0; i < static_cast<int>(waves_.size()); ++i) {
      Wave& wave = waves_[i];
      const auto fits = [&](const RolloutCluster* cluster) {
        return Selects(*wave.spec, *cluster);
      };
      const int selected =
          static_cast<int>(std::count_if(left.begin(), left.end(), fits) + wave.clusters.size());
      const bool few = wave.spec->has_size();
      int room = ShareOf(few, wave.spec->size(), selected, selected) - used[&wave];
      // One of few that leaves must not let another one past the gates of the waves behind.
      if (few && IsPassed(i)) room = 0;
      Fill(wave, room, left);
      std::sort(wave.clusters.begin(), wave.clusters.end(),
                [](const auto* a, const auto* b) { return a->name < b->name; });
    }
    for (const RolloutCluster* cluster : left) step_.in_no_wave.push_back(cluster->name);
  }

  // A wave of few is to prove something: first those that have something to prove, and can.
  static void Fill(Wave& wave, int room, std::vector<const RolloutCluster*>& left) {
    std::set<const RolloutCluster*> chosen;
    for (int rank = 0; rank < 3; ++rank) {
      for (const RolloutCluster* cluster : left) {
        if (room <= 0 || !Selects(*wave.spec, *cluster) || RankOf(*cluster) != rank) continue;
        chosen.insert(cluster);
        wave.clusters.push_back(cluster);
        --room;
      }
    }
    std::erase_if(left, [&](const RolloutCluster* cluster) { return chosen.contains(cluster); });
  }

  static int RankOf(const RolloutCluster& cluster) {
    if (!IsPending(cluster)) return 2;
    return cluster.apart.empty() ? 0 : 1;
  }

  void Observe() {
    for (const Wave& wave : waves_) {
      for (const RolloutCluster* cluster : wave.clusters) {
        if (IsMoved(*cluster)) ObserveOne(*wave.spec, *cluster, *MemberOf(*cluster));
      }
    }
  }

  void ObserveOne(const pb::RolloutWave& wave, const RolloutCluster& cluster,
                  RolloutMember& member) {
    if (!cluster.apart.empty()) {
      member.apart = true;
      member.healthy = member.failed = false;
      return;
    }
    const bool was_healthy = std::exchange(member.healthy, cluster.progress == Progress::kHealthy);
    const bool was_apart = std::exchange(member.apart, false);
    // Back, or no longer well: it has its time again.
    if (was_apart || (was_healthy && !member.healthy)) member.moved_ms = now_ms_;
    const int64_t deadline = member.moved_ms + DeadlineOf(wave);
    if (member.healthy) {
      member.excused = false;
      member.proved = true;
    }
    member.failed =
        cluster.progress == Progress::kFailed || (!member.healthy && now_ms_ >= deadline);
    if (!member.healthy && !member.failed) WakeAt(deadline);
  }

  void Count() {
    step_.waves.clear();
    step_.failed.clear();
    for (const Wave& wave : waves_) {
      WaveStatus status;
      status.name = wave.spec->name();
      status.passed = rollout_.passed.contains(status.name);
      status.clusters = static_cast<int>(wave.clusters.size());
      for (const RolloutCluster* cluster : wave.clusters) {
        status.apart += !cluster->apart.empty();
        const RolloutMember* member = MemberOf(*cluster);
        if (!IsMoved(*cluster)) {
          (IsPending(*cluster) ? status.waiting : status.up_to_date) += 1;
        } else if (rollout_.phase == RolloutPhase::kRolledBack && !member->from.empty()) {
          ++status.waiting;
        } else if (member->healthy || member->done) {
          ++status.healthy;
        } else if (member->failed) {
          ++status.failed;
          step_.failed.push_back(cluster->name);
        } else {
          status.in_flight += cluster->apart.empty();
        }
      }
      step_.waves.push_back(std::move(status));
    }
  }

  // Stops the rollout when more has failed in a wave than may.
  bool Failed() {
    for (const Wave& wave : waves_) {
      std::vector<std::string> failed;
      for (const RolloutCluster* cluster : wave.clusters) {
        const RolloutMember* member = MemberOf(*cluster);
        if (IsMoved(*cluster) && member->failed && !member->excused && !member->done) {
          failed.push_back(cluster->name);
        }
      }
      const int most = ShareOf(wave.spec->has_max_failures(), wave.spec->max_failures(),
                               static_cast<int>(wave.clusters.size()), 0);
      if (static_cast<int>(failed.size()) <= most) continue;
      Stop(absl::StrCat("wave '", wave.spec->name(), "': ", Names(failed),
                        failed.size() == 1 ? " has" : " have", " failed, ", most, " may"));
      return true;
    }
    return false;
  }

  void Stop(std::string why) {
    rollout_.actor.clear();
    rollout_.waits_for.clear();
    rollout_.healthy_ms = 0;
    // What came late and fails is no reason to take from all others what they are well with.
    if (plan_.on_failure() == pb::ROLLOUT_FAILURE_ROLLBACK && !rollout_.completed) {
      rollout_.phase = RolloutPhase::kRolledBack;
      rollout_.ended_ms = now_ms_;
      rollout_.message = absl::StrCat(why, "; rolled back by itself");
    } else {
      rollout_.phase = RolloutPhase::kPaused;
      rollout_.ended_ms = 0;
      rollout_.message = std::move(why);
    }
    step_.news.push_back(rollout_.message);
  }

  // Passes waves and moves clusters as far as it may.
  void GoOn() {
    const int count = static_cast<int>(waves_.size());
    for (int i = 0; i < open_; ++i) Admit(i);  // late ones
    while (open_ < count) {
      if (IsPassed(open_)) {
        Admit(open_);  // it was passed before the plan had the one in front of it
      } else if (Pass(open_)) {
        MarkPassed(waves_[open_]);
      } else {
        break;
      }
      ++open_;
      Open();
    }
    if (open_ < count) {
      // The plan was given another wave, which has something to do.
      rollout_.phase = RolloutPhase::kProgressing;
      rollout_.ended_ms = 0;
      return;
    }
    for (auto& [id, member] : rollout_.members) member.done = member.done || member.healthy;
    if (rollout_.phase == RolloutPhase::kComplete) return;
    rollout_.phase = RolloutPhase::kComplete;
    rollout_.completed = true;
    rollout_.ended_ms = now_ms_;
    rollout_.waits_for.clear();
    rollout_.message = "every wave is passed";
    step_.news.push_back("complete");
  }

  void MarkPassed(const Wave& wave) {
    rollout_.passed.insert(wave.spec->name());
    if (!wave.spec->has_size()) return;
    // Who belonged to the few is settled now, and follows here when it can be reached.
    for (const RolloutCluster* cluster : wave.clusters) {
      if (IsMoved(*cluster)) continue;
      RolloutMember& member = rollout_.members[cluster->id];
      member.wave = wave.spec->name();
      member.rollout = rollout_.number;
      member.to = Digest();
    }
  }

  // Whether the wave is behind us.
  bool Pass(int index) {
    const Wave& wave = waves_[index];
    bool moved = false, unproved = false, pending = false, reachable = false;
    for (const RolloutCluster* cluster : wave.clusters) {
      moved = moved || IsMoved(*cluster);
      unproved = unproved || (IsMoved(*cluster) && !MemberOf(*cluster)->done);
      pending = pending || IsPending(*cluster);
      reachable = reachable || (IsPending(*cluster) && cluster->apart.empty());
    }
    if (!unproved && !pending) return true;  // nothing to do here: no soak, no approval
    const pb::RolloutWave& spec = *wave.spec;
    if (rollout_.opened_ms == 0 && pending && spec.approval_before() &&
        !IsApproved(rollout_, spec, false)) {
      return WaitForApproval(false, absl::StrCat("wave '", spec.name(), "' waits for approval"));
    }
    if (!moved && !reachable) {
      if (IsProvenOutside(index)) return true;  // they follow when they are back
      rollout_.healthy_ms = 0;
      return Wait("clusters", absl::StrCat("no cluster of wave '", spec.name(),
                                           "' can be reached: ", wave.clusters.front()->apart));
    }
    Admit(index);
    if (!IsWell(index)) return false;
    if (rollout_.healthy_ms == 0) rollout_.healthy_ms = now_ms_;
    const int64_t soaked = rollout_.healthy_ms + spec.soak_ms();
    if (now_ms_ < soaked) {
      WakeAt(soaked);
      return Wait("soak", absl::StrCat("wave '", spec.name(), "' soaks"));
    }
    if (spec.approval_after() && !IsApproved(rollout_, spec, true)) {
      return WaitForApproval(
          true, absl::StrCat("wave '", spec.name(), "' is healthy and waits for approval"));
    }
    step_.news.push_back(absl::StrCat("wave '", spec.name(), "' is passed"));
    return true;
  }

  // Moves clusters of the wave while there is room.
  void Admit(int index) {
    const Wave& wave = waves_[index];
    const int size = static_cast<int>(wave.clusters.size());
    const int most = std::max(
        1, ShareOf(wave.spec->has_max_concurrency(), wave.spec->max_concurrency(), size, size));
    int in_flight = 0;
    for (const RolloutCluster* cluster : wave.clusters) in_flight += IsInFlight(*cluster);
    for (const RolloutCluster* cluster : wave.clusters) {
      if (in_flight >= most) return;
      if (!IsPending(*cluster) || !cluster->apart.empty() || IsMoved(*cluster)) continue;
      Move(wave, *cluster);
      ++in_flight;
      WakeAt(now_ms_ + DeadlineOf(*wave.spec));
      if (IsPassed(index) || rollout_.opened_ms != 0) continue;
      rollout_.opened_ms = now_ms_;
      step_.news.push_back(absl::StrCat("wave '", wave.spec->name(), "' begins"));
    }
  }

  void Move(const Wave& wave, const RolloutCluster& cluster) {
    RolloutMember& member = rollout_.members[cluster.id];
    // Where it came from when all was well: a former rollout that did not end well has said so.
    const bool known = !member.from.empty() || !member.to.empty();
    member = RolloutMember{.wave = wave.spec->name(),
                           .rollout = rollout_.number,
                           .from = known ? member.from : cluster.desired,
                           .to = cluster.target,
                           .moved_ms = now_ms_};
    step_.moves.push_back(cluster.id);
  }

  bool IsInFlight(const RolloutCluster& cluster) {
    const RolloutMember* member = MemberOf(cluster);
    return IsMoved(cluster) && !member->healthy && !member->failed && !member->done &&
           cluster.apart.empty();
  }

  // Whether everybody of the wave who can be reached has it, and is well or a tolerated failure.
  bool IsWell(int index) {
    int healthy = 0, open = 0;
    for (const RolloutCluster* cluster : waves_[index].clusters) {
      if (!cluster->apart.empty()) continue;
      const RolloutMember* member = MemberOf(*cluster);
      const bool moved = IsMoved(*cluster);
      healthy += moved && (member->healthy || member->done);
      const bool settled = moved && (member->healthy || member->failed || member->done);
      open += (moved || IsPending(*cluster)) && !settled;
    }
    if (open == 0 && (healthy > 0 || IsProvenOutside(index))) return true;
    rollout_.healthy_ms = 0;
    const std::string& name = waves_[index].spec->name();
    if (open > 0) return Wait("health", absl::StrCat("wave '", name, "' is on its way"));
    return Wait("clusters", absl::StrCat("no cluster of wave '", name, "' is healthy"));
  }

  // Whether the release got well anywhere but in the wave.
  bool IsProvenOutside(int wave) {
    for (int i = 0; i < static_cast<int>(waves_.size()); ++i) {
      if (i == wave) continue;
      for (const RolloutCluster* cluster : waves_[i].clusters) {
        if (IsMoved(*cluster) && MemberOf(*cluster)->proved) return true;
      }
    }
    return false;
  }

  bool Wait(absl::string_view what, std::string message) {
    rollout_.waits_for = std::string(what);
    rollout_.message = std::move(message);
    return false;
  }

  bool WaitForApproval(bool after, std::string message) {
    if (!after) rollout_.healthy_ms = 0;
    if (rollout_.message != message) step_.news.push_back(message);
    rollout_.waits_after = after;
    return Wait("approval", std::move(message));
  }

  void SendBack() {
    for (const RolloutCluster& cluster : clusters_) {
      const RolloutMember* member = MemberOf(cluster);
      if (member == nullptr || member->from.empty() || cluster.desired == member->from) continue;
      step_.returns.push_back(cluster.id);
    }
  }

  void WakeAt(int64_t time_ms) {
    if (!step_.wake_ms || time_ms < *step_.wake_ms) step_.wake_ms = time_ms;
  }

  const pb::RolloutPlan& plan_;
  const std::vector<RolloutCluster>& clusters_;
  const int64_t now_ms_;
  Rollout& rollout_;
  Step& step_;
  std::vector<Wave> waves_;
  int open_ = 0;  // index of the open wave; as many as there are: all are passed
};

}  // namespace

Step Advance(const pb::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters,
             int64_t now_ms, Rollout& rollout, const std::string& still) {
  Step step;
  Look(plan, clusters, now_ms, rollout, step).Run(still);
  return step;
}

Step Survey(const pb::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters,
            Rollout rollout) {
  Step step;
  Look(plan, clusters, 0, rollout, step).Show();
  return step;
}

void StandStill(const std::string& why, Rollout& rollout) {
  for (auto& [id, member] : rollout.members) {
    if (member.to.empty()) continue;
    member.apart = true;
    member.healthy = member.failed = false;
  }
  rollout.healthy_ms = 0;
  if (rollout.phase != RolloutPhase::kProgressing) return;
  rollout.waits_for.clear();
  rollout.message = why;
}

}  // namespace muster::hub
