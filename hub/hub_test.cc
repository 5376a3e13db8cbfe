#include "hub/hub.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "common/store/memory_store.h"
#include "gtest/gtest.h"
#include "hub/core/keys.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// Writes down in which order the shell does things.
class Recorder final : public Store, public Jobs, public AgentLinks, public Answers {
 public:
  absl::StatusOr<std::string> Get(absl::string_view key) const override { return store.Get(key); }
  absl::Status Visit(const Range& range, Visitor visitor) const override {
    return store.Visit(range, visitor);
  }
  absl::Status Commit(const Batch& batch) override {
    if (!failure.ok()) return failure;
    Record(batch.empty() ? "commit nothing" : "commit something");
    return store.Commit(batch);
  }
  void Start(Job) override { Record("job"); }
  void Post(Send) override { Record("send"); }
  void Close(const CloseLink&) override { Record("close"); }
  void Answer(EnrollReply) override { Record("answer"); }
  void Answer(RenewReply) override { Record("answer"); }
  void Answer(OperatorReply reply) override { Record(reply.response.ok() ? "answer" : "refuse"); }

  // What was done, and which view was published then.
  void Record(absl::string_view what) {
    trace.push_back(version ? absl::StrCat(what, " at ", version()) : std::string(what));
  }

  MemoryStore store;
  absl::Status failure;
  std::function<uint64_t()> version;
  std::vector<std::string> trace;
};

class HubTest : public testing::Test {
 protected:
  HubTest() : core_({.hub_id = Digest::Of("root").hex()}, random_) {
    EXPECT_TRUE(LoadCore(recorder_, core_).ok());
  }

  Hub MakeHub() {
    return Hub({.core = core_,
                .store = recorder_,
                .jobs = recorder_,
                .links = recorder_,
                .answers = recorder_});
  }

  OperatorAsked Question() {
    pb::CreateTokenRequest request;
    request.set_cluster_name("one");
    return OperatorAsked{1, "ada", request};
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  SeededRandom random_{1};
  Recorder recorder_;
  HubCore core_;
};

TEST_F(HubTest, CommitsThenPublishesThenAnswers) {
  Hub hub(MakeHub());
  const uint64_t before = hub.view().Get()->version();
  recorder_.version = [&] { return hub.view().Get()->version(); };
  hub.Post(Question());
  EXPECT_TRUE(hub.Turn(now_));
  ASSERT_EQ(recorder_.trace.size(), 2u);
  EXPECT_EQ(recorder_.trace[0], absl::StrCat("commit something at ", before));
  EXPECT_EQ(recorder_.trace[1], absl::StrCat("answer at ", before + 1));
}

TEST_F(HubTest, ManyEventsCostOneCommit) {
  Hub hub(MakeHub());
  for (int i = 0; i < 100; ++i) hub.Post(Question());
  hub.Turn(now_);
  int commits = 0;
  for (const std::string& line : recorder_.trace) commits += line.starts_with("commit");
  EXPECT_EQ(commits, 1);
}

TEST_F(HubTest, ATurnWithoutEventsTicksOnlyWhenItIsTime) {
  Hub hub(MakeHub());
  EXPECT_TRUE(hub.Turn(now_)) << "the first one starts what is soft";
  EXPECT_FALSE(hub.Turn(now_));
}

TEST_F(HubTest, ANearlyFullDiskHoldsEverythingUntilThereIsRoom) {
  Hub hub(MakeHub());
  const uint64_t before = hub.view().Get()->version();
  hub.Post(Question());
  recorder_.failure = absl::ResourceExhaustedError("disk nearly full");
  EXPECT_FALSE(hub.Turn(now_));
  EXPECT_FALSE(hub.Turn(now_));
  EXPECT_EQ(recorder_.trace, std::vector<std::string>{"refuse"}) << "told once, and at once";
  EXPECT_EQ(hub.view().Get()->version(), before);
  EXPECT_EQ(*hub.obstacle().Get(), recorder_.failure);
  hub.Post(Question());
  recorder_.failure = absl::OkStatus();
  EXPECT_TRUE(hub.Turn(now_));
  EXPECT_EQ(recorder_.trace, (std::vector<std::string>{"refuse", "commit something", "answer"}));
  EXPECT_TRUE(hub.obstacle().Get()->ok());
  EXPECT_FALSE(hub.Turn(now_)) << "each was answered once";
}

TEST_F(HubTest, AFailedCommitEndsTheProcess) {
  Hub hub(MakeHub());
  hub.Post(Question());
  recorder_.failure = absl::DataLossError("disk gone");
  EXPECT_DEATH(hub.Turn(now_), "disk gone");
  EXPECT_TRUE(recorder_.trace.empty()) << "nobody was answered";
}

TEST_F(HubTest, ARecordThatCannotBeReadStopsTheStart) {
  Batch batch;
  batch.Put(keys::Cluster(ClusterId("1")), "\xff");
  ASSERT_TRUE(recorder_.store.Commit(batch).ok());
  HubCore core({.hub_id = Digest::Of("root").hex()}, random_);
  EXPECT_TRUE(absl::IsDataLoss(LoadCore(recorder_, core)));
}

}  // namespace
}  // namespace muster::hub
