// Stories of SOPS documents on their way through a rendering: they arrive as they are, or not at
// all.
#include "common/render/sealed.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/render/render.h"
#include "common/render/render_all.h"

namespace muster {
namespace {

constexpr absl::string_view kValue = "ENC[AES256_GCM,data:qUE=,iv:qUE=,tag:qUE=,type:str]";

std::string Sealed(absl::string_view name, absl::string_view mac = "one",
                   absl::string_view metadata = "") {
  return absl::StrCat("kind: Secret   # as it is: ${NOT} a variable\napiVersion: v1\n",
                      "metadata:\n  name: ", name, "\n", metadata,
                      "stringData:\n  password: ", kValue, "\nsops:\n  mac: ENC[", mac,
                      "]\n  lastmodified: \"2026\"\n");
}

using Files = std::map<std::string, std::string>;

absl::StatusOr<Rendering> RenderFiles(const Files& files, v1::RenderInput input = {}) {
  FileTree tree;
  for (const auto& [path, text] : files) EXPECT_TRUE(tree.Add(path, text).ok());
  if (input.path().empty()) input.set_path("web");
  return Render(tree, input);
}

// The only object.
RenderedObject One(const Files& files, const v1::RenderInput& input = {}) {
  absl::StatusOr<Rendering> rendering = RenderFiles(files, input);
  EXPECT_TRUE(rendering.ok()) << rendering.status();
  if (!rendering.ok()) return {};
  EXPECT_EQ(rendering->objects.size(), 1u);
  return std::move(rendering->objects.front());
}

absl::Status Refusal(const Files& files, const v1::RenderInput& input = {}) {
  return RenderFiles(files, input).status();
}

TEST(SealedRender, TheTextArrivesAsItStandsInGit) {
  const RenderedObject object = One({{"web/a.yaml", Sealed("db")}});
  ASSERT_EQ(object.sealed.size(), 1u);
  EXPECT_EQ(object.sealed[0].text, Sealed("db"));
  EXPECT_EQ(object.sealed[0].file, "web/a.yaml");
  EXPECT_EQ(object.sealed[0].format, "yaml");
  EXPECT_EQ(object.sealed[0].document, 0);
}

TEST(SealedRender, VariablesAreNotLookedForInIt) {
  v1::RenderInput input;
  input.set_substitute(true);
  EXPECT_EQ(One({{"web/a.yaml", Sealed("db")}}, input).sealed[0].text, Sealed("db"));
  const std::string kustomization = "resources: [a.yaml]\n";
  EXPECT_EQ(One({{"web/a.yaml", Sealed("db")}, {"web/kustomization.yaml", kustomization}}, input)
                .sealed[0]
                .text,
            Sealed("db"));
}

TEST(SealedRender, ANamespaceTravelsBesideIt) {
  v1::RenderInput input;
  input.set_namespace_("shop");
  const RenderedObject object = One({{"web/a.yaml", Sealed("db")}}, input);
  EXPECT_EQ(object.object.key.namespace_, "shop");
  EXPECT_EQ(object.sealed[0].text, Sealed("db"));
}

TEST(SealedRender, AKustomizationMayChangeItsMetadata) {
  const RenderedObject object =
      One({{"web/a.yaml", Sealed("db")},
           {"web/kustomization.yaml",
            "resources: [a.yaml]\nnamespace: shop\nnamePrefix: my-\n"
            "commonAnnotations: {team: blue}\nlabels: [{pairs: {app: web}}]\n"}});
  EXPECT_EQ(object.object.key.text(), "v1/Secret/shop/my-db");
  EXPECT_EQ(object.object.value.Find("/metadata/annotations/team")->string(), "blue");
  ASSERT_EQ(object.sealed.size(), 1u);
  EXPECT_EQ(object.sealed[0].text, Sealed("db"));
}

TEST(SealedRender, APatchMayNotChangeMore) {
  v1::RenderInput input;
  v1::Patch& patch = *input.add_patches();
  patch.set_inline_("apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ntype: other\n");
  const absl::Status status = Refusal({{"web/a.yaml", Sealed("db")}}, input);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "web/a.yaml:1: Secret 'db'")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "changes its 'type'")) << status;
  patch.set_inline_(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: mine}\n");
  EXPECT_TRUE(absl::StrContains(Refusal({{"web/a.yaml", Sealed("db")}}, input).message(),
                                "changes its 'stringData'"));
  patch.set_inline_("apiVersion: v1\nkind: Secret\nmetadata: {name: db, labels: {app: web}}\n");
  EXPECT_TRUE(RenderFiles({{"web/a.yaml", Sealed("db")}}, input).ok());
}

TEST(SealedRender, AKustomizationMayNotChangeMore) {
  const absl::Status status =
      Refusal({{"web/a.yaml", Sealed("db")},
               {"web/kustomization.yaml",
                "resources: [a.yaml]\npatches:\n- patch: |\n    - {op: add, path: "
                "/stringData/more, value: x}\n  target: {kind: Secret}\n"}});
  EXPECT_TRUE(absl::StrContains(status.message(), "changes its 'stringData'")) << status;
}

TEST(SealedRender, TakingTheBlockAwayDoesNotDeliverCiphertext) {
  const absl::Status status =
      Refusal({{"web/a.yaml", Sealed("db")},
               {"web/kustomization.yaml",
                "resources: [a.yaml]\npatches:\n- patch: |\n    - {op: remove, path: /sops}\n"
                "  target: {kind: Secret}\n"}});
  EXPECT_TRUE(absl::StrContains(status.message(), "without the `sops` block")) << status;
}

TEST(SealedRender, OfSeveralDocumentsThoseSealedTogetherTravelTogether) {
  const std::string file =
      absl::StrCat(Sealed("a", "x"), "---\n", Sealed("other", "y"), "---\n", Sealed("b", "x"));
  const absl::StatusOr<Rendering> rendering = RenderFiles({{"web/a.yaml", file}});
  ASSERT_TRUE(rendering.ok()) << rendering.status();
  ASSERT_EQ(rendering->objects.size(), 3u);
  const std::string together = absl::StrCat(Sealed("a", "x"), "---\n", Sealed("b", "x"));
  EXPECT_EQ(rendering->objects[0].sealed[0].text, together);
  EXPECT_EQ(rendering->objects[0].sealed[0].document, 0);
  EXPECT_EQ(rendering->objects[1].sealed[0].text, together);
  EXPECT_EQ(rendering->objects[1].sealed[0].document, 1);
  EXPECT_EQ(rendering->objects[2].sealed[0].text, absl::StrCat("---\n", Sealed("other", "y")));
  EXPECT_EQ(rendering->objects[2].sealed[0].document, 0);
}

TEST(SealedRender, ItsBundleSaysThatItIsSealed) {
  v1::RenderRequest request;
  request.add_inputs()->set_path("web");
  FileTree tree;
  ASSERT_TRUE(tree.Add("web/a.yaml", Sealed("db")).ok());
  ASSERT_TRUE(tree.Add("web/b.yaml", "{kind: Secret, apiVersion: v1, metadata: {name: z}}").ok());
  TreeReader reader;
  reader.tree_id = [](const std::string& path) -> absl::StatusOr<std::string> {
    if (path == "web") return "id";
    return absl::NotFoundError(path);
  };
  reader.read = [&tree](const std::string&) { return absl::StatusOr<FileTree>(tree); };
  const v1::RenderResponse response = RenderAll(request, reader);
  ASSERT_EQ(response.outputs_size(), 1);
  ASSERT_EQ(response.outputs(0).code(), 0) << response.outputs(0).message();
  const v1::Manifest manifest = *ParseManifest(response.outputs(0).manifest());
  ASSERT_EQ(manifest.entries_size(), 2);
  EXPECT_TRUE(manifest.entries(0).sealed());
  EXPECT_FALSE(manifest.entries(1).sealed());
  const absl::StatusOr<Object> object =
      ParseBundleObject(manifest.entries(0), response.outputs(0).objects(0));
  ASSERT_TRUE(object.ok()) << object.status();
  EXPECT_EQ(ReadSealedForm(object->value)->texts[0].text, Sealed("db"));
  EXPECT_EQ(object->value.Get("stringData"), nullptr);
}

TEST(SealedRender, AnObjectForAnOperatorIsAnObjectAsOthers) {
  const RenderedObject object =
      One({{"web/a.yaml", Sealed("db", "one", "  annotations: {muster.dev/decrypt: disabled}\n")}});
  EXPECT_TRUE(object.sealed.empty());
}

TEST(SealedRender, MetadataIsToBeInClear) {
  const absl::Status status =
      Refusal({{"web/a.yaml", Sealed("db", "one", absl::StrCat("  namespace: ", kValue, "\n"))}});
  EXPECT_TRUE(absl::StrContains(status.message(), "web/a.yaml:1")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "encrypted_regex")) << status;
}

TEST(SealedRender, AFileThatIsNoObjectIsRefusedWithTheRemedy) {
  const absl::Status status =
      Refusal({{"web/a.yaml", absl::StrCat("password: ", kValue, "\nsops: {mac: x}\n")}});
  EXPECT_TRUE(absl::StrContains(status.message(), "no Kubernetes object")) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "muster.dev/sops-files")) << status;
}

TEST(SealedRender, AListIsRefused) {
  const absl::Status status = Refusal(
      {{"web/a.yaml", "kind: List\napiVersion: v1\nmetadata: {}\nitems: []\nsops: {mac: x}\n"}});
  EXPECT_TRUE(absl::StrContains(status.message(), "a document of its own")) << status;
}

TEST(SealedRender, GeneratorsCannotReadIt) {
  for (const char* use : {"configMapGenerator: [{name: x, files: [a.yaml]}]",
                          "secretGenerator: [{name: x, envs: [a.yaml]}]"}) {
    const absl::Status status =
        Refusal({{"web/a.yaml", Sealed("db")}, {"web/kustomization.yaml", use}});
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "is encrypted with SOPS")) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "object of its own")) << status;
  }
}

// ---------------------------------------------------------------- files of a Secret

std::string WithFiles(absl::string_view files) {
  return absl::StrCat("apiVersion: v1\nkind: Secret\nmetadata:\n  name: app\n  annotations:\n",
                      "    muster.dev/sops-files: ", files, "\n");
}

const std::string kEnv = absl::StrCat("A=", kValue, "\nsops_mac=ENC[x]\n");
const std::string kBinary =
    absl::StrCat("{\"data\": \"", kValue, "\", \"sops\": {\"mac\": \"ENC[x]\"}}\n");

TEST(SealedFiles, TravelWithTheSecretThatNamesThem) {
  const RenderedObject object = One({{"web/a.yaml", WithFiles("app.env, keys/tls.sops, k=b.sops")},
                                     {"web/app.env", kEnv},
                                     {"web/keys/tls.sops", kBinary},
                                     {"web/b.sops", kBinary}});
  ASSERT_EQ(object.sealed.size(), 3u);
  EXPECT_EQ(object.sealed[0].format, "dotenv");
  EXPECT_EQ(object.sealed[0].text, kEnv);
  EXPECT_EQ(object.sealed[1].format, "binary");
  EXPECT_EQ(object.sealed[1].file, "web/keys/tls.sops");
  EXPECT_EQ(object.sealed[1].key, "tls.sops");
  EXPECT_EQ(object.sealed[2].key, "k");
}

TEST(SealedFiles, StandBesideASecretInAKustomizationToo) {
  const RenderedObject object = One({{"web/a.yaml", WithFiles("app.env")},
                                     {"web/kustomization.yaml", "resources: [a.yaml]\n"},
                                     {"web/app.env", kEnv}});
  ASSERT_EQ(object.sealed.size(), 1u);
  EXPECT_EQ(object.sealed[0].file, "web/app.env");
}

TEST(SealedFiles, AreRefusedWhenTheyAreNotWhatIsMeant) {
  const auto refusal = [](absl::string_view files, const std::string& text) {
    const absl::Status status =
        Refusal({{"web/a.yaml", WithFiles(files)}, {"web/app.env", text}, {"app.env", kEnv}});
    EXPECT_FALSE(status.ok()) << files;
    EXPECT_TRUE(absl::StrContains(status.message(), "web/a.yaml:1: Secret 'app'")) << status;
    return std::string(status.message());
  };
  EXPECT_TRUE(absl::StrContains(refusal("other.env", kEnv), "web/other.env is not there"));
  EXPECT_TRUE(absl::StrContains(refusal("../app.env", kEnv), "beside or below"));
  EXPECT_TRUE(absl::StrContains(refusal("app.env", "A=1\n"), "no file that SOPS encrypted"));
  EXPECT_TRUE(absl::StrContains(refusal("k=app.env", kEnv), "leave out 'k='"));
  EXPECT_TRUE(absl::StrContains(refusal("k=", kEnv), "is to name"));
}

}  // namespace
}  // namespace muster
