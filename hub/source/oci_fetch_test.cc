// Charts from OCI registries, which give out tokens and redirect to other hosts.
#include "absl/strings/escaping.h"
#include "hub/source/chart_fixture_test.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

class OciFetchTest : public ChartFetchTest {
 protected:
  OciFetchTest() {
    request_.set_type(pb::REPOSITORY_TYPE_OCI);
    request_.set_url("oci://registry.example.com/org");
    request_.mutable_credential()->set_username("ada");
    request_.mutable_credential()->set_password("sesame");
    https_.intercept = [this](const HttpsRequest& request) { return Guard(request); };
  }

  // Lets in who has a token, and gives one to who knows the password.
  std::optional<HttpsAnswer> Guard(const HttpsRequest& request) {
    const std::string basic = absl::StrCat("Basic ", absl::Base64Escape("ada:sesame"));
    if (absl::StartsWith(request.url, "https://auth.example.com/token?")) {
      if (request.authorization != basic) return HttpsAnswer{401, {}, ""};
      return HttpsAnswer{200, {}, "{\"token\": \"let-me-in\"}"};
    }
    if (!absl::StartsWith(request.url, "https://registry.example.com/v2/org/")) {
      return std::nullopt;
    }
    if (request.authorization == "Bearer let-me-in") return std::nullopt;
    return HttpsAnswer{
        401,
        {{"www-authenticate",
          "Bearer realm=\"https://auth.example.com/token\",service=\"registry\",scope=\"pull\""}},
        ""};
  }

  // The manifest's digest.
  std::string Push(const std::string& version, const std::string& note) {
    const std::string archive = Archive(version, note);
    const std::string manifest =
        absl::StrCat(R"({"schemaVersion": 2, "layers": [{"mediaType": )",
                     R"("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": ")",
                     DigestOf(archive), R"(", "size": )", archive.size(), "}]}");
    const std::string base = "https://registry.example.com/v2/org/web/";
    https_.pages[absl::StrCat(base, "manifests/", version)] = manifest;
    https_.pages[absl::StrCat(base, "manifests/", DigestOf(manifest))] = manifest;
    https_.pages[absl::StrCat(base, "blobs/", DigestOf(archive))] = archive;
    tags_ += absl::StrCat(tags_.empty() ? "" : ", ", "\"", version, "\"");
    https_.pages[absl::StrCat(base, "tags/list?n=1000")] =
        absl::StrCat("{\"tags\": [", tags_, "]}");
    https_.pages["https://registry.example.com/v2/"] = "{}";
    return DigestOf(manifest);
  }

  std::string tags_;
};

TEST_F(OciFetchTest, FetchesByTagWithAToken) {
  const std::string digest = Push("1.2.3", "old");
  Push("1.3.0", "new");
  Want("1.2.3");
  Want("^1");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(0).manifest_digest(), digest);
  EXPECT_EQ(last_.charts().pins(0).archive_digest(), DigestOf(Archive("1.2.3", "old")));
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "old");
  EXPECT_EQ(NoteOf(last_.charts().pins(1)), "new");
  EXPECT_TRUE(https_.Asked("https://auth.example.com/token?service=registry&scope=pull"));
}

TEST_F(OciFetchTest, FetchesByDigestWhateverTheTagIsNow) {
  const std::string digest = Push("1.2.3", "reviewed");
  Push("1.2.3", "swapped");
  Want("1.2.3", digest);
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(NoteOf(last_.charts().pins(0)), "reviewed");
}

TEST_F(OciFetchTest, ATagThatMovesIsARewrite) {
  const std::string before = Push("1.2.3", "reviewed");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  Rule();
  const std::string after = Push("1.2.3", "swapped");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_FALSE(last_.descends());
  EXPECT_EQ(last_.rewritten(0), absl::StrCat("web 1.2.3 was ", before, " and is ", after));
}

TEST_F(OciFetchTest, RefusesABlobThatIsNotItsName) {
  Push("1.2.3", "reviewed");
  https_.pages[absl::StrCat("https://registry.example.com/v2/org/web/blobs/",
                            DigestOf(Archive("1.2.3", "reviewed")))] = Archive("1.2.3", "swapped");
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_TRUE(absl::StrContains(last_.charts().pins(0).error(), "which is not what its name says"));
}

TEST_F(OciFetchTest, SaysWhatIsMissing) {
  Push("1.2.3", "");
  Want("1.2.4");
  Want("1.0.0", "", "api");
  request_.mutable_credential()->clear_password();
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(1).error(),
            "auth.example.com asks for a user name and a password or token; name a credential in "
            "spec.credentials");
  request_.mutable_credential()->set_password("sesame");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(0).error(),
            "registry.example.com has no 'org/api'; check the chart's name and the path in the "
            "Repository's url");
  EXPECT_EQ(last_.charts().pins(1).error(), "there is no such version; there is 1.2.3");
}

TEST_F(OciFetchTest, AHostThatItRedirectsToGetsNoPasswordAndNamesNoTokenServer) {
  Push("1.2.3", "old");
  const std::string blob = absl::StrCat("https://registry.example.com/v2/org/web/blobs/",
                                        DigestOf(Archive("1.2.3", "old")));
  https_.intercept = [&](const HttpsRequest& request) -> std::optional<HttpsAnswer> {
    if (request.url == "https://cdn.example.net/blob") {
      return HttpsAnswer{
          401, {{"www-authenticate", "Bearer realm=\"https://cdn.example.net/token\""}}, ""};
    }
    if (request.url == blob && request.authorization == "Bearer let-me-in") {
      return HttpsAnswer{307, {{"location", "https://cdn.example.net/blob"}}, ""};
    }
    return Guard(request);
  };
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_EQ(last_.charts().pins(0).error(),
            "cdn.example.net, to which registry.example.com redirects, asks for a user name and a "
            "password; those of registry.example.com are not given to it; let "
            "registry.example.com redirect to where everybody may read");
  EXPECT_FALSE(https_.Asked("https://cdn.example.net/token"));
  EXPECT_FALSE(https_.Asked("https://cdn.example.net/blob Basic"));
}

TEST_F(OciFetchTest, SendsNoPasswordInTheClear) {
  Push("1.2.3", "");
  https_.intercept = [](const HttpsRequest& request) -> std::optional<HttpsAnswer> {
    if (absl::EndsWith(request.url, "/v2/")) return std::nullopt;
    return HttpsAnswer{
        401, {{"www-authenticate", "Bearer realm=\"http://auth.example.com/t\""}}, ""};
  };
  Want("1.2.3");
  ASSERT_TRUE(Fetch().ok());
  EXPECT_TRUE(absl::StrContains(last_.charts().pins(0).error(), "not https"));
  EXPECT_FALSE(https_.Asked("Basic"));
}

}  // namespace
}  // namespace muster::hub
