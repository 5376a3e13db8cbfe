// Charts, with a door that plays Helm: what it is asked for, and what becomes of what it prints.
#include "common/render/helm/render_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/manifest/annotations.h"
#include "common/render/render.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kChart[] = "apiVersion: v2\nname: web\nversion: 0.1.0\n";
constexpr char kMap[] =
    "---\n# Source: web/templates/map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

class PlayedHelm final : public HelmDoor {
 public:
  absl::StatusOr<HelmIdentity> Identity() override { return HelmIdentity{"4.3.1", "sha256:00"}; }
  absl::StatusOr<HelmOutput> Template(const v1::HelmCall& call) override {
    calls.push_back(call);
    if (!status.ok()) return status;
    return output;
  }

  // What the i-th values file of the last call holds.
  std::string Values(int i) const {
    for (const v1::HelmFile& file : calls.back().files()) {
      if (file.path() == calls.back().values_files(i)) return file.content();
    }
    return "none";
  }
  std::vector<std::string> Paths() const {
    std::vector<std::string> paths;
    for (const v1::HelmFile& file : calls.back().files()) paths.push_back(file.path());
    return paths;
  }

  std::vector<v1::HelmCall> calls;
  absl::Status status;
  HelmOutput output = {kMap, ""};
};

struct Story {
  Story() {
    input.set_package("web");
    input.set_path("apps/web");
    input.set_renderer(v1::RENDERER_HELM);
    input.set_namespace_("shop");
    Add("apps/web/Chart.yaml", kChart);
    Add("apps/web/templates/map.yaml", "some: template\n");
  }
  void Add(const std::string& path, const std::string& bytes) {
    ASSERT_TRUE(files.Add(path, bytes).ok());
  }
  absl::StatusOr<Rendering> Render() { return muster::Render(files, input, &helm); }
  std::string Refusal() {
    const absl::Status status = Render().status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  FileTree files;
  v1::RenderInput input;
  PlayedHelm helm;
};

TEST(Chart, IsGivenToHelmWithItsReleaseAndNothingElse) {
  Story story;
  story.Add("apps/other/secret.yaml", "a: b\n");
  const absl::StatusOr<Rendering> rendering = story.Render();
  ASSERT_TRUE(rendering.ok()) << rendering.status();
  ASSERT_EQ(story.helm.calls.size(), 1u);
  const v1::HelmCall& call = story.helm.calls[0];
  EXPECT_EQ(call.release_name(), "web");
  EXPECT_EQ(call.namespace_(), "shop");
  EXPECT_EQ(call.chart(), "chart");
  EXPECT_EQ(call.kubernetes_version(), "");
  EXPECT_THAT(story.helm.Paths(), ElementsAre("chart/Chart.yaml", "chart/templates/map.yaml"));
  ASSERT_EQ(rendering->objects.size(), 1u);
  EXPECT_EQ(rendering->objects[0].object.key.text(), "v1/ConfigMap/shop/a");
  EXPECT_EQ(rendering->objects[0].Where(), "apps/web/templates/map.yaml");
}

TEST(Chart, IsFoundByItsFileAndBelowThePath) {
  Story story;
  story.input.set_renderer(v1::RENDERER_AUTO);
  EXPECT_TRUE(story.Render().ok());
  story.input.set_path("apps");
  story.input.mutable_helm()->set_chart("web");
  story.input.mutable_helm()->set_release_name("front");
  EXPECT_TRUE(story.Render().ok());
  EXPECT_EQ(story.helm.calls.back().release_name(), "front");
  story.input.mutable_helm()->set_chart("nowhere");
  EXPECT_THAT(story.Refusal(), HasSubstr("path 'apps/nowhere': there is no Chart.yaml"));
}

TEST(Chart, NeedsHelm) {
  Story story;
  const absl::Status status = muster::Render(story.files, story.input).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--helm PATH"));
}

TEST(Chart, HearsOfTheClustersKubernetesWhereItAsks) {
  Story story;
  story.input.set_kubernetes_version("v1.32.3");
  EXPECT_THAT(*UsedClusterVariables(story.files, story.input), ElementsAre());
  ASSERT_TRUE(story.Render().ok());
  EXPECT_EQ(story.helm.calls.back().kubernetes_version(), "");
  story.Add("apps/web/templates/asks.yaml", "v: {{ .Capabilities.KubeVersion }}\n");
  EXPECT_THAT(*UsedClusterVariables(story.files, story.input),
              ElementsAre("cluster.kubernetesVersion"));
  ASSERT_TRUE(story.Render().ok());
  EXPECT_EQ(story.helm.calls.back().kubernetes_version(), "v1.32.3");
}

TEST(Chart, WithDependenciesThatAreNotVendoredIsRefused) {
  Story story;
  story.files = FileTree();
  story.Add("apps/web/Chart.yaml",
            absl::StrCat(kChart,
                         "dependencies:\n- {name: common, version: 1.0.0}\n"
                         "- {name: redis, version: 2.x}\n- {name: mail, version: 3.0.0}\n"));
  story.Add("apps/web/charts/common/Chart.yaml", "name: common\n");
  story.Add("apps/web/charts/mail-3.0.0.tgz", "packed");
  const std::string refusal = story.Refusal();
  EXPECT_THAT(refusal, HasSubstr("apps/web/Chart.yaml:6:"));
  EXPECT_THAT(refusal, HasSubstr("depends on 'redis' 2.x, which is not vendored"));
  EXPECT_THAT(refusal, HasSubstr("helm dependency build apps/web"));
  EXPECT_THAT(refusal, Not(HasSubstr("common")));
  EXPECT_TRUE(story.helm.calls.empty());
}

TEST(Chart, WithoutANameIsRefused) {
  Story story;
  story.files = FileTree();
  story.Add("apps/web/Chart.yaml", "version: 1.0.0\n");
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/Chart.yaml:1: the chart has no name"));
}

// ---------------------------------------------------------------- values

TEST(Values, ComeInTheirOrder) {
  Story story;
  v1::Helm& helm = *story.input.mutable_helm();
  helm.add_values_files("base.yaml");
  helm.add_values_files("more.yaml");
  helm.set_values("a: package\n");
  story.input.mutable_target_helm()->add_values_files("prod.yaml");
  story.input.mutable_target_helm()->set_values("a: target\n");
  story.Add("apps/web/base.yaml", "a: base\n");
  story.Add("apps/web/more.yaml", "a: more\n");
  story.Add("apps/web/prod.yaml", "a: prod\n");
  ASSERT_TRUE(story.Render().ok());
  ASSERT_EQ(story.helm.calls.back().values_files_size(), 5);
  EXPECT_EQ(story.helm.Values(0), "a: base\n");
  EXPECT_EQ(story.helm.Values(1), "a: more\n");
  EXPECT_EQ(story.helm.Values(2), "a: package\n");
  EXPECT_EQ(story.helm.Values(3), "a: prod\n");
  EXPECT_EQ(story.helm.Values(4), "a: target\n");
}

TEST(Values, TakeVariablesAndTheClustersLabels) {
  Story story;
  story.input.mutable_helm()->add_values_files("base.yaml");
  story.input.mutable_helm()->set_values("region: ${cluster.labels.region}\n");
  story.Add("apps/web/base.yaml", "replicas: ${replicas} # not ${this}\n");
  story.input.set_substitute(true);
  v1::Variable* variable = story.input.add_variables();
  variable->set_name("replicas");
  variable->set_value("3");
  v1::Label* label = story.input.add_labels();
  label->set_key("region");
  label->set_value("eu");
  EXPECT_THAT(*UsedClusterVariables(story.files, story.input),
              ElementsAre("cluster.labels.region"));
  ASSERT_TRUE(story.Render().ok());
  EXPECT_THAT(story.helm.Values(0), HasSubstr("replicas: 3"));
  EXPECT_EQ(story.helm.Values(1), "region: eu\n");
  story.input.clear_variables();
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/base.yaml:1"));
}

TEST(Values, ThatCannotBeAreRefused) {
  const auto refusal = [](const std::string& values) {
    Story story;
    story.input.mutable_helm()->add_values_files("v.yaml");
    story.Add("apps/web/v.yaml", values);
    return story.Refusal();
  };
  EXPECT_THAT(refusal("- a\n"), HasSubstr("apps/web/v.yaml:1:1: values must be a mapping"));
  EXPECT_THAT(refusal("a: 1\n---\nb: 2\n"), HasSubstr("apps/web/v.yaml:3"));
  EXPECT_THAT(refusal("a: [\n"), HasSubstr("apps/web/v.yaml:"));
  const std::string sops =
      refusal("token: ENC[AES256_GCM,data:x]\nsops: {mac: y, version: 3.9.0}\n");
  EXPECT_THAT(sops, HasSubstr("apps/web/v.yaml:2: the file is encrypted with SOPS and cannot be "
                              "read for Helm values"));
  EXPECT_THAT(sops, HasSubstr("an object of its own"));
  EXPECT_THAT(refusal("TOKEN=ENC[AES256_GCM,data:x]\nsops_mac=y\n"), HasSubstr("v.yaml:2"));
  Story own;
  own.Add("apps/web/charts/db/values.yaml", "a: ENC[AES256_GCM,data:x]\nsops: {mac: y}\n");
  EXPECT_THAT(own.Refusal(), HasSubstr("apps/web/charts/db/values.yaml:2: the file is encrypted"));
  Story story;
  story.input.mutable_target_helm()->add_values_files("nowhere.yaml");
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/nowhere.yaml: helm.valuesFiles of the target"));
}

// ---------------------------------------------------------------- hooks

std::string Hook(const std::string& name, const std::string& annotations) {
  return absl::StrCat("---\n# Source: web/templates/", name,
                      ".yaml\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ", name,
                      "\n  annotations: {", annotations, "}\n");
}

const RenderedObject& Named(const Rendering& rendering, absl::string_view name) {
  for (const RenderedObject& object : rendering.objects) {
    if (object.object.key.name == name) return object;
  }
  ADD_FAILURE() << "no object " << name;
  return rendering.objects[0];
}

TEST(Hooks, BecomeWaves) {
  Story story;
  story.helm.output.first = absl::StrCat(
      "---\n# Source: web/crds/things.yaml\napiVersion: apiextensions.k8s.io/v1\n"
      "kind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n",
      kMap,
      Hook("before", "helm.sh/hook: \"pre-install, pre-upgrade\", helm.sh/hook-weight: \"-5\""),
      Hook("after", "helm.sh/hook: post-upgrade, helm.sh/hook-delete-policy: hook-succeeded"),
      Hook("check", "helm.sh/hook: test"), Hook("kept", "helm.sh/resource-policy: keep"));
  const absl::StatusOr<Rendering> rendering = story.Render();
  ASSERT_TRUE(rendering.ok()) << rendering.status();
  EXPECT_EQ(rendering->objects.size(), 5u);  // not the test
  EXPECT_EQ(Named(*rendering, "things.example.com").wave, -20'000);
  EXPECT_EQ(Named(*rendering, "before").wave, -10'005);
  EXPECT_EQ(Named(*rendering, "a").wave, 0);
  EXPECT_EQ(Named(*rendering, "after").wave, 10'000);
  const auto annotation = [&](absl::string_view object, absl::string_view name) {
    return std::string(AnnotationOf(Named(*rendering, object).object.value, name));
  };
  EXPECT_EQ(annotation("before", kReplaceAnnotation), "true");
  EXPECT_EQ(annotation("after", kReplaceAnnotation), "");
  EXPECT_EQ(annotation("kept", kPruneAnnotation), "never");
}

TEST(Hooks, WithoutAMomentAreRefusedByName) {
  for (const char* hook : {"pre-delete", "post-delete", "pre-rollback", "post-rollback",
                           "crd-install", "post-install,pre-delete"}) {
    Story story;
    story.helm.output.first = Hook("job", absl::StrCat("helm.sh/hook: \"", hook, "\""));
    const std::string refusal = story.Refusal();
    EXPECT_THAT(refusal, HasSubstr("apps/web/templates/job.yaml: batch/v1/Job/job: the hook '"));
  }
  Story story;
  story.helm.output.first =
      Hook("job", "helm.sh/hook: pre-install, helm.sh/hook-weight: \"12345\"");
  EXPECT_THAT(story.Refusal(), HasSubstr("helm.sh/hook-weight is no whole number"));
}

// ---------------------------------------------------------------- twice the same

TEST(TwoRuns, ThatDifferAreRefusedByObjectAndField) {
  Story story;
  story.helm.output.first = absl::StrCat(kMap, "data: {password: first, same: x}\n");
  story.helm.output.second = absl::StrCat(kMap, "data: {password: other, same: x}\n");
  const std::string refusal = story.Refusal();
  EXPECT_THAT(refusal, HasSubstr("apps/web/templates/map.yaml: v1/ConfigMap/a: field "
                                 "/data/password differs when the chart is rendered twice"));
  EXPECT_THAT(refusal, Not(HasSubstr("first")));
}

TEST(TwoRuns, MayDifferInCommentsAndOrder) {
  Story story;
  const std::string other =
      "---\n# Source: web/templates/b.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
  story.helm.output.first = absl::StrCat(kMap, other);
  story.helm.output.second = absl::StrCat(other, kMap, "# at noon\n");
  EXPECT_TRUE(story.Render().ok());
  story.helm.output.second = kMap;
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/templates/b.yaml: v1/ConfigMap/b: has another"));
}

// ---------------------------------------------------------------- Helm's words

TEST(Failures, NameThePlaceInTheRepository) {
  const auto explain = [](const std::string& words) {
    Story story;
    story.helm.status = absl::InvalidArgumentError(words);
    return story.Refusal();
  };
  EXPECT_EQ(explain("Error: execution error at (web/templates/map.yaml:3:5): no host\n\n"
                    "Use --debug flag to render out invalid YAML\n"),
            "apps/web/templates/map.yaml:3:5: no host");
  EXPECT_EQ(explain("Error: web/templates/map.yaml:1:13\n  executing \"web/templates/map.yaml\" at "
                    "<.Values.a.b>:\n    can't evaluate field b\n"),
            "apps/web/templates/map.yaml:1:13: executing \"apps/web/templates/map.yaml\" at "
            "<.Values.a.b>: can't evaluate field b");
  EXPECT_EQ(explain("Error: parse error at (web/templates/map.yaml:7): unexpected \"}\""),
            "apps/web/templates/map.yaml:7: unexpected \"}\"");
  EXPECT_EQ(explain("Error: chart requires kubeVersion: >=1.30"),
            "apps/web: chart requires kubeVersion: >=1.30");
}

TEST(Failures, KeepSecretsToThemselves) {
  Story story;
  story.input.mutable_helm()->set_values("db: {password: hunter2, host: db.example.com}\n");
  story.helm.status = absl::InvalidArgumentError(
      "Error: values don't meet the schema:\nweb:\n- at '/db/password': 'hunter2' does not "
      "match\n");
  const std::string refusal = story.Refusal();
  EXPECT_THAT(refusal, Not(HasSubstr("hunter2")));
  EXPECT_THAT(refusal, HasSubstr("at '/db/password': '***' does not match"));
}

TEST(Failures, OfLimitsNameTheChart) {
  Story story;
  story.helm.status = absl::ResourceExhaustedError("the chart prints more than 32 MiB");
  const absl::Status status = story.Render().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()), "apps/web: the chart prints more than 32 MiB");
}

TEST(Failures, OfWhatWasPrintedNameTheTemplate) {
  Story story;
  story.helm.output.first = "---\n# Source: web/templates/x.yaml\nkind: A\nkind: B\n";
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/templates/x.yaml: what it renders to"));
  story.helm.output.first = "---\n# Source: web/templates/x.yaml\nkind: ConfigMap\n";
  EXPECT_THAT(story.Refusal(), HasSubstr("apps/web/templates/x.yaml: "));
  story.helm.output.first = "";
  EXPECT_THAT(story.Refusal(), HasSubstr("renders to nothing"));
}

}  // namespace
}  // namespace muster
