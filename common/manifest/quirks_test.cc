// Strange YAML from real fleets, each as small as it gets, and what Muster makes of it: the same as
// `kubectl kustomize` unless the test says that we decided otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"

namespace muster {
namespace {

using ::testing::HasSubstr;

constexpr char kHead[] = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n";

absl::StatusOr<std::vector<Object>> ReadObjects(absl::string_view text) {
  std::vector<Object> objects;
  ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, "r.yaml"));
  for (Document& document : documents) {
    ASSIGN_OR_RETURN(std::vector<ListItem> items, ExpandLists(std::move(document.value)));
    for (ListItem& item : items) {
      absl::StatusOr<Object> object = MakeObject(std::move(item.value));
      if (!object.ok()) return Annotate(object.status(), document.Where(item.pointer));
      objects.push_back(*std::move(object));
    }
  }
  return objects;
}

// The `data` of a ConfigMap whose data is `yaml`, indented by two.
std::string Data(absl::string_view yaml) {
  const auto objects = ReadObjects(absl::StrCat(kHead, "data:\n", yaml));
  if (!objects.ok()) return std::string(objects.status().message());
  return CanonicalJson(*objects->front().value.Get("data"));
}

// The keys of all objects, or the error.
std::string Keys(absl::string_view yaml) {
  const auto objects = ReadObjects(yaml);
  if (!objects.ok()) return std::string(objects.status().message());
  return absl::StrJoin(*objects, " ", [](std::string* out, const Object& object) {
    absl::StrAppend(out, object.key.text());
  });
}

TEST(Quirk, OctalAndHexadecimalBecomeDecimal) {
  EXPECT_EQ(Data("  mode: 0644\n  replicas: 012\n  restart: 003\n  mask: 0xfF\n"),
            R"({"mask":255,"mode":420,"replicas":10,"restart":3})");
}

TEST(Quirk, BooleansOfOldYamlAreText) {
  EXPECT_EQ(Data("  yes: yes\n  on: off\n  n: y\n"), R"({"n":"y","on":"off","yes":"yes"})");
}

TEST(Quirk, ExponentsAreNumbers) { EXPECT_EQ(Data("  f: 25e2\n"), R"({"f":2500})"); }

TEST(Quirk, BigIntegersStayExact) {
  EXPECT_EQ(Data("  big: 98765432109876543210\n"), R"({"big":98765432109876543210})");
}

TEST(Quirk, SexagesimalsAreText) { EXPECT_EQ(Data("  t: 08:30\n"), R"({"t":"08:30"})"); }

// Decided otherwise: the peer rewrites this to "2021-06-07T00:00:00Z".
TEST(Quirk, DatesStayAsWritten) {
  EXPECT_EQ(Data("  since: 2021-06-07\n"), R"({"since":"2021-06-07"})");
}

TEST(Quirk, NullAndEmptyStayApart) {
  EXPECT_EQ(Data("  a: ~\n  b: ''\n  c:\n"), R"({"a":null,"b":"","c":null})");
}

TEST(Quirk, LineEndsOfWindowsAreLineEnds) {
  std::string text;
  for (const char c : absl::StrCat(kHead, "data:\n  s: |\n    one\n    two\n")) {
    absl::StrAppend(&text, c == '\n' ? "\r" : "", std::string(1, c));
  }
  const auto objects = *ReadObjects(text);
  EXPECT_EQ(*objects[0].value.Find("/data/s"), Value("one\ntwo\n"));
}

TEST(Quirk, AByteOrderMarkIsNoContent) {
  EXPECT_EQ(Keys(absl::StrCat("\xEF\xBB\xBF", kHead)), "v1/ConfigMap/settings");
}

TEST(Quirk, AnAnchorMayBeNamedTwice) {
  EXPECT_EQ(Data("  a: &v one\n  b: *v\n  c: &v two\n  d: *v\n"),
            R"({"a":"one","b":"one","c":"two","d":"two"})");
}

TEST(Quirk, MergesAreExpanded) {
  EXPECT_EQ(Data("  <<: {inline: '1'}\n  own: '2'\n"), R"({"inline":"1","own":"2"})");
  const auto objects = *ReadObjects(
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  labels: &all\n    app: p\n"
      "  annotations:\n    <<: *all\n    more: x\n");
  EXPECT_EQ(CanonicalJson(*objects[0].value.Find("/metadata/annotations")),
            R"({"app":"p","more":"x"})");
}

TEST(Quirk, EmptyDocumentsAndCommentsAreDropped) {
  EXPECT_EQ(Keys(absl::StrCat("---\n---\n", kHead, "---\n# the end\n---\n")),
            "v1/ConfigMap/settings");
}

TEST(Quirk, ListsAreTakenApart) {
  EXPECT_EQ(Keys("apiVersion: v1\nkind: List\nitems:\n"
                 "- {apiVersion: v1, kind: Secret, metadata: {name: s}}\n"
                 "- {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: web}}\n"),
            "v1/Secret/s v1/ConfigMap/web/c");
}

TEST(Quirk, EmojiAndLongLinesSurvive) {
  const std::string words(3'000, 'w');
  EXPECT_EQ(Data(absl::StrCat("  e: \xF0\x9F\x98\x80\n  l: ", words, " ", words, "\n")),
            absl::StrCat("{\"e\":\"\xF0\x9F\x98\x80\",\"l\":\"", words, " ", words, "\"}"));
}

TEST(Quirk, DuplicateKeysAreRefused) {
  EXPECT_EQ(Data("  a: '1'\n  a: '2'\n"), "r.yaml:7:3: key 'a' is there twice, first at line 6");
}

TEST(Quirk, TabsAreRefused) {
  EXPECT_EQ(Data("\ta: b\n"), "r.yaml:6:1: tab used for indentation; use spaces");
  // Inside of a block they are text.
  EXPECT_EQ(Data("  a: |\n    x\n    \ty\n"), R"({"a":"x\n\ty\n"})");
}

TEST(Quirk, ObjectsWithoutIdentityAreRefused) {
  EXPECT_EQ(Keys("# a comment\nmetadata: {name: a}\n"), "r.yaml:2:1: 'a': no apiVersion");
  EXPECT_THAT(Keys("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\n"),
              HasSubstr("r.yaml:1:1: Job: only generateName 'j-'"));
  EXPECT_THAT(Keys("kind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n"),
              HasSubstr("r.yaml:3:3: Pod: no metadata.name"));
}

// The peer runs out of memory on 401 bytes of this.
TEST(Quirk, AliasBombsAreRefused) {
  std::string bomb = kHead;
  absl::StrAppend(&bomb, "a: &a [x,x,x,x,x,x,x,x,x]\n");
  for (char c = 'b'; c < 'i'; ++c) {
    const std::string alias = absl::StrCat("*", std::string(1, c - 1));
    absl::StrAppend(&bomb, std::string(1, c), ": &", std::string(1, c), " [",
                    absl::StrJoin(std::vector<std::string>(9, alias), ","), "]\n");
  }
  ASSERT_LT(bomb.size(), 500u);
  EXPECT_THAT(Keys(bomb), HasSubstr("counted with aliases expanded"));
}

}  // namespace
}  // namespace muster
