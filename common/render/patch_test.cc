#include "common/render/patch.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

RenderedObject Made(absl::string_view api_version, absl::string_view kind, absl::string_view name,
                    absl::string_view space = "") {
  Value value = Value::Map{{"apiVersion", api_version}, {"kind", kind}};
  value.Set("/metadata/name", name);
  if (!space.empty()) value.Set("/metadata/namespace", space);
  absl::StatusOr<Object> object = MakeObject(std::move(value));
  EXPECT_TRUE(object.ok()) << object.status();
  return {*std::move(object), "a.yaml", 1};
}

std::vector<RenderedObject> Shop() {
  return {Made("apps/v1", "Deployment", "web"), Made("apps/v1", "Deployment", "web-admin"),
          Made("v1", "Service", "web"), Made("v1", "ConfigMap", "settings", "other"),
          Made("v1", "ConfigMap", "settings")};
}

// The keys of the objects that carry `x: 1` afterwards, or the error.
std::string Patched(const std::string& target, absl::string_view text,
                    std::vector<RenderedObject> objects = Shop()) {
  v1::Patch patch;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(target, &patch));
  const absl::Status status = ApplyPatch(patch, text, "p.yaml", "shop", objects);
  if (!status.ok()) return absl::StrCat("error: ", status.message());
  std::string keys;
  for (const RenderedObject& rendered : objects) {
    const Value* x = rendered.object.value.Get("x");
    if (x != nullptr && *x == Value(1)) absl::StrAppend(&keys, rendered.object.key.text(), " ");
  }
  return keys;
}

constexpr char kWeb[] = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nx: 1\n";

TEST(Patch, MeansTheObjectThatItNames) { EXPECT_EQ(Patched("", kWeb), "apps/v1/Deployment/web "); }

TEST(Patch, MeansAllThatItsTargetMatchesWhole) {
  EXPECT_EQ(Patched("target_kind: 'Deployment'", "x: 1"),
            "apps/v1/Deployment/web apps/v1/Deployment/web-admin ");
  EXPECT_EQ(Patched("target_name: 'web'", "x: 1"), "apps/v1/Deployment/web v1/Service/web ");
  EXPECT_EQ(Patched("target_name: 'web.*' target_group: 'apps'", "x: 1"),
            "apps/v1/Deployment/web apps/v1/Deployment/web-admin ");
  EXPECT_EQ(
      Patched("target_name: 'web|settings' target_version: 'v1' target_kind: 'C.*|S.*'", "x: 1"),
      "v1/Service/web v1/ConfigMap/other/settings v1/ConfigMap/settings ");
  EXPECT_EQ(Patched("target_namespace: 'shop' target_kind: 'ConfigMap'", "x: 1"),
            "v1/ConfigMap/settings ");
  EXPECT_EQ(Patched("target_kind: 'Service'", "- {op: add, path: /x, value: 1}"),
            "v1/Service/web ");
}

TEST(Patch, TargetWinsOverTheNameInside) {
  EXPECT_EQ(Patched("target_kind: 'Service'", kWeb), "v1/Service/web ");
}

TEST(Patch, AppliesAllDocumentsInOrder) {
  EXPECT_EQ(Patched("", absl::StrCat(kWeb,
                                     "---\napiVersion: v1\nkind: Service\n"
                                     "metadata: {name: web}\nx: 1\n")),
            "apps/v1/Deployment/web v1/Service/web ");
}

TEST(Patch, AsksForANamespaceOnlyWhenNeeded) {
  const std::string patch = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\nx: 1\n";
  // The one in the package's namespace is meant before others.
  EXPECT_EQ(Patched("", patch), "v1/ConfigMap/settings ");
  EXPECT_EQ(Patched("",
                    "apiVersion: v1\nkind: ConfigMap\n"
                    "metadata: {name: settings, namespace: other}\nx: 1\n"),
            "v1/ConfigMap/other/settings ");
  EXPECT_EQ(Patched("", patch, {Made("v1", "ConfigMap", "settings", "a")}),
            "v1/ConfigMap/a/settings ");
  EXPECT_EQ(
      Patched("", patch,
              {Made("v1", "ConfigMap", "settings", "a"), Made("v1", "ConfigMap", "settings", "b")}),
      "error: p.yaml:1:1: patch: means v1 ConfigMap 'settings', of which there are 2; add "
      "metadata.namespace");
}

TEST(Patch, ThatMeansNothingIsAnError) {
  EXPECT_EQ(Patched("", "\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: wbe}\n"),
            "error: p.yaml:2:1: patch: means apps/v1 Deployment 'wbe', which the package does not "
            "have");
  EXPECT_EQ(Patched("target_kind: 'Deploy'", "x: 1"),
            "error: p.yaml:1:1: patch: its target matches no object of the package");
  EXPECT_EQ(
      Patched("", "x: 1"),
      "error: p.yaml:1:1: patch: names no object; give it apiVersion, kind and metadata.name, "
      "or give the patch a target");
  EXPECT_EQ(Patched("", "- {op: remove, path: /x}"),
            "error: p.yaml:1:1: patch: a JSON patch needs a target; give at least its kind");
  EXPECT_EQ(Patched("", "# nothing\n"), "error: p.yaml: holds no patch");
  EXPECT_EQ(Patched("", "text"),
            "error: p.yaml:1:1: patch: must be a map (strategic merge) or a list (JSON patch)");
}

TEST(Patch, NamesPatchObjectAndReasonWhenItDoesNotFit) {
  EXPECT_EQ(
      Patched("target_kind: 'Service'", "- {op: remove, path: /spec}"),
      "error: p.yaml:1:1: patch of v1/Service/web: operation 1 (remove /spec): there is nothing "
      "at the path");
  EXPECT_EQ(Patched("target_kind: 'Service'", "- {op: remove, path: /metadata/name}").substr(0, 39),
            "error: p.yaml:1:1: patch of v1/Service/");
  v1::Patch broken;
  broken.set_target_name("(");
  EXPECT_EQ(CheckPatchTarget(broken).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(Patched("target_name: '('", "x: 1").find("is no regular expression"),
            std::string::npos);
}

TEST(Patch, DeletesObjects) {
  std::vector<RenderedObject> objects = Shop();
  v1::Patch patch;
  patch.set_target_name("web.*");
  ASSERT_TRUE(ApplyPatch(patch, "$patch: delete", "p.yaml", "", objects).ok());
  ASSERT_EQ(objects.size(), 2u);
  EXPECT_EQ(objects[0].object.key.name, "settings");
}

TEST(Patch, MayRenameByJsonPatch) {
  std::vector<RenderedObject> objects = {Made("v1", "Service", "web")};
  v1::Patch patch;
  patch.set_target_kind("Service");
  ASSERT_TRUE(
      ApplyPatch(patch, "- {op: replace, path: /metadata/name, value: shop}", "p.yaml", "", objects)
          .ok());
  EXPECT_EQ(objects[0].object.key.text(), "v1/Service/shop");
}

}  // namespace
}  // namespace muster
