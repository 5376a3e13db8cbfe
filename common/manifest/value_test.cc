// Value: maps that keep their order, equality, pointers; numbers and their spelling; UTF-8.
#include "common/manifest/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/number.h"
#include "common/manifest/utf8.h"

namespace muster {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Keys(const Value::Map& map) {
  std::vector<std::string> keys;
  for (const Member& member : map) keys.push_back(member.key);
  return keys;
}

TEST(ValueMap, KeepsTheOrderOfInsertion) {
  Value::Map map{{"z", 1}, {"a", 2}};
  map.Set("m", 3);
  map.Set("z", 4);
  EXPECT_THAT(Keys(map), ElementsAre("z", "a", "m"));
  EXPECT_EQ(map.Get("z")->AsInt64(), 4);
}

TEST(ValueMap, RefusesASecondInsertOfAKey) {
  Value::Map map{{"a", 1}};
  EXPECT_FALSE(map.Insert("a", 2));
  EXPECT_EQ(*map.Get("a"), Value(1));
  EXPECT_EQ(map.size(), 1u);
}

TEST(ValueMap, ErasesAndKeepsTheRestInOrder) {
  Value::Map map{{"a", 1}, {"b", 2}, {"c", 3}};
  EXPECT_TRUE(map.Erase("b"));
  EXPECT_FALSE(map.Erase("b"));
  EXPECT_THAT(Keys(map), ElementsAre("a", "c"));
}

// Past sixteen members a hash index answers; copies, moves and erasures must keep it true.
TEST(ValueMap, FindsEveryMemberOfALargeMap) {
  Value::Map map;
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(map.Insert(absl::StrCat("key-", i), i));
  for (int i = 0; i < 1'000; ++i) ASSERT_FALSE(map.Insert(absl::StrCat("key-", i), 0));
  for (int i = 0; i < 1'000; i += 3) ASSERT_TRUE(map.Erase(absl::StrCat("key-", i)));

  Value::Map copy = map;
  Value::Map moved = std::move(map);
  for (int i = 0; i < 1'000; ++i) {
    const std::string key = absl::StrCat("key-", i);
    ASSERT_EQ(copy.Contains(key), i % 3 != 0) << key;
    ASSERT_EQ(moved.Contains(key), i % 3 != 0) << key;
    if (i % 3 == 0) continue;
    ASSERT_EQ(copy.Get(key)->AsInt64(), i);
  }
  copy.Set("key-1", "changed");
  EXPECT_EQ(*moved.Get("key-1"), Value(1));
}

TEST(ValueMap, ShrinksBackBelowTheIndex) {
  Value::Map map;
  for (int i = 0; i < 40; ++i) map.Insert(absl::StrCat(i), i);
  for (int i = 0; i < 38; ++i) ASSERT_TRUE(map.Erase(absl::StrCat(i)));
  EXPECT_THAT(Keys(map), ElementsAre("38", "39"));
  EXPECT_EQ(*map.Get("39"), Value(39));
  EXPECT_EQ(map.Get("0"), nullptr);
}

TEST(ValueMap, LetsValuesChangeWhileIterating) {
  Value::Map map{{"a", 1}, {"b", 2}};
  for (auto [key, value] : map) value = key + "!";
  EXPECT_EQ(*map.Get("b"), Value("b!"));
}

// U+1F600 is D83D DE00 in UTF-16, which comes before U+FB33; by code points it comes after.
TEST(ValueMap, SortsByUtf16CodeUnits) {
  const Value::Map map{{"\xEF\xAC\xB3", 1}, {"\xF0\x9F\x98\x80", 2}, {"a", 3}, {"", 4}, {"B", 5},
                       {"\xC3\xB6", 6}};
  std::vector<std::string> keys;
  for (const Member* member : map.Sorted()) keys.push_back(member->key);
  EXPECT_THAT(keys, ElementsAre("", "B", "a", "\xC3\xB6", "\xF0\x9F\x98\x80", "\xEF\xAC\xB3"));
}

TEST(Value, KnowsItsKind) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_TRUE(Value(false).is_bool());
  EXPECT_TRUE(Value(0).is_number());
  EXPECT_TRUE(Value("").is_string());
  EXPECT_TRUE(Value(Value::List{}).is_list());
  EXPECT_TRUE(Value(Value::Map{}).is_map());
  EXPECT_EQ(KindName(Value("x").kind()), "string");
}

TEST(Value, EqualityAsksNeitherOrderNorSpelling) {
  EXPECT_EQ(Value(Value::Map{{"a", 1}, {"b", 2}}), Value(Value::Map{{"b", 2}, {"a", 1}}));
  EXPECT_EQ(Value::Number("1e3"), Value(1000));
  EXPECT_EQ(Value::Number("-0"), Value(0));
}

TEST(Value, EqualityTellsKindsAndContentApart) {
  EXPECT_FALSE(Value(1) == Value("1"));
  EXPECT_FALSE(Value() == Value(false));
  EXPECT_FALSE(Value() == Value(Value::Map{}));
  EXPECT_FALSE(Value(Value::List{1, 2}) == Value(Value::List{2, 1}));
  EXPECT_FALSE(Value(Value::Map{{"a", 1}}) == Value(Value::Map{{"a", 1}, {"b", 2}}));
  EXPECT_FALSE(Value(Value::Map{{"a", 1}, {"c", 2}}) == Value(Value::Map{{"a", 1}, {"b", 2}}));
  // Both round to the same double; as integers they differ.
  EXPECT_FALSE(Value::Number("9007199254740993") == Value::Number("9007199254740992"));
}

TEST(Value, ReadsIntegersHoweverSpelled) {
  EXPECT_EQ(Value::Number("3.0").AsInt64(), 3);
  EXPECT_EQ(Value::Number("-9223372036854775808").AsInt64(), INT64_MIN);
  EXPECT_EQ(Value::Number("9223372036854775808").AsInt64(), std::nullopt);
  EXPECT_EQ(Value::Number("1.5").AsInt64(), std::nullopt);
  EXPECT_EQ(Value("3").AsInt64(), std::nullopt);
}

Value Deployment() {
  return Value::Map{
      {"metadata", Value::Map{{"name", "web"}, {"labels", Value::Map{{"a/b", "x"}, {"m~n", "y"}}}}},
      {"ports", Value::List{80, 443}}};
}

TEST(Pointer, FindsMembersAndElements) {
  const Value value = Deployment();
  EXPECT_EQ(value.Find(""), &value);
  EXPECT_EQ(*value.Find("/metadata/name"), Value("web"));
  EXPECT_EQ(*value.Find("/metadata/labels/a~1b"), Value("x"));
  EXPECT_EQ(*value.Find("/metadata/labels/m~0n"), Value("y"));
  EXPECT_EQ(*value.Find("/ports/1"), Value(443));
}

TEST(Pointer, LeadsNowhereWithoutHarm) {
  const Value value = Deployment();
  for (const char* pointer : {"metadata", "/nothing", "/metadata/name/x", "/ports/2", "/ports/-",
                              "/ports/01", "/ports/+1", "/ports/99999999999999999999", "/ports/",
                              "/metadata/~2", "/metadata/labels/m~"}) {
    EXPECT_EQ(value.Find(pointer), nullptr) << pointer;
  }
}

TEST(Pointer, SetMakesTheWayAndReplaces) {
  Value value = Deployment();
  EXPECT_TRUE(value.Set("/metadata/annotations/x.io~1y", "z"));
  EXPECT_TRUE(value.Set("/ports/0", 8080));
  EXPECT_TRUE(value.Set("/ports/-", Value::Map{}));
  EXPECT_TRUE(value.Set("/ports/2/name", "http"));
  EXPECT_EQ(*value.Find("/metadata/annotations"), Value(Value::Map{{"x.io/y", "z"}}));
  EXPECT_EQ(*value.Find("/ports"), Value(Value::List{8080, 443, Value::Map{{"name", "http"}}}));

  Value null_parent = Value::Map{{"spec", Value()}};
  EXPECT_TRUE(null_parent.Set("/spec/a/b", 1));
  EXPECT_EQ(*null_parent.Find("/spec/a/b"), Value(1));

  EXPECT_TRUE(value.Set("", 7));
  EXPECT_EQ(value, Value(7));
}

TEST(Pointer, SetRefusesAndChangesNothing) {
  Value value = Deployment();
  for (const char* pointer :
       {"x", "/metadata/name/x", "/ports/2", "/ports/a/b", "/metadata/name/-", "/~"}) {
    EXPECT_FALSE(value.Set(pointer, 1)) << pointer;
    EXPECT_EQ(value, Deployment()) << pointer;
  }
}

TEST(Pointer, RemovesMembersAndElements) {
  Value value = Deployment();
  EXPECT_TRUE(value.Remove("/metadata/labels/a~1b"));
  EXPECT_TRUE(value.Remove("/ports/0"));
  EXPECT_FALSE(value.Remove("/ports/1"));
  EXPECT_FALSE(value.Remove("/nothing/there"));
  EXPECT_FALSE(value.Remove(""));
  EXPECT_EQ(value, Value(Value::Map{{"metadata", Value::Map{{"name", "web"},
                                                            {"labels", Value::Map{{"m~n", "y"}}}}},
                                    {"ports", Value::List{443}}}));
}

TEST(Pointer, JoinEscapesWhatSplitUnescapes) {
  const std::string pointer = JoinPointer(JoinPointer("", "a/b~c"), "~1");
  EXPECT_EQ(pointer, "/a~1b~0c/~01");
  EXPECT_THAT(*SplitPointer(pointer), ElementsAre("a/b~c", "~1"));
}

TEST(Number, KnowsJsonNumbers) {
  for (const char* text : {"0", "-0", "10", "-1", "1.5", "1e3", "1E+3", "1e-400", "0.001",
                           "123456789012345678901234567890"}) {
    EXPECT_TRUE(IsNumber(text)) << text;
  }
  for (const char* text : {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1_0", " 1", "1 ",
                           "1e400", "-1e400", "nan", "inf", "1f"}) {
    EXPECT_FALSE(IsNumber(text)) << text;
  }
}

// The layouts are those of ECMAScript's Number::toString, which RFC 8785 prescribes.
TEST(Number, HasOneCanonicalSpelling) {
  const std::pair<const char*, const char*> cases[] = {
      {"1e3", "1000"},
      {"1.0", "1"},
      {"1.50", "1.5"},
      {"-0", "0"},
      {"-0.0", "0"},
      {"1e-400", "0"},
      {"1e20", "100000000000000000000"},
      {"1e21", "1e+21"},
      {"1e-6", "0.000001"},
      {"1e-7", "1e-7"},
      {"1.25e-9", "1.25e-9"},
      {"-2.5E2", "-250"},
      {"333333333.33333329", "333333333.3333333"},
      {"1e23", "1e+23"},
      {"5e-324", "5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"12345678901234567890", "12345678901234567890"},
      {"9007199254740993", "9007199254740993"},
      {"0.1", "0.1"},
  };
  for (const auto& [text, canonical] : cases) EXPECT_EQ(CanonicalNumber(text), canonical) << text;
}

TEST(Utf8, FindsTheFirstBadByte) {
  const auto npos = absl::string_view::npos;
  EXPECT_EQ(FindInvalidUtf8("plain, \xC3\xB6, \xE2\x82\xAC, \xF0\x9F\x98\x80"), npos);
  EXPECT_EQ(FindInvalidUtf8(absl::string_view("a\0b", 3)), npos);
  EXPECT_EQ(FindInvalidUtf8("\xF4\x8F\xBF\xBF"), npos);
  EXPECT_EQ(FindInvalidUtf8("ab\xFF"), 2u);
  EXPECT_EQ(FindInvalidUtf8("\xC0\x80"), 0u);          // overlong
  EXPECT_EQ(FindInvalidUtf8("\xE0\x9F\xBF"), 0u);      // overlong
  EXPECT_EQ(FindInvalidUtf8("\xF0\x8F\xBF\xBF"), 0u);  // overlong
  EXPECT_EQ(FindInvalidUtf8("\xED\xA0\x80"), 0u);      // surrogate
  EXPECT_EQ(FindInvalidUtf8("\xF4\x90\x80\x80"), 0u);  // past U+10FFFF
  EXPECT_EQ(FindInvalidUtf8("a\xE2\x82"), 1u);         // cut short
  EXPECT_EQ(FindInvalidUtf8("\xE2\x82"
                            "a"),
            0u);
  EXPECT_EQ(FindInvalidUtf8("\x80"), 0u);
}

}  // namespace
}  // namespace muster
