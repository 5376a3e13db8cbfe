// What the agent tells its hub and when, over the twins: reports, heartbeats, receipts.
#include "agent/core/report.h"

#include <string>
#include <variant>
#include <vector>

#include "agent/agent_world.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

std::vector<Object> Objects(int count, absl::string_view value) {
  std::vector<Object> objects;
  for (int i = 0; i < count; ++i) objects.push_back(TestObject(absl::StrCat("o", i), value));
  return objects;
}

template <typename T>
int CountSends(const AgentWorld& world) {
  int count = 0;
  for (const HubSend& send : world.sends) count += std::holds_alternative<T>(send);
  return count;
}

const pb::Report* LastReport(const AgentWorld& world) {
  for (auto send = world.sends.rbegin(); send != world.sends.rend(); ++send) {
    if (const auto* report = std::get_if<pb::Report>(&*send)) return report;
  }
  return nullptr;
}

// Every receipt that is due has left by then.
constexpr absl::Duration kReceiptsTake = absl::Seconds(31);

// All receipts that were sent, in order; one that was sent twice stands there twice.
std::vector<std::string> Receipts(const AgentWorld& world) {
  std::vector<std::string> receipts;
  for (const HubSend& send : world.sends) {
    const auto* sent = std::get_if<SendReceipts>(&send);
    if (sent == nullptr) continue;
    receipts.insert(receipts.end(), sent->payloads.begin(), sent->payloads.end());
  }
  return receipts;
}

TEST(Reporter, SendsAHeartbeatAtTheIntervalAndNothingElse) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(1, "1"))});
  world.Pass(kReceiptsTake);
  ASSERT_EQ(Receipts(world).size(), 1u);
  world.sends.clear();
  world.Pass(absl::Minutes(10));
  EXPECT_EQ(CountSends<pb::Heartbeat>(world), 20);
  EXPECT_EQ(world.sends.size(), 20u);
}

TEST(Reporter, RepeatsAReportUntilItIsAcknowledged) {
  AgentWorld world;
  world.acknowledge = false;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(1, "1"))});
  const int sent = CountSends<pb::Report>(world);
  world.Pass(absl::Minutes(2));
  EXPECT_GT(CountSends<pb::Report>(world), sent);
  world.Post(ReportAcked{LastReport(world)->number()});
  world.Settle();
  const int settled = CountSends<pb::Report>(world);
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(CountSends<pb::Report>(world), settled);
}

TEST(Reporter, ReportsAgainWhenAsked) {
  AgentWorld world;
  world.Connect();
  world.Settle();
  const int sent = CountSends<pb::Report>(world);
  world.Post(ReportWanted());
  world.Settle();
  EXPECT_EQ(CountSends<pb::Report>(world), sent + 1);
}

TEST(Reporter, SendsReceiptsLaterThanReports) {
  AgentWorld world;
  world.Connect();
  world.Push({world.hub.Package("web", Objects(1, "1"))});
  EXPECT_EQ(LastReport(world)->state().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(Receipts(world).size(), 0u);
  world.Pass(kReceiptsTake);
  EXPECT_EQ(Receipts(world).size(), 1u);
}

TEST(Reporter, ChainsReceiptsAndKeepsThemUntilTheHubHasThem) {
  AgentWorld world;
  world.Connect();
  world.acknowledge = false;
  world.Push({world.hub.Package("web", Objects(1, "1"))});
  world.Pass(kReceiptsTake);
  ASSERT_EQ(Receipts(world).size(), 1u);
  const std::string first = Receipts(world)[0];
  world.Crash();  // before it was acknowledged
  world.sends.clear();
  world.Connect();
  world.Push({world.hub.Package("web", Objects(1, "2"))});
  world.Pass(kReceiptsTake);
  ASSERT_EQ(Receipts(world).size(), 2u) << "both in one message";
  EXPECT_EQ(Receipts(world)[0], first);
  pb::ApplyReceipt receipt;
  ASSERT_TRUE(receipt.ParseFromString(Receipts(world)[1]));
  EXPECT_EQ(receipt.generation(), 2u);
  EXPECT_EQ(receipt.previous_digest(), Digest::Of(first).bytes());
  EXPECT_EQ(receipt.packages(0).name(), "web");
  EXPECT_EQ(receipt.desired_digest(), world.observed().desired_digest());
  world.sends.clear();
  world.Pass(absl::Minutes(1));
  ASSERT_GE(Receipts(world).size(), 2u) << "sent again";
  world.Post(ReportAcked{.receipt = Digest::Of(first).bytes()});
  world.sends.clear();
  world.Pass(absl::Seconds(1));
  ASSERT_EQ(Receipts(world).size(), 1u) << "the rest at once";
  world.Post(ReportAcked{.receipt = Digest::Of(Receipts(world)[0]).bytes()});
  world.sends.clear();
  world.Pass(absl::Minutes(2));
  EXPECT_EQ(Receipts(world).size(), 0u);
}

TEST(Reporter, AStateThatIsNotWhollyAppliedGetsNoReceipt) {
  AgentWorld world;
  world.Connect();
  world.driver.FailObject(TestKey("o1"), absl::InvalidArgumentError("field is immutable"));
  world.Push({world.hub.Package("web", Objects(4, "1"))});
  world.Pass(kReceiptsTake);
  EXPECT_EQ(Receipts(world).size(), 0u);
  world.driver.FailObject(TestKey("o1"), absl::OkStatus());
  world.Pass(absl::Minutes(1));
  EXPECT_EQ(Receipts(world).size(), 1u);
}

}  // namespace
}  // namespace muster::agent
