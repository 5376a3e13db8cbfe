#include "hub/core/enrollment.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class EnrollmentTest : public CoreFixture {
 protected:
  EnrollmentTest() {
    SmallFleet();
    agent_.name = "one";
    csr_ = MakeCsr(agent_.key);
  }

  absl::StatusOr<pb::EnrollResponse> Enroll(const EnrollRequested& event) {
    Outbox out = Do(event);
    last_answer = Outbox();
    Run();
    for (Outbox* answer : {&out, &last_answer}) {
      for (EnrollReply& reply : answer->enroll_replies) {
        if (reply.request == event.request) return std::move(reply.response);
      }
    }
    return absl::InternalError("no answer");
  }

  absl::StatusOr<pb::EnrollResponse> Enroll(const std::string& token) {
    return Enroll(EnrollWith(token, agent_, csr_));
  }

  pb::TokenRecord TokenOf(const std::string& text) {
    pb::TokenRecord record;
    record.ParseFromString(*store.Get(keys::Token(JoinToken::Parse(text)->id)));
    return record;
  }

  FakeAgent agent_;
  std::string csr_;
};

TEST_F(EnrollmentTest, ATokenIsRedeemedForACertificate) {
  const std::string token = Token("one", {{"env", "prod"}});
  const auto response = Enroll(token);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->state(), pb::EnrollResponse::STATE_ACCEPTED);
  EXPECT_EQ(response->cluster_name(), "one");
  EXPECT_EQ(response->cluster_id().size(), 32u);
  EXPECT_FALSE(response->certificate_der().empty());
  EXPECT_EQ(TokenOf(token).state(), pb::TokenRecord::STATE_USED);
  EXPECT_EQ(core->View()->Admitted(agent_.key.Spki()), ClusterId(response->cluster_id()));
  EXPECT_EQ(ClusterOf("one")->labels[0].value(), "prod");
}

TEST_F(EnrollmentTest, TheSecretIsNotKept) {
  const std::string token = Token("one");
  const std::string secret = JoinToken::Parse(token)->secret;
  const auto records = store.Scan("");
  for (const Record& record : *records) {
    EXPECT_EQ(record.value.find(secret), std::string::npos) << record.key;
  }
}

TEST_F(EnrollmentTest, TheSameRequestGetsTheSameAnswerOverARestartToo) {
  const std::string token = Token("one");
  const auto first = Enroll(token);
  const auto second = Enroll(token);
  Restart();
  Do(Tick{});
  Run();
  const auto third = Enroll(token);
  ASSERT_TRUE(first.ok() && second.ok() && third.ok());
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
  EXPECT_EQ(first->SerializeAsString(), third->SerializeAsString());
  EXPECT_EQ(core->View()->clusters().size(), 1u);
}

TEST_F(EnrollmentTest, TheKeyForSecretsIsTheOneThatTheAgentLastSaid) {
  FakeAgent& agent = Join("one");
  const auto shown = [&] { return core->View()->clusters().Find("one")->recipient; };
  EXPECT_EQ(shown(), "age1cluster");
  Restart();
  Do(Tick{});
  Run();
  EXPECT_EQ(shown(), "age1cluster");
  agent.recipient = "age1another";
  Connect(agent);
  EXPECT_EQ(shown(), "age1another");
  // People copy it into their files, so that it is nothing else.
  for (const std::string& other :
       {std::string("age1a b"), std::string("age1\nage1b"), std::string("x"),
        "age1" + std::string(200, 'q'), std::string()}) {
    agent.recipient = other;
    Connect(agent);
    EXPECT_EQ(shown(), "") << other;
  }
}

TEST_F(EnrollmentTest, ATokenIsNotRedeemedTwice) {
  const std::string token = Token("one");
  ASSERT_TRUE(Enroll(token).ok());
  FakeAgent thief;
  thief.name = "one";
  const auto refused = Enroll(EnrollWith(token, thief, MakeCsr(thief.key)));
  EXPECT_TRUE(absl::IsUnauthenticated(refused.status()));
  EXPECT_EQ(core->View()->Admitted(thief.key.Spki()), std::nullopt);
  EXPECT_TRUE(HasEvent("TokenRefused"));
}

TEST_F(EnrollmentTest, ACrashBeforeTheCertificateLosesNothing) {
  const std::string token = Token("one");
  Do(EnrollWith(token, agent_, csr_));
  Restart();  // the job is gone
  Do(Tick{});
  const auto response = Enroll(token);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->state(), pb::EnrollResponse::STATE_ACCEPTED);
}

TEST_F(EnrollmentTest, ATokenIsForgottenAWeekAfterItExpired) {
  Token("one");  // nobody comes with it
  FakeAgent& two = Join("two");
  Report(two, Applied(two));
  now += limits::kTokenLifetime + limits::kTokenRecordKept - absl::Seconds(1);
  Do(Tick{});
  EXPECT_EQ(store.Scan(keys::kTokens)->size(), 2u);
  Restart();  // what was planned is planned again
  now += absl::Seconds(2);
  Do(Tick{});
  EXPECT_TRUE(store.Scan(keys::kTokens)->empty());
  EXPECT_EQ(ClusterOf("two")->state, pb::ClusterRecord::STATE_ENROLLED);
}

TEST_F(EnrollmentTest, ATokenIsKeptUntilItsClusterHasComeForItsCertificate) {
  const std::string token = Token("");
  ASSERT_EQ(Enroll(token)->state(), pb::EnrollResponse::STATE_PENDING);
  now += limits::kTokenLifetime + limits::kTokenRecordKept * 2;
  Do(Tick{});
  ASSERT_TRUE(Ask(AcceptCluster{"one"}).ok());
  Run();
  const auto accepted = Enroll(token);
  ASSERT_TRUE(accepted.ok()) << accepted.status();
  EXPECT_EQ(accepted->state(), pb::EnrollResponse::STATE_ACCEPTED);

  agent_.id = ClusterOf("one")->id;
  Connect(agent_);
  now += absl::Hours(25);
  Do(Tick{});
  EXPECT_TRUE(store.Scan(keys::kTokens)->empty());
}

TEST_F(EnrollmentTest, EveryBadTokenGetsTheSameWords) {
  const std::string expired = Token("one");
  const std::string revoked = Token("two");
  ASSERT_TRUE(Ask(RevokeToken{JoinToken::Parse(revoked)->id.text()}).ok());
  EnrollRequested wrong = EnrollWith(Token("three"), agent_, csr_);
  wrong.enroll.set_proof(std::string(32, 'x'));
  EnrollRequested unknown = EnrollWith(expired, agent_, csr_);
  unknown.enroll.set_token_id("0123456789abcdef");
  agent_.name = "two";
  const EnrollRequested of_revoked = EnrollWith(revoked, agent_, csr_);
  agent_.name = "one";

  std::set<std::string> words;
  for (const EnrollRequested& event : {wrong, unknown, of_revoked}) {
    const auto refused = Enroll(event);
    ASSERT_TRUE(absl::IsUnauthenticated(refused.status())) << refused.status();
    words.insert(std::string(refused.status().message()));
  }
  now += absl::Hours(1);
  const auto refused = Enroll(expired);
  ASSERT_TRUE(absl::IsUnauthenticated(refused.status()));
  words.insert(std::string(refused.status().message()));
  EXPECT_EQ(words.size(), 1u);
  EXPECT_TRUE(core->View()->clusters().empty());
}

TEST_F(EnrollmentTest, TenWrongProofsBurnAToken) {
  const std::string token = Token("one");
  EnrollRequested wrong = EnrollWith(token, agent_, csr_);
  wrong.enroll.set_proof(std::string(32, 'x'));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(Enroll(wrong).ok());
  EXPECT_EQ(TokenOf(token).state(), pb::TokenRecord::STATE_VALID);
  Restart();  // failures are counted over restarts
  Do(Tick{});
  Run();
  EXPECT_FALSE(Enroll(wrong).ok());
  EXPECT_EQ(TokenOf(token).state(), pb::TokenRecord::STATE_BURNED);
  EXPECT_TRUE(absl::IsUnauthenticated(Enroll(token).status())) << "the right proof is too late";
}

TEST_F(EnrollmentTest, ATokenForAnotherClusterIsRefusedAndStaysGood) {
  const std::string token = Token("one");
  agent_.name = "two";
  const auto refused = Enroll(token);
  EXPECT_TRUE(absl::IsPermissionDenied(refused.status()));
  EXPECT_NE(refused.status().message().find("for cluster 'one'"), absl::string_view::npos);
  agent_.name = "one";
  EXPECT_TRUE(Enroll(token).ok());
}

TEST_F(EnrollmentTest, ATakenNameAndATakenUidAreRefused) {
  const std::string again = Token("one");
  const std::string other = Token("other");
  Join("one");
  FakeAgent late;
  late.name = "one";
  EXPECT_TRUE(absl::IsAlreadyExists(Enroll(EnrollWith(again, late, MakeCsr(late.key))).status()));
  v1::CreateTokenRequest request;
  request.set_cluster_name("one");
  EXPECT_TRUE(absl::IsAlreadyExists(Ask(request).status()));

  // The same physical cluster under another name.
  late.name = "other";
  EnrollRequested event = EnrollWith(other, late, MakeCsr(late.key));
  event.enroll.set_cluster_uid("uid of one");
  event.enroll.set_proof(
      JoinProof(TokenKey(JoinToken::Parse(other)->secret),
                JoinClaim{.token_id = event.enroll.token_id(),
                          .hub_id = HubId(),
                          .csr_der = event.enroll.csr_der(),
                          .identity_public_key = event.enroll.identity_public_key(),
                          .cluster_name = "other",
                          .cluster_uid = "uid of one"}));
  const auto refused = Enroll(event);
  EXPECT_TRUE(absl::IsAlreadyExists(refused.status())) << refused.status();
}

TEST_F(EnrollmentTest, ABadRequestDoesNotUseTheTokenUp) {
  const std::string token = Token("one");
  EXPECT_TRUE(absl::IsInvalidArgument(Enroll(EnrollWith(token, agent_, "no csr")).status()));
  EXPECT_EQ(TokenOf(token).state(), pb::TokenRecord::STATE_VALID);
}

TEST_F(EnrollmentTest, AnAgentThatNamesItselfWaitsForAPerson) {
  const std::string token = Token("");
  const auto pending = Enroll(token);
  ASSERT_TRUE(pending.ok()) << pending.status();
  EXPECT_EQ(pending->state(), pb::EnrollResponse::STATE_PENDING);
  EXPECT_TRUE(pending->certificate_der().empty());
  const pb::ClusterView view = ViewOf("one", false);
  EXPECT_EQ(view.state(), "Pending");
  EXPECT_EQ(view.words(), pending->words());
  EXPECT_EQ(core->View()->Admitted(agent_.key.Spki()), std::nullopt);
  EXPECT_EQ(MakeHubView(*core->View()).pending_clusters(), 1);

  ASSERT_TRUE(Ask(AcceptCluster{"one"}).ok());
  Run();
  const auto accepted = Enroll(token);
  ASSERT_TRUE(accepted.ok());
  EXPECT_EQ(accepted->state(), pb::EnrollResponse::STATE_ACCEPTED);
  EXPECT_TRUE(absl::IsNotFound(Ask(AcceptCluster{"nobody"}).status()));
}

TEST_F(EnrollmentTest, AWaitingClusterCanBeRefused) {
  const std::string token = Token("");
  ASSERT_TRUE(Enroll(token).ok());
  ASSERT_TRUE(Ask(RevokeCluster{"one"}).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(Enroll(token).status()));
}

TEST_F(EnrollmentTest, RevocationClosesTheConnectionAndKeepsWhatRuns) {
  FakeAgent& one = Join("one");
  const Outbox out = Do(OperatorAsked{99, "ada", RevokeCluster{"one"}});
  ASSERT_EQ(out.closes.size(), 1u);
  EXPECT_EQ(out.closes[0].link, one.link);
  EXPECT_TRUE(out.closes[0].connection);
  EXPECT_TRUE(out.batch.essential());
  EXPECT_TRUE(out.sends.empty()) << "nothing is taken away from the cluster";
  EXPECT_EQ(core->View()->Admitted(one.key.Spki()), std::nullopt);
  EXPECT_EQ(ViewOf("one", false).state(), "Revoked");

  const Outbox back = Connect(one);
  ASSERT_EQ(back.closes.size(), 1u);
  EXPECT_TRUE(absl::IsPermissionDenied(back.closes[0].reason));
  Restart();
  Do(Tick{});
  EXPECT_EQ(Connect(one).closes.size(), 1u) << "over a restart too";

  // The name is free again, the key is not.
  const std::string token = Token("one");
  EXPECT_TRUE(absl::IsAlreadyExists(Enroll(EnrollWith(token, one, MakeCsr(one.key))).status()));
  agent_.name = "one";
  EXPECT_TRUE(Enroll(token).ok());
  EXPECT_EQ(ViewOf("one", false).state(), "Enrolled");
}

TEST_F(EnrollmentTest, AKeyThatIsNotTheClustersIsClosed) {
  FakeAgent& one = Join("one");
  FakeAgent stranger = one;
  stranger.key = P256Key::Generate();
  const Outbox out = Connect(stranger);
  ASSERT_EQ(out.closes.size(), 1u);
  EXPECT_TRUE(out.sends.empty());
  EXPECT_TRUE(HasEvent("AgentRefused"));
}

TEST_F(EnrollmentTest, RenewalIsIdempotentAndTheNewKeyTakesOverWhenItIsUsed) {
  FakeAgent& one = Join("one");
  const P256Key next = P256Key::Generate();
  RenewRequested event;
  event.request = 500;
  event.cluster = one.id;
  event.spki = one.key.Spki();
  event.renew.set_csr_der(MakeCsr(next));
  Do(event);
  Run();
  ASSERT_EQ(last_answer.renew_replies.size(), 1u);
  ASSERT_TRUE(last_answer.renew_replies[0].response.ok());
  const std::string certificate = last_answer.renew_replies[0].response->certificate_der();

  event.request = 501;  // the answer was lost
  const Outbox again = Do(event);
  ASSERT_EQ(again.renew_replies.size(), 1u);
  EXPECT_EQ(again.renew_replies[0].response->certificate_der(), certificate);

  // Both keys are good until the new one is used.
  EXPECT_TRUE(core->View()->Admitted(one.key.Spki()).has_value());
  EXPECT_TRUE(core->View()->Admitted(next.Spki()).has_value());
  const P256Key former = one.key;
  one.key = next;
  Do(AgentDisconnected{one.link});
  EXPECT_TRUE(Connect(one).closes.empty());
  EXPECT_FALSE(core->View()->Admitted(former.Spki()).has_value());
  FakeAgent clone = one;
  clone.key = former;
  EXPECT_EQ(Connect(clone).closes.size(), 1u);
  event.spki = former.Spki();
  event.request = 502;
  EXPECT_TRUE(absl::IsPermissionDenied(Do(event).renew_replies[0].response.status()));
}

TEST_F(EnrollmentTest, TokensAreCheckedBeforeTheyAreMade) {
  pb::CreateTokenRequest request;
  request.set_cluster_name("Not A Name");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(request).status()));
  request.set_cluster_name("good");
  request.set_lifetime_ms(25 * 3'600'000);
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(request).status()));
  request.set_lifetime_ms(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(request).status()));
  request.set_lifetime_ms(0);
  request.add_labels()->set_key("no good key");
  EXPECT_TRUE(absl::IsInvalidArgument(Ask(request).status()));
  EXPECT_TRUE(absl::IsNotFound(Ask(RevokeToken{"0123"}).status()));
}

}  // namespace
}  // namespace muster::hub
