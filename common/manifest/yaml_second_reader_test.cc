// A second opinion on YAML: real texts on which parsers agree, texts on which they do not, and what
// the message says.
#include "common/manifest/yaml_second_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace muster {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPlainAdvice[] =
    "; write it so that there is one way to read it: quote the text, and keep it on one line";

std::vector<Document> FirstReading(absl::string_view text) {
  auto documents = ParseYaml(text, "a.yaml", YamlReaders::kOne);
  EXPECT_TRUE(documents.ok()) << documents.status();
  return documents.ok() ? *std::move(documents) : std::vector<Document>();
}

// What is said about a text that the first reader accepts; empty when the second one agrees.
std::string Complaint(absl::string_view text) {
  FirstReading(text);
  const auto documents = ParseYaml(text, "a.yaml");
  if (documents.ok()) return "";
  EXPECT_EQ(documents.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(documents.status().message());
}

// The same for two texts of which one is taken for a reading of the other.
std::string Planted(absl::string_view reviewed, absl::string_view runs) {
  return std::string(
      CompareReadings(reviewed, FirstReading(reviewed), FirstReading(runs), "a.yaml").message());
}

TEST(SecondReading, AgreesOnWhatFleetsWrite) {
  for (const absl::string_view text : {
           "a: |\n  one\n    two\n\n  three\nb: |-\n  x\nc: |+\n  x\n\n\nd: >\n  one\n  two\n\n"
           "  three\n    more\n  less\n\n\n",
           "a: >-\n\n  one\n    more\n\n    more2\n  x\n",
           "a: |2\n    x\n   y\nb: |\nc: | # why\n  x\n",
           "a: |\n  x",
           "a: |\n  x\n     \n  y\n# between\nb: |\n\n\n  x\n",
           "a: |\r\n  x\r\n  y\r\nb: \"x\r\n  y\"\r\n",
           "a: one\n  two\n\n  three\nb: \"one  \n  two\\\n   three\\ \n  four\"\nc: 'it''s\n  "
           "x'\n",
           "a:\tb\t# why\nc: x#y #z\nd: http://x:80/?a=b&c\n",
           "{\"a\":1,\"b\":[1,{\"c\":\"d\"}],\"e\":{}}\n",
           "a: {b, c: , d: [x: 1, y], \"e\":1}\nf: [one\n  two, three,\n]\n",
           "a:\nb: ~\nc: null\nd: Null\ne: ''\nf: nUll\n",
           "a: 0644\nb: 1e3\nc: 0x1F\nd: yes\ne: .5\nf: 12:30:45\ng: 2020-01-01\n1: x\ntrue: y\n",
           "a: !!str 1\nb: !!int \"1\"\nc: !!seq []\nd: ! 12\ne: !!str\n",
           "%YAML 1.1\n%TAG !e! tag:yaml.org,2002:\n---\na: !e!str 1\n",
           "a: &x {b: 1}\nc: *x\nd: &x [1]\ne: *x\nf: {<<: {g: 1}, h: 2}\n",
           "a: &x {b: 1}\nb: &y {c: 1}\nc:\n  <<: [*x, *y]\n  \"<<\": text\n",
           "a: &x k\n*x : v\nb: &y\nc: *y\nd: &z ~\ne: *z\n",
           "&x a: 1\nb: *x\nc: &y\n  - 1\nd: *y\n",
           "a: 1\n---\n---\n# nothing\n---\nb: 2\n...\n---\nc: 3\n...\n--- text\n--- |\n x\n",
           "? a\n: b\n? c\n? |\n  d\n: - e\n  - f\n",
           "a:\n- b\n- c: 1\n  d: 2\n-\n  e: 1\n- - f\n  -   - g\n",
           "a: \"\\u00e9\\x41\\n\\t\\0\\e\\L\\P\\/\\\"\\U0001F600\"\nklíč: ☃\n",
       }) {
    EXPECT_EQ(Complaint(text), "") << text;
  }
}

TEST(SecondReading, RepairsTheEscapesThatTheLibraryGetsWrong) {
  EXPECT_EQ(Complaint("a: \"x\\_y\\N\\Né\\_\"\nb: \"\\_\"\n"), "");
}

TEST(SecondReading, RefusesACharacterThatEndsALineForOneReaderOnly) {
  EXPECT_EQ(Complaint("image: web\nnote: |\n  x\xE2\x80\xA8  y\n"),
            "a.yaml:2:1: two YAML readers understand this differently at /note: one reads "
            "\"x\\u2028y\\n\", the other \"x\\u2028  y\\n\"; line 3 has a line separator "
            "(U+2028), which not every reader takes for the same: remove it, or write it as an "
            "escape within double quotes");
  // To a reviewer this is one line of text, to the first reader it is another key.
  EXPECT_THAT(Complaint("note: fine\xC2\x85privileged: true\n"),
              AllOf(StartsWith("a.yaml:1:"), HasSubstr("one accepts it, the other says \"illegal"),
                    HasSubstr("line 1 has a next-line character (U+0085)")));
  EXPECT_THAT(Complaint("a: 1\nnote: fine\rprivileged: true\n"),
              HasSubstr("line 2 has a carriage return without a line feed"));
  EXPECT_THAT(Complaint("a: x\xE2\x80\xA9"
                        "b: y\n"),
              HasSubstr("paragraph separator (U+2029)"));
}

TEST(SecondReading, RefusesAByteOrderMarkWithinTheText) {
  EXPECT_EQ(Complaint("\xEF\xBB\xBF"
                      "a: 1\n"),
            "");
  EXPECT_THAT(Complaint("a: 1\n---\n\xEF\xBB\xBF"
                        "b: 2\n"),
              AllOf(HasSubstr(" at /b: one reads 2, the other nothing; "),
                    HasSubstr("line 3 has a byte order mark (U+FEFF)")));
}

TEST(SecondReading, EndsWhereTheLibraryWouldNot) {
  EXPECT_THAT(Complaint("&x a:nt\n 1\n? |\nb:}! *x\n"),
              HasSubstr("one accepts it, the other says \"more than"));
}

TEST(SecondReading, IsRefusedByTheSameRulesAsTheFirst) {
  // As if the first reader had let a key pass twice.
  EXPECT_EQ(CheckSecondReading("a: 1\na: 2\n", FirstReading("a: 2\n"), "a.yaml", YamlKeys::kUnique)
                .message(),
            absl::StrCat("a.yaml:2:1: two YAML readers understand this differently: one accepts "
                         "it, the other says \"key 'a' is there twice, first at line 1\"",
                         kPlainAdvice));
}

TEST(SecondReading, IsNotAskedAboutOurOwnTexts) {
  EXPECT_EQ(FirstReading("a: x\rb: y\n").size(), 1u);
  EXPECT_NE(Complaint("a: x\rb: y\n"), "");
}

TEST(Disagreement, NamesPlaceAndBothReadings) {
  EXPECT_EQ(Planted("spec:\n  image: a\n", "spec:\n  image: b\n"),
            absl::StrCat("a.yaml:2:3: two YAML readers understand this differently at /spec/image: "
                         "one reads \"a\", the other \"b\"",
                         kPlainAdvice));
}

TEST(Disagreement, IsFoundWhateverDiffers) {
  EXPECT_EQ(Planted("a: 1\nb: [x, {c: 1e3}]\n", "b: [x, {c: 1000}]\na: 1\n"), "");
  EXPECT_THAT(Planted("a: 1\n", "a: '1'\n"), HasSubstr(" at /a: one reads 1, the other \"1\";"));
  EXPECT_THAT(Planted("a: [1]\n", "a: [1, 2]\n"),
              HasSubstr(" at /a: one reads a list of 1, the other a list of 2;"));
  EXPECT_THAT(Planted("a: [1, 2]\n", "a: [1, 3]\n"), HasSubstr(" at /a/1: one reads 2"));
  EXPECT_THAT(Planted("a: {}\n", "a: []\n"),
              HasSubstr(" at /a: one reads a map of 0, the other a list of 0;"));
  EXPECT_THAT(Planted("a: {b: 1}\n", "a: {}\n"),
              HasSubstr(" at /a/b: one reads 1, the other nothing;"));
  EXPECT_THAT(Planted("a: {}\n", "a: {b: null}\n"),
              HasSubstr(" at /a/b: one reads nothing, the other null;"));
  EXPECT_THAT(Planted("a\n", "b\n"), HasSubstr("differently: one reads \"a\", the other \"b\";"));
  EXPECT_THAT(Planted("a: 1\n---\nb: 2\n", "a: 1\n"),
              StartsWith("a.yaml:3: two YAML readers understand this differently: one finds 2 "
                         "documents, the other 1;"));
  EXPECT_THAT(Planted("a: 1\n", "a: 1\n---\nb: 2\n"),
              StartsWith("a.yaml:3: two YAML readers understand this differently: one finds 1 "
                         "documents, the other 2;"));
  EXPECT_THAT(Planted("a: 1\n---\nb: 2\n", "a: 1\n---\nb: 3\n"), StartsWith("a.yaml:3:1: "));
}

TEST(Disagreement, ShowsLongTextsWhereTheyDiffer) {
  const std::string same(1000, 'x');
  const std::string message =
      Planted(absl::StrCat("a: ", same, "1\n"), absl::StrCat("a: ", same, "2", same, "\n"));
  EXPECT_THAT(message, HasSubstr("one reads ...\"xxxxxxxxxxxxxxxxxxxx1\", the other "
                                 "...\"xxxxxxxxxxxxxxxxxxxx2xxx"));
  EXPECT_THAT(message, EndsWith(kPlainAdvice));
  EXPECT_LT(message.size(), 400u);
}

}  // namespace
}  // namespace muster
