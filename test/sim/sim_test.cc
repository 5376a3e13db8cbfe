// Many seeds of the whole world, and the scenarios that once were failing seeds.
#include <gtest/gtest.h>

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
