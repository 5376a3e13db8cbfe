// Many seeds of the whole world, and the scenarios that once were failing seeds.
#include <gtest/gtest.h>

#include <algorithm>

#include "test/sim/world.h"

namespace muster::sim {
namespace {

constexpr int kSeeds = 200;
constexpr int kAgents = 50;

class Seeds : public testing::TestWithParam<int> {};

// Safety in the storm, convergence after it, and the same run twice from the same seed.
TEST_P(Seeds, ConvergesAndRepeatsItself) {
  Digest first;
  for (int run = 0; run < 2; ++run) {
    World world(
        {.seed = static_cast<uint64_t>(GetParam()), .agents = kAgents, .storm = absl::Minutes(5)});
    world.Run();
    // A storm that did nothing would prove nothing.
    const World::Tally& tally = world.tally();
    EXPECT_GT(tally.hub_crashes + tally.agent_crashes, 0);
    EXPECT_GT(tally.cuts, 10);
    EXPECT_GT(tally.drifts, 3);
    EXPECT_GT(world.network().messages(), 1'000);
    if (run == 0) first = world.trace().digest();
    EXPECT_EQ(world.trace().digest(), first) << "the run depends on more than its seed";
  }
}

INSTANTIATE_TEST_SUITE_P(Storm, Seeds, testing::Range(1, kSeeds + 1));

TEST(CalmScenario, AFirstCommitReachesEveryCluster) {
  World world({.seed = 1, .agents = 10, .faults = false});
  world.MustConverge(absl::Minutes(3));
}

TEST(RevertScenario, FormerBundlesComeBackWithoutFetching) {
  World world({.seed = 2, .agents = 4, .faults = false});
  world.MustConverge(absl::Minutes(3));
  world.forge().ChangeObject();
  world.Advance(absl::Minutes(2));
  world.MustConverge(absl::Minutes(1));
  std::vector<int64_t> fetched;
  for (int i = 0; i < world.agents(); ++i) fetched.push_back(world.agent(i).fetched());
  world.forge().RevertChange();
  world.Advance(absl::Minutes(2));
  world.MustConverge(absl::Minutes(1));
  for (int i = 0; i < world.agents(); ++i) EXPECT_EQ(world.agent(i).fetched(), fetched[i]);
}

TEST(OutageScenario, DriftIsHealedForAWeekWithoutAHub) {
  World world({.seed = 3, .agents = 5, .faults = false});
  world.MustConverge(absl::Minutes(3));
  world.hub().Kill();
  for (int day = 0; day < 7; ++day) {
    for (int i = 0; i < world.agents(); ++i) {
      agent::MemoryDriver& cluster = world.agent(i).driver();
      const ObjectKey victim = cluster.Objects().begin()->first;
      cluster.Change(victim, "{\"by\":\"hand\"}", "somebody");
      world.agent(i).Restart(absl::Seconds(1));
    }
    world.Advance(absl::Minutes(5));
    for (int i = 0; i < world.agents(); ++i) {
      EXPECT_EQ(world.agent(i).driver().Objects(), world.forge().Expected(i));
    }
    world.Advance(absl::Hours(24));
  }
  world.hub().Start();
  world.MustConverge(absl::Minutes(3));
}

TEST(HealthScenario, TheHubSeesAnObjectAilAndGetWell) {
  World world({.seed = 5, .agents = 4, .faults = false});
  world.MustConverge(absl::Minutes(3));
  agent::MemoryDriver& cluster = world.agent(1).driver();
  const ObjectKey patient = cluster.Objects().begin()->first;
  cluster.SetHealth(patient, {.word = agent::HealthWord::kDegraded, .message = "no image"});
  world.Advance(absl::Seconds(5));
  const auto row = world.hub().view()->clusters().Find(world.agent(1).name());
  ASSERT_NE(row, nullptr);
  EXPECT_EQ(row->health, v1::HEALTH_STATUS_DEGRADED);
  EXPECT_NE(row->message.find("no image"), std::string::npos) << row->message;
  cluster.SetHealth(patient, {});
  world.MustConverge(absl::Seconds(5));
}

TEST(DriftScenario, EveryCorrectionIsCounted) {
  World world({.seed = 6, .agents = 2, .faults = false});
  world.MustConverge(absl::Minutes(3));
  agent::MemoryDriver& cluster = world.agent(0).driver();
  uint64_t drifts = 0;
  for (const auto& [key, json] : cluster.Objects()) {
    if (drifts % 2 == 0) {
      cluster.Change(key, "{\"by\":\"hand\"}", "night-shift");
    } else {
      cluster.Delete(key);
    }
    ++drifts;
    world.MustConverge(absl::Seconds(10));
    world.Advance(absl::Seconds(10));
  }
  uint64_t healed = 0;
  const auto row = world.hub().view()->clusters().Find(world.agent(0).name());
  ASSERT_NE(row, nullptr);
  for (const hub::PackageStatus& package : row->packages) healed += package.drift_healed;
  EXPECT_EQ(healed, drifts);
}

TEST(WavesScenario, ALaterWaveWaitsForTheEarlierToBeHealthyButNotForEver) {
  World world({.seed = 7, .agents = 1, .faults = false});
  agent::MemoryDriver& cluster = world.agent(0).driver();
  const std::map<ObjectKey, std::string> expected = world.forge().Expected(0);
  const auto is_late = [](const auto& object) {
    return object.second.find("muster.dev/wave") != std::string::npos;
  };
  for (const auto& object : expected) {
    if (is_late(object)) continue;
    cluster.SetHealthWhenMade(object.first, {.word = agent::HealthWord::kProgressing});
  }
  const auto late = [&] {
    const auto objects = cluster.Objects();
    return std::count_if(objects.begin(), objects.end(), is_late);
  };
  world.Advance(absl::Minutes(3));
  EXPECT_GT(cluster.size(), 0u);
  EXPECT_EQ(late(), 0);
  world.Advance(absl::Minutes(6));  // the health timeout is five
  EXPECT_EQ(cluster.Objects(), expected);
  for (const auto& object : expected) cluster.SetHealth(object.first, {});
  world.MustConverge(absl::Minutes(1));
}

TEST(LostDirectoryScenario, DeletesNothing) {
  World world({.seed = 4, .agents = 4, .faults = false});
  world.MustConverge(absl::Minutes(3));
  world.forge().EmptyPackage();
  world.Advance(absl::Minutes(10));
  for (int i = 0; i < world.agents(); ++i) {
    EXPECT_EQ(world.agent(i).driver().Objects(), world.forge().Expected(i));
    EXPECT_EQ(world.agent(i).driver().calls().removed, 0);
  }
}

}  // namespace
}  // namespace muster::sim
