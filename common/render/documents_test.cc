#include "common/render/documents.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

VariableScope Scope() {
  VariableScope scope;
  scope.variables = {{"a", "1"}};
  return scope;
}

absl::StatusOr<std::string> Substituted(absl::string_view text) {
  PutOff put_off;
  return SubstituteDocuments(text, Scope(), "f.yaml", put_off);
}

TEST(SplitDocuments, CutsAtMarkersAndLosesNothing) {
  const std::string text = "a: |\n  ---\n  text\n---\nb: 1\n--- # c\r\n---d: 2\n---\n---";
  const std::vector<TextDocument> documents = SplitDocuments(text);
  std::string joined;
  std::vector<int> lines;
  for (const TextDocument& document : documents) {
    absl::StrAppend(&joined, document.text);
    lines.push_back(document.line);
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(lines, (std::vector<int>{1, 4, 6, 8, 9}));
  EXPECT_EQ(documents[2].text, "--- # c\r\n---d: 2\n");
  EXPECT_TRUE(SplitDocuments("").empty());
}

TEST(SubstituteDocuments, LeavesDocumentsAloneThatOptOut) {
  const auto document = [](absl::string_view annotation) {
    return absl::StrCat("kind: ConfigMap\nmetadata:\n  annotations: {", annotation,
                        "}\ndata: {script: 'echo ${a} ${x:-}'}\n");
  };
  for (const char* annotation : {"muster.dev/substitute: disabled",
                                 "kustomize.toolkit.fluxcd.io/substitute: \"disabled\""}) {
    const std::string text = absl::StrCat("x: ${a}\n---\n", document(annotation), "---\ny: ${a}\n");
    const auto result = Substituted(text);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(*result, absl::StrCat("x: 1\n---\n", document(annotation), "---\ny: 1\n"));
  }
}

TEST(SubstituteDocuments, SubstitutesUnlessTheAnnotationSaysDisabled) {
  for (const char* text : {"metadata: {annotations: {muster.dev/substitute: enabled}}\nx: ${a}\n",
                           "# muster.dev/substitute: disabled\nx: ${a}\n",
                           "data: {muster.dev/substitute: disabled}\nx: ${a}\n",
                           "metadata: {labels: {muster.dev/substitute: disabled}}\nx: ${a}\n"}) {
    const auto result = Substituted(text);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_NE(result->find("x: 1\n"), std::string::npos) << *result;
  }
}

TEST(SubstituteDocuments, CountsLinesThroughTheWholeFile) {
  EXPECT_EQ(Substituted("a: 1\n---\nb: 1\nc: ${no}\n").status().message().substr(0, 26),
            "f.yaml:4: variable 'no' is");
  // One that opts out must be YAML as it stands.
  const auto broken =
      Substituted("a: 1\n---\nmetadata: {annotations: {muster.dev/substitute: disabled}}\nb: {\n");
  EXPECT_EQ(broken.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(broken.status().message().substr(0, 7), "f.yaml:");
}

TEST(CollectFromDocuments, LeavesOutDocumentsThatOptOut) {
  std::set<std::string> uses;
  ASSERT_TRUE(CollectFromDocuments("a: ${cluster.name}\n---\n"
                                   "metadata: {annotations: {muster.dev/substitute: disabled}}\n"
                                   "b: ${cluster.labels.env}\n",
                                   "f.yaml", uses)
                  .ok());
  EXPECT_EQ(uses, (std::set<std::string>{"cluster.name"}));
}

}  // namespace
}  // namespace muster
