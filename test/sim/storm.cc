// The bad weather of a World: what goes wrong, and when, by its seed.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "test/sim/world.h"

namespace muster::sim {
namespace {

constexpr absl::Duration kBetweenFaults = absl::Seconds(3);

}  // namespace

void World::PlanCommits() {
  for (int i = 0; i < settings_.commits; ++i) {
    const absl::Duration when =
        absl::Milliseconds(random_.Below(absl::ToInt64Milliseconds(settings_.storm)));
    queue_.After(when, [this] {
      const uint64_t kind = random_.Below(8);
      if (kind < 3) return forge_->ChangeObject();
      if (kind < 5) return forge_->AddObject();
      if (kind == 5) return forge_->RemoveObject();
      if (kind == 6) return forge_->RevertChange();
      forge_->Relabel();
    });
  }
}

void World::PlanStorm() {
  Weather& weather = network_->weather();
  weather.loss = static_cast<int>(random_.Below(20));
  weather.duplication = static_cast<int>(random_.Below(20));
  weather.delay_max = absl::Milliseconds(20 + random_.Below(500));
  for (absl::Duration at = kBetweenFaults; at < settings_.storm; at += kBetweenFaults) {
    queue_.After(at * (0.5 + random_.Fraction() / 2), [this] { OneFault(); });
  }
}

void World::OneFault() {
  switch (random_.Below(8)) {
    case 0:
      return CrashFault();
    case 1:
      return GitFault();
    case 2:
    case 3:
      return ClusterFault();
    default:
      return NetworkFault();
  }
}

void World::NetworkFault() {
  const int agent = static_cast<int>(random_.Below(agents_.size()));
  ++tally_.cuts;
  if (random_.Below(2) == 0) return network_->Cut(agent);
  network_->Part(agent, true);
  queue_.After(absl::Seconds(random_.Below(120)), [this, agent] { network_->Part(agent, false); });
}

void World::CrashFault() {
  const auto side = random_.Below(2) == 0 ? CrashStore::Side::kBefore : CrashStore::Side::kAfter;
  const absl::Duration rest = absl::Milliseconds(100 + random_.Below(20'000));
  const bool at_commit = random_.Below(3) != 0;
  Node* node = hub_.get();
  if (random_.Below(2) == 0) {
    ++tally_.hub_crashes;
  } else {
    ++tally_.agent_crashes;
    node = agents_[random_.Below(agents_.size())].get();
  }
  if (at_commit) return node->CrashAtCommit(side, rest);
  node->Restart(rest);
}

void World::GitFault() {
  switch (random_.Below(5)) {
    case 0:
      forge_->SetReachable(false);
      queue_.After(absl::Seconds(random_.Below(90)), [this] { forge_->SetReachable(true); });
      return;
    case 1:
      ++tally_.bad_commits;
      return forge_->BreakYaml();
    case 2:
      ++tally_.bad_commits;
      return forge_->EmptyPackage();
    case 3:
      ++tally_.bad_commits;
      return forge_->BreakDeclaration();
    default:
      ++tally_.bad_commits;
      return forge_->ForcePush();
  }
}

void World::ClusterFault() {
  AgentNode& agent = *agents_[random_.Below(agents_.size())];
  const std::map<ObjectKey, std::string> objects = agent.driver().Objects();
  if (objects.empty()) return;
  auto at = objects.begin();
  std::advance(at, random_.Below(objects.size()));
  ++tally_.drifts;
  switch (random_.Below(4)) {
    case 0:
      return agent.driver().Change(at->first, "{\"by\":\"hand\"}", "somebody");
    case 1:
      agent.driver().Delete(at->first);
      return;
    case 2:
      agent.driver().SetHealth(at->first, {.word = agent::HealthWord::kDegraded,
                                           .message = "it crashes again and again"});
      queue_.After(absl::Seconds(random_.Below(60)),
                   [&agent, key = at->first] { agent.driver().SetHealth(key, {}); });
      return;
    default:
      agent.driver().FailObject(at->first, absl::UnavailableError("the cluster says no"));
      queue_.After(absl::Seconds(random_.Below(60)),
                   [&agent, key = at->first] { agent.driver().FailObject(key, absl::OkStatus()); });
  }
}

// Everything that was broken is mended; what people must decide, they decide.
void World::EndStorm() {
  trace_.Note(queue_.Now(), "world", "is calm");
  network_->weather() = Weather();
  forge_->SetReachable(true);
  for (int i = 0; i < agents(); ++i) {
    network_->Part(i, false);
    for (const auto& [key, json] : agents_[i]->driver().Objects()) {
      agents_[i]->driver().FailObject(key, absl::OkStatus());
      agents_[i]->driver().SetHealth(key, {});
    }
  }
  forge_->Mend();
  AcceptRewrites();
}

// An operator looks every ten seconds whether a repository is frozen, and accepts what it shows.
void World::AcceptRewrites() {
  const std::shared_ptr<const hub::FleetView> view = hub_->view();
  if (view != nullptr) {
    view->repositories().VisitAll([&](const std::string& name, const hub::RepositoryRow& row) {
      if (!row.view.frozen()) return;
      v1::AcceptRewriteRequest accept;
      accept.set_repository(name);
      accept.set_commit(row.view.seen_commit());
      hub_->Ask(std::move(accept));
    });
  }
  queue_.After(absl::Seconds(10), [this] { AcceptRewrites(); });
}

}  // namespace muster::sim
