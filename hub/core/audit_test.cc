// What people do, and what trust rests on, stands in the audit log in the same batch.
#include "hub/core/audit.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;
using testing::HasSubstr;
using testing::Not;

class AuditTest : public CoreFixture {
 protected:
  // Every line, read; the chain is checked on the way.
  std::vector<AuditLine> Log() {
    std::vector<AuditLine> lines;
    AuditChain chain(HubId());
    const auto records = store.Scan(keys::kAuditLines);
    EXPECT_TRUE(records.ok());
    for (const Record& record : *records) {
      EXPECT_TRUE(chain.Check(record.value).ok()) << record.key;
      lines.push_back(*ParseAuditLine(record.value));
    }
    return lines;
  }

  // The newest line with that action.
  AuditEntry Find(const std::string& action) {
    AuditEntry found;
    for (const AuditLine& line : Log()) {
      if (line.entry.action == action) found = line.entry;
    }
    EXPECT_EQ(found.action, action) << "there is none";
    return found;
  }
};

TEST_F(AuditTest, ADeedAndItsLineAreOneBatch) {
  const Outbox out = Do(OperatorAsked{
      77,
      "ada",
      pb::SuspendRequest(),
  });
  ASSERT_EQ(out.operator_replies.size(), 1u);
  int lines = 0;
  for (const Batch::Operation& operation : out.batch.operations()) {
    lines += keys::After(keys::kAuditLines, operation.key).has_value();
  }
  EXPECT_EQ(lines, 1);
}

TEST_F(AuditTest, ARefusalIsKeptWithItsReason) {
  pb::SuspendRequest request;
  request.set_kind("cluster");
  request.set_name("nobody");
  request.set_suspended(true);
  request.set_reason("maintenance");
  EXPECT_FALSE(Ask(request).ok());
  const AuditEntry entry = Find("Suspend");
  EXPECT_EQ(entry.actor, "ada");
  EXPECT_EQ(entry.subject, "cluster/nobody");
  EXPECT_EQ(entry.result, "Refused");
  EXPECT_THAT(entry.message, HasSubstr("maintenance"));
  EXPECT_THAT(entry.message, HasSubstr("there is no cluster 'nobody'"));
}

TEST_F(AuditTest, ATokenIsNamedByItsIdAndNeverTold) {
  const auto answer = Ask(pb::CreateTokenRequest());
  ASSERT_TRUE(answer.ok());
  const auto& token = std::get<pb::CreateTokenResponse>(*answer);
  EXPECT_EQ(Find("CreateToken").subject, "token/" + token.token_id());
  const auto records = store.Scan(keys::kAuditLines);
  for (const Record& record : *records) {
    EXPECT_THAT(record.value, Not(HasSubstr(token.token())));
  }
}

TEST_F(AuditTest, QuestionsLeaveNoLine) {
  const size_t before = Log().size();
  EXPECT_TRUE(Ask(pb::ListRolloutsRequest()).ok());
  Ask(pb::PlanFleetRequest()).IgnoreError();
  EXPECT_EQ(Log().size(), before);
}

TEST_F(AuditTest, GoesOnOverARestart) {
  Ask(SyncNow{}).IgnoreError();
  Restart();
  Ask(DeleteCredential{"none"}).IgnoreError();
  const std::vector<AuditLine> log = Log();
  ASSERT_GE(log.size(), 2u);
  EXPECT_EQ(log.back().entry.action, "DeleteCredential");
  EXPECT_EQ(log.back().number, log.size());
}

TEST_F(AuditTest, CommitsAndClustersThatJoinAreNoted) {
  Join("prod-1");
  EXPECT_EQ(Find("ClusterEnrolled").subject, "cluster/prod-1");
  EXPECT_EQ(Find("ClusterEnrolled").result, "Noted");
}

}  // namespace
}  // namespace muster::hub
