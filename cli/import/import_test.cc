// What `muster import` makes of small trees: each field, and above all what it leaves out and says.
#include "cli/import/import.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/import/application_set.h"
#include "cli/import/argocd_application.h"
#include "cli/import/kustomize_form.h"
#include "common/manifest/json.h"
#include "common/manifest/object.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Files = std::vector<std::pair<std::string, std::string>>;

FileTree TreeOf(const Files& files) {
  FileTree tree;
  for (const auto& [path, text] : files) EXPECT_TRUE(tree.Add(path, text).ok()) << path;
  return tree;
}

absl::StatusOr<ImportResult> ImportOf(const std::string& tool, const Files& files,
                                      const std::string& url = "https://git.example.com/me/fleet") {
  const FileTree tree = TreeOf(files);
  absl::StatusOr<ImportResult> result = ImportTool(tool, {.files = tree,
                                                          .start = "",
                                                          .output = "muster",
                                                          .folder = "fleet",
                                                          .url = url,
                                                          .branch = "main",
                                                          .cluster = ""});
  if (result.ok()) {
    EXPECT_TRUE(WriteFleet(result->fleet, tool).ok());
  }
  return result;
}

// "FIELD: WHY" of all that was left out.
std::string LeftOut(const ImportResult& result) {
  std::string text;
  for (const ImportItem& item : result.report.items) {
    for (const ImportNote& note : item.left_out) {
      absl::StrAppend(&text, item.name, " ", note.field, ": ", note.why, "\n");
    }
  }
  return text;
}

std::string Spec(const ImportResult& result, const std::string& package) {
  const auto found = result.fleet.packages.find(package);
  return found == result.fleet.packages.end() ? "no such package"
                                              : CanonicalJson(found->second.spec);
}

ImportCheck CheckOf(const ImportResult& result, const std::string& name) {
  for (const ImportItem& item : result.report.items) {
    if (item.name == name) return item.check;
  }
  return ImportCheck::kNone;
}

constexpr char kConfigMap[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

// ---------------------------------------------------------------- Flux

std::string FluxKustomization(const std::string& spec) {
  return absl::StrCat(
      "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
      "metadata: {name: apps, namespace: flux-system}\nspec:\n"
      "  path: ./apps\n  prune: true\n  sourceRef: {kind: GitRepository, name: flux-system}\n",
      spec);
}

Files FluxTree(const std::string& spec) {
  return {{"clusters/prod/flux-system/gotk-sync.yaml", "# made by flux bootstrap\n"},
          {"clusters/prod/apps.yaml", FluxKustomization(spec)},
          {"apps/config.yaml", kConfigMap}};
}

TEST(Flux, PlainDirectoryBecomesAPackageOnIt) {
  const auto result = ImportOf("flux", FluxTree("  interval: 10m\n  timeout: 3m\n"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_TRUE(result->report.complete());
  EXPECT_EQ(Spec(*result, "apps"),
            R"({"health":{"timeout":"3m"},"path":"apps","repository":"fleet",)"
            R"("targets":[{"clusterSelector":{"matchLabels":{"cluster":"prod"}}}]})");
  EXPECT_EQ(CheckOf(*result, "flux-system/apps"), ImportCheck::kEqual);
}

TEST(Flux, ChangesToTheKustomizationBecomeOneAroundIt) {
  Files files = FluxTree(R"(
  targetNamespace: shop
  namePrefix: my-
  images: [{name: web, newTag: "2"}]
  components: [../components/quota]
  commonMetadata: {labels: {team: a}, annotations: {note: b}}
  patches:
    - target: {kind: ConfigMap}
      patch: |-
        - {op: add, path: /data, value: {k: v}}
)");
  files.push_back({"components/quota/kustomization.yaml",
                   "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
                   "resources: [quota.yaml]\n"});
  files.push_back({"components/quota/quota.yaml",
                   "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\n"});
  const auto result = ImportOf("flux", files);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_EQ(CheckOf(*result, "flux-system/apps"), ImportCheck::kEqual);
  const std::string text = result->fleet.files.at("packages/apps/prod/kustomization.yaml");
  EXPECT_THAT(text, AllOf(HasSubstr("namespace: shop"), HasSubstr("namePrefix: my-"),
                          HasSubstr("../../../../components/quota"),
                          HasSubstr("../../../../apps/config.yaml")));
}

TEST(Flux, UndefinedVariablesAreEmptyAsFluxHasThem) {
  Files files = FluxTree("  postBuild: {substitute: {a: \"1\"}}\n");
  files[2].second = absl::StrCat(kConfigMap, "data: {x: \"${a}\", y: \"${b}\", z: \"${c:-d}\"}\n");
  const auto result = ImportOf("flux", files);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_THAT(Spec(*result, "apps"), HasSubstr(R"("variables":{"a":"1","b":""})"));
  EXPECT_EQ(CheckOf(*result, "flux-system/apps"), ImportCheck::kEqual);
}

TEST(Flux, TakesVariablesFromConfigMapsAndNeverFromSecrets) {
  Files files = FluxTree(R"(
  postBuild:
    substituteFrom:
      - {kind: ConfigMap, name: settings}
      - {kind: Secret, name: passwords}
)");
  files.push_back({"clusters/prod/settings.yaml",
                   "apiVersion: v1\nkind: ConfigMap\n"
                   "metadata: {name: settings, namespace: flux-system}\ndata: {a: here}\n"});
  files.push_back({"clusters/prod/passwords.yaml",
                   "apiVersion: v1\nkind: Secret\n"
                   "metadata: {name: passwords, namespace: flux-system}\n"
                   "stringData: {b: hunter2}\n"});
  files[2].second = absl::StrCat(kConfigMap, "data: {x: \"${a}\", y: \"${b}\"}\n");
  const auto result = ImportOf("flux", files);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Spec(*result, "apps"), HasSubstr(R"("variables":{"a":"here"})"));
  EXPECT_THAT(LeftOut(*result),
              AllOf(HasSubstr("Secret flux-system/passwords are not copied"),
                    HasSubstr("give the package values for b"), Not(HasSubstr("hunter2"))));
  EXPECT_EQ(CheckOf(*result, "flux-system/apps"), ImportCheck::kUnchecked);
}

TEST(Flux, SaysWhatItLeavesOut) {
  const auto result = ImportOf("flux", FluxTree(R"(
  deletionPolicy: Orphan
  suspend: true
  force: true
  serviceAccountName: deployer
  decryption: {provider: sops}
  dependsOn: [{name: nobody}]
  novelty: 1
)"));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->report.complete());
  EXPECT_THAT(LeftOut(*result),
              AllOf(HasSubstr("spec.suspend: the package is declared without targets"),
                    HasSubstr("spec.force: annotate"), HasSubstr("muster secret seal"),
                    HasSubstr("spec.dependsOn: flux-system/nobody became no package"),
                    HasSubstr("spec.novelty: Muster has nothing like it")));
  EXPECT_EQ(Spec(*result, "apps"), R"({"onRemoval":"orphan","path":"apps","repository":"fleet",)"
                                   R"("serviceAccount":"flux-system/deployer"})");
}

TEST(Flux, WhatOnlyItsControllersReadStaysAnObject) {
  Files files = FluxTree("");
  files.push_back({"apps/release.yaml",
                   "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"
                   "metadata: {name: web, namespace: web}\nspec: {}\n"});
  const auto result = ImportOf("flux", files);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(LeftOut(*result), HasSubstr("web/web : stays an object"));
  EXPECT_EQ(CheckOf(*result, "flux-system/apps"), ImportCheck::kEqual);
}

TEST(Flux, NothingOfItIsAnErrorAndABrokenFileIsTold) {
  EXPECT_EQ(ImportOf("flux", {{"a.yaml", kConfigMap}}).status().code(),
            absl::StatusCode::kNotFound);
  Files files = FluxTree("");
  files.push_back({"clusters/prod/broken.yaml", "# toolkit.fluxcd.io\na: [1\n"});
  const auto result = ImportOf("flux", files);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(LeftOut(*result), HasSubstr("clusters/prod/broken.yaml:"));
}

// ---------------------------------------------------------------- Argo CD

std::string Application(const std::string& source, const std::string& rest = "") {
  return absl::StrCat(
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: web\n"
      "  finalizers: [resources-finalizer.argocd.argoproj.io]\n"
      "spec:\n  project: default\n"
      "  destination: {name: prod, namespace: web}\n"
      "  source:\n    repoURL: https://git.example.com/me/fleet.git\n    targetRevision: main\n"
      "    path: apps\n",
      source, rest.empty() ? "  syncPolicy: {automated: {prune: true, selfHeal: true}}\n" : rest);
}

TEST(Argocd, ApplicationBecomesAPackage) {
  const auto result =
      ImportOf("argocd", {{"argo/web.yaml", Application("")}, {"apps/config.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_EQ(Spec(*result, "web"),
            R"({"namespace":"web","path":"apps","repository":"fleet",)"
            R"("targets":[{"clusterSelector":{"matchLabels":{"cluster":"prod"}}}]})");
  EXPECT_EQ(CheckOf(*result, "web"), ImportCheck::kEqual);
}

TEST(Argocd, DirectoryOptionsBecomeAListOfFiles) {
  const auto result = ImportOf(
      "argocd", {{"argo/web.yaml", Application("    directory: {exclude: '{b*,c.yaml}'}\n")},
                 {"apps/a.yaml", kConfigMap},
                 {"apps/b.yaml", kConfigMap},
                 {"apps/c.yaml", kConfigMap},
                 {"apps/deep/d.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  const std::string text = result->fleet.files.at("packages/web/all/kustomization.yaml");
  EXPECT_THAT(text, AllOf(HasSubstr("apps/a.yaml"), Not(HasSubstr("b.yaml")),
                          Not(HasSubstr("c.yaml")), Not(HasSubstr("d.yaml"))));
  EXPECT_EQ(CheckOf(*result, "web"), ImportCheck::kEqual);
}

TEST(Argocd, KustomizeOptionsBecomeAKustomization) {
  const auto result = ImportOf(
      "argocd",
      {{"argo/web.yaml", Application("    kustomize: {namePrefix: my-, commonLabels: {a: b}, "
                                     "images: ['web=example.com:5000/web:2']}\n")},
       {"apps/kustomization.yaml", "resources: [config.yaml]\n"},
       {"apps/config.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_THAT(result->fleet.files.at("packages/web/all/kustomization.yaml"),
              AllOf(HasSubstr("newName: example.com:5000/web"), HasSubstr("newTag: \"2\""),
                    HasSubstr("namePrefix: my-")));
  EXPECT_EQ(CheckOf(*result, "web"), ImportCheck::kEqual);
}

TEST(Argocd, ADifferenceIsFoundAndTold) {
  // Argo CD replaces the prefix that is there; a kustomization around it adds one.
  const auto result =
      ImportOf("argocd", {{"argo/web.yaml", Application("    kustomize: {namePrefix: my-}\n")},
                          {"apps/kustomization.yaml", "namePrefix: x-\nresources: [config.yaml]\n"},
                          {"apps/config.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(CheckOf(*result, "web"), ImportCheck::kDiffers);
  EXPECT_THAT(LeftOut(*result), HasSubstr("ConfigMap my-a is missing"));
}

TEST(Argocd, SyncPolicyIsCarried) {
  const auto result = ImportOf("argocd", {{"argo/web.yaml", Application("", R"(
  syncPolicy:
    automated: {}
    syncOptions: [CreateNamespace=true, Replace=true]
  ignoreDifferences:
    - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}
    - {kind: Service, jqPathExpressions: [.spec.ports]}
)")},
                                          {"apps/config.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Spec(*result, "web"),
              HasSubstr(R"("sync":{"drift":"report","ignore":[{"kind":"Deployment",)"
                        R"("paths":["/spec/replicas"]}],"prune":false})"));
  EXPECT_THAT(LeftOut(*result), AllOf(HasSubstr("Replace=true: annotate"),
                                      HasSubstr("spec.ignoreDifferences.jqPathExpressions")));
}

TEST(Argocd, ChartsPluginsAndSeveralSourcesAreRefusedByName) {
  const std::string two =
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
      "metadata: {name: two}\nspec:\n  sources: [{}, {}]\n";
  const auto result = ImportOf("argocd", {{"argo/a.yaml", Application("    plugin: {name: x}\n")},
                                          {"argo/two.yaml", two},
                                          {"apps/Chart.yaml", "name: x\n"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->fleet.packages.empty());
  EXPECT_THAT(LeftOut(*result),
              AllOf(HasSubstr("spec.source.plugin"), HasSubstr("two spec.sources")));
}

// ---------------------------------------------------------------- ApplicationSet

absl::StatusOr<std::vector<GeneratedApplication>> Generate(const std::string& generators,
                                                           const std::string& name,
                                                           bool go = true) {
  Value set = Value::Map{{"spec", Value::Map{{"goTemplate", go}}}};
  const auto parsed = ParseJson(generators);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  set.Set("/spec/generators", *parsed);
  set.Set("/spec/template/metadata/name", name);
  const FileTree files = TreeOf({{"apps/a/x.yaml", "k: v"}, {"apps/b/x.yaml", "k: w"}});
  return GenerateApplications(set, files, [](const std::string& url) { return url == "here"; });
}

std::vector<std::string> Names(const std::vector<GeneratedApplication>& applications) {
  std::vector<std::string> names;
  for (const GeneratedApplication& each : applications) {
    names.push_back(each.object.Find("/metadata/name")->string());
  }
  return names;
}

TEST(ApplicationSet, FillsTemplatesOfBothKinds) {
  auto result =
      Generate(R"([{"list":{"elements":[{"a":"x","b":{"c":"y"}}]}}])", "{{.a}}-{{ .b.c }}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("x-y"));
  result = Generate(R"([{"list":{"elements":[{"a":"x","values":{"c":"y"}}]}}])",
                    "{{a}}-{{values.c}}", false);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("x-y"));
}

TEST(ApplicationSet, ReadsDirectoriesAndFilesOfThisTree) {
  auto result = Generate(R"([{"git":{"repoURL":"here","directories":[{"path":"apps/*"},)"
                         R"({"path":"apps/b","exclude":true}]}}])",
                         "{{.path.basename}}-{{index .path.segments 0}}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("a-apps"));
  result = Generate(R"([{"git":{"repoURL":"here","files":[{"path":"**/x.yaml"}]}}])",
                    "{{k}}-{{path}}-{{path[1]}}", false);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("v-apps/a-a", "w-apps/b-b"));
}

TEST(ApplicationSet, LeavesClustersOpen) {
  const auto result = Generate(R"([{"clusters":{"selector":{"matchLabels":{"env":"prod",)"
                               R"("argocd.argoproj.io/secret-type":"cluster"}}}}])",
                               "{{.name}}-{{.metadata.labels.region}}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("${cluster.name}-${cluster.labels[\"region\"]}"));
  ASSERT_TRUE(result->at(0).selector.has_value());
  EXPECT_EQ(CanonicalJson(*result->at(0).selector), R"({"matchLabels":{"env":"prod"}})");
}

TEST(ApplicationSet, MultipliesAndMerges) {
  auto result = Generate(R"([{"matrix":{"generators":[{"list":{"elements":[{"a":"1"},{"a":"2"}]}},)"
                         R"({"list":{"elements":[{"b":"3"}]}}]}}])",
                         "{{.a}}{{.b}}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("13", "23"));
  result = Generate(R"([{"merge":{"mergeKeys":["a"],"generators":[)"
                    R"({"list":{"elements":[{"a":"1","b":"x"},{"a":"2","b":"x"}]}},)"
                    R"({"list":{"elements":[{"a":"2","b":"y"},{"a":"3","b":"z"}]}}]}}])",
                    "{{.a}}{{.b}}");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(Names(*result), ElementsAre("1x", "2y"));
}

TEST(ApplicationSet, RefusesByName) {
  const auto why = [](const std::string& generators, const std::string& name) {
    return std::string(Generate(generators, name).status().message());
  };
  const std::string one = R"([{"list":{"elements":[{"a":"x"}]}}])";
  EXPECT_THAT(why(one, "{{ .a | upper }}"), HasSubstr("{{ .a | upper }}: template functions"));
  EXPECT_THAT(why(one, "{{.nothing}}"), HasSubstr("{{.nothing}}: there is no such parameter"));
  EXPECT_THAT(why(R"([{"pullRequest":{}}])", "a"), HasSubstr("spec.generators.pullRequest"));
  EXPECT_THAT(why(R"([{"git":{"repoURL":"there"}}])", "a"), HasSubstr("there is not the tree"));
  EXPECT_THAT(why(R"([{"merge":{"generators":[{"clusters":{}}]}}])", "a"),
              HasSubstr("spec.generators.merge: clusters"));
}

TEST(ArgocdGlob, KnowsAlternativesAndDirectories) {
  EXPECT_TRUE(MatchesArgocdGlob("{a,b}/{c,d}.yaml", "b/c.yaml", false));
  EXPECT_FALSE(MatchesArgocdGlob("{a,b}/{c,d}.yaml", "b/e.yaml", false));
  EXPECT_FALSE(MatchesArgocdGlob("a/*", "a/b/c", false));
  EXPECT_TRUE(MatchesArgocdGlob("a/*", "a/b/c", true));
  EXPECT_TRUE(MatchesArgocdGlob("**/c", "a/b/c", false));
  std::string many;
  for (int i = 0; i < 60; ++i) many += "{a,b}";
  EXPECT_FALSE(MatchesArgocdGlob(many, "x", false));
}

TEST(ArgocdImage, IsReadAsKustomizeReadsIt) {
  EXPECT_EQ(CanonicalJson(ArgocdImage("web:2")), R"({"name":"web","newTag":"2"})");
  EXPECT_EQ(CanonicalJson(ArgocdImage("a.b:5000/web")), R"({"name":"a.b:5000/web"})");
  EXPECT_EQ(CanonicalJson(ArgocdImage("web=a/b@sha256:00")),
            R"({"digest":"sha256:00","name":"web","newName":"a/b"})");
}

// ---------------------------------------------------------------- Fleet

TEST(Fleet, BundleWithoutAGitRepoGoesToEveryClusterAndSaysSo) {
  const auto result = ImportOf(
      "fleet", {{"web/fleet.yaml", "defaultNamespace: web\n"}, {"web/a.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(LeftOut(*result), HasSubstr("spec.targets: no GitRepo"));
  EXPECT_EQ(Spec(*result, "web"),
            R"({"loadRestrictor":"none","namespace":"web","path":"muster/packages/web/all",)"
            R"("repository":"fleet","sync":{"drift":"report"},)"
            R"("targets":[{"clusterSelector":{}}]})");
}

TEST(Fleet, FirstMatchingTargetDecidesAndMayDeployNothing) {
  const auto result = ImportOf(
      "fleet",
      {{"repo.yaml",
        "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\n"
        "metadata: {name: r}\nspec:\n"
        "  repo: https://git.example.com/me/fleet\n  branch: main\n"
        "  paths: [web]\n"
        "  targets: [{clusterSelector: {matchLabels: {shop: 'yes'}}}]\n"},
       {"web/fleet.yaml",
        "targetCustomizations:\n"
        "  - {clusterName: Old_1, doNotDeploy: true}\n"
        "  - name: big\n"
        "    clusterSelector: {matchLabels: {size: big}}\n"
        "    yaml: {overlays: [big]}\n"},
       {"web/a.yaml", kConfigMap},
       {"web/overlays/big/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(LeftOut(*result), "");
  EXPECT_THAT(
      Spec(*result, "r-web"),
      AllOf(HasSubstr(R"("path":"muster/packages/r-web/${variant}")"),
            HasSubstr(R"("matchExpressions":[{"key":"cluster","operator":"NotIn",)"
                      R"("values":["old-1"]}],"matchLabels":{"shop":"yes","size":"big"})")));
  EXPECT_EQ(result->fleet.files.size(), 2u);
}

TEST(Fleet, SaysWhatItLeavesOut) {
  const auto result =
      ImportOf("fleet", {{"a/fleet.yaml", "helm: {chart: 'https://charts.example.com/web.tgz'}\n"},
                         {"b/fleet.yaml",
                          "rolloutStrategy: {}\nnovelty: 1\npaused: true\n"
                          "dependsOn: [{name: nobody}]\n"},
                         {"b/a.yaml", kConfigMap},
                         {"c/fleet.yaml", "name: {{.Name}}\n"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->fleet.packages.size(), 1u);
  EXPECT_THAT(LeftOut(*result),
              AllOf(HasSubstr("a helm: the chart is the archive"), HasSubstr("b rolloutStrategy:"),
                    HasSubstr("b novelty: Muster has nothing like it"), HasSubstr("b paused:"),
                    HasSubstr("b dependsOn: bundle nobody is not in the tree"),
                    HasSubstr("c/fleet.yaml:1")));
  EXPECT_THAT(Spec(*result, "b"), Not(HasSubstr("targets")));
}

// ---------------------------------------------------------------- what they share

TEST(ObjectDifference, NamesTheObject) {
  const Value a = Value::Map{
      {"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", Value::Map{{"name", "a"}}}};
  Value changed = a;
  changed.Set("/data/k", "v");
  Rendering rendering;
  rendering.objects.push_back({*MakeObject(a), "a.yaml", 1});
  EXPECT_EQ(ObjectDifference({a}, rendering), "");
  EXPECT_EQ(ObjectDifference({changed}, rendering), "ConfigMap a is another");
  EXPECT_EQ(ObjectDifference({}, rendering), "ConfigMap a should not be there");
  EXPECT_EQ(ObjectDifference({a}, Rendering()), "ConfigMap a is missing");
}

TEST(RepositoryKey, IsOneForEverySpelling) {
  for (const std::string url :
       {"https://Git.example.com/me/fleet.git", "ssh://git@git.example.com/me/fleet",
        "git@git.example.com:me/fleet.git", "https://git.example.com/me/fleet/"}) {
    EXPECT_EQ(RepositoryKey(url), "git.example.com/me/fleet");
  }
}

TEST(Fleet, BundlesWhoseLongNamesBeginAlikeBecomeTwoPackages) {
  const std::string parent = std::string(70, 'a');
  const auto result = ImportOf("fleet", {{parent + "/b/fleet.yaml", "labels: {}\n"},
                                         {parent + "/b/a.yaml", kConfigMap},
                                         {parent + "/c/fleet.yaml", "labels: {}\n"},
                                         {parent + "/c/a.yaml", kConfigMap}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->fleet.packages.size(), 2u);
  EXPECT_EQ(result->fleet.packages.count(std::string(61, 'a') + "-2"), 1u);
}

TEST(NameFrom, GivesWhatADeclarationMayBeCalled) {
  EXPECT_EQ(NameFrom("Team_A/web.site"), "team-a-web-site");
  EXPECT_EQ(NameFrom("--"), "unnamed");
  EXPECT_EQ(NameFrom(std::string(100, 'a')).size(), 63u);
}

}  // namespace
}  // namespace muster::cli
