#include "agent/cluster/fields.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

ObjectKey Key(const char* kind) {
  return ObjectKey{.api_version = "v1", .kind = kind, .namespace_ = "web", .name = "a"};
}

std::vector<std::string> Different(absl::string_view desired, absl::string_view live,
                                   std::vector<std::string> ignore = {}) {
  std::vector<std::string> pointers;
  for (const FieldChange& change :
       DifferentFields(Key("ConfigMap"), *ParseJson(desired), *ParseJson(live), ignore)) {
    pointers.push_back(change.pointer);
  }
  return pointers;
}

using Pointers = std::vector<std::string>;

TEST(Fields, NamesTheDeepestDifferences) {
  EXPECT_EQ(Different(R"({"a":{"b":1,"c":2}})", R"({"a":{"b":1,"c":3}})"), Pointers{"/a/c"});
  EXPECT_EQ(Different(R"({"a":[1,2]})", R"({"a":[1,3]})"), Pointers{"/a/1"});
  EXPECT_EQ(Different(R"({"a":[1,2]})", R"({"a":[1]})"), Pointers{"/a"});
  EXPECT_EQ(Different(R"({"a":1})", R"({"b":1})"), (Pointers{"/a", "/b"}));
  EXPECT_EQ(Different(R"({"a":1})", R"({"a":"1"})"), Pointers{"/a"});
  EXPECT_EQ(Different(R"({"x/y":{"~":1}})", R"({"x/y":{"~":2}})"), Pointers{"/x~1y/~0"});
  EXPECT_EQ(Different(R"([1])", R"({})"), Pointers{""});
  EXPECT_EQ(Different(R"({"a":1000})", R"({"a":1e3})"), Pointers{});
}

TEST(Fields, LeavesOutWhatIsIgnoredAndWhatStandsBelow) {
  EXPECT_EQ(Different(R"({"a":{"b":1},"c":1})", R"({"a":{"b":2},"c":2})", {"/a"}), Pointers{"/c"});
  EXPECT_EQ(Different(R"({"ab":1})", R"({"ab":2})", {"/a"}), Pointers{"/ab"});
  EXPECT_EQ(Different(R"({})", R"({"m":{"n":1}})", {"/m/n"}), Pointers{});
  EXPECT_EQ(Different(R"({})", R"({"m":{"n":1,"o":1}})", {"/m/n"}), Pointers{"/m"});
  EXPECT_EQ(Different(R"({})", R"({"m":{}})"), Pointers{"/m"});
}

TEST(Fields, StopsAtTheLimit) {
  std::string live = "{";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&live, i == 0 ? "" : ",", "\"", i, "\":1");
  EXPECT_EQ(Different("{}", live + "}").size(), 20u);
}

TEST(Fields, TellsBothValues) {
  const auto changes =
      DifferentFields(Key("ConfigMap"), *ParseJson(R"({"a":1,"b":{"c":"x"},"l":[1]})"),
                      *ParseJson(R"({"a":2,"d":"y","l":[1,2]})"), {});
  EXPECT_EQ(changes, (std::vector<FieldChange>{{"/a", "2", "1"},
                                               {"/b", "", R"({"c":"x"})"},
                                               {"/d", R"("y")", ""},
                                               {"/l", "[1,2]", "[1]"}}));
}

TEST(Fields, ShortensValuesBetweenCharacters) {
  const Value live = Value::Map{{"a", Value(std::string(119, 'x') + "\u00e9\u00e9")}};
  const auto changes = DifferentFields(Key("ConfigMap"), Value::Map{{"a", 1}}, live, {});
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].live, "\"" + std::string(119, 'x') + "...");
}

TEST(Fields, NeverTellsWhatASecretHolds) {
  const char* desired = R"({"data":{"password":"aHVudGVyMg==","old":"eA=="},
                            "metadata":{"annotations":{"note":"hunter2"},"labels":{"a":"1"}}})";
  const char* live = R"({"data":{"password":"MQ==","new":"MQ=="},
                         "metadata":{"annotations":{"note":"hunter1"},"labels":{"a":"2"}}})";
  for (const FieldChange& change :
       DifferentFields(Key("Secret"), *ParseJson(desired), *ParseJson(live), {})) {
    if (change.pointer == "/metadata/labels/a") {
      EXPECT_EQ(change.live, "\"2\"");
      continue;
    }
    EXPECT_TRUE(change.live.empty() || change.live == "\"(hidden)\"") << change.pointer;
    EXPECT_TRUE(change.desired.empty() || change.desired == "\"(hidden)\"") << change.pointer;
  }
}

TEST(Fields, KeepsWhatIsLeftToOthers) {
  const Value kept = KeepFields(*ParseJson(R"({"spec":{"replicas":2,"x":1}})"),
                                *ParseJson(R"({"spec":{"replicas":7,"x":9}})"),
                                Pointers{"/spec/replicas", "/no/such", "", "bad"});
  EXPECT_EQ(CanonicalJson(kept), R"({"spec":{"replicas":7,"x":1}})");
}

}  // namespace
}  // namespace muster::agent
