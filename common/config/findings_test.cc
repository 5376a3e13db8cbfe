#include "common/config/findings.h"

#include <string>

#include "gtest/gtest.h"

namespace muster {
namespace {

Document Parsed(const std::string& text) {
  absl::StatusOr<std::vector<Document>> documents = ParseYaml(text, "fleet/a.yaml");
  EXPECT_TRUE(documents.ok()) << documents.status();
  return documents.ok() ? std::move(documents->front()) : Document();
}

TEST(Findings, SayFileLineFieldKindAndName) {
  const Document document = Parsed(
      "kind: Package\nmetadata: {name: web}\nspec:\n  targets:\n    - name: a\n    - pth: x\n");
  Findings findings(document);
  EXPECT_TRUE(findings.empty());
  findings.Add("/spec/targets/1/pth", "unknown field");
  findings.Add("/spec/path", "is missing");
  ASSERT_EQ(findings.errors().size(), 2u);
  EXPECT_EQ(ConfigErrorText(findings.errors()[0]),
            "fleet/a.yaml:6: spec.targets[1].pth: unknown field");
  // What is missing is reported where it should stand.
  EXPECT_EQ(ConfigErrorText(findings.errors()[1]), "fleet/a.yaml:3: spec.path: is missing");
  EXPECT_EQ(findings.errors()[0].kind(), "Package");
  EXPECT_EQ(findings.errors()[0].name(), "web");
}

TEST(Findings, AreBounded) {
  const Document document = Parsed("kind: Package\n");
  Findings findings(document);
  for (int i = 0; i < 1'000; ++i) findings.Add("", "wrong");
  EXPECT_LT(findings.errors().size(), 100u);
  EXPECT_FALSE(findings.empty());
}

TEST(FieldText, ReadsLikeTheDocument) {
  const Document document = Parsed("a: [{b: 1}]\nl: {example.com/x: 1, \"0\": 2, \"a\\nb\": 3}\n");
  EXPECT_EQ(FieldText(document.value, ""), "");
  EXPECT_EQ(FieldText(document.value, "/a/0/b"), "a[0].b");
  EXPECT_EQ(FieldText(document.value, "/l/example.com~1x"), "l[\"example.com/x\"]");
  EXPECT_EQ(FieldText(document.value, "/l/0"), "l.0");
  EXPECT_EQ(FieldText(document.value, "/l/a\nb"), "l[\"a\\nb\"]");
  EXPECT_EQ(FieldText(document.value, "/missing/deep"), "missing.deep");
}

TEST(ConfigErrorText, NeedsNoLine) {
  v1::ConfigError error;
  error.set_file("fleet/a.yaml");
  error.set_message("too large");
  EXPECT_EQ(ConfigErrorText(error), "fleet/a.yaml: too large");
}

}  // namespace
}  // namespace muster
