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

// One look at everything.
class Look {
 public:
  Look(const pb::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters, int64_t now_ms,
       Rollout& rollout, Step& step)
      : plan_(plan), clusters_(clusters), now_ms_(now_ms), rollout_(rollout), step_(step) {}

  void Run() {
    ForgetTheGone();
    Assign();
    Observe();
    Count();
    if (rollout_.phase == RolloutPhase::kProgressing || rollout_.phase == RolloutPhase::kComplete) {
      if (!Failed()) GoOn();
    }
    if (rollout_.phase == RolloutPhase::kRolledBack) SendBack();
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

  // Moved by this release, and still to run what it was moved to.
  bool IsMoved(const RolloutCluster& cluster) {
    const RolloutMember* member = MemberOf(cluster);
    return member != nullptr && !member->to.empty() && member->to == cluster.target;
  }

  void ForgetTheGone() {
    std::set<std::string> here;
    for (const RolloutCluster& cluster : clusters_) here.insert(cluster.id);
    std::erase_if(rollout_.members, [&](const auto& entry) { return !here.contains(entry.first); });
  }

  // Each cluster to the first wave that selects it and has room; who was moved stays where he was.
  void Assign() {
    for (const pb::RolloutWave& spec : plan_.waves()) waves_.push_back({&spec, {}});
    std::vector<const RolloutCluster*> left;
    for (const RolloutCluster& cluster : clusters_) {
      const RolloutMember* member = MemberOf(cluster);
      const bool stays = IsMoved(cluster) && member->wave < static_cast<int>(waves_.size());
      if (stays) {
        waves_[member->wave].clusters.push_back(&cluster);
      } else {
        left.push_back(&cluster);
      }
    }
    for (Wave& wave : waves_) {
      const auto fits = [&](const RolloutCluster* cluster) {
        return wave.spec->has_cluster_selector() &&
               Matches(wave.spec->cluster_selector(), cluster->labels);
      };
      const int selected =
          static_cast<int>(std::count_if(left.begin(), left.end(), fits) + wave.clusters.size());
      int room = ShareOf(wave.spec->has_size(), wave.spec->size(), selected, selected) -
                 static_cast<int>(wave.clusters.size());
      // A wave of few is to prove something: first those that have something to prove, and can.
      std::vector<const RolloutCluster*> taken;
      for (int rank = 0; rank < 3; ++rank) {
        for (const RolloutCluster* cluster : left) {
          if (room <= 0 || !fits(cluster) || RankOf(*cluster) != rank) continue;
          taken.push_back(cluster);
          --room;
        }
      }
      const std::set<const RolloutCluster*> chosen(taken.begin(), taken.end());
      std::erase_if(left, [&](const RolloutCluster* cluster) { return chosen.contains(cluster); });
      wave.clusters.insert(wave.clusters.end(), taken.begin(), taken.end());
      std::sort(wave.clusters.begin(), wave.clusters.end(),
                [](const auto* a, const auto* b) { return a->name < b->name; });
    }
    for (const RolloutCluster* cluster : left) step_.in_no_wave.push_back(cluster->name);
  }

  static int RankOf(const RolloutCluster& cluster) {
    if (!IsPending(cluster)) return 2;
    return cluster.apart.empty() ? 0 : 1;
  }

  void Observe() {
    for (const Wave& wave : waves_) {
      for (const RolloutCluster* cluster : wave.clusters) {
        if (!IsMoved(*cluster)) continue;
        RolloutMember& member = *MemberOf(*cluster);
        if (!cluster->apart.empty()) {
          // Its time begins again when it is back.
          member.moved_ms = std::max(member.moved_ms, now_ms_);
          member.healthy = false;
          member.failed = false;
          continue;
        }
        const bool was_healthy =
            std::exchange(member.healthy, cluster->progress == Progress::kHealthy);
        if (was_healthy && !member.healthy) member.moved_ms = now_ms_;  // it has its time again
        const int64_t deadline = member.moved_ms + DeadlineOf(*wave.spec);
        const bool late = !member.healthy && now_ms_ >= deadline;
        if (member.healthy) {
          member.excused = false;
          member.proved = true;
        }
        member.failed = cluster->progress == Progress::kFailed || late;
        if (!member.healthy && !member.failed) WakeAt(deadline);
      }
    }
  }

  void Count() {
    step_.waves.clear();
    step_.failed.clear();
    for (const Wave& wave : waves_) {
      WaveStatus status;
      status.name = wave.spec->name();
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
    if (plan_.on_failure() == pb::ROLLOUT_FAILURE_ROLLBACK) {
      rollout_.phase = RolloutPhase::kRolledBack;
      rollout_.ended_ms = now_ms_;
      rollout_.message = absl::StrCat(why, "; rolled back by itself");
    } else {
      rollout_.phase = RolloutPhase::kPaused;
      rollout_.message = std::move(why);
    }
    step_.news.push_back(rollout_.message);
  }

  // Passes waves and moves clusters as far as it may.
  void GoOn() {
    const int count = static_cast<int>(waves_.size());
    for (int i = 0; i < std::min(rollout_.wave, count); ++i) Admit(i);  // late ones
    while (rollout_.wave < count && Pass(rollout_.wave)) {
      ++rollout_.wave;
      rollout_.wave_opened_ms = 0;
      rollout_.wave_healthy_ms = 0;
    }
    if (rollout_.wave < count) return;
    for (auto& [id, member] : rollout_.members) member.done = member.done || member.healthy;
    if (rollout_.phase == RolloutPhase::kComplete) return;
    rollout_.phase = RolloutPhase::kComplete;
    rollout_.ended_ms = now_ms_;
    rollout_.waits_for.clear();
    rollout_.message = "every wave is passed";
    step_.news.push_back("complete");
  }

  // Whether the wave is behind us.
  bool Pass(int index) {
    const Wave& wave = waves_[index];
    bool moved = false, pending = false, reachable = false;
    for (const RolloutCluster* cluster : wave.clusters) {
      moved = moved || IsMoved(*cluster);
      pending = pending || IsPending(*cluster);
      reachable = reachable || (IsPending(*cluster) && cluster->apart.empty());
    }
    if (!moved && !pending) return true;  // nothing to do here: no soak, no approval
    const pb::RolloutWave& spec = *wave.spec;
    if (!moved && spec.approval_before() && !IsApproved(rollout_, spec, false)) {
      return Wait("approval", absl::StrCat("wave '", spec.name(), "' waits for approval"));
    }
    if (!moved && !reachable) {
      if (IsProvenOutside(index)) return true;  // they follow when they are back
      return Wait("clusters", absl::StrCat("no cluster of wave '", spec.name(),
                                           "' can be reached: ", wave.clusters.front()->apart));
    }
    Admit(index);
    if (!IsWell(index)) return false;
    if (rollout_.wave_healthy_ms == 0) rollout_.wave_healthy_ms = now_ms_;
    const int64_t soaked = rollout_.wave_healthy_ms + spec.soak_ms();
    if (now_ms_ < soaked) {
      WakeAt(soaked);
      return Wait("soak", absl::StrCat("wave '", spec.name(), "' soaks"));
    }
    if (spec.approval_after() && !IsApproved(rollout_, spec, true)) {
      return Wait("approval",
                  absl::StrCat("wave '", spec.name(), "' is healthy and waits for approval"));
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
      RolloutMember& member = rollout_.members[cluster->id];
      // Where it came from when all was well; only its first move of a release says so.
      if (member.to.empty() && member.from.empty()) member.from = cluster->desired;
      const Digest from = member.from;
      member =
          RolloutMember{.wave = index, .from = from, .to = cluster->target, .moved_ms = now_ms_};
      step_.moves.push_back(cluster->id);
      ++in_flight;
      WakeAt(now_ms_ + DeadlineOf(*wave.spec));
      if (index != rollout_.wave || rollout_.wave_opened_ms != 0) continue;
      rollout_.wave_opened_ms = now_ms_;
      step_.news.push_back(absl::StrCat("wave '", wave.spec->name(), "' begins"));
    }
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
    rollout_.wave_healthy_ms = 0;
    const std::string& name = waves_[index].spec->name();
    if (open > 0) return Wait("health", absl::StrCat("wave '", name, "' is on its way"));
    return Wait("clusters", absl::StrCat("no cluster of wave '", name, "' is healthy"));
  }

  // Whether the release got well anywhere but in the wave.
  bool IsProvenOutside(int wave) const {
    return std::any_of(rollout_.members.begin(), rollout_.members.end(), [&](const auto& entry) {
      return !entry.second.to.empty() && entry.second.proved && entry.second.wave != wave;
    });
  }

  bool Wait(absl::string_view what, std::string message) {
    if (rollout_.message != message && what == "approval") step_.news.push_back(message);
    rollout_.waits_for = std::string(what);
    rollout_.message = std::move(message);
    return false;
  }

  void SendBack() {
    for (const RolloutCluster& cluster : clusters_) {
      const RolloutMember* member = MemberOf(cluster);
      if (member == nullptr || member->to.empty() || member->from.empty()) continue;
      if (cluster.desired == member->to && member->to != member->from) {
        step_.returns.push_back(cluster.id);
      }
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
};

pb::RolloutWave StandardWave(const std::string& name, int value, bool percent) {
  pb::RolloutWave wave;
  wave.set_name(name);
  wave.mutable_cluster_selector();
  if (value > 0) {
    wave.mutable_size()->set_value(value);
    wave.mutable_size()->set_percent(percent);
  }
  wave.mutable_max_concurrency()->set_value(20);
  wave.mutable_max_concurrency()->set_percent(true);
  wave.set_soak_ms(10 * 60 * 1'000);
  return wave;
}

}  // namespace

int ShareOf(bool has, const pb::ClusterShare& share, int total, int otherwise) {
  if (!has) return otherwise;
  if (!share.percent()) return share.value();
  return static_cast<int>((int64_t{total} * share.value() + 99) / 100);
}

Rollout StartRollout(const Rollout& former, const Digest& release, int64_t now_ms) {
  Rollout rollout;
  rollout.number = former.number + 1;
  rollout.release = release;
  rollout.phase = RolloutPhase::kProgressing;
  rollout.started_ms = now_ms;
  if (former.phase == RolloutPhase::kComplete) return rollout;
  for (const auto& [id, member] : former.members) {
    if (!member.from.empty()) rollout.members[id].from = member.from;
  }
  return rollout;
}

Step Advance(const pb::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters,
             int64_t now_ms, Rollout& rollout) {
  Step step;
  Look(plan, clusters, now_ms, rollout, step).Run();
  return step;
}

pb::RolloutPlan StandardPlan() {
  pb::RolloutPlan plan;
  plan.set_name(std::string(kStandardPlan));
  plan.set_project("default");
  *plan.add_waves() = StandardWave("first", 1, false);
  *plan.add_waves() = StandardWave("few", 5, true);
  *plan.add_waves() = StandardWave("quarter", 25, true);
  *plan.add_waves() = StandardWave("rest", 0, false);
  return plan;
}

absl::string_view PhaseWord(RolloutPhase phase) {
  switch (phase) {
    case RolloutPhase::kProgressing:
      return "Progressing";
    case RolloutPhase::kPaused:
      return "Paused";
    case RolloutPhase::kComplete:
      return "Complete";
    case RolloutPhase::kAborted:
      return "Aborted";
    case RolloutPhase::kRolledBack:
      return "RolledBack";
  }
  return "Unknown";
}

}  // namespace muster::hub
