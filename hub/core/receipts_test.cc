// Receipts: what is kept, what proves it, and how the hub finds that one is missing or forged.
#include "hub/core/receipts.h"

#include <vector>

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class ReceiptsTest : public CoreFixture {
 protected:
  ReceiptsTest() {
    SmallFleet();
    Join("one");
  }

  FakeAgent& one() { return agents["one"]; }

  pb::Envelope Receipt(const Ed25519PrivateKey& key, const std::string& cluster_id,
                       const std::string& previous = "", int64_t applied_ms = 0) {
    pb::ApplyReceipt receipt;
    receipt.set_previous_digest(previous);
    receipt.set_applied_ms(applied_ms);
    receipt.set_hub_id(HubId());
    receipt.set_cluster_id(cluster_id);
    receipt.set_generation(one().desired.generation());
    return *Ed25519Signer(key).Sign(kReceiptType, receipt.SerializeAsString());
  }

  Outbox Bring(const pb::Envelope& receipt) {
    AgentReceipts event;
    event.link = one().link;
    *event.receipts.add_receipts() = receipt;
    return Do(event);
  }

  bool IsKept(const pb::Envelope& receipt) {
    const uint64_t generation = one().desired.generation();
    return store.Get(keys::Receipt(one().id, generation, Digest::Of(receipt.payload()))).ok();
  }

  // A chain of receipts in one message, the oldest first; only the last is signed.
  std::vector<pb::Envelope> Chain(int count, const std::string& previous = "") {
    std::vector<pb::Envelope> chain;
    std::string before = previous;
    for (int i = 0; i < count; ++i) {
      chain.push_back(Receipt(one().identity, one().id.text(), before, i));
      before = Digest::Of(chain.back().payload()).bytes();
      if (i + 1 < count) chain.back().clear_signatures();
    }
    return chain;
  }

  Outbox BringAll(const std::vector<pb::Envelope>& receipts) {
    AgentReceipts event;
    event.link = one().link;
    for (const pb::Envelope& receipt : receipts) *event.receipts.add_receipts() = receipt;
    return Do(event);
  }
};

TEST_F(ReceiptsTest, ASignedReceiptIsKeptAndAcknowledged) {
  const pb::Envelope receipt = Receipt(one().identity, one().id.text());
  const Outbox out = Bring(receipt);
  EXPECT_TRUE(IsKept(receipt));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(std::get<pb::ReportAck>(out.sends[0].message).receipt(),
            Digest::Of(receipt.payload()).bytes());
  const Outbox again = Bring(receipt);
  EXPECT_TRUE(again.batch.empty());
  EXPECT_EQ(again.sends.size(), 1u) << "its acknowledgement may have been lost";
}

TEST_F(ReceiptsTest, TheEndOfTheChainIsKnownAfterARestart) {
  const pb::Envelope first = Receipt(one().identity, one().id.text());
  Bring(first);
  Restart();
  Connect(one());
  Bring(Receipt(one().identity, one().id.text(), Digest::Of(first.payload()).bytes()));
  EXPECT_FALSE(HasEvent("ReceiptChainBroken"));
}

TEST_F(ReceiptsTest, AReceiptByAnotherKeyOrForAnotherClusterIsRefused) {
  const Ed25519PrivateKey stranger = Ed25519PrivateKey::Generate();
  for (const pb::Envelope& receipt :
       {Receipt(stranger, one().id.text()), Receipt(one().identity, "another cluster")}) {
    const Outbox out = Bring(receipt);
    EXPECT_EQ(out.sends.size(), 1u) << "sent again, it would be no better";
    EXPECT_FALSE(IsKept(receipt));
    EXPECT_NE(ConditionIn(ClusterOf("one")->conditions, "ReceiptTrusted"), nullptr);
  }
  EXPECT_TRUE(HasEvent("ReceiptRefused"));
  Bring(Receipt(one().identity, one().id.text()));
  EXPECT_EQ(ConditionIn(ClusterOf("one")->conditions, "ReceiptTrusted"), nullptr);
}

TEST_F(ReceiptsTest, AReceiptThatDoesNotFollowTheLastOneBreaksTheChain) {
  Report(one(), Applied(one()));
  const pb::Envelope first = Receipt(one().identity, one().id.text());
  Bring(first);
  Bring(first);
  const Digest last = Digest::Of(first.payload());
  const pb::Envelope second = Receipt(one().identity, one().id.text(), last.bytes());
  Bring(second);
  EXPECT_EQ(ConditionIn(ClusterOf("one")->conditions, kReceiptsMissing), nullptr);
  EXPECT_FALSE(HasEvent("ReceiptChainBroken"));

  // The agent goes on from an older copy of its data: another second receipt.
  const pb::Envelope fork = Receipt(one().identity, one().id.text(), last.bytes(), 7);
  Bring(fork);
  EXPECT_TRUE(HasEvent("ReceiptChainBroken"));
  const pb::Condition* const broken = ConditionIn(ClusterOf("one")->conditions, kReceiptsMissing);
  ASSERT_NE(broken, nullptr);
  EXPECT_EQ(ClusterOf("one")->sync, pb::SYNC_STATUS_SYNCED) << "it runs what it should";
  EXPECT_NE(MakeHubView(*core->View()).findings().size(), 0);
  EXPECT_NE(broken->message().find(last.short_hex()), std::string::npos) << broken->message();
  EXPECT_TRUE(IsKept(fork)) << "signed";

  Bring(Receipt(one().identity, one().id.text(), Digest::Of(fork.payload()).bytes()));
  EXPECT_EQ(ConditionIn(ClusterOf("one")->conditions, kReceiptsMissing), nullptr);
}

TEST_F(ReceiptsTest, AReceiptThatComesAgainLateBreaksNothing) {
  const pb::Envelope first = Receipt(one().identity, one().id.text());
  Bring(first);
  PushApps("c2", {{"web", "two"}});
  const pb::Envelope second =
      Receipt(one().identity, one().id.text(), Digest::Of(first.payload()).bytes());
  Bring(second);
  Bring(first);
  PushApps("c3", {{"web", "three"}});
  Bring(Receipt(one().identity, one().id.text(), Digest::Of(second.payload()).bytes()));
  EXPECT_FALSE(HasEvent("ReceiptChainBroken"));
}

TEST_F(ReceiptsTest, AFirstReceiptThatNamesAnEarlierOneBreaksTheChain) {
  Bring(Receipt(one().identity, one().id.text(), Digest::Of("lost").bytes()));
  EXPECT_TRUE(HasEvent("ReceiptChainBroken"));
}

TEST_F(ReceiptsTest, TheNewestProvesThoseThatItLeadsBackTo) {
  const std::vector<pb::Envelope> chain = Chain(4);
  const Outbox out = BringAll(chain);
  for (const pb::Envelope& receipt : chain) EXPECT_TRUE(IsKept(receipt));
  ASSERT_EQ(out.sends.size(), 1u);
  EXPECT_EQ(std::get<pb::ReportAck>(out.sends[0].message).receipt(),
            Digest::Of(chain.back().payload()).bytes());
  EXPECT_FALSE(HasEvent("ReceiptRefused"));
  EXPECT_FALSE(HasEvent("ReceiptChainBroken"));

  Bring(Receipt(one().identity, one().id.text(), Digest::Of(chain.back().payload()).bytes(), 9));
  EXPECT_FALSE(HasEvent("ReceiptChainBroken")) << "the last of the message is the end of the chain";
}

TEST_F(ReceiptsTest, OneThatNoSignedReceiptLeadsBackToIsRefused) {
  std::vector<pb::Envelope> chain = Chain(4);
  pb::ApplyReceipt changed;
  ASSERT_TRUE(changed.ParseFromString(chain[1].payload()));
  changed.set_applied_ms(changed.applied_ms() + 1);
  chain[1].set_payload(changed.SerializeAsString());
  BringAll(chain);
  EXPECT_FALSE(IsKept(chain[0])) << "only a changed receipt names it";
  EXPECT_FALSE(IsKept(chain[1])) << "the next one names another";
  EXPECT_TRUE(IsKept(chain[2]));
  EXPECT_TRUE(IsKept(chain[3]));
  EXPECT_TRUE(HasEvent("ReceiptRefused"));
  EXPECT_TRUE(HasEvent("ReceiptChainBroken"));
}

TEST_F(ReceiptsTest, AMessageWithoutASignatureIsRefused) {
  std::vector<pb::Envelope> chain = Chain(2);
  chain.back().clear_signatures();
  BringAll(chain);
  for (const pb::Envelope& receipt : chain) EXPECT_FALSE(IsKept(receipt));
  EXPECT_TRUE(HasEvent("ReceiptRefused"));
}

TEST_F(ReceiptsTest, AnotherClustersReceiptIsRefusedThoughASignedOneNamesIt) {
  pb::Envelope foreign = Receipt(one().identity, "another cluster");
  foreign.clear_signatures();
  BringAll(
      {foreign, Receipt(one().identity, one().id.text(), Digest::Of(foreign.payload()).bytes())});
  EXPECT_FALSE(IsKept(foreign));
  EXPECT_TRUE(HasEvent("ReceiptRefused"));
}

}  // namespace
}  // namespace muster::hub
