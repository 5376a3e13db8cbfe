// The shell: durable first, then jobs and messages; and the whole agent on its real threads.
#include "agent/agent.h"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/agent_world.h"
#include "agent/local_jobs.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class RecordingJobs final : public Jobs {
 public:
  void Start(Job job) override { started.push_back(std::move(job)); }
  std::vector<Job> started;
};

class RecordingLink final : public HubLink {
 public:
  void Send(pb::AgentMessage message) override {
    if (on_send) on_send(message);
    sent.push_back(std::move(message));
  }
  std::vector<pb::AgentMessage> sent;
  std::function<void(const pb::AgentMessage&)> on_send;
};

AgentSettings Settings(const TestHub& hub) {
  AgentSettings settings;
  settings.hub_id = std::string(kTestHub);
  settings.cluster_id = std::string(kTestCluster);
  settings.verifier = hub.verifier();
  return settings;
}

class AgentTest : public testing::Test {
 protected:
  const absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  TestHub hub_;
  MemoryStore store_;
  RecordingJobs jobs_;
  RecordingLink link_;
  Inbox<Event> inbox_{"agent", 1000};
  const Ed25519PrivateKey identity_ = Ed25519PrivateKey::FromSeed(std::string(32, 'i'));
  Ed25519Signer signer_{identity_};
  SeededRandom random_{1};
};

TEST_F(AgentTest, StartsAndSendsOnlyWhatIsDurable) {
  Agent agent({store_, jobs_, link_, signer_, inbox_}, Settings(hub_), random_);
  ASSERT_TRUE(agent.Load(now_).ok());
  const pb::DesiredState state = hub_.State({hub_.Package("web", {TestObject("a", "1")})}, now_);
  inbox_.Post(LinkUp());
  inbox_.Post(Pushed{hub_.Sign(state)});
  store_.FailNextCommit(absl::DataLossError("disk"));
  EXPECT_FALSE(agent.Turn(now_).ok());
  EXPECT_TRUE(jobs_.started.empty());
  EXPECT_TRUE(link_.sent.empty());
}

TEST_F(AgentTest, HandlesAWholeInboxInOneCommit) {
  Agent agent({store_, jobs_, link_, signer_, inbox_}, Settings(hub_), random_);
  ASSERT_TRUE(agent.Load(now_).ok());
  inbox_.Post(LinkUp());
  inbox_.Post(Welcomed());
  inbox_.Post(Pushed{hub_.Sign(hub_.State({hub_.Package("a", {TestObject("a", "1")})}, now_))});
  inbox_.Post(Pushed{hub_.Sign(hub_.State({hub_.Package("b", {TestObject("b", "1")})}, now_))});
  ASSERT_TRUE(agent.Turn(now_).ok());
  EXPECT_EQ(store_.commits(), 1);
  ASSERT_FALSE(link_.sent.empty());
  EXPECT_TRUE(link_.sent[0].has_hello());
  EXPECT_FALSE(jobs_.started.empty());
}

TEST_F(AgentTest, TakesATurnWithoutEventsWhenItsTimeHasCome) {
  Agent agent({store_, jobs_, link_, signer_, inbox_}, Settings(hub_), random_);
  ASSERT_TRUE(agent.Load(now_).ok());
  inbox_.Post(LinkUp());
  inbox_.Post(Welcomed());
  ASSERT_TRUE(agent.Turn(now_).ok());
  const size_t sent = link_.sent.size();
  ASSERT_TRUE(agent.Turn(now_ + absl::Seconds(1)).ok());
  EXPECT_EQ(link_.sent.size(), sent);
  ASSERT_TRUE(agent.Turn(now_ + absl::Seconds(31)).ok());
  ASSERT_GT(link_.sent.size(), sent);
}

// Real threads, real time for waiting only: a push comes to a converged cluster, a report of it and
// a signed receipt.
TEST_F(AgentTest, RunsOnItsThreads) {
  MemoryDriver driver;
  LocalJobs jobs({driver, store_, hub_}, inbox_);
  std::promise<pb::Envelope> done;
  pb::Report report;
  link_.on_send = [&, finished = false](const pb::AgentMessage& message) mutable {
    if (finished) return;
    if (message.has_report()) report = message.report();
    if (!message.has_receipts()) return;
    finished = true;
    done.set_value(*message.receipts().receipts().rbegin());
  };
  const RealClock clock;
  AgentSettings settings = Settings(hub_);
  settings.receipt_spread = absl::ZeroDuration();
  Agent agent({store_, jobs, link_, signer_, inbox_}, settings, random_);
  ASSERT_TRUE(agent.Load(clock.Now()).ok());
  std::thread thread([&] { EXPECT_TRUE(agent.Run(clock).ok()); });
  inbox_.Post(LinkUp());
  inbox_.Post(Welcomed());
  const pb::DesiredState state =
      hub_.State({hub_.Package("web", {TestObject("a", "1"), TestObject("b", "1")})}, clock.Now());
  inbox_.Post(Pushed{hub_.Sign(state)});
  auto receipted = done.get_future();
  const auto waited = receipted.wait_for(std::chrono::seconds(30));
  inbox_.Close();
  thread.join();
  ASSERT_EQ(waited, std::future_status::ready);
  EXPECT_EQ(driver.size(), 2u);
  EXPECT_EQ(report.state().sync(), pb::SYNC_STATUS_SYNCED);
  const Ed25519Verifier verifier({identity_.public_key()}, 1);
  const auto payload = verifier.Open(receipted.get(), kReceiptType);
  ASSERT_TRUE(payload.ok()) << payload.status();
  pb::ApplyReceipt receipt;
  ASSERT_TRUE(receipt.ParseFromString(*payload));
  EXPECT_EQ(receipt.generation(), 1u);
}

}  // namespace
}  // namespace muster::agent
