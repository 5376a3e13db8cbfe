// What `muster import` makes of charts: fields, values and files in Muster's order, and what it
// says of those that no Package can have. That the objects are equal:
// test/integration/import_chart_test.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/import/fleet_chart.h"
#include "cli/import/import.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using Files = std::vector<std::pair<std::string, std::string>>;

struct Story {
  Story(const std::string& tool, Files files, bool helm_releases = false) {
    files.push_back({"apps/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"});
    files.push_back({"apps/web/templates/a.yaml", "a: {{ .Values.a }}\n"});
    files.push_back({"apps/envs/prod.yaml", "list: [x, y]\n"});
    files.push_back({"apps/web/more.yaml", "more: 1\n"});
    FileTree tree;
    for (const auto& [path, text] : files) EXPECT_TRUE(tree.Add(path, text).ok()) << path;
    result = ImportTool(tool, {.files = tree,
                               .start = "",
                               .output = "muster",
                               .folder = "fleet",
                               .url = "https://git.example.com/me/fleet",
                               .branch = "main",
                               .cluster = "",
                               .helm_releases = helm_releases});
    EXPECT_TRUE(result.ok()) << result.status();
    const auto written = WriteFleet(result->fleet, tool);
    EXPECT_TRUE(written.ok()) << written.status();
  }

  std::string Spec(const std::string& name = "web") const {
    const auto found = result->fleet.packages.find(name);
    return found == result->fleet.packages.end() ? "none" : CanonicalJson(found->second.spec);
  }
  std::string Member(const std::string& pointer) const {
    const auto found = result->fleet.packages.find("web");
    if (found == result->fleet.packages.end()) return LeftOut();
    const Value spec = found->second.spec;
    const Value* value = spec.Find(pointer);
    return value == nullptr ? "none" : CanonicalJson(*value);
  }
  std::string Registry(const std::string& name) const {
    const auto found = result->fleet.repositories.find(name);
    if (found == result->fleet.repositories.end()) return LeftOut();
    return absl::StrCat(found->second.type, " ", found->second.url);
  }
  std::string LeftOut() const {
    std::string text;
    for (const ImportItem& item : result->report.items) {
      for (const ImportNote& note : item.left_out) {
        absl::StrAppend(&text, note.field, ": ", note.why, "\n");
      }
    }
    return text;
  }

  absl::StatusOr<ImportResult> result;
};

// ---------------------------------------------------------------- Argo CD

Story Argocd(const std::string& source, Files more = {}) {
  more.push_back(
      {"argo/web.yaml", absl::StrCat("apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
                                     "metadata: {name: web, namespace: argocd}\nspec:\n"
                                     "  destination: {name: prod, namespace: shop}\n"
                                     "  syncPolicy: {automated: {prune: true, selfHeal: true}}\n",
                                     source)});
  return Story("argocd", std::move(more));
}

std::string Source(const std::string& helm) {
  return absl::StrCat(
      "  source:\n    repoURL: https://git.example.com/me/fleet\n    targetRevision: main\n"
      "    path: apps/web\n",
      helm.empty() ? "" : absl::StrCat("    helm:\n", helm));
}

TEST(ArgocdChart, InTheRepositoryBecomesAPackageWithHelm) {
  const Story story = Argocd(Source(""));
  EXPECT_THAT(story.Spec(),
              AllOf(HasSubstr(R"("helm":{"releaseName":"web"})"), HasSubstr(R"("path":"apps/web")"),
                    HasSubstr(R"("namespace":"shop")"), HasSubstr(R"("repository":"fleet")")));
  EXPECT_EQ(story.LeftOut(), "");
}

TEST(ArgocdChart, FilesValuesAndParametersComeInMustersOrder) {
  const Story story = Argocd(
      Source("      releaseName: shop\n      valueFiles: [../envs/prod.yaml, /apps/web/more.yaml]\n"
             "      values: |\n        a: 1\n        b: {c: 2}\n"
             "      parameters:\n      - {name: b.c, value: '3', forceString: true}\n"
             "      - {name: b.d, value: 'x,y'}\n      - {name: 'list[1]', value: z}\n"
             "      - {name: app, value: $ARGOCD_APP_NAME}\n"));
  EXPECT_EQ(story.Member("/path"), R"("apps")");
  EXPECT_EQ(story.Member("/helm/chart"), R"("web")");
  EXPECT_EQ(story.Member("/helm/releaseName"), R"("shop")");
  EXPECT_EQ(story.Member("/helm/valuesFiles"), R"(["envs/prod.yaml","web/more.yaml"])");
  EXPECT_EQ(story.Member("/helm/values"),
            R"({"a":1,"app":"web","b":{"c":"3","d":"x,y"},"list":["x","z"]})");
}

TEST(ArgocdChart, OfARegistryComesFromADeclaredRepository) {
  const Story story = Argocd(
      "  source:\n    repoURL: https://charts.example.com/stable\n    chart: web\n"
      "    targetRevision: ^1.2\n    helm: {values: 'a: 1'}\n");
  EXPECT_EQ(story.Registry("stable"), "helm https://charts.example.com/stable");
  EXPECT_EQ(story.Member("/repository"), R"("stable")");
  EXPECT_EQ(story.Member("/path"), "none");
  EXPECT_EQ(story.Member("/helm"),
            R"({"chart":"web","releaseName":"web","values":{"a":1},"version":"^1.2"})");
  EXPECT_EQ(story.LeftOut(), "");
}

TEST(ArgocdChart, OfARegistryTakesValuesFilesFromGit) {
  const Story story = Argocd(
      "  sources:\n  - repoURL: registry.example.com/org\n    chart: web\n"
      "    targetRevision: 1.2.3\n    helm: {valueFiles: [$values/apps/envs/prod.yaml]}\n"
      "  - {repoURL: 'https://git.example.com/me/fleet', targetRevision: main, ref: values}\n");
  EXPECT_EQ(story.Registry("org"), "oci oci://registry.example.com/org");
  EXPECT_EQ(story.Member("/repository"), R"("fleet")");
  EXPECT_EQ(story.Member("/path"), R"("apps/envs")");
  EXPECT_EQ(story.Member("/helm/repository"), R"("org")");
  EXPECT_EQ(story.Member("/helm/version"), R"("1.2.3")");
  EXPECT_EQ(story.Member("/helm/valuesFiles"), R"(["prod.yaml"])");
}

// One that no Repository may have is left out by name, and stops nothing.
TEST(ArgocdChart, OfARegistryThatNobodyMayDeclareIsLeftOut) {
  const auto of = [](const std::string& url, const std::string& chart, const std::string& version) {
    return Argocd(absl::StrCat("  source:\n    repoURL: ", url, "\n    chart: ", chart,
                               "\n    targetRevision: '", version, "'\n"),
                  {{"argo/other.yaml",
                    "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
                    "metadata: {name: other}\nspec:\n"
                    "  destination: {name: prod}\n  syncPolicy: {automated: "
                    "{prune: true, selfHeal: true}}\n"
                    "  source: {repoURL: 'https://charts.example.com', chart: "
                    "web, targetRevision: 1.0.0}\n"}});
  };
  const Story plain = of("http://charts.example.com/stable", "web", "1.2.3");
  EXPECT_EQ(plain.Spec(), "none");
  EXPECT_EQ(plain.LeftOut(),
            "spec.source.helm: the chart 'web' comes from http://charts.example.com/stable, which "
            "anybody on the way can change: serve it over https\n");
  EXPECT_THAT(plain.Spec("other"), HasSubstr(R"("chart":"web")"));
  EXPECT_EQ(plain.Registry("charts-example-com"), "helm https://charts.example.com");
  EXPECT_THAT(of("https://me:secret@charts.example.com/a", "web", "1.2.3").LeftOut(),
              AllOf(HasSubstr("whose address holds credentials"), Not(HasSubstr("secret"))));
  EXPECT_THAT(of("https://charts.example.com/a?b=c", "web", "1").LeftOut(), HasSubstr("query"));
  EXPECT_THAT(of("registry.example.com/org", "Web!", "1").LeftOut(), HasSubstr("'Web!'"));
  EXPECT_THAT(of("https://charts.example.com/a", "web", "latest").LeftOut(),
              HasSubstr("the version of chart 'web': 'latest' is no version"));
}

TEST(ArgocdChart, TheValuesObjectCountsAlone) {
  EXPECT_EQ(
      Argocd(Source("      values: 'a: 1'\n      valuesObject: {b: 2}\n")).Member("/helm/values"),
      R"({"b":2})");
}

TEST(ArgocdChart, AFileAsAParameterIsItsText) {
  EXPECT_EQ(Argocd(Source("      fileParameters: [{name: a.b, path: more.yaml}]\n"))
                .Member("/helm/values"),
            R"({"a":{"b":"more: 1\n"}})");
}

TEST(ArgocdChart, MissingFilesMayBeIgnored) {
  EXPECT_EQ(Argocd(Source("      valueFiles: [none.yaml, more.yaml]\n"
                          "      ignoreMissingValueFiles: true\n"))
                .Member("/helm/valuesFiles"),
            R"(["more.yaml"])");
  EXPECT_THAT(Argocd(Source("      valueFiles: [none.yaml]\n")).LeftOut(),
              HasSubstr("there is no values file apps/web/none.yaml"));
}

TEST(ArgocdChart, WhatNoPackageCanSayIsRefusedByName) {
  const auto left = [](const std::string& helm) {
    const Story story = Argocd(Source(helm));
    EXPECT_EQ(story.Spec(), "none") << helm;
    return story.LeftOut();
  };
  EXPECT_THAT(left("      valueFiles: ['https://example.com/x.yaml']\n"), HasSubstr("commit"));
  EXPECT_THAT(left("      valueFiles: ['envs/*.yaml']\n"), HasSubstr("name each"));
  EXPECT_THAT(left("      valueFiles: ['../../../x.yaml']\n"), HasSubstr("spec.source.helm"));
  EXPECT_THAT(left("      valueFiles: [$other/x.yaml]\n"), HasSubstr("no source is called $other"));
  EXPECT_THAT(left("      parameters: [{name: a, value: $ARGOCD_APP_REVISION}]\n"),
              HasSubstr("$ARGOCD_APP_REVISION"));
  EXPECT_THAT(left("      parameters: [{name: 'a[x]', value: b}]\n"), HasSubstr("index"));
  EXPECT_THAT(left("      values: '- a'\n"), HasSubstr("spec.source.helm.values"));
}

TEST(ArgocdChart, WhatIsOnlyDifferentIsTold) {
  const Story story = Argocd(
      Source("      skipCrds: true\n      kubeVersion: '1.30'\n      passCredentials: true\n"),
      {{"apps/web/crds/a.yaml", "kind: CustomResourceDefinition\n"},
       {"apps/web/templates/b.yaml",
        "{{ if .Capabilities.APIVersions.Has \"x/v1\" }}{{ end }}\n"}});
  EXPECT_THAT(story.Spec(), HasSubstr("helm"));
  EXPECT_THAT(
      story.LeftOut(),
      AllOf(HasSubstr("spec.source.helm.skipCrds"), HasSubstr("spec.source.helm.kubeVersion"),
            HasSubstr("which APIs the cluster has"), Not(HasSubstr("passCredentials"))));
}

// ---------------------------------------------------------------- Fleet

Story Fleet(const std::string& yaml, Files more = {}) {
  more.push_back({"apps/web/fleet.yaml", absl::StrCat("name: web\n", yaml)});
  more.push_back(
      {"repo.yaml",
       "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\n"
       "metadata: {name: shop, namespace: fleet-default}\n"
       "spec: {repo: 'https://git.example.com/me/fleet', branch: main, paths: [apps/web],"
       " targets: [{clusterSelector: {}}]}\n"});
  return Story("fleet", std::move(more));
}

TEST(FleetChart, InTheBundleBecomesAPackageWithHelm) {
  const Story story = Fleet("defaultNamespace: shop\nhelm: {values: {a: 1}}\n");
  EXPECT_EQ(story.Member("/helm"), R"({"releaseName":"web","values":{"a":1}})");
  EXPECT_EQ(story.Member("/path"), R"("apps/web")");
  EXPECT_EQ(story.Member("/namespace"), R"("shop")");
  EXPECT_EQ(story.Member("/targets"), R"([{"clusterSelector":{}}])");
}

TEST(FleetChart, OfARegistryComesFromADeclaredRepository) {
  const Story story = Fleet(
      "helm: {repo: 'https://charts.example.com/stable', chart: web, version: 1.2.3, values: {a: "
      "1}}\n");
  EXPECT_EQ(story.Registry("stable"), "helm https://charts.example.com/stable");
  EXPECT_EQ(story.Member("/helm/chart"), R"("web")");
  EXPECT_EQ(story.Member("/helm/version"), R"("1.2.3")");
  EXPECT_EQ(story.Member("/helm/values"), R"({"a":1})");
}

TEST(FleetChart, BelowTheBundleIsFound) {
  const Story story = Fleet("helm: {chart: ./chart, releaseName: shop}\n",
                            {{"apps/web/chart/Chart.yaml", "name: inner\n"}});
  EXPECT_EQ(story.Member("/helm"), R"({"releaseName":"shop"})");
  EXPECT_EQ(story.Member("/path"), R"("apps/web/chart")");
  EXPECT_THAT(Fleet("helm: {chart: ./none}\n").LeftOut(), HasSubstr("there is no chart at"));
}

// In Fleet files win over values, in Muster values win over files: files go to the targets then.
TEST(FleetChart, FilesWinOverValues) {
  const Story story = Fleet(
      "helm: {values: {more: 0}, valuesFiles: [more.yaml]}\n"
      "targetCustomizations:\n"
      "- {name: prod, clusterSelector: {matchLabels: {env: prod}}, helm: {values: {more: 2}}}\n");
  EXPECT_EQ(story.Member("/helm"), R"({"releaseName":"web","values":{"more":0}})");
  EXPECT_EQ(story.Member("/targets/0/helm"),
            R"({"values":{"more":2},"valuesFiles":["more.yaml"]})");
  EXPECT_EQ(story.Member("/targets/1/helm"), R"({"valuesFiles":["more.yaml"]})");
  EXPECT_EQ(Fleet("helm: {valuesFiles: [more.yaml]}\n").Member("/helm"),
            R"({"releaseName":"web","valuesFiles":["more.yaml"]})");
  // Of one target, both are laid together here and now.
  EXPECT_EQ(Fleet("targetCustomizations:\n- clusterSelector: {matchLabels: {env: prod}}\n"
                  "  helm: {values: {more: 2, x: 3}, valuesFiles: [more.yaml]}\n")
                .Member("/targets/0/helm"),
            R"({"values":{"more":1,"x":3}})");
}

TEST(FleetChart, ItsTemplatesOfClustersBecomeVariables) {
  EXPECT_EQ(Fleet("helm:\n  values:\n    a: global.fleet.clusterLabels.env\n"
                  "    b: 'x-${ .ClusterName }'\n    c: ['${ get .ClusterLabels \"a/b\" }']\n")
                .Member("/helm/values"),
            R"({"a":"${cluster.labels.env}","b":"x-${cluster.name}",)"
            R"("c":["${cluster.labels['a/b']}"]})");
  EXPECT_THAT(Fleet("helm: {values: {a: '${ if .ClusterName }x${ end }'}}\n").LeftOut(),
              HasSubstr("the template ${ if .ClusterName }"));
  EXPECT_EQ(
      Fleet("helm: {disablePreProcess: true, values: {a: '${HOME}'}}\n").Member("/helm/values"),
      R"({"a":"${HOME}"})");
  // So do those in files, which Fleet lays over the values first.
  EXPECT_EQ(
      Fleet("helm: {valuesFiles: [t.yaml]}\n", {{"apps/web/t.yaml", "a: ${ .ClusterName }\n"}})
          .Member("/helm"),
      R"({"releaseName":"web","values":{"a":"${cluster.name}"}})");
}

TEST(FleetChart, WhatNoPackageCanSayIsRefusedByName) {
  const auto left = [](const std::string& yaml) {
    const Story story = Fleet(yaml);
    EXPECT_EQ(story.Spec(), "none") << yaml;
    return story.LeftOut();
  };
  EXPECT_THAT(left("helm: {valuesFrom: [{configMapKeyRef: {name: a}}]}\n"),
              HasSubstr("valuesFrom"));
  EXPECT_THAT(left("helm: {templateValues: {a: b}}\n"), HasSubstr("templateValues"));
  EXPECT_THAT(left("kustomize: {dir: overlay}\n"), HasSubstr("patches of targets"));
  EXPECT_THAT(left("helm: {valuesFiles: [none.yaml]}\n"), HasSubstr("apps/web/none.yaml"));
  EXPECT_THAT(left("helm: {chart: 'https://example.com/web.tgz'}\n"), HasSubstr("archive"));
  EXPECT_THAT(left("helm: {releaseName: " + std::string(60, 'x') + "}\n"), HasSubstr("longer"));
}

// ---------------------------------------------------------------- Flux

constexpr char kSources[] = R"(
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {url: 'https://charts.example.com/stable', secretRef: {name: login}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: cache, namespace: shop}
spec: {url: 'oci://registry.example.com/org/redis', ref: {semver: ^18}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: defaults, namespace: shop}
data: {values.yaml: "a: 1\nb: 1\n"}
)";

// A cluster whose Kustomization delivers one release, with this spec, and the sources above.
Story Flux(const std::string& spec, Files more = {}, bool helm_releases = true) {
  more.push_back({"clusters/prod/flux-system/gotk-sync.yaml",
                  "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: "
                  "flux-system, namespace: flux-system}\nspec: {url: "
                  "'https://git.example.com/me/fleet', ref: {branch: main}}\n---\n"
                  "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: "
                  "{name: flux-system, namespace: flux-system}\nspec: {path: ./releases, prune: "
                  "true, sourceRef: {kind: GitRepository, name: flux-system}}\n"});
  more.push_back({"releases/sources.yaml", kSources});
  more.push_back(
      {"releases/web.yaml",
       absl::StrCat("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: "
                    "web, namespace: shop}\nspec:\n  driftDetection: {mode: enabled}\n",
                    spec)});
  return Story("flux", std::move(more), helm_releases);
}

constexpr char kChart[] =
    "  chart: {spec: {chart: web, version: ^1.2, sourceRef: {kind: HelmRepository, name: charts, "
    "namespace: flux-system}}}\n";

TEST(FluxRelease, StaysAnObjectUnlessAskedFor) {
  const Story story = Flux(kChart, {}, /*helm_releases=*/false);
  EXPECT_EQ(story.Spec(), "none");
  EXPECT_THAT(story.LeftOut(), HasSubstr("stays an object, delivered as before"));
}

TEST(FluxRelease, OfAHelmRepositoryBecomesAPackage) {
  const Story story = Flux(absl::StrCat(
      kChart, "  interval: 5m\n  timeout: 3m\n  valuesFrom: [{kind: ConfigMap, name: defaults}]\n",
      "  values: {b: 2}\n"));
  EXPECT_EQ(story.Registry("stable"), "helm https://charts.example.com/stable");
  EXPECT_EQ(story.Spec(),
            R"({"health":{"timeout":"3m"},"helm":{"chart":"web","releaseName":"web","values":)"
            R"({"a":1,"b":2},"version":"^1.2"},"namespace":"shop","path":".","repository":)"
            R"("stable","targets":[{"clusterSelector":{"matchLabels":{"cluster":"prod"}}}]})");
  EXPECT_THAT(story.LeftOut(), HasSubstr("muster credential put login"));
  // What else the Kustomization delivers stays: the sources, for whoever of Flux reads them.
  EXPECT_NE(story.Spec("flux-system"), "none");
}

TEST(FluxRelease, OfAnOciRepositoryHasItsRange) {
  const Story story =
      Flux("  chartRef: {kind: OCIRepository, name: cache}\n  targetNamespace: data\n");
  EXPECT_EQ(story.Registry("org"), "oci oci://registry.example.com/org");
  EXPECT_EQ(story.Member("/helm"), R"({"chart":"redis","releaseName":"data-web","version":"^18"})");
  EXPECT_EQ(story.Member("/namespace"), R"("data")");
}

TEST(FluxRelease, OfThisRepositoryHasItsPath) {
  const Story story = Flux(
      "  chart: {spec: {chart: ./apps/web, sourceRef: {kind: GitRepository, name: flux-system, "
      "namespace: flux-system}}}\n  releaseName: shop\n");
  EXPECT_EQ(story.Member("/repository"), R"("fleet")");
  EXPECT_EQ(story.Member("/path"), R"("apps/web")");
  EXPECT_EQ(story.Member("/helm"), R"({"releaseName":"shop"})");
}

TEST(FluxRelease, SaysWhatItLeavesOut) {
  const Story story = Flux(absl::StrCat(
      kChart, "  install: {crds: Skip, createNamespace: true, remediation: {retries: 3}}\n",
      "  upgrade: {crds: CreateReplace}\n  rollback: {}\n  test: {enable: true}\n  suspend: "
      "true\n  dependsOn: [{name: db}]\n  novelty: 1\n"));
  EXPECT_EQ(story.Member("/targets"), "none");
  EXPECT_THAT(story.LeftOut(),
              AllOf(HasSubstr("spec.install.crds: CRDs of a chart are always delivered"),
                    HasSubstr("spec.install.createNamespace: declare the Namespace"),
                    HasSubstr("spec.install.remediation: options of Helm's install"),
                    HasSubstr("spec.rollback: nothing is rolled back by itself"),
                    HasSubstr("spec.test: tests of charts"), HasSubstr("spec.suspend: the package"),
                    HasSubstr("spec.dependsOn: shop/db became no package"),
                    HasSubstr("spec.novelty: Muster has nothing like it")));
}

// One waits for another, and for what the Kustomization that delivers it waits for; each once.
TEST(FluxRelease, WaitsForReleasesAndForKustomizations) {
  const Story story = Flux(
      absl::StrCat(kChart, "  dependsOn: [{name: db}, {name: db}]\n"),
      {{"releases/db.yaml",
        absl::StrCat("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: "
                     "db, namespace: shop}\nspec:\n",
                     kChart)}});
  EXPECT_EQ(story.Member("/dependsOn"), R"(["db"])");
  EXPECT_THAT(story.Spec("db"), HasSubstr(R"("sync":{"drift":"report"})"));
}

TEST(FluxRelease, ThatNoPackageCanHaveStaysAnObject) {
  for (const auto& [spec, why] : std::vector<std::pair<std::string, std::string>>{
           {"  valuesFrom: [{kind: Secret, name: s}]\n", "values come from Secret shop/s"},
           {"  valuesFrom: [{kind: ConfigMap, name: s}]\n", "ConfigMap shop/s, which is not in"},
           {"  valuesFrom: [{kind: ConfigMap, name: s, targetPath: a.b}]\n", "(targetPath)"},
           {"  values: {a: '${b}', c: '${cluster.name}'}\n", "would take for variables"},
           {"  postRenderers: [{kustomize: {}}]\n", "post-renderers change"},
           {"  kubeConfig: {secretRef: {name: k}}\n", "for another cluster"},
           {"  targetNamespace: " + std::string(60, 'n') + "\n", "longer than Helm takes"}}) {
    const Story story = Flux(kChart + spec);
    EXPECT_EQ(story.Spec(), "none") << spec;
    EXPECT_THAT(story.LeftOut(), AllOf(HasSubstr(why), HasSubstr("stays an object"))) << spec;
    EXPECT_NE(story.Spec("flux-system"), "none");
  }
  EXPECT_THAT(Flux("  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: no}}}\n")
                  .LeftOut(),
              HasSubstr("HelmRepository shop/no is not in the tree"));
  EXPECT_THAT(Flux("  chart: {spec: {chart: web, sourceRef: {kind: Bucket, name: b}}}\n").LeftOut(),
              HasSubstr("Bucket shop/b"));
}

// ---------------------------------------------------------------- what our own parser refuses

// Found by test/fuzz/import_fuzz: it stopped the whole import.
TEST(Refused, IsLeftOutByNameAndTheRestIsImported) {
  const Story story("fleet",
                    {{"bad/fleet.yaml", "namespace: No_Name\n"},
                     {"bad/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"},
                     {"good/fleet.yaml", "namespace: shop\ndependsOn: [{name: bad}]\n"},
                     {"good/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}});
  EXPECT_EQ(story.Spec("bad"), "none");
  EXPECT_THAT(story.LeftOut(), HasSubstr("could not carry over package/bad: spec.namespace: "
                                         "'No_Name'"));
  EXPECT_NE(story.Spec("good"), "none") << story.LeftOut();
  EXPECT_THAT(story.Spec("good"), Not(HasSubstr("dependsOn")));
}

}  // namespace
}  // namespace muster::cli
