#include "common/charts/chart_index.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr char kDigest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

// As `helm repo index` writes it.
std::string HelmsOwn() {
  return absl::StrCat(R"(apiVersion: v1
entries:
  redis:
  - apiVersion: v2
    description: |
      web:
      - not a chart of its own
    name: redis
    version: 18.0.0
  web:
  - annotations:
      web: |-
        entries:
    created: "2026-01-02T03:04:05Z"
    digest: )",
                      kDigest, R"(
    name: web
    urls:
    - https://cdn.example.com/web-1.2.4.tgz
    - web-1.2.4.tgz
    version: 1.2.4
  - name: web
    urls: [charts/web-1.2.3.tgz]
    version: 1.2.3
generated: "2026-01-02T03:04:05Z"
)");
}

TEST(ChartIndex, FindsTheVersionsOfAChart) {
  const std::string text = HelmsOwn();
  const auto index = ChartIndex::Parse(text);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_EQ(index->names(), (std::vector<std::string>{"redis", "web"}));
  const auto versions = index->Versions("web");
  ASSERT_TRUE(versions.ok()) << versions.status();
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[0].version, "1.2.4");
  EXPECT_EQ((*versions)[0].digest, absl::StrCat("sha256:", kDigest));
  EXPECT_EQ((*versions)[0].urls[0], "https://cdn.example.com/web-1.2.4.tgz");
  EXPECT_EQ((*versions)[1].version, "1.2.3");
  EXPECT_EQ((*versions)[1].digest, "");
}

TEST(ChartIndex, ReadsWhatOthersWriteAlike) {
  const std::string expected = HelmsOwn();
  for (const std::string& text : {
           std::string("entries:\n    web:\n        - version: 1.2.3\n          urls: [a]\n"),
           std::string("entries:\n  \"web\":\n  - {version: 1.2.3, urls: [a]}\n"),
           std::string("entries: {web: [{version: 1.2.3, urls: [a]}]}\n"),
           std::string("{\"apiVersion\": \"v1\", \"entries\": {\"web\": [{\"version\": \"1.2.3\", "
                       "\"urls\": [\"a\"]}]}}"),
           std::string("# mine\r\nentries:\r\n\r\n  # first\r\n  web:\r\n  - version: 1.2.3\r\n    "
                       "urls:\r\n    - a\r\n"),
       }) {
    const auto index = ChartIndex::Parse(text);
    ASSERT_TRUE(index.ok()) << index.status() << text;
    const auto versions = index->Versions("web");
    ASSERT_TRUE(versions.ok()) << versions.status() << text;
    ASSERT_EQ(versions->size(), 1u) << text;
    EXPECT_EQ((*versions)[0].version, "1.2.3");
    EXPECT_EQ((*versions)[0].urls, std::vector<std::string>{"a"});
  }
}

TEST(ChartIndex, ReadsOnlyWhatIsAskedFor) {
  // Another chart's entry is broken, and there are far more nodes than a file may have.
  std::string text = "entries:\n  broken:\n  - {version: [\n";
  for (int i = 0; i < 300'000; ++i) absl::StrAppend(&text, "  - v", i, "\n");
  absl::StrAppend(&text, "  web:\n  - version: 1.2.3\n");
  const auto index = ChartIndex::Parse(text);
  ASSERT_TRUE(index.ok()) << index.status();
  EXPECT_TRUE(index->Versions("web").ok());
  EXPECT_FALSE(index->Versions("broken").ok());
}

TEST(ChartIndex, WhatStandsTwiceIsRefused) {
  const std::string web = "  web:\n  - version: 1.2.3\n";
  for (const char* again : {"  web:\n  - version: 2.0.0\n", "  'web':\n  - version: 2.0.0\n"}) {
    const std::string text = absl::StrCat("entries:\n", web, "  api:\n  - version: 1.0.0\n", again);
    EXPECT_EQ(ChartIndex::Parse(text).status().message(),
              "index.yaml: chart 'web': it stands twice, and programs differ in which of them "
              "counts");
  }
  // The charts themselves, in whichever spelling.
  for (const char* again : {"entries:\n", "entries :\n", "\"entries\":\n", "'entries':\n",
                            "\"entr\\u0069es\":\n", "? entries\n:\n"}) {
    EXPECT_FALSE(ChartIndex::Parse(absl::StrCat("entries:\n", web, "x: y\n", again, web)).ok())
        << again;
    EXPECT_FALSE(ChartIndex::Parse(absl::StrCat(again, web, "entries:\n", web)).ok()) << again;
  }
  const std::string quoted = absl::StrCat("\"apiVersion\": v1\nentries:\n", web, "'x': y\n");
  EXPECT_TRUE(ChartIndex::Parse(quoted)->Versions("web").ok()) << "quoted, and once";
}

TEST(ChartIndex, NamesWhatThereIs) {
  const std::string text = HelmsOwn();
  const auto index = ChartIndex::Parse(text);
  EXPECT_EQ(index->Versions("webb").status().message(),
            "it has no chart 'webb'; it has 'web', 'redis'");
  EXPECT_EQ(NameSome("x", {"a", "b", "c", "d", "e", "f", "g"}),
            "'a', 'b', 'c', 'd', 'e' and 2 more");
}

TEST(ChartIndex, RefusesWhatIsNone) {
  for (const char* text : {"", "<html><body>sign in</body></html>", "apiVersion: v1\n", "[]",
                           "entries: 3\n", "entries:\n- web\n"}) {
    EXPECT_FALSE(ChartIndex::Parse(text).ok()) << text;
  }
  const auto empty = ChartIndex::Parse("apiVersion: v1\nentries: {}\n");
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->Versions("web").status().message(), "it has no chart 'web'; it has none");
  const auto bad = ChartIndex::Parse("entries:\n  web:\n  - version: 1.2.3\n    digest: md5:abc\n")
                       ->Versions("web");
  EXPECT_EQ(bad.status().message(),
            "index.yaml: chart 'web': version 1.2.3 has a digest that is no SHA-256");
}

}  // namespace
}  // namespace muster
