// What deltas start from: only what the hub gave the cluster, whatever its agent says.
#include "hub/core/desired_state.h"

#include <gmock/gmock.h>

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

class BasesTest : public CoreFixture {
 protected:
  BasesTest() {
    SmallFleet();
    Join("one");
    Report(one(), Applied(one()));
  }

  FakeAgent& one() { return agents["one"]; }
  std::vector<Digest> Bases() { return core->View()->BasesOf(one().id); }

  // The agent says that it runs this bundle of the package.
  void Claim(const Digest& bundle) {
    v1::ObservedState state = Applied(one());
    state.mutable_packages(0)->set_bundle_digest(bundle.bytes());
    Report(one(), state);
  }

  // Where the hint of a push starts to an agent that comes back with nothing.
  std::vector<Digest> HintsStartFrom() {
    one().desired_bytes.clear();
    one().desired.clear_generation();
    std::vector<Digest> from;
    for (const Send& send : Connect(one()).sends) {
      const auto* push = std::get_if<PushDesired>(&send.message);
      if (push == nullptr) continue;
      for (const PushDesired::Base& base : push->bases) from.push_back(base.have);
    }
    return from;
  }
};

TEST_F(BasesTest, AreWhatItShouldHaveAndWhatItRuns) {
  EXPECT_THAT(Bases(), ElementsAre(BundleOf("one")));
  PushApps("c2", {{"web", "two"}});
  EXPECT_THAT(Bases(), UnorderedElementsAre(BundleOf("one"), BundleOf("two")));
  EXPECT_THAT(HintsStartFrom(), ElementsAre(BundleOf("one")));
}

TEST_F(BasesTest, AreAlsoWhatItAppliedLate) {
  PushApps("c2", {{"web", "two"}});
  PushApps("c3", {{"web", "three"}});
  Claim(BundleOf("two"));
  EXPECT_THAT(Bases(), UnorderedElementsAre(BundleOf("two"), BundleOf("three")));
  EXPECT_THAT(HintsStartFrom(), ElementsAre(BundleOf("two")));
  EXPECT_EQ(ViewOf("one", true).packages(0).applied_commit(), "c2");
}

TEST_F(BasesTest, AreNeverWhatTheAgentMerelyClaims) {
  PushApps("c2", {{"web", "two"}});
  Claim(BundleOf("of another cluster"));
  EXPECT_THAT(Bases(), ElementsAre(BundleOf("two")));
  EXPECT_THAT(HintsStartFrom(), ElementsAre(Digest()));
  Restart();
  EXPECT_THAT(Bases(), ElementsAre(BundleOf("two")));
  EXPECT_THAT(HintsStartFrom(), ElementsAre(Digest()));
}

}  // namespace
}  // namespace muster::hub
