#include "common/charts/oci.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

TEST(Oci, ReadsWhereARegistryIs) {
  const auto place = ParseOciUrl("oci://Registry.example.com:5000/org/charts/");
  ASSERT_TRUE(place.ok()) << place.status();
  EXPECT_EQ(place->host, "registry.example.com:5000");
  EXPECT_EQ(place->path, "org/charts");
  EXPECT_EQ(ParseOciUrl("oci://host")->path, "");
  for (const char* url :
       {"https://host/a", "oci://host/Org", "oci://host/a//b", "oci://host/../b", "oci://host/a?x",
        "oci://host/-a", "oci://", "oci:///a", "oci://me@host/a", "oci://ho st/a"}) {
    EXPECT_FALSE(ParseOciUrl(url).ok()) << url;
  }
}

TEST(Oci, ReadsChallenges) {
  const auto challenge = ParseChallenge(
      {"Basic realm=\"old\"",
       "Bearer realm=\"https://auth.example.com/token\",service=\"registry.example.com\", "
       "scope=\"repository:org/web:pull,push\""});
  ASSERT_TRUE(challenge.ok()) << challenge.status();
  EXPECT_TRUE(challenge->bearer);
  EXPECT_EQ(challenge->realm, "https://auth.example.com/token");
  EXPECT_EQ(challenge->service, "registry.example.com");
  EXPECT_EQ(challenge->scope, "repository:org/web:pull,push");
  EXPECT_FALSE(ParseChallenge({"basic realm=x"})->bearer);
  EXPECT_EQ(ParseChallenge({"bearer realm=plain,service=s"})->realm, "plain");
  EXPECT_FALSE(ParseChallenge({}).ok());
  EXPECT_FALSE(ParseChallenge({"Negotiate"}).ok());
  EXPECT_FALSE(ParseChallenge({"Bearer service=\"x\""}).ok());
  EXPECT_FALSE(ParseChallenge({"Bearer realm=\"torn"}).ok());
}

TEST(Oci, ReadsTokensAndTags) {
  EXPECT_EQ(*ParseToken("{\"token\": \"abc\"}"), "abc");
  EXPECT_EQ(*ParseToken("{\"access_token\": \"def\"}"), "def");
  for (const char* json : {"", "{}", "{\"token\": \"\"}", "{\"token\": 3}", "[]",
                           "{\"token\": \"a\\r\\nX-Evil: 1\"}"}) {
    EXPECT_FALSE(ParseToken(json).ok()) << json;
  }
  EXPECT_EQ(*ParseTags("{\"name\": \"web\", \"tags\": [\"1.2.3\", \"1.2.3_b1\"]}"),
            (std::vector<std::string>{"1.2.3", "1.2.3_b1"}));
  EXPECT_TRUE(ParseTags("{\"tags\": null}")->empty());
  EXPECT_FALSE(ParseTags("no").ok());
  EXPECT_EQ(VersionOfTag("1.2.3_b1"), "1.2.3+b1");
  EXPECT_EQ(TagOfVersion("1.2.3+b1"), "1.2.3_b1");
}

std::string Manifest(const std::string& type, const std::string& digest) {
  return absl::StrCat(R"({"schemaVersion": 2, "config": {}, "layers": [
      {"mediaType": "application/vnd.cncf.helm.chart.provenance.v1.prov", "digest": "x", "size": 1},
      {"mediaType": ")",
                      type, R"(", "digest": ")", digest, R"(", "size": 1234}]})");
}

TEST(Oci, ReadsTheManifestOfAChart) {
  const std::string type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
  const std::string digest = absl::StrCat("sha256:", std::string(64, 'a'));
  const auto manifest = ParseChartManifest(Manifest(type, digest));
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->layer_digest, digest);
  EXPECT_EQ(manifest->layer_bytes, 1234u);
  EXPECT_EQ(ParseChartManifest(Manifest(type, "sha256:../../etc")).status().message(),
            "the chart's digest is no SHA-256");
  EXPECT_EQ(ParseChartManifest(Manifest("application/vnd.oci.image.layer.v1.tar+gzip", digest))
                .status()
                .message(),
            "it is no chart: it has no layer of type "
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip, but "
            "application/vnd.oci.image.layer.v1.tar+gzip");
  EXPECT_EQ(ParseChartManifest("{\"manifests\": []}").status().message(),
            "it is an index of several manifests, not a chart");
  EXPECT_FALSE(ParseChartManifest("{}").ok());
  EXPECT_FALSE(ParseChartManifest("<html>").ok());
}

}  // namespace
}  // namespace muster
