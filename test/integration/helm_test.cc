// Charts by the real Helm, where test/tools has built it: what the renderer helm makes of them, and
// what it says of bad ones.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/helm/helm_program.h"
#include "common/manifest/bundle.h"
#include "common/render/render.h"
#include "common/render/render_all.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

fs::path InSources(const std::string& path) {
  return fs::path(getenv("TEST_SRCDIR")) / getenv("TEST_WORKSPACE") / path;
}

FileTree ReadTree(const fs::path& root) {
  FileTree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!fs::is_regular_file(entry.status())) continue;
    EXPECT_TRUE(
        tree.Add(entry.path().lexically_relative(root).string(), ReadFile(entry.path())).ok());
  }
  return tree;
}

// The folder with the programs that test/tools has built, or why there is none.
std::string Tools(std::string& why) {
  const std::string command = InSources("test/tools/build-kubernetes").string() + " --print 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string text;
  char buffer[512];
  while (fgets(buffer, sizeof(buffer), pipe) != nullptr) text += buffer;
  absl::StripAsciiWhitespace(&text);
  if (pclose(pipe) == 0) return text;
  why = text;
  return "";
}

class HelmTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why;
    const std::string tools = Tools(why);
    if (tools.empty()) GTEST_SKIP() << "no real Helm here: " << why;
    HelmProgram::Options options;
    options.path = tools + "/helm";
    options.scratch = testing::TempDir() + "/scratch";
    helm_ = std::make_unique<HelmProgram>(options);
    input_.set_package("shop");
    input_.set_path("apps");
    input_.set_renderer(v1::RENDERER_HELM);
    input_.set_namespace_("shop");
    input_.mutable_helm()->set_chart("web");
    input_.mutable_helm()->set_release_name("shop");
  }

  // A chart of its own with one template.
  void OneTemplate(const std::string& text, const std::string& chart = "") {
    files_ = FileTree();
    CHECK_OK(files_.Add("apps/web/Chart.yaml",
                        absl::StrCat("apiVersion: v2\nname: web\nversion: 0.1.0\n", chart)));
    CHECK_OK(files_.Add("apps/web/templates/one.yaml", text));
  }

  std::map<std::string, const RenderedObject*> Render() {
    auto rendering = muster::Render(files_, input_, helm_.get());
    EXPECT_TRUE(rendering.ok()) << rendering.status();
    rendering_ = rendering.ok() ? *std::move(rendering) : Rendering();
    std::map<std::string, const RenderedObject*> objects;
    for (const RenderedObject& object : rendering_.objects) {
      objects[object.object.key.text()] = &object;
    }
    return objects;
  }

  std::string Refusal() {
    const absl::Status status = muster::Render(files_, input_, helm_.get()).status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  FileTree files_ = ReadTree(InSources("test/testdata/helm"));
  v1::RenderInput input_;
  std::unique_ptr<HelmProgram> helm_;
  Rendering rendering_;
};

TEST_F(HelmTest, MakesTheObjectsOfAChart) {
  const auto objects = Render();
  ASSERT_EQ(objects.size(), 5u);  // neither the test nor the notes
  const RenderedObject& crd =
      *objects.at("apiextensions.k8s.io/v1/CustomResourceDefinition/windows.shop.example.com");
  const RenderedObject& job = *objects.at("batch/v1/Job/shop/shop-web-migrate");
  const RenderedObject& service = *objects.at("v1/Service/shop/shop-cache");
  const RenderedObject& facts = *objects.at("v1/ConfigMap/shop/shop-web-facts");
  EXPECT_EQ(crd.Where(), "apps/web/crds/windows.yaml");
  EXPECT_EQ(crd.wave, -20'000);
  EXPECT_EQ(job.wave, -10'001);
  EXPECT_EQ(service.Where(), "apps/web/charts/cache/templates/service.yaml");
  EXPECT_EQ(service.wave, 0);
  EXPECT_EQ(facts.object.value.Find("/data/origin")->string(), "chart");
  EXPECT_EQ(facts.object.value.Find("/data/namespace")->string(), "shop");
  EXPECT_EQ(facts.object.value.Find("/data/found")->string(), "{}");  // lookup finds nothing
}

TEST_F(HelmTest, MergesValuesByTheirRank) {
  v1::Helm& helm = *input_.mutable_helm();
  helm.add_values_files("base.yaml");
  auto origin = [this] { return Render().at("v1/ConfigMap/shop/shop-web-facts")->object.value; };
  EXPECT_EQ(origin().Find("/data/origin")->string(), "base file");
  EXPECT_EQ(origin().Find("/data/replicas")->string(), "2");
  helm.set_values("origin: package\n");
  EXPECT_EQ(origin().Find("/data/origin")->string(), "package");
  input_.mutable_target_helm()->add_values_files("prod.yaml");
  input_.set_substitute(true);
  v1::Variable* variable = input_.add_variables();
  variable->set_name("replicas");
  variable->set_value("6");
  EXPECT_EQ(origin().Find("/data/origin")->string(), "target file");
  EXPECT_EQ(origin().Find("/data/replicas")->string(), "6");
  input_.mutable_target_helm()->set_values("origin: target\n");
  EXPECT_EQ(origin().Find("/data/origin")->string(), "target");
  // A subchart's values too, from the base file.
  const auto objects = Render();
  const Value& service = objects.at("v1/Service/shop/shop-cache")->object.value;
  EXPECT_EQ(service.Find("/metadata/annotations/shop.example.com~1size")->string(), "128Mi");
}

TEST_F(HelmTest, KnowsTheClustersKubernetes) {
  input_.set_kubernetes_version("v1.31.4");
  const auto objects = Render();
  EXPECT_EQ(objects.at("v1/ConfigMap/shop/shop-web-facts")
                ->object.value.Find("/data/kubernetes")
                ->string(),
            "v1.31.4");
  input_.set_kubernetes_version("v1.20.0");
  EXPECT_THAT(Refusal(), HasSubstr("incompatible with Kubernetes v1.20.0"));
}

TEST_F(HelmTest, NamesTheObjectThatIsNotTheSameTwice) {
  OneTemplate(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: token}\n"
      "stringData: {password: {{ randAlphaNum 20 | quote }}, user: web}\n");
  const std::string refusal = Refusal();
  EXPECT_THAT(refusal, StartsWith("apps/web/templates/one.yaml: v1/Secret/token: field "
                                  "/stringData/password differs"));
}

TEST_F(HelmTest, SaysWhereATemplateIsWrong) {
  OneTemplate("a:\n  b: {{ .Values.nothing.deep }}\n");
  EXPECT_THAT(Refusal(), StartsWith("apps/web/templates/one.yaml:2:"));
  OneTemplate("a: {{ required \"a host is needed\" .Values.host }}\n");
  EXPECT_EQ(Refusal(), "apps/web/templates/one.yaml:1:6: a host is needed");
  OneTemplate("a: {{ if }}\n");
  EXPECT_THAT(Refusal(), StartsWith("apps/web/templates/one.yaml:1: "));
  OneTemplate("kind: ConfigMap\nmetadata: [\n");
  EXPECT_THAT(Refusal(), HasSubstr("apps/web/templates/one.yaml"));
  input_.mutable_helm()->set_values("password: hunter2\n");
  OneTemplate("a: {{ fail .Values.password }}\n");
  EXPECT_THAT(Refusal(), Not(HasSubstr("hunter2")));
}

TEST_F(HelmTest, RefusesDependenciesThatAreNotThere) {
  OneTemplate("a: b\n", "dependencies: [{name: redis, version: 1.0.0}]\n");
  EXPECT_THAT(Refusal(), HasSubstr("depends on 'redis' 1.0.0, which is not vendored"));
}

TEST_F(HelmTest, SharesARenderingByWhatGoesIntoIt) {
  v1::RenderRequest request;
  *request.add_inputs() = input_;
  input_.set_kubernetes_version("v1.31.4");
  *request.add_inputs() = input_;
  input_.set_kubernetes_version("v1.32.0");
  *request.add_inputs() = input_;
  *request.add_inputs() = input_;
  const TreeReader reader = {[this](const std::string& path) -> absl::StatusOr<std::string> {
                               if (!files_.Contains(path)) return absl::NotFoundError(path);
                               return absl::StrCat("id of ", path);
                             },
                             [this](const std::string& path) -> absl::StatusOr<FileTree> {
                               FileTree below;
                               for (const auto& [file, bytes] : files_.Below(path))
                                 CHECK_OK(below.Add(file, bytes));
                               return below;
                             }};
  const v1::RenderResponse response = RenderAll(request, reader, helm_.get());
  ASSERT_EQ(response.outputs_size(), 4);
  for (const v1::RenderOutput& output : response.outputs()) {
    EXPECT_EQ(output.code(), 0) << output.message();
    EXPECT_EQ(output.engine(), "helm");
    EXPECT_THAT(output.engine_version(), StartsWith("4."));
    EXPECT_THAT(output.uses(), ElementsAre("cluster.kubernetesVersion"));
  }
  EXPECT_NE(response.outputs(0).input_digest(), response.outputs(1).input_digest());
  EXPECT_NE(response.outputs(1).input_digest(), response.outputs(2).input_digest());
  EXPECT_EQ(response.outputs(2).input_digest(), response.outputs(3).input_digest());
  EXPECT_TRUE(response.outputs(3).manifest().empty());  // the one before it is meant
  const auto manifest = ParseManifest(response.outputs(0).manifest());
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  int before = 0;
  for (const v1::ManifestEntry& entry : manifest->entries()) before += entry.wave() == -10'001;
  EXPECT_EQ(before, 1);
}

TEST_F(HelmTest, InflatesTheChartsOfAKustomization) {
  input_.Clear();
  input_.set_path("kustomized");
  const auto objects = Render();
  ASSERT_EQ(objects.size(), 3u);  // neither hook nor test
  const Value& facts = objects.at("v1/ConfigMap/shop/shop-web-facts")->object.value;
  EXPECT_EQ(facts.Find("/data/patched")->string(), "yes");
  EXPECT_EQ(facts.Find("/data/replicas")->string(), "4");
  EXPECT_EQ(objects.count("apps/v1/Deployment/shop/shop-web"), 1u);
}

}  // namespace
}  // namespace muster
