#include "hub/source/chart_fetch.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "hub/source/libgit2_source.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// A chart's archive with Chart.yaml and one more file.
std::string Archive(const std::string& version, const std::string& note) {
  std::string tar;
  for (const auto& [name, bytes] : std::map<std::string, std::string>{
           {"web/Chart.yaml", absl::StrCat("name: web\nversion: ", version, "\n")},
           {"web/templates/note.txt", note}}) {
    std::string header(512, '\0');
    std::memcpy(header.data(), name.data(), name.size());
    std::snprintf(header.data() + 124, 12, "%011zo", bytes.size());
    header[156] = '0';
    std::memset(header.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    std::snprintf(header.data() + 148, 8, "%06o", sum);
    tar += header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
  }
  tar += std::string(1024, '\0');
  z_stream stream = {};
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, tar.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(tar.data());
  stream.avail_in = static_cast<uInt>(tar.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string DigestOf(const std::string& bytes) {
  return absl::StrCat("sha256:", Digest::Of(bytes).hex());
}

// Servers that answer from memory: what is not there is 404.
class FakeHttps final : public Https {
 public:
  absl::StatusOr<HttpsAnswer> Get(const HttpsRequest& request) override {
    asked.push_back(
        absl::StrCat(request.url, request.authorization.empty() ? "" : " ", request.authorization));
    if (down) return absl::UnavailableError("no route to host");
    if (intercept) {
      if (std::optional<HttpsAnswer> answer = intercept(request)) return *answer;
    }
    const auto page = pages.find(request.url);
    if (page == pages.end()) return HttpsAnswer{404, {}, ""};
    if (page->second.size() > request.bytes_max) return absl::ResourceExhaustedError("too large");
    return HttpsAnswer{200, {}, page->second};
  }

  bool Asked(const std::string& text) const {
    return absl::StrContains(absl::StrJoin(asked, "\n"), text);
  }

  std::map<std::string, std::string> pages;
  std::function<std::optional<HttpsAnswer>(const HttpsRequest&)> intercept;
  std::vector<std::string> asked;
  bool down = false;
};

class ChartFetchTest : public ::testing::Test {
 protected:
  ChartFetchTest()
      : clone_(absl::StrCat(::testing::TempDir(), "/",
                            ::testing::UnitTest::GetInstance()->current_test_info()->name())),
        store_(clone_ + "/charts.git"),
        git_({.directory = clone_}) {
    CHECK(std::system(absl::StrCat("rm -rf ", clone_, " && mkdir -p ", clone_).c_str()) == 0);
    request_.set_repository("charts");
    request_.set_type(pb::REPOSITORY_TYPE_HELM);
    request_.set_url("https://charts.example.com/stable");
  }

  void Want(const std::string& version, const std::string& digest = "",
            const std::string& chart = "web") {
    pb::ChartWant& want = *request_.add_charts();
    want.set_chart(chart);
    want.set_version(version);
    want.set_digest(digest);
  }

  // index.yaml and the archives of these versions, and what else they say.
  void Publish(const std::map<std::string, std::string>& versions) {
    std::string index = "apiVersion: v1\nentries:\n  web:\n";
    for (const auto& [version, note] : versions) {
      const std::string archive = Archive(version, note);
      const std::string file = absl::StrCat("web-", version, ".tgz");
      absl::StrAppend(&index, "  - name: web\n    version: ", version,
                      "\n    digest: ", Digest::Of(archive).hex(), "\n    urls: [", file, "]\n");
      https_.pages[absl::StrCat("https://charts.example.com/stable/", file)] = archive;
    }
    https_.pages["https://charts.example.com/stable/index.yaml"] = index;
  }

  absl::StatusOr<pb::FetchResponse> Fetch() {
    auto registry = MakeChartRegistry(request_, https_);
    if (!registry.ok()) return registry.status();
    auto response =
        FetchCharts(request_, **registry, store_, 1'000, [this] { return looks_left-- <= 0; });
    if (response.ok()) last_ = *response;
    return response;
  }

  // As the core does it when what was fetched rules.
  void Rule() {
    request_.set_known_commit(last_.commit());
    *request_.mutable_known_charts() = last_.charts();
  }

  std::string NoteOf(const pb::ChartPin& pin) {
    auto files = git_.Read("charts", last_.commit(), pin.path());
    if (!files.ok()) return files.status().ToString();
    const std::string* note = files->Find(pin.path() + "/templates/note.txt");
    return note == nullptr ? "no note" : *note;
  }

  const std::string clone_;
  GitChartStore store_;
  Libgit2Source git_;
  FakeHttps https_;
  pb::FetchRequest request_;
  pb::FetchResponse last_;
  int looks_left = 1'000;
};

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
      EXPECT_EQ(pin.path(), absl::StrCat("web/1.2.3@", right.substr(7, 12)));
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

// ---------------------------------------------------------------- OCI

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
