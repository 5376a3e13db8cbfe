// The plain part of YAML: what is confirmed, what is left to the slow reader, and that no reading
// is confirmed but the right one. That the slow reader always agrees is what yaml_fuzz asks.
#include "common/manifest/yaml_plain_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/yaml_second_reader.h"

namespace muster {
namespace {

std::vector<Document> FirstReading(absl::string_view text) {
  auto documents = ParseYaml(text, "a.yaml", YamlReaders::kOne);
  EXPECT_TRUE(documents.ok()) << documents.status();
  return documents.ok() ? *std::move(documents) : std::vector<Document>();
}

constexpr absl::string_view kPlainTexts[] = {
    "",
    "\n\n# only a comment\n",
    "---\n---\n# nothing\n",
    "a: b",
    "a: b\n",
    "# why\n---  # and how\na: b  # c#d\n\n---\nc: d\n---\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  labels:\n    app.kubernetes.io/x: "
    "y\n",
    "a:\nb: ~\nc: null\nd: true\ne: False\nf: 0644\ng: -1.5\nh: 1e3\ni: yes\nj: 12:30:45\nk: .5\n",
    "a: ''\nb: \"\"\nc: 'it''s'\nd: \"x\\ny \\\"z\\\" \\\\ \\t\"\ne: \"# no comment\" # one\n",
    "image: example.com/web:1.0\nurl: http://x:80/?a=b&c#d\n",
    "a:\n- x\n- y\nb:\n  - z\n",
    "- a: b\n  c: d\n-   e: f\n    g:\n    - h\n- i\n",
    "- - a\n  - b\n- - c\n-\n- # nothing\n- d\n",
    "a:\n  # in between\n\n  b: c\n # odd place\nd: e\n",
    "a: [x, 1, \"y\", [], {}, {k: v, \"l\": [m]}]\nb: {}\nc: { d: e }\n",
    "a: |\n  one\n    two\n\n  three\n\nb: |-\n  x: y # no comment\n  \tz\n",
    "a:\n  b: |\n    x\n# after\n  c: d\n",
    "- |\n  x\n- y: |-\n    z\n",
    "\"a b\": c\n'd': e\n",
    "name: Zo\xC3\xAB \xE2\x80\x93 \xE6\x97\xA5 # \xE2\x9C\x93\n",
};

TEST(PlainReading, ConfirmsWhatFleetsWrite) {
  for (const absl::string_view text : kPlainTexts) {
    const std::vector<Document> documents = FirstReading(text);
    EXPECT_TRUE(ReadsPlainlyAs(text, documents)) << text;
    EXPECT_TRUE(CheckSecondReading(text, documents, "a.yaml", YamlKeys::kUnique).ok()) << text;
  }
}

// Whatever is odd, or several lines long, is somebody else's to judge.
TEST(PlainReading, GivesUpBeforeWhatNeedsThought) {
  for (const absl::string_view text : {
           "a: &x b\nc: *x\n",
           "a: !!str 1\n",
           "a: >\n  b\n",
           "a: |+\n  b\n",
           "a: |2\n    b\n",
           "a: |\n\n  b\n",
           "a: |\n  b\n \n  c\n",
           "a: |\n  b",
           "a: b\n  c\n",
           "a: \"b\n  c\"\n",
           "a: [b,\n  c]\n",
           "a: [b,c]\n",
           "a: {b: c,}\n",
           "a: [b: c]\n",
           "{\"a\":1}\n",
           "a: \"\\x41\"\n",
           "a: \"\\\n  b\"\n",
           "? a\n: b\n",
           "a:\tb\n",
           "a: b\t# c\n",
           "a: b\r\nc: d\r\n",
           "a: \xC2\xA0 b\n",
           "a: 'x\xE2\x80\xA8y'\n",
           "--- a\n",
           "a: b\n...\n",
           "%YAML 1.1\n---\na: b\n",
           "a: @b\n",
           "<<: {a: b}\n",
           "a b: c\n",
           "a: >=1\n",
           "\xE6\x97\xA5: b\n",
       }) {
    const auto documents = ParseYaml(text, "a.yaml", YamlReaders::kOne);
    if (!documents.ok()) continue;  // refused before anybody asks
    EXPECT_FALSE(ReadsPlainlyAs(text, *documents)) << text;
  }
}

// Every text against the reading of every other one.
TEST(PlainReading, ConfirmsNoOtherReading) {
  for (const absl::string_view text : kPlainTexts) {
    const std::vector<Document> own = FirstReading(text);
    for (const absl::string_view other : kPlainTexts) {
      const std::vector<Document> planted = FirstReading(other);
      if (CompareReadings(text, own, planted, "a.yaml").ok()) continue;
      EXPECT_FALSE(ReadsPlainlyAs(text, planted)) << text << "\n taken for\n" << other;
    }
  }
}

TEST(PlainReading, SeesSmallDifferences) {
  const std::pair<absl::string_view, absl::string_view> pairs[] = {
      {"a: 1\n", "a: \"1\"\n"},
      {"a: \"1\"\n", "a: 1\n"},
      {"a: nope\n", "a: null\n"},
      {"a: b\n", "a: b\nc:\n"},
      {"a: b\nc:\n", "a: b\n"},
      {"a: [b]\n", "a: [b, c]\n"},
      {"a:\n- b\n- c\n", "a: [b]\n"},
      {"a: |\n  b\n", "a: |-\n  b\n"},
      {"a: |-\n  b\n", "a: |\n  b\n"},
      {"a: |\n  b\n\n  c\n", "a: |\n  b\n  c\n"},
      {"a: |\n  b\n  c\n", "a: |\n  b\n"},
      {"a: b # c\n", "a: \"b # c\"\n"},
      {"a:\n  b: c\nd: e\n", "a:\n  b: c\n  d: e\n"},
      {"a: b\n---\nc: d\n", "a: b\n"},
      {"a: b\n", "a: b\n---\nc: d\n"},
  };
  for (const auto& [text, other] : pairs) {
    EXPECT_TRUE(ReadsPlainlyAs(text, FirstReading(text))) << text;
    EXPECT_FALSE(ReadsPlainlyAs(text, FirstReading(other))) << text << " taken for " << other;
  }
}

TEST(PlainReading, CanReadLargeFiles) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) absl::StrAppend(&text, "---\nkind: X", i, "\nlist: [a, b]\n");
  EXPECT_TRUE(ReadsPlainlyAs(text, FirstReading(text)));
}

}  // namespace
}  // namespace muster
