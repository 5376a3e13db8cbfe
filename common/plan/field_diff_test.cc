#include "common/plan/field_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/manifest/json.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "path pointer before -> after" of each.
std::vector<std::string> Lines(const std::string& before, const std::string& after) {
  const Value old_value = *ParseJson(before);
  const Value new_value = *ParseJson(after);
  std::vector<std::string> lines;
  for (const FieldDiff& field : DiffFields(old_value, new_value)) {
    const auto text = [](const Value* value) {
      return value == nullptr ? std::string("nothing") : CanonicalJson(*value);
    };
    lines.push_back(field.path + " " + field.pointer + " " + text(field.before) + " -> " +
                    text(field.after));
  }
  return lines;
}

TEST(FieldDiff, NamesTheDeepestFields) {
  EXPECT_THAT(Lines(R"({"spec":{"replicas":2,"old":true}})", R"({"spec":{"replicas":3,"new":[]}})"),
              ElementsAre("spec.new /spec/new nothing -> []", "spec.old /spec/old true -> nothing",
                          "spec.replicas /spec/replicas 2 -> 3"));
}

TEST(FieldDiff, EqualObjectsDifferNowhere) {
  EXPECT_THAT(Lines(R"({"a":[1,{"b":2}]})", R"({"a":[1,{"b":2}]})"), IsEmpty());
}

TEST(FieldDiff, MatchesElementsByTheirNames) {
  // A sidecar before the container is one addition, and not a change of both.
  EXPECT_THAT(Lines(R"({"c":[{"name":"web","image":"a"}]})",
                    R"({"c":[{"name":"side"},{"name":"web","image":"b"}]})"),
              ElementsAre(R"(c[side] /c/0 nothing -> {"name":"side"})",
                          R"(c[web].image /c/1/image "a" -> "b")"));
  EXPECT_THAT(Lines(R"({"c":[{"name":"a"},{"name":"b"}]})", R"({"c":[{"name":"b"}]})"),
              ElementsAre(R"(c[a] /c/0 {"name":"a"} -> nothing)"));
}

TEST(FieldDiff, SeesThatOnlyTheOrderOfNamedElementsChanged) {
  EXPECT_THAT(Lines(R"({"c":[{"name":"a"},{"name":"b"}]})", R"({"c":[{"name":"b"},{"name":"a"}]})"),
              ElementsAre("c (order) /c nothing -> nothing"));
}

TEST(FieldDiff, GoesByPlaceWhereNamesDoNotTellElementsApart) {
  EXPECT_THAT(Lines(R"({"a":["x","y"]})", R"({"a":["x","z","w"]})"),
              ElementsAre(R"(a[1] /a/1 "y" -> "z")", R"(a[2] /a/2 nothing -> "w")"));
  EXPECT_THAT(Lines(R"({"a":[{"name":"x"},{"name":"x"}]})", R"({"a":[{"name":"x"}]})"),
              ElementsAre(R"(a[1] /a/1 {"name":"x"} -> nothing)"));
}

TEST(FieldDiff, QuotesKeysThatAreNoPlainWords) {
  EXPECT_THAT(Lines(R"({"metadata":{"labels":{"app.kubernetes.io/name":"a"}}})",
                    R"({"metadata":{"labels":{"app.kubernetes.io/name":"b"}}})"),
              ElementsAre(R"(metadata.labels["app.kubernetes.io/name"] )"
                          R"(/metadata/labels/app.kubernetes.io~1name "a" -> "b")"));
}

}  // namespace
}  // namespace muster
