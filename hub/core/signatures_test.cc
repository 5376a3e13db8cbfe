#include "hub/core/signatures.h"

#include "hub/core/core_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr pb::SignatureResult kGood = pb::SIGNATURE_RESULT_GOOD;

pb::CommitSignature Signature(const std::string& commit, pb::SignatureResult result,
                              const std::vector<std::string>& parents = {}) {
  pb::CommitSignature signature;
  signature.set_commit(commit);
  signature.set_result(result);
  signature.set_key("SHA256:abc");
  signature.set_author_email("ada@example.com");
  if (result == kGood) signature.set_signer("ada@example.com");
  for (const std::string& parent : parents) signature.add_parents(parent);
  return signature;
}

pb::VerifyPolicy Policy(bool every_commit = false) {
  pb::VerifyPolicy policy;
  policy.add_signers("team");
  policy.add_ssh()->set_principals("ada@example.com");
  policy.set_every_commit(every_commit);
  return policy;
}

// The verdict over signatures, newest first, of which the first is the head's.
std::string ReasonOf(const pb::VerifyPolicy& policy,
                     const std::vector<pb::CommitSignature>& signatures, bool more = false) {
  pb::FetchResponse response;
  response.set_commit(signatures.front().commit());
  response.set_more_commits(more);
  for (const pb::CommitSignature& one : signatures) *response.add_signatures() = one;
  const std::optional<Refusal> refusal = JudgeSignatures(policy, response);
  return refusal ? refusal->reason : "";
}

TEST(Signatures, TheHeadVouchesForWhatIsBelowIt) {
  const pb::CommitSignature below = Signature("c1", pb::SIGNATURE_RESULT_UNSIGNED);
  EXPECT_EQ(ReasonOf(Policy(), {Signature("c2", kGood, {"c1"}), below}), "");
  EXPECT_EQ(ReasonOf(Policy(true), {Signature("c2", kGood, {"c1"}), below}), "Unsigned");
}

TEST(Signatures, EveryResultButGoodHasItsReason) {
  const std::vector<std::pair<pb::SignatureResult, std::string>> reasons = {
      {pb::SIGNATURE_RESULT_UNSPECIFIED, "NotChecked"},
      {pb::SIGNATURE_RESULT_UNSIGNED, "Unsigned"},
      {pb::SIGNATURE_RESULT_UNKNOWN_KEY, "UnknownKey"},
      {pb::SIGNATURE_RESULT_BAD, "BadSignature"},
      {pb::SIGNATURE_RESULT_MALFORMED, "MalformedSignature"},
      {pb::SIGNATURE_RESULT_WRONG_NAMESPACE, "WrongNamespace"},
      {pb::SIGNATURE_RESULT_KEY_EXPIRED, "KeyExpired"},
      {pb::SIGNATURE_RESULT_KEY_NOT_YET_VALID, "KeyNotYetValid"},
      {pb::SIGNATURE_RESULT_UNSUPPORTED, "UnsupportedSignature"}};
  EXPECT_EQ(reasons.size() + 1, static_cast<size_t>(pb::SignatureResult_ARRAYSIZE));
  for (const auto& [result, reason] : reasons) {
    EXPECT_EQ(ReasonOf(Policy(), {Signature("c1", result)}), reason);
  }
}

TEST(Signatures, AnAnswerThatSaysNothingOfTheHeadIsARefusal) {
  pb::FetchResponse response;
  response.set_commit("c2");
  EXPECT_EQ(JudgeSignatures(Policy(), response)->reason, "NotChecked");
  *response.add_signatures() = Signature("c1", kGood);
  EXPECT_EQ(JudgeSignatures(Policy(), response)->reason, "NotChecked");
}

TEST(Signatures, ACommitThatTheAnswerSaysNothingOfIsARefusalWhereEveryOneCounts) {
  pb::FetchResponse response;
  response.set_commit("c2");
  response.add_commits()->set_id("c1");
  response.add_commits()->set_id("c2");
  *response.add_signatures() = Signature("c2", kGood, {"c1"});
  EXPECT_FALSE(JudgeSignatures(Policy(), response).has_value()) << "the head alone counts";
  const std::optional<Refusal> refusal = JudgeSignatures(Policy(true), response);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, "NotChecked");
  EXPECT_EQ(refusal->message, "commit c1 was not looked at; this is a fault of the hub");
  *response.add_signatures() = Signature("c1", kGood);
  EXPECT_FALSE(JudgeSignatures(Policy(true), response).has_value());
}

TEST(Signatures, ATagUnderAnothersNameIsSaidWithoutAKey) {
  pb::FetchResponse response;
  response.set_commit("c1");
  *response.add_signatures() = Signature("c1", kGood);
  pb::CommitSignature& tag = *response.add_signatures();
  tag.set_commit("c1");
  tag.set_tag(true);
  tag.set_result(pb::SIGNATURE_RESULT_BAD);
  tag.set_detail("the tag was signed as 'v2'");
  const std::optional<Refusal> refusal = JudgeSignatures(Policy(), response);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->reason, "BadSignature");
  EXPECT_EQ(refusal->message,
            "the tag of commit c1 does not count: the tag was signed as 'v2'; follow it under that "
            "name, or sign it again under this one");
}

TEST(Signatures, ASealVouchesForItsAncestorsAndForNothingElse) {
  const pb::CommitSignature bad = Signature("c1", pb::SIGNATURE_RESULT_UNKNOWN_KEY, {"c0"});
  const pb::CommitSignature older = Signature("c0", pb::SIGNATURE_RESULT_UNSIGNED);
  pb::CommitSignature seal = Signature("c2", kGood, {"c1"});
  seal.set_seal(true);
  EXPECT_EQ(ReasonOf(Policy(true), {seal, bad, older}), "");
  EXPECT_EQ(ReasonOf(Policy(true), {Signature("c3", kGood, {"c2"}), seal, bad, older}), "");
  // A seal that nobody signed, and a commit beside the sealed line.
  pb::CommitSignature forged = Signature("c2", pb::SIGNATURE_RESULT_UNKNOWN_KEY, {"c1"});
  forged.set_seal(true);
  EXPECT_EQ(ReasonOf(Policy(true), {Signature("c3", kGood, {"c2"}), forged, bad, older}),
            "UnknownKey");
  EXPECT_EQ(ReasonOf(Policy(true), {Signature("c3", kGood, {"c2", "x"}), seal,
                                    Signature("x", pb::SIGNATURE_RESULT_UNSIGNED), bad, older}),
            "Unsigned");
}

TEST(Signatures, MoreCommitsThanWereLookedAtNeedASealOnTop) {
  pb::CommitSignature head = Signature("c2", kGood, {"c1"});
  EXPECT_EQ(ReasonOf(Policy(true), {head}, /*more=*/true), "TooManyCommits");
  EXPECT_EQ(ReasonOf(Policy(false), {head}, /*more=*/true), "");
  head.set_seal(true);
  EXPECT_EQ(ReasonOf(Policy(true), {head}, /*more=*/true), "");
}

TEST(Signatures, ASignedTagStandsForTheCommitsSignatureAndABadOneRefuses) {
  pb::CommitSignature tag = Signature("c1", kGood);
  tag.set_tag(true);
  const pb::CommitSignature plain = Signature("c1", pb::SIGNATURE_RESULT_UNSIGNED);
  EXPECT_EQ(ReasonOf(Policy(), {tag, plain}), "");
  tag.set_result(pb::SIGNATURE_RESULT_BAD);
  EXPECT_EQ(ReasonOf(Policy(), {tag, Signature("c1", kGood)}), "BadSignature");
}

TEST(Signatures, AuthorsAreComparedAsAddresses) {
  pb::VerifyPolicy policy = Policy();
  policy.add_authors("*@example.com");
  policy.add_authors("bob@other.org");
  const auto reason = [&](const std::string& author) {
    pb::CommitSignature head = Signature("c1", kGood);
    head.set_author_email(author);
    return ReasonOf(policy, {head});
  };
  EXPECT_EQ(reason("ada@example.com"), "");
  EXPECT_EQ(reason("Ada@Example.COM"), "");
  EXPECT_EQ(reason("bob@other.org"), "");
  for (const char* author : {"", "@example.com", "ada@example.com.evil.org", "ada@badexample.com",
                             "eve@evil.org@example.com", "ada@other.org", "ada"}) {
    EXPECT_EQ(reason(author), "AuthorNotAllowed") << author;
  }
}

// ---------------------------------------------------------------- what becomes of it

class SignedSourcesTest : public CoreFixture {
 protected:
  // "apps" asks for signatures from now on.
  void AskForSignatures() {
    *config.mutable_repositories(0)->mutable_verify() = Policy();
    PushConfig();
  }
  void PushSigned(const std::string& commit, pb::SignatureResult result, const std::string& text) {
    git["apps"].signatures = {Signature(commit, result)};
    PushApps(commit, {{"web", text}});
  }
  const pb::Condition* Verified() {
    view_ = RepositoryOf("apps");
    return ConditionIn(view_.conditions(), "Verified");
  }

  pb::RepositoryView view_;
};

TEST_F(SignedSourcesTest, AnUnsignedCommitDoesNotRuleAndTheLastGoodOneStays) {
  SmallFleet();
  FakeAgent& one = Join("one");
  AskForSignatures();
  PushSigned("c2", kGood, "two");
  ASSERT_EQ(RepositoryOf("apps").commit(), "c2");
  EXPECT_EQ(Verified()->status(), pb::CONDITION_STATUS_TRUE);
  EXPECT_NE(Verified()->message().find("signed by ada@example.com with SHA256:abc"),
            std::string::npos);
  EXPECT_EQ(RepositoryOf("apps").verify(), "signed by team");

  PushSigned("c3", pb::SIGNATURE_RESULT_UNSIGNED, "three");
  EXPECT_EQ(RepositoryOf("apps").commit(), "c2");
  EXPECT_FALSE(RepositoryOf("apps").frozen());
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("two").bytes());
  EXPECT_EQ(Verified()->status(), pb::CONDITION_STATUS_FALSE);
  EXPECT_EQ(Verified()->reason(), "Unsigned");
  EXPECT_EQ(Verified()->observed(), "c3");
  EXPECT_EQ(RepositoryOf("apps").message(),
            "verify branch main: commit c3 is not signed; sign it ('git commit -S') and push "
            "again; commit c2 keeps ruling");
  EXPECT_TRUE(HasEvent("CommitRefused"));

  PushSigned("c4", kGood, "four");
  EXPECT_EQ(RepositoryOf("apps").commit(), "c4");
  EXPECT_EQ(RepositoryOf("apps").message(), "");
  EXPECT_EQ(one.desired.packages(0).bundle_digest(), BundleOf("four").bytes());
}

TEST_F(SignedSourcesTest, WithoutAGoodCommitNothingRules) {
  DeclareRepository("apps");
  *config.mutable_repositories(0)->mutable_verify() = Policy();
  DeclarePackage("web");
  git["apps"].commit = "c1";
  git["apps"].files = {{"web", "one"}};
  PushConfig();
  EXPECT_EQ(RepositoryOf("apps").commit(), "");
  EXPECT_NE(RepositoryOf("apps").message().find("nothing rules yet"), std::string::npos);
}

TEST_F(SignedSourcesTest, ARefusedCommitIsSaidOnceAndStaysRefusedOverARestart) {
  SmallFleet();
  AskForSignatures();
  PushSigned("c2", pb::SIGNATURE_RESULT_BAD, "two");
  ASSERT_EQ(Verified()->reason(), "BadSignature");
  const size_t events = store.Scan(keys::kEvents)->size();
  Pass(absl::Minutes(5));
  EXPECT_EQ(store.Scan(keys::kEvents)->size(), events);
  Restart();
  Do(Tick{});
  Run();
  EXPECT_EQ(Verified()->reason(), "BadSignature");
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  EXPECT_EQ(store.Scan(keys::kEvents)->size(), events);
}

TEST_F(SignedSourcesTest, ARefusedCommitRulesOnceItsKeyIsListed) {
  SmallFleet();
  AskForSignatures();
  PushSigned("c2", pb::SIGNATURE_RESULT_UNKNOWN_KEY, "two");
  ASSERT_EQ(RepositoryOf("apps").commit(), "c1");
  git["apps"].signatures = {Signature("c2", kGood)};  // as the child finds with the other keys
  config.mutable_repositories(0)->mutable_verify()->add_ssh()->set_principals("bob@example.com");
  PushConfig();
  EXPECT_EQ(RepositoryOf("apps").commit(), "c2");
  EXPECT_EQ(store.Scan("commit/apps/")->size(), 2u) << "c2 stands in the list once";
}

TEST_F(SignedSourcesTest, AnAnswerMadeWithFormerKeysIsNotTaken) {
  SmallFleet();
  AskForSignatures();
  git["apps"].commit = "c2";
  git["apps"].signatures = {Signature("c2", kGood)};
  Ask(SyncNow{"apps"}).IgnoreError();
  Do(Tick{});
  std::deque<Job> under_way;
  std::swap(under_way, jobs);
  ASSERT_EQ(under_way.size(), 1u);
  // While it runs, the key leaves.
  config.mutable_repositories(0)->mutable_verify()->mutable_ssh(0)->set_principals("eve");
  PushConfig();
  git["apps"].signatures = {Signature("c2", pb::SIGNATURE_RESULT_UNKNOWN_KEY)};
  FetchDone late{RepositoryName("apps"), pb::FetchResponse()};
  late.job = std::get<FetchJob>(under_way.front()).job;
  late.result->set_commit("c2");
  late.result->set_descends(true);
  *late.result->add_signatures() = Signature("c2", kGood);
  Do(late);
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  Do(Tick{});
  Run();
  EXPECT_EQ(RepositoryOf("apps").commit(), "c1");
  EXPECT_EQ(Verified()->reason(), "UnknownKey");
}

TEST_F(SignedSourcesTest, NobodyCanAcceptARewriteThatIsNotSigned) {
  SmallFleet();
  AskForSignatures();
  git["apps"].descends = false;
  PushSigned("rewritten", pb::SIGNATURE_RESULT_UNSIGNED, "evil");
  EXPECT_FALSE(RepositoryOf("apps").frozen());
  pb::AcceptRewriteRequest request;
  request.set_repository("apps");
  request.set_commit("rewritten");
  EXPECT_TRUE(absl::IsFailedPrecondition(Ask(request).status()));
  PushSigned("rewritten", kGood, "meant");
  EXPECT_TRUE(RepositoryOf("apps").frozen()) << "a signature does not make it a descendant";
}

TEST_F(SignedSourcesTest, WhatRuledBeforeTheSignersLeftIsSaidAndStays) {
  SmallFleet();
  AskForSignatures();
  PushSigned("c2", kGood, "two");
  git["apps"].signatures = {Signature("c2", pb::SIGNATURE_RESULT_UNKNOWN_KEY)};
  config.mutable_repositories(0)->mutable_verify()->mutable_ssh(0)->set_principals("bob");
  PushConfig();
  EXPECT_EQ(RepositoryOf("apps").commit(), "c2");
  EXPECT_EQ(Verified()->reason(), "UnknownKey");
  EXPECT_NE(Verified()->message().find("it rules since before"), std::string::npos);
  config.mutable_repositories(0)->clear_verify();
  PushConfig();
  EXPECT_EQ(Verified(), nullptr);
}

TEST_F(SignedSourcesTest, DeclarationsOfAFleetRepositoryThatIsNotSignedDoNotRule) {
  pb::HubMeta meta;
  ASSERT_TRUE(meta.ParseFromString(*store.Get(keys::kMeta)));
  *meta.mutable_fleet_verify() = Policy();
  meta.mutable_fleet_verify()->clear_signers();
  Batch batch;
  batch.Put(keys::kMeta, meta.SerializeAsString());
  ASSERT_TRUE(store.Commit(batch).ok());
  Restart();
  SmallFleet();
  EXPECT_EQ(PackageOf("web"), nullptr);
  EXPECT_EQ(RepositoryOf(".fleet").commit(), "");
  EXPECT_NE(RepositoryOf(".fleet").message().find("is not signed"), std::string::npos);
  EXPECT_EQ(RepositoryOf(".fleet").verify(), "signed by the pinned signers");

  git[".fleet"].signatures = {Signature(absl::StrCat("f", fleet_commits + 1), kGood)};
  PushConfig();
  EXPECT_NE(PackageOf("web"), nullptr);
}

}  // namespace
}  // namespace muster::hub
