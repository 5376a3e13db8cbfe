// What kubectl 1.32 printed for the same values, text by text.
#include "common/manifest/kubectl_yaml.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/manifest/yaml.h"

namespace muster {
namespace {

std::string Write(const Value& value) {
  std::string out;
  AppendKubectlYaml(value, out);
  return out;
}

// How a text is written as the value of a member.
std::string Spell(const std::string& text) {
  const std::string out = Write(Value::Map{{"k", text}});
  return out.substr(3, out.size() - 4);
}

TEST(KubectlYaml, LeavesTextPlainThatStaysText) {
  for (const char* text :
       {"web", "a b", "1.2.3", "10.0.0.1", "yes!", "a#b", "-x", "0x1G", "1e", "http://a:80/b?c=d",
        "12e999", "2020-13-01", "truE", "é", "?x", "x\"y", "$(A) {b}"}) {
    EXPECT_EQ(Spell(text), text);
  }
}

TEST(KubectlYaml, DoubleQuotesWhatWouldBeSomethingElse) {
  for (const char* text : {"",
                           "yes",
                           "No",
                           "y",
                           "ON",
                           "null",
                           "~",
                           "true",
                           "12",
                           "-1",
                           "+5",
                           "0755",
                           "089",
                           "0o17",
                           "0x1F",
                           "0b101",
                           "1_000",
                           "1e3",
                           ".5",
                           "1.",
                           "22:22",
                           "2020-01-02",
                           "2020-1-2T3:4:5Z",
                           "2020-01-02 03:04:05.6",
                           "-.inf",
                           ".NaN",
                           "18446744073709551615"}) {
    EXPECT_EQ(Spell(text), "\"" + std::string(text) + "\"");
  }
}

TEST(KubectlYaml, SingleQuotesPunctuation) {
  for (const char* text : {" a", "a ", "a: b", "a #b", "*", "&x", "{a}", "[a]", "- a", "@x", "%x",
                           "---", "a:", "? a", "!x", "|", ">"}) {
    EXPECT_EQ(Spell(text), "'" + std::string(text) + "'");
  }
  EXPECT_EQ(Spell("'a'"), "'''a'''");
  EXPECT_EQ(Spell("<<"), "<<");
}

TEST(KubectlYaml, EscapesWhatCannotBePrinted) {
  EXPECT_EQ(Spell("a\tb"), "\"a\\tb\"");
  EXPECT_EQ(Spell("a\rb"), "\"a\\rb\"");
  EXPECT_EQ(Spell("\xF0\x9F\x98\x80"), "\"\\U0001F600\"");
  EXPECT_EQ(Spell("\x01"), "\"\\x01\"");
  // go-yaml takes every character for a byte order mark when the first one is.
  EXPECT_EQ(Spell("\uFEFFab"), "\"\\uFEFF\\x61\\x62\"");
}

TEST(KubectlYaml, WritesLinesAsBlocksUnlessASpaceEndsOne) {
  EXPECT_EQ(Spell("a\nb"), "|-\n  a\n  b");
  EXPECT_EQ(Spell("a\nb\n"), "|\n  a\n  b");
  EXPECT_EQ(Spell("a\n\n"), "|+\n  a\n");
  EXPECT_EQ(Spell("a\nbc\n"), "|\n  a\n  bc");
  EXPECT_EQ(Spell(" a\nb\n"), "|2\n   a\n  b");
  EXPECT_EQ(Spell("a \nb\n"), "\"a \\nb\\n\"");
  EXPECT_EQ(Spell("a\n\tb\n"), "\"a\\n\\tb\\n\"");
}

TEST(KubectlYaml, FoldsAtTheFirstSpacePastEightyColumns) {
  const std::string eighty(80, 'x');
  EXPECT_EQ(Spell(eighty + " y z"), eighty + "\n  y z");
  EXPECT_EQ(Spell(eighty + "  y z"), eighty + "  y\n  z");
  EXPECT_EQ(Spell(eighty + ": y"), "'" + eighty + ":\n  y'");
  EXPECT_EQ(Spell(eighty + "\t  y"), "\"" + eighty + "\\t\n  \\ y\"");
}

TEST(KubectlYaml, SpellsNumbersAsTheyComeOutOfJson) {
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {"12", "12"},
      {"1.50", "1.5"},
      {"1e3", "1000"},
      {"1234567.5", "1.2345675e+06"},
      {"123456.5", "123456.5"},
      {"0.0001", "0.0001"},
      {"0.00001", "1e-05"},
      {"1e21", "1e+21"},
      {"-0", "0"},
      {"18446744073709551615", "18446744073709551615"},
      // kubectl rounds this one to 1.2345678901234568e+29.
      {"123456789012345678901234567890", "123456789012345678901234567890"}};
  for (const auto& [literal, spelled] : numbers) {
    EXPECT_EQ(Write(Value::Number(literal)), spelled + "\n");
  }
}

TEST(KubectlYaml, SortsKeysByLettersAndNumbers) {
  Value::Map map;
  for (const char* key : {"b", "a10", "a9", "B", "a-b", "ab", "a", "1", "10", "2", "_x"}) {
    map.Set(key, 1);
  }
  EXPECT_EQ(Write(map),
            "_x: 1\n\"1\": 1\n\"2\": 1\n\"10\": 1\nB: 1\na: 1\na-b: 1\na9: 1\na10: 1\n"
            "ab: 1\nb: 1\n");
}

TEST(KubectlYaml, NestsListsFlushAndLongKeysWithAQuestionMark) {
  const std::string key(129, 'k');
  EXPECT_EQ(Write(Value::Map{{"a", Value::List{1, Value::List{2, Value::Map{}}, Value::List{}}},
                             {"m", Value::Map{{"x", Value()}}},
                             {key, Value::List{Value::Map{{"a", true}, {"b", "c"}}}}}),
            "a:\n- 1\n- - 2\n  - {}\n- []\n? " + key + "\n: - a: true\n    b: c\nm:\n  x: null\n");
}

TEST(KubectlYaml, IsReadBackAsTheSame) {
  // One reader only: what U+2028 is, two readers do not agree on.
  const Value value = Value::Map{{"text", "line\n\n  more \u2028 \n"},
                                 {"two\nlines", "a\u2028b'c"},
                                 {"yes", Value::List{"0x1F", "1.0", Value()}}};
  const auto documents = ParseYaml(Write(value), "t", YamlReaders::kOne);
  ASSERT_TRUE(documents.ok()) << documents.status();
  EXPECT_TRUE(documents->at(0).value == value) << Write(value);
}

}  // namespace
}  // namespace muster
