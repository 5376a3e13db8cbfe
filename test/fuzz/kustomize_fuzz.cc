// Kustomizations from anywhere: never a crash, a hang or memory without end, and the promises of
// the headers hold. The first byte chooses what is tried; a NUL parts the texts.
// Run: bazel run --config=fuzz //test/fuzz:kustomize_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"
#include "common/manifest/json.h"
#include "common/manifest/kubectl_yaml.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/build.h"
#include "common/render/kustomize/content_hash.h"
#include "common/render/kustomize/dotted_path.h"
#include "common/render/kustomize/output.h"

namespace muster::kustomize {
namespace {

// What every input may refer to.
constexpr char kObjects[] = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: web, image: "a:1", args: [$(A)], env: [{name: B, value: c}]}
      volumes: [{name: v, configMap: {name: settings}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
data: {a: "1", b: x-y}
)";

FileTree TreeOf(const std::vector<absl::string_view>& texts) {
  static constexpr const char* kNames[] = {"o/kustomization.yaml", "o/a.yaml",
                                           "b/kustomization.yaml", "o/b.env"};
  FileTree tree;
  for (size_t i = 0; i < texts.size() && i < std::size(kNames); ++i) {
    CHECK_OK(tree.Add(kNames[i], std::string(texts[i])));
  }
  CHECK_OK(tree.Add("o/objects.yaml", kObjects));
  if (texts.size() < 3) {
    CHECK_OK(tree.Add("b/kustomization.yaml", "resources: [objects.yaml]\n"));
  }
  CHECK_OK(tree.Add("b/objects.yaml", kObjects));
  return tree;
}

std::string TextOf(const absl::StatusOr<std::vector<BuiltObject>>& built) {
  return built.ok() ? WriteKustomizeYaml(*built) : built.status().ToString();
}

// Equal files give equal objects, with a cache that has seen something else too; what is built is
// an object, and an error says where.
void TryBuild(const std::vector<absl::string_view>& texts, BuildOptions options) {
  const FileTree tree = TreeOf(texts);
  FileTreeSource source(tree);
  BuildCache cache(source);
  const auto built = BuildKustomization(cache, "o", options);
  (void)BuildKustomization(cache, "b", options);
  const std::string text = TextOf(built);
  CHECK(TextOf(BuildKustomization(cache, "o", options)) == text);
  BuildCache fresh(source);
  CHECK(TextOf(BuildKustomization(fresh, "o", options)) == text);
  if (!built.ok()) {
    CHECK(absl::StrContains(text, "o/") || absl::StrContains(text, "b/")) << text;
    return;
  }
  for (const BuiltObject& object : *built) {
    CHECK(object.value->is_map());
    CHECK(!ResId::OfObject(*object.value).gvk.kind.empty());
  }
}

// What is written is read back as the same.
void TryWriting(absl::string_view text) {
  const auto documents = ParseYaml(text, "f", YamlReaders::kOne);
  if (!documents.ok()) return;
  for (const Document& document : *documents) {
    if (!document.value.is_map()) continue;  // objects are written, and nothing else
    std::string out;
    AppendKubectlYaml(document.value, out);
    const auto again = ParseYaml(out, "f", YamlReaders::kOne);
    // It may have become too large, or too deep.
    if (absl::IsResourceExhausted(again.status())) continue;
    CHECK_OK(again.status());
    CHECK_EQ(again->size(), 1u);
    CHECK(again->front().value == document.value) << out;
    (void)ContentHash(document.value);
  }
}

void TryPath(absl::string_view path, absl::string_view text) {
  const std::vector<std::string> steps = SplitDottedPath(path);
  auto document = ParseJson(text);
  if (!document.ok()) document = Value::Map{{"a", Value::List{Value::Map{{"b", "c"}}, "d"}}};
  const Value before = *document;
  (void)LookUpPath(steps, before);
  const auto found = MatchPath(steps, CreateEnd::kNothing, *document);
  CHECK(*document == before);
  const auto made = MatchPath(steps, CreateEnd::kScalar, *document);
  if (found.ok() && !found->empty() && made.ok()) CHECK_GE(made->size(), found->size());
}

void TryAll(absl::string_view input) {
  if (input.empty()) return;
  const uint8_t choice = input[0];
  const std::vector<absl::string_view> texts =
      absl::StrSplit(input.substr(1), absl::MaxSplits('\0', 3));
  BuildOptions options;
  if (choice & 4) options.restrictor = LoadRestrictor::kNone;
  if (choice & 8) options.order = Order::kFifo;
  switch (choice % 4) {
    case 0:
    case 1:
      return TryBuild(texts, options);
    case 2:
      return TryWriting(texts[0]);
    default:
      return TryPath(texts[0], texts.size() > 1 ? texts[1] : "");
  }
}

}  // namespace
}  // namespace muster::kustomize

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  muster::kustomize::TryAll({reinterpret_cast<const char*>(data), size});
  return 0;
}
