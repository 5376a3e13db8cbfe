// JSON: one text for equal values, and a reader that takes nothing doubtful.
#include "common/manifest/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

std::string Repeat(absl::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) absl::StrAppend(&out, text);
  return out;
}

TEST(CanonicalJson, SortsAndLeavesNoSpace) {
  const Value value = Value::Map{{"b", Value::List{1, true, Value()}}, {"a", Value::Map{}}};
  EXPECT_EQ(CanonicalJson(value), R"({"a":{},"b":[1,true,null]})");
}

TEST(CanonicalJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(CanonicalJson(Value("\"\\/\b\f\n\r\t\x01\x1F\x7F\xC3\xB6\xF0\x9F\x98\x80")),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\xC3\xB6\xF0\x9F\x98\x80\"");
  EXPECT_EQ(CanonicalJson(Value(absl::string_view("a\0b", 3))), "\"a\\u0000b\"");
}

TEST(CanonicalJson, GivesEqualValuesEqualBytes) {
  const Value a = Value::Map{{"x", Value::Number("1e3")}, {"y", Value::Number("2.50")}};
  const Value b = Value::Map{{"y", Value::Number("2.5")}, {"x", Value::Number("1000")}};
  ASSERT_EQ(a, b);
  EXPECT_EQ(CanonicalJson(a), R"({"x":1000,"y":2.5})");
  EXPECT_EQ(CanonicalJson(a), CanonicalJson(b));
}

TEST(CanonicalJson, KeepsIntegersExact) {
  EXPECT_EQ(CanonicalJson(*ParseJson("[12345678901234567890, 9007199254740993]")),
            "[12345678901234567890,9007199254740993]");
}

TEST(CanonicalJson, IsAFixedPointOfReading) {
  const char* text = R"( { "z" : [ 1.0 , -0 , 1e21 , "\u00f6\/\ud83d\ude00" ] , "a" : null } )";
  const std::string once = CanonicalJson(*ParseJson(text));
  EXPECT_EQ(once, "{\"a\":null,\"z\":[1,0,1e+21,\"\xC3\xB6/\xF0\x9F\x98\x80\"]}");
  EXPECT_EQ(CanonicalJson(*ParseJson(once)), once);
}

TEST(PrettyJson, IsIndentedAndReadsBack) {
  const Value value = Value::Map{
      {"b", Value::List{1, Value::Map{{"c", "d"}}}}, {"a", Value::Map{}}, {"e", Value::List{}}};
  EXPECT_EQ(PrettyJson(value), R"({
  "a": {},
  "b": [
    1,
    {
      "c": "d"
    }
  ],
  "e": []
}
)");
  EXPECT_EQ(*ParseJson(PrettyJson(value)), value);
}

TEST(ParseJson, KeepsOrderAndSpelling) {
  const Value value = *ParseJson(R"({"b":1.50,"a":{}})");
  EXPECT_EQ(value.map().begin()->key, "b");
  EXPECT_EQ(value.Find("/b")->number(), "1.50");
}

TEST(ParseJson, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1",
                           "[1,",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{1:2}",
                           "[1 2]",
                           "nul",
                           "True",
                           "'a'",
                           "\"a",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12",
                           "\"\\u12g4\"",
                           "\"a\nb\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\u0041\"",
                           "01",
                           "1.",
                           "+1",
                           "-",
                           "1e400",
                           "NaN",
                           "1 1",
                           "{}x",
                           "\xEF\xBB\xBF{}",
                           "\"\xFF\"",
                           "[1]//c",
                           "}"}) {
    const auto result = ParseJson(text);
    ASSERT_FALSE(result.ok()) << text;
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseJson(absl::string_view("1\0", 2)).ok());
}

TEST(ParseJson, SaysWhere) {
  EXPECT_EQ(ParseJson("{\n  \"a\": 1,\n  \"a\": 2}").status().message(),
            "json: 3:3: key 'a' is there twice");
  EXPECT_EQ(ParseJson("{\"a\": 01}").status().message(), "json: 1:7: '01' is no number of JSON");
}

// "a" is "a" however it is written.
TEST(ParseJson, SeesThroughEscapesInDuplicateKeys) {
  EXPECT_THAT(ParseJson(R"({"a":1,"\u0061":2})").status().message(), HasSubstr("there twice"));
}

TEST(ParseJson, HoldsItsLimits) {
  const int depth = limits::kYamlDepthMax;
  EXPECT_TRUE(ParseJson(Repeat("[", depth) + Repeat("]", depth)).ok());
  EXPECT_EQ(ParseJson(Repeat("[", depth + 1) + Repeat("]", depth + 1)).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ParseJson(Repeat("[", 1'000'000)).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ParseJson("[" + Repeat("0,", limits::kJsonValuesMax) + "0]").status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ParseJson("\"" + std::string(limits::kObjectBytesMax, 'x') + "\"").status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace muster
