// Rendering and configuration from anywhere: never a crash, a hang or memory without end, and the
// promises of the headers hold. The first byte chooses what is tried; a NUL parts several texts.
// Run: bazel run --config=fuzz //test/fuzz:render_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/config/config.h"
#include "common/config/repository_url.h"
#include "common/config/resolve.h"
#include "common/config/selector.h"
#include "common/manifest/json.h"
#include "common/render/ignore.h"
#include "common/render/patch.h"
#include "common/render/render.h"
#include "common/render/variables.h"

namespace muster {
namespace {

VariableScope Scope() {
  VariableScope scope;
  scope.variables = {{"a", "1"}, {"b", "x y"}, {"c", ""}, {"d", "\u03b1\u03b2"}};
  scope.cluster_name = "eu-1";
  scope.labels = {{"env", "prod"}, {"e/f.g", "h"}};
  scope.path_basename = "web";
  return scope;
}

void TryVariables(absl::string_view text) {
  std::set<std::string> uses;
  const absl::Status collected = CollectClusterVariables(text, {"f", 1}, uses);
  const absl::StatusOr<std::string> result = Substitute(text, Scope(), {"f", 1});
  if (!result.ok()) {
    CHECK(absl::StartsWith(result.status().message(), "f:")) << result.status();
    return;
  }
  // What can be substituted can be looked through, and what holds no expression stays.
  CHECK_OK(collected);
  CHECK_LE(result->size(), limits::kYamlFileBytesMax);
  if (!absl::StrContains(text, "${")) CHECK(*result == text) << text;
  // Another cluster with the same values of what is used gets the same.
  VariableScope other = Scope();
  if (uses.count("cluster.name") == 0) other.cluster_name = "us-2";
  for (auto& [key, value] : other.labels) {
    if (uses.count("cluster.labels." + key) == 0) value = "another";
  }
  CHECK(*Substitute(text, other, {"f", 1}) == *result) << text;
}

FileTree TreeOf(const std::vector<absl::string_view>& texts) {
  FileTree tree;
  for (size_t i = 0; i < texts.size() && i < 4; ++i) {
    const std::string name = i == 3 ? ".musterignore" : std::string(1, 'a' + i) + ".yaml";
    CHECK_OK(tree.Add("p/" + name, std::string(texts[i])));
  }
  return tree;
}

std::string TextOf(const absl::StatusOr<Rendering>& rendering) {
  if (!rendering.ok()) return rendering.status().ToString();
  std::string text;
  for (const RenderedObject& rendered : rendering->objects) {
    text += CanonicalJson(rendered.object.value) + "\n";
  }
  return text;
}

void TryRender(const std::vector<absl::string_view>& texts, bool substitute) {
  v1::RenderInput input;
  input.set_path("p");
  input.set_substitute(substitute);
  for (const auto& [name, value] : Scope().variables) {
    v1::Variable* variable = input.add_variables();
    variable->set_name(name);
    variable->set_value(value);
  }
  input.set_namespace_("web");
  input.set_override_namespace(texts.size() % 2 == 0);
  if (texts.size() > 1) input.add_patches()->set_path("b.yaml");
  if (texts.size() > 2) {
    v1::Patch* patch = input.add_patches();
    patch->set_path("c.yaml");
    patch->set_target_kind(".*");
  }
  const FileTree tree = TreeOf(texts);
  const absl::StatusOr<Rendering> rendering = Render(tree, input);
  CHECK(TextOf(Render(tree, input)) == TextOf(rendering));
  if (!rendering.ok()) return;
  CHECK(!rendering->objects.empty());
  CHECK_OK(UsedClusterVariables(tree, input));
  for (size_t i = 0; i < rendering->objects.size(); ++i) {
    const Object& object = rendering->objects[i].object;
    if (i > 0) CHECK(rendering->objects[i - 1].object.key < object.key);
    const absl::StatusOr<Object> again = MakeObject(object.value);
    CHECK_OK(again);
    CHECK(again->key == object.key);
  }
}

void TryConfig(const std::vector<absl::string_view>& texts) {
  const v1::FleetConfig config = ParseFleetConfig(TreeOf(texts), {.path = "p"});
  std::set<std::string> broken;
  for (const v1::ConfigError& error : config.errors()) {
    CHECK(!error.file().empty() && !error.message().empty() && error.line() >= 0);
    broken.insert(error.file());
  }
  std::set<std::string> names;
  for (const v1::Package& package : config.packages()) {
    CHECK(names.insert(package.name()).second) << package.name();
    CHECK(broken.count(package.origin().file()) == 0) << package.name();
    const auto input = ResolvePackage(package, "eu-1", {{"env", "prod"}});
    if (!input.ok() || !input->has_value()) continue;
    CHECK_OK(NormalizePath((*input)->path()));
  }
}

void TryWords(absl::string_view text) {
  if (const auto url = NormalizeRepositoryUrl(text); url.ok()) {
    const auto again = NormalizeRepositoryUrl(*url);
    CHECK_OK(again);
    CHECK(*again == *url) << *url;
  }
  if (const auto selector = ParseSelector(text); selector.ok()) {
    CHECK_OK(CheckSelector(*selector));
    const auto again = ParseSelector(SelectorText(*selector));
    CHECK_OK(again);
    CHECK(again->SerializeAsString() == selector->SerializeAsString()) << text;
  }
  if (const auto path = NormalizePath(text); path.ok()) {
    CHECK(*NormalizePath(*path) == *path) << *path;
    IgnorePatterns(text).Ignores(*path);
  }
}

}  // namespace
}  // namespace muster

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 64 << 10) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::vector<absl::string_view> texts = absl::StrSplit(text, '\0');
  switch (data[0] % 5) {
    case 0:
      muster::TryVariables(text);
      break;
    case 1:
      muster::TryRender(texts, /*substitute=*/false);
      break;
    case 2:
      muster::TryRender(texts, /*substitute=*/true);
      break;
    case 3:
      muster::TryConfig(texts);
      break;
    default:
      muster::TryWords(text);
  }
  return 0;
}
