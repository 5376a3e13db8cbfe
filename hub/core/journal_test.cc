#include "hub/core/journal.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class JournalTest : public CoreFixture {
 protected:
  JournalTest() {
    SmallFleet();
    Join("one");
    Report(one(), Applied(one()));
  }

  FakeAgent& one() { return agents["one"]; }

  // Every event, the oldest first.
  std::vector<pb::EventRecord> Journal() {
    std::vector<pb::EventRecord> events;
    const auto records = store.Scan(keys::kEvents);
    for (const Record& record : *records) events.emplace_back().ParseFromString(record.value);
    return events;
  }

  // The agent says that package 'web' fails, or does not, as `turn` is odd or even.
  void Flap(int turn, const std::string& message) {
    pb::ObservedState state = Applied(one());
    state.set_unmanaged(turn);  // no two reports are equal
    if (turn % 2 == 1) {
      state.mutable_packages(0)->set_failed(1);
      pb::Condition& condition = *state.mutable_packages(0)->add_conditions();
      condition.set_type("Failed");
      condition.set_message(message);
    }
    Report(one(), state);
  }
};

TEST_F(JournalTest, AnEventThatComesAgainIsCountedInItsPlace) {
  const size_t before = Journal().size();
  for (int turn = 1; turn <= 6; ++turn) Flap(turn, "it fails");
  const std::vector<pb::EventRecord> events = Journal();
  ASSERT_EQ(events.size(), before + 2) << "it begins, and it is over";
  EXPECT_EQ(events[before].reason(), "ObjectsFailed");
  EXPECT_NE(events[before].message().find("package web: it fails; 3 times, last at "),
            std::string::npos)
      << events[before].message();
  EXPECT_EQ(events[before + 1].reason(), "FailureOver");
  // An hour later it is news again.
  Pass(absl::Hours(1));
  Connect(one());
  const size_t later = Journal().size();
  Flap(7, "it fails");
  EXPECT_EQ(Journal().size(), later + 1);
}

TEST_F(JournalTest, AnAgentCannotPushOutWhatPeopleDid) {
  pb::SuspendRequest suspend;
  suspend.set_kind("package");
  suspend.set_name("web");
  suspend.set_suspended(true);
  ASSERT_TRUE(Ask(suspend).ok());
  const size_t before = Journal().size();
  for (int turn = 1; turn <= 1'000; ++turn) Flap(turn, absl::StrCat("it fails otherwise ", turn));
  const std::vector<pb::EventRecord> events = Journal();
  EXPECT_EQ(events.size(), before + kThrottledKept + 1);
  EXPECT_EQ(events.back().reason(), "EventsLeftOut");
  EXPECT_NE(events.back().message().find(" times, last at "), std::string::npos);
  // A person's act is written, whatever else goes on, and as often as it happens.
  for (const bool suspended : {false, true, false, true}) {
    suspend.set_suspended(suspended);
    ASSERT_TRUE(Ask(suspend).ok());
  }
  EXPECT_EQ(Journal().size(), events.size() + 4);
}

}  // namespace
}  // namespace muster::hub
