#include "common/render/json_patch.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

Value Json(absl::string_view text) {
  absl::StatusOr<Value> value = ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status() << " in " << text;
  return value.ok() ? *std::move(value) : Value();
}

// The patched document, or "error: why". A document is never half patched.
std::string Patched(absl::string_view document, absl::string_view operations) {
  Value value = Json(document);
  const absl::Status status = ApplyJsonPatch(Json(operations), value);
  if (status.ok()) return CanonicalJson(value);
  EXPECT_EQ(CanonicalJson(value), CanonicalJson(Json(document)));
  return absl::StrCat("error: ", status.message());
}

// The examples of RFC 6902, appendix A.
TEST(JsonPatch, DoesWhatTheStandardShows) {
  EXPECT_EQ(Patched(R"({"foo":"bar"})", R"([{"op":"add","path":"/baz","value":"qux"}])"),
            R"({"baz":"qux","foo":"bar"})");
  EXPECT_EQ(Patched(R"({"foo":["bar","baz"]})", R"([{"op":"add","path":"/foo/1","value":"qux"}])"),
            R"({"foo":["bar","qux","baz"]})");
  EXPECT_EQ(Patched(R"({"baz":"qux","foo":"bar"})", R"([{"op":"remove","path":"/baz"}])"),
            R"({"foo":"bar"})");
  EXPECT_EQ(Patched(R"({"foo":["bar","qux","baz"]})", R"([{"op":"remove","path":"/foo/1"}])"),
            R"({"foo":["bar","baz"]})");
  EXPECT_EQ(Patched(R"({"baz":"qux"})", R"([{"op":"replace","path":"/baz","value":"boo"}])"),
            R"({"baz":"boo"})");
  EXPECT_EQ(Patched(R"({"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}})",
                    R"([{"op":"move","from":"/foo/waldo","path":"/qux/thud"}])"),
            R"({"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}})");
  EXPECT_EQ(Patched(R"({"foo":["all","grass","cows","eat"]})",
                    R"([{"op":"move","from":"/foo/1","path":"/foo/3"}])"),
            R"({"foo":["all","cows","eat","grass"]})");
  EXPECT_EQ(Patched(R"({"baz":"qux","foo":["a",2,"c"]})",
                    R"([{"op":"test","path":"/baz","value":"qux"},
                        {"op":"test","path":"/foo/1","value":2}])"),
            R"({"baz":"qux","foo":["a",2,"c"]})");
  EXPECT_EQ(Patched(R"({"foo":"bar"})",
                    R"([{"op":"add","path":"/child","value":{"grandchild":{}},"xyz":123}])"),
            R"({"child":{"grandchild":{}},"foo":"bar"})");
  EXPECT_EQ(Patched(R"({"/":9,"~1":10})", R"([{"op":"test","path":"/~01","value":10}])"),
            R"({"/":9,"~1":10})");
  EXPECT_EQ(Patched(R"({"foo":["bar"]})", R"([{"op":"add","path":"/foo/-","value":["x"]}])"),
            R"({"foo":["bar",["x"]]})");
  EXPECT_EQ(Patched(R"({"a":{"b":[1]}})", R"([{"op":"copy","from":"/a/b","path":"/c"}])"),
            R"({"a":{"b":[1]},"c":[1]})");
  EXPECT_EQ(Patched(R"({"a":1})", R"([{"op":"replace","path":"","value":{"b":2}}])"), R"({"b":2})");
}

TEST(JsonPatch, TreatsNullAndEmptyKeysAsAnyOther) {
  EXPECT_EQ(Patched(R"({"a":null})", R"([{"op":"test","path":"/a","value":null}])"),
            R"({"a":null})");
  EXPECT_EQ(Patched(R"({"":1})", R"([{"op":"replace","path":"/","value":2}])"), R"({"":2})");
  EXPECT_EQ(Patched(R"({"metadata":{"annotations":{"a/b":"1"}}})",
                    R"([{"op":"remove","path":"/metadata/annotations/a~1b"}])"),
            R"({"metadata":{"annotations":{}}})");
}

TEST(JsonPatch, NamesTheOperationThatFails) {
  EXPECT_EQ(Patched(R"({"a":1})", R"([{"op":"add","path":"/b","value":2},
                                      {"op":"test","path":"/a","value":"1"}])"),
            "error: operation 2 (test /a): the value there is another; nothing was patched");
  EXPECT_EQ(Patched(R"({})", R"([{"op":"replace","path":"/spec/replicas","value":1}])"),
            "error: operation 1 (replace /spec/replicas): there is nothing at the path");
  EXPECT_EQ(Patched(R"({})", R"([{"op":"add","path":"/a/b","value":1}])"),
            "error: operation 1 (add /a/b): the path's parent is not there; add it first");
}

TEST(JsonPatch, RefusesWhatIsNoOperation) {
  for (const char* operation : {R"({"op":"add","path":"/a"})",
                                R"({"op":"test","path":"/a"})",
                                R"({"op":"replace","path":"/a"})",
                                R"({"path":"/a","value":1})",
                                R"({"op":"merge","path":"/a"})",
                                R"({"op":1,"path":"/a"})",
                                R"({"op":"add","value":1})",
                                R"({"op":"add","path":"a","value":1})",
                                R"({"op":"add","path":"/a~2","value":1})",
                                R"({"op":"move","path":"/b"})",
                                R"({"op":"copy","path":"/b","from":"a"})",
                                R"({"op":"remove","path":""})",
                                R"({"op":"move","from":"/a","path":"/a/b"})",
                                R"("remove")",
                                R"({"op":"remove","path":"/x"})",
                                R"({"op":"copy","from":"/x","path":"/b"})",
                                R"({"op":"add","path":"/l/2","value":1})",
                                R"({"op":"add","path":"/l/01","value":1})",
                                R"({"op":"add","path":"/l/x","value":1})",
                                R"({"op":"remove","path":"/l/-"})",
                                R"({"op":"remove","path":"/l/1"})",
                                R"({"op":"add","path":"/a/b/c","value":1})",
                                R"({"op":"replace","path":"/l/-","value":1})"}) {
    const std::string result =
        Patched(R"({"a":{"b":1},"l":[0]})", absl::StrCat("[", operation, "]"));
    EXPECT_EQ(result.substr(0, 18), "error: operation 1") << operation << " gave " << result;
  }
  EXPECT_EQ(Patched("{}", R"({"op":"remove"})"), "error: a JSON patch is a list of operations");
}

// Copying a document into itself doubles it each time.
TEST(JsonPatch, BoundsGrowthAndDepth) {
  std::string doubling, deepening;
  for (int i = 0; i < 64; ++i) {
    absl::StrAppend(&doubling, i > 0 ? "," : "", R"({"op":"copy","from":"/l","path":"/l/-"})");
    absl::StrAppend(&deepening, i > 0 ? "," : "", R"({"op":"copy","from":"","path":"/a"})");
  }
  for (const std::string& operations : {doubling, deepening}) {
    Value document = Json(R"({"l":[1]})");
    EXPECT_EQ(ApplyJsonPatch(Json(absl::StrCat("[", operations, "]")), document).code(),
              absl::StatusCode::kResourceExhausted);
  }
}

}  // namespace
}  // namespace muster
