#include "hub/source/chart_fetch.h"

#include "absl/strings/escaping.h"
#include "hub/source/chart_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

TEST_F(ChartFetchTest, FetchesWhatFitsAndMakesItACommit) {
  Publish({{"1.2.3", "old"}, {"1.2.4", "new"}, {"2.0.0", "next"}});
  Want("^1.2");
  Want("1.2.3");
  const auto response = Fetch();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->descends());
  ASSERT_EQ(response->charts().pins_size(), 2);
  const pb::ChartPin& exact = response->charts().pins(0);
  const pb::ChartPin& range = response->charts().pins(1);
  EXPECT_EQ(exact.version(), "1.2.3");
  EXPECT_EQ(exact.archive_digest(), DigestOf(Archive("1.2.3", "old")));
  EXPECT_EQ(range.version(), "1.2.4");
  EXPECT_EQ(range.path(), "web/1.2.4");
  EXPECT_EQ(NoteOf(exact), "old");
  EXPECT_EQ(NoteOf(range), "new");
  ASSERT_EQ(response->commits_size(), 1);
  EXPECT_EQ(response->commits(0).subject(), absl::StrCat("web 1.2.3 ", exact.archive_digest(),
                                                         ", web 1.2.4 ", range.archive_digest()));
  EXPECT_EQ(response->commits(0).author(), "charts.example.com/stable");
}

TEST_F(ChartFetchTest, FetchesNothingTwiceAndFollowsARange) {
  Publish({{"1.2.3", "old"}});
  Want("^1.2");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  https_.asked.clear();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), request_.known_commit());
  EXPECT_FALSE(https_.Asked(".tgz"));
  Publish({{"1.2.3", "old"}, {"1.3.0", "new"}});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_NE(last_.commit(), request_.known_commit());
  EXPECT_TRUE(last_.descends());
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "new");
}

TEST_F(ChartFetchTest, AVersionWithOtherContentIsARewrite) {
  Publish({{"1.2.3", "reviewed"}});
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  const pb::ChartPin before = last_.charts().pins(0);
  Publish({{"1.2.3", "swapped"}});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_FALSE(last_.descends());
  ASSERT_EQ(last_.rewritten_size(), 1);
  EXPECT_EQ(last_.rewritten(0), absl::StrCat("web 1.2.3 was ", before.archive_digest(), " and is ",
                                             DigestOf(Archive("1.2.3", "swapped"))));
  // Asked again while nobody has decided: the same commit, so that the operator can name it.
  const std::string waiting = last_.commit();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), waiting);
  // Taken back.
  Publish({{"1.2.3", "reviewed"}});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), request_.known_commit());
  EXPECT_TRUE(last_.descends());
}

TEST_F(ChartFetchTest, WhatIsWithdrawnStays) {
  Publish({{"1.2.3", "old"}, {"1.2.4", "new"}});
  Want("^1.2");
  Want("1.2.4");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  Publish({{"1.2.3", "old"}});
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), request_.known_commit());
  ASSERT_EQ(last_.problems_size(), 2);
  const std::string digest = DigestOf(Archive("1.2.4", "new"));
  EXPECT_EQ(last_.problems(0),
            absl::StrCat("chart 'web' version '1.2.4': there is no such version; "
                         "there is 1.2.3; 1.2.4 (",
                         digest, ") keeps ruling"));
  EXPECT_EQ(last_.problems(1),
            absl::StrCat("chart 'web' version '^1.2': version 1.2.4 was withdrawn, and the highest "
                         "that fits is 1.2.3, which is older; 1.2.4 (",
                         digest, ") keeps ruling"));
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "new");
}

TEST_F(ChartFetchTest, AnUnreachableRegistryChangesNothing) {
  Publish({{"1.2.3", "old"}});
  Want("1.2.3");
  https_.down = true;
  EXPECT_TRUE(absl::IsUnavailable(Fetch().status()));
  https_.down = false;
  https_.intercept = [](const HttpsRequest& request) -> std::optional<HttpsAnswer> {
    if (!absl::EndsWith(request.url, ".tgz")) return std::nullopt;
    return HttpsAnswer{503, {}, ""};
  };
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_TRUE(absl::StrContains(status.message(), "charts.example.com answers 503")) << status;
}

TEST_F(ChartFetchTest, SaysWhatThereIs) {
  Publish({{"1.2.3", ""}, {"1.3.0", ""}, {"2.0.0-rc.1", ""}});
  Want("1.9.9");
  Want(">=3");
  Want("1.0.0", "", "wbe");
  ASSERT_TRUE(Fetch().ok());
  ASSERT_EQ(last_.charts().pins_size(), 3);
  EXPECT_EQ(last_.charts().pins(0).error(), "it has no chart 'wbe'; it has 'web'");
  EXPECT_EQ(last_.charts().pins(1).error(),
            "there is no such version; there are 2.0.0-rc.1, 1.3.0, 1.2.3");
  EXPECT_EQ(last_.charts().pins(2).error(), "no version fits; there are 2.0.0-rc.1, 1.3.0, 1.2.3");
  EXPECT_EQ(last_.problems_size(), 3);
}

TEST_F(ChartFetchTest, RefusesAnArchiveThatIsNotWhatTheIndexSays) {
  Publish({{"1.2.3", "reviewed"}});
  https_.pages["https://charts.example.com/stable/web-1.2.3.tgz"] = Archive("1.2.3", "swapped");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(0).version(), "");
  EXPECT_EQ(last_.charts().pins(0).error(),
            absl::StrCat("https://charts.example.com/stable/web-1.2.3.tgz is ",
                         DigestOf(Archive("1.2.3", "swapped")), ", and it should be ",
                         DigestOf(Archive("1.2.3", "reviewed")), "; it is not used"));
}

TEST_F(ChartFetchTest, HoldsADeclaredDigest) {
  Publish({{"1.2.3", "old"}});
  const std::string right = DigestOf(Archive("1.2.3", "old"));
  const std::string wrong = DigestOf("something else");
  Want("1.2.3", right);
  Want("1.2.3", wrong);
  ASSERT_TRUE(Fetch().ok());
  for (const pb::ChartPin& pin : last_.charts().pins()) {
    if (pin.want().digest() == right) {
      EXPECT_EQ(pin.path(), absl::StrCat("web/1.2.3@", right.substr(7)));
      EXPECT_EQ(NoteOf(pin), "old");
    } else {
      EXPECT_EQ(pin.error(),
                absl::StrCat("the index says ", right, ", and ", wrong, " is declared"));
    }
  }
}

TEST_F(ChartFetchTest, RefusesArchivesThatAreNone) {
  Publish({{"1.2.3", ""}});
  https_.pages["https://charts.example.com/stable/index.yaml"] =
      "entries:\n  web:\n  - version: 1.2.3\n    urls: [web-1.2.3.tgz]\n";
  https_.pages["https://charts.example.com/stable/web-1.2.3.tgz"] = "<html>sign in</html>";
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(0).error(), "it is no gzip archive");
}

TEST_F(ChartFetchTest, KeepsTheCredentialToItsHost) {
  Publish({{"1.2.3", "old"}});
  std::string& index = https_.pages["https://charts.example.com/stable/index.yaml"];
  index.replace(index.find("[web-1.2.3.tgz]"), 15, "[https://cdn.example.net/w.tgz]");
  https_.intercept = [&](const HttpsRequest& request) -> std::optional<HttpsAnswer> {
    if (request.url != "https://cdn.example.net/w.tgz") return std::nullopt;
    return HttpsAnswer{302, {{"location", "https://charts.example.com/stable/web-1.2.3.tgz"}}, ""};
  };
  request_.mutable_credential()->set_username("ada");
  request_.mutable_credential()->set_password("sesame");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "old");
  EXPECT_EQ(https_.asked, (std::vector<std::string>{
                              absl::StrCat("https://charts.example.com/stable/index.yaml Basic ",
                                           absl::Base64Escape("ada:sesame")),
                              "https://cdn.example.net/w.tgz",
                              "https://charts.example.com/stable/web-1.2.3.tgz"}));
}

TEST_F(ChartFetchTest, FollowsNoRedirectOutOfTls) {
  Publish({});
  https_.intercept = [](const HttpsRequest&) {
    return HttpsAnswer{302, {{"location", "http://169.254.169.254/latest"}}, ""};
  };
  const absl::Status status = Fetch().status();
  EXPECT_TRUE(absl::StrContains(status.message(), "is not https")) << status;
  https_.intercept = [](const HttpsRequest& request) {
    return HttpsAnswer{302, {{"location", request.url}}, ""};
  };
  EXPECT_TRUE(absl::StrContains(Fetch().status().message(), "redirects more than 5 times"));
}

TEST_F(ChartFetchTest, KeepsWhatMayBeWantedStill) {
  Publish({{"1.2.3", "old"}});
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  request_.clear_charts();
  request_.set_keep_charts(true);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), request_.known_commit());
  request_.set_keep_charts(false);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_NE(last_.commit(), request_.known_commit());
  EXPECT_TRUE(last_.charts().pins().empty());
}

TEST_F(ChartFetchTest, ManyChartsComeInSeveralLooks) {
  Publish({{"1.2.3", "old"}, {"1.2.4", "new"}, {"1.2.5", "newer"}});
  for (const char* version : {"1.2.3", "1.2.4", "1.2.5"}) Want(version);
  for (const int have : {1, 2, 3}) {
    looks_left = have;
    ASSERT_TRUE(Fetch().ok());
    EXPECT_TRUE(last_.descends());
    ASSERT_EQ(last_.charts().pins_size(), have);
    Rule();
  }
  looks_left = 0;
  https_.asked.clear();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.commit(), request_.known_commit());
  EXPECT_EQ(https_.asked.size(), 1u) << "the index alone";
}

TEST_F(ChartFetchTest, FetchesAgainWhatALostDiskHeld) {
  Publish({{"1.2.3", "old"}});
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  CHECK(std::system(absl::StrCat("rm -rf ", clone_, "/charts.git").c_str()) == 0);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "old");
}

// An index that names no digests, with one version.
class SilentIndexTest : public ChartFetchTest {
 protected:
  void Release(const std::string& note) {
    https_.pages["https://charts.example.com/stable/index.yaml"] =
        "entries:\n  web:\n  - version: 1.2.3\n    urls: [web-1.2.3.tgz]\n";
    https_.pages["https://charts.example.com/stable/web-1.2.3.tgz"] = Archive("1.2.3", note);
  }
};

TEST_F(SilentIndexTest, AnotherWantOfAVersionTakesWhatItWasForTheFirst) {
  Release("reviewed");
  Want("^1.2");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  Release("swapped");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_TRUE(last_.descends());
  ASSERT_EQ(last_.charts().pins_size(), 2);
  for (const pb::ChartPin& pin : last_.charts().pins()) {
    EXPECT_EQ(pin.archive_digest(), DigestOf(Archive("1.2.3", "reviewed")));
    EXPECT_EQ(NoteOf(pin), "reviewed");
  }
}

TEST_F(SilentIndexTest, AnotherWantOfAVersionIsHeldToItWhenTheDiskIsLost) {
  Release("reviewed");
  Want("^1.2");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  CHECK(std::system(absl::StrCat("rm -rf ", clone_, "/charts.git").c_str()) == 0);
  Release("swapped");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  ASSERT_EQ(last_.charts().pins_size(), 2);
  for (const pb::ChartPin& pin : last_.charts().pins()) {
    EXPECT_TRUE(absl::StrContains(pin.error(), "it is not used")) << pin.ShortDebugString();
  }
}

TEST_F(ChartFetchTest, AWantThatWasNotLookedAtSharesTheRewriteOfItsVersion) {
  Publish({{"1.2.3", "reviewed"}});
  Want("^1.2");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  Publish({{"1.2.3", "swapped"}});
  Want("1.2.3");  // is looked at first, and there is no time for the other
  looks_left = 1;
  ASSERT_TRUE(Fetch().ok());
  EXPECT_FALSE(last_.descends());
  EXPECT_EQ(last_.rewritten_size(), 1);
  ASSERT_EQ(last_.charts().pins_size(), 2);
  for (const pb::ChartPin& pin : last_.charts().pins()) {
    EXPECT_EQ(pin.archive_digest(), DigestOf(Archive("1.2.3", "swapped")));
  }
}

TEST_F(SilentIndexTest, DigestsThatBeginAlikeAreTwoWants) {
  Release("right");
  const std::string right = DigestOf(Archive("1.2.3", "right"));
  Want("1.2.3", right);
  Want("1.2.3", absl::StrCat(right.substr(0, 7 + 12), std::string(52, '0')));
  ASSERT_TRUE(Fetch().ok());
  ASSERT_EQ(last_.charts().pins_size(), 2);
  for (const pb::ChartPin& pin : last_.charts().pins()) {
    EXPECT_EQ(pin.error().empty(), pin.want().digest() == right) << pin.ShortDebugString();
  }
}

}  // namespace
}  // namespace muster::hub
