#include "common/config/config.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/findings.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

v1::FleetConfig Parse(const Files& files, const std::string& path = "fleet") {
  FileTree tree;
  for (const auto& [name, bytes] : files) EXPECT_TRUE(tree.Add(name, bytes).ok()) << name;
  return ParseFleetConfig(tree, {.path = path});
}

std::string ErrorsOf(const v1::FleetConfig& config) {
  std::vector<std::string> lines;
  for (const v1::ConfigError& error : config.errors()) lines.push_back(ConfigErrorText(error));
  return absl::StrJoin(lines, "\n");
}

std::string ErrorsIn(const std::string& text) { return ErrorsOf(Parse({{"fleet/a.yaml", text}})); }

constexpr char kRepository[] = R"(apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: apps}
spec:
  url: https://git.example.com/platform/apps.git
  ref: {branch: main}
)";

std::string Repository(absl::string_view spec) {
  return absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: apps}\n",
                      "spec:\n  url: https://git.example.com/a.git\n  ref: {branch: main}\n", spec);
}

// Its spec's further lines start at line 7; the repository 'apps' is declared beside it.
std::string Package(absl::string_view name, absl::string_view spec) {
  return absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Package\nmetadata: {name: ", name,
                      "}\nspec:\n  repository: apps\n  path: web\n", spec);
}

std::string PackageErrors(absl::string_view spec) {
  return ErrorsOf(Parse({{"fleet/r.yaml", kRepository}, {"fleet/p.yaml", Package("web", spec)}}));
}

constexpr char kEverything[] = R"(
apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: apps, annotations: {owner: platform}}
spec:
  project: shop
  type: git
  url: git@git.example.com:platform/apps.git
  ref: {tag: v1.0}
  interval: 1m30s
  credentials: apps-git
---
apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: web}
spec:
  project: shop
  repository: apps
  path: web/overlays/${cluster.labels.env}
  renderer: yaml
  variables: {replicas: "2", host: "${cluster.name}.example.com"}
  targets:
    - name: production
      clusterSelector:
        matchLabels: {env: prod}
        matchExpressions: [{key: tier, operator: NotIn, values: [edge]}]
      variables: {replicas: "6"}
      patches:
        - path: ./patches/prod.yaml
        - inline: '[{op: remove, path: /spec/replicas}]'
          target: {kind: Deployment, name: "web-.*"}
    - clusterSelector: {}
    - name: nobody
  namespace: web
  overrideNamespace: true
  dependsOn: [cert-manager]
  sync: {drift: report, prune: false, deletionBudget: 5%,
         ignore: [{kind: Deployment, paths: [/spec/replicas]}], adopt: always}
  onRemoval: orphan
  serviceAccount: deployer
  health: {timeout: 5m, rules: [{group: db.example.com, kind: Database, healthy: status.ok}]}
---
apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: cert-manager}
spec: {repository: apps, path: ., sync: {deletionBudget: 0}}
---
apiVersion: muster.dev/v1alpha1
kind: Cluster
metadata: {name: eu-1, labels: {env: prod, "topology.kubernetes.io/region": eu}}
spec: {mode: observe}
)";

constexpr char kEverythingRead[] = R"pb(
  repositories {
    name: "apps"
    project: "shop"
    url: "ssh://git@git.example.com/platform/apps.git"
    tag: "v1.0"
    interval_ms: 90000
    credentials: "apps-git"
    origin { file: "fleet/all.yaml" line: 2 }
  }
  packages {
    name: "cert-manager"
    project: "default"
    repository: "apps"
    path: "."
    renderer: RENDERER_AUTO
    sync { drift: DRIFT_MODE_CORRECT has_deletion_budget: true }
    on_removal: ON_REMOVAL_DELETE
    origin { file: "fleet/all.yaml" line: 43 }
  }
  packages {
    name: "web"
    project: "shop"
    repository: "apps"
    path: "web/overlays/${cluster.labels.env}"
    renderer: RENDERER_YAML
    variables { name: "host" value: "${cluster.name}.example.com" }
    variables { name: "replicas" value: "2" }
    targets {
      name: "production"
      cluster_selector {
        match_labels { key: "env" value: "prod" }
        match_expressions { key: "tier" operator: OPERATOR_NOT_IN values: "edge" }
      }
      variables { name: "replicas" value: "6" }
      patches { path: "patches/prod.yaml" }
      patches {
        inline: "[{op: remove, path: /spec/replicas}]"
        target_kind: "Deployment"
        target_name: "web-.*"
      }
    }
    targets { cluster_selector {} }
    targets { name: "nobody" }
    namespace: "web"
    override_namespace: true
    depends_on: "cert-manager"
    sync {
      drift: DRIFT_MODE_REPORT
      no_prune: true
      deletion_budget_percent: 5
      has_deletion_budget: true
      ignore { kind: "Deployment" paths: "/spec/replicas" }
      adopt: ADOPT_MODE_ALWAYS
    }
    on_removal: ON_REMOVAL_ORPHAN
    health_timeout_ms: 300000
    health_rules { group: "db.example.com" kind: "Database" healthy: "status.ok" }
    service_account: "web/deployer"
    origin { file: "fleet/all.yaml" line: 13 }
  }
  clusters {
    name: "eu-1"
    project: "default"
    mode: CLUSTER_MODE_OBSERVE
    labels { key: "env" value: "prod" }
    labels { key: "topology.kubernetes.io/region" value: "eu" }
    origin { file: "fleet/all.yaml" line: 48 }
  }
  files: 1
)pb";

TEST(FleetConfig, ReadsAllThatADeclarationMaySay) {
  const v1::FleetConfig config = Parse({{"fleet/all.yaml", kEverything}});
  EXPECT_EQ(ErrorsOf(config), "");
  v1::FleetConfig wanted;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(kEverythingRead, &wanted));
  EXPECT_EQ(config.DebugString(), wanted.DebugString());
}

TEST(FleetConfig, DefaultsAreTheDocumentedOnes) {
  const v1::FleetConfig config = Parse({{"fleet/a.yaml", kRepository}});
  ASSERT_EQ(config.repositories_size(), 1) << ErrorsOf(config);
  EXPECT_EQ(config.repositories(0).project(), "default");
  EXPECT_EQ(config.repositories(0).interval_ms(), 60'000);
  EXPECT_EQ(config.repositories(0).credentials(), "");
}

TEST(FleetConfig, ReadsOnlyVisibleYamlBelowThePath) {
  const v1::FleetConfig config = Parse({{"fleet/.musterignore", "drafts/\n"},
                                        {"fleet/drafts/x.yaml", "kind: ["},
                                        {"fleet/.hidden/x.yaml", "kind: ["},
                                        {"fleet/README.md", "kind: ["},
                                        {"fleet-old/x.yaml", "kind: ["},
                                        {"fleet/a.yml", kRepository},
                                        {"fleet/empty.yaml", "# nothing yet\n"}});
  EXPECT_EQ(ErrorsOf(config), "");
  EXPECT_EQ(config.files(), 2);
  EXPECT_EQ(config.repositories_size(), 1);
  EXPECT_EQ(Parse({{"apps/a.yaml", "kind: ["}}).files(), 0);
}

TEST(FleetConfig, SuggestsTheFieldThatWasMeant) {
  EXPECT_EQ(PackageErrors("  pth: web\n"),
            "fleet/p.yaml:7: spec.pth: unknown field; did you mean 'path'?");
  EXPECT_EQ(PackageErrors("  targets:\n    - clusterselector: {}\n"),
            "fleet/p.yaml:8: spec.targets[0].clusterselector: unknown field; did you mean "
            "'clusterSelector'?");
  EXPECT_EQ(PackageErrors("  health: {zzzzzz: 1}\n"),
            "fleet/p.yaml:7: spec.health.zzzzzz: unknown field; known are timeout, rules");
  EXPECT_EQ(ErrorsIn("apiVersion: muster.dev/v1alpha1\nkind: Packge\n"),
            "fleet/a.yaml:2: kind: 'Packge' is unknown; did you mean 'Package'?");
  EXPECT_EQ(PackageErrors("  renderer: ymal\n"),
            "fleet/p.yaml:7: spec.renderer: 'ymal' is none of auto, yaml, kustomize, helm; did "
            "you mean 'yaml'?");
}

TEST(FleetConfig, ReadsAChartAndItsValues) {
  const v1::FleetConfig config = Parse({{"fleet/r.yaml", kRepository}, {"fleet/p.yaml", R"(
apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: web}
spec:
  repository: apps
  path: web
  renderer: helm
  helm:
    chart: charts/web
    releaseName: front
    valuesFiles: [base.yaml, "${cluster.labels.env}.yaml"]
    values: {region: "${cluster.labels.region}", replicas: 2, list: [a]}
  targets:
    - clusterSelector: {}
      helm: {valuesFiles: [all.yaml], values: {replicas: 3}}
)"}});
  ASSERT_EQ(ErrorsOf(config), "");
  ASSERT_EQ(config.packages_size(), 1);
  const v1::Package& package = config.packages(0);
  EXPECT_EQ(package.renderer(), v1::RENDERER_HELM);
  EXPECT_EQ(package.helm().chart(), "charts/web");
  EXPECT_EQ(package.helm().release_name(), "front");
  ASSERT_EQ(package.helm().values_files_size(), 2);
  EXPECT_EQ(package.helm().values_files(1), "${cluster.labels.env}.yaml");
  EXPECT_NE(package.helm().values().find("region: ${cluster.labels.region}\n"), std::string::npos)
      << package.helm().values();
  EXPECT_EQ(package.targets(0).helm().values(), "replicas: 3\n");
  EXPECT_EQ(package.targets(0).helm().values_files(0), "all.yaml");
}

TEST(FleetConfig, RefusesValuesThatCannotBe) {
  for (const auto& [line, error] : std::vector<std::pair<std::string, std::string>>{
           {"  helm: {values: [a]}", "spec.helm.values: must be a map, not a list"},
           {"  helm: {chart: ../web}", "spec.helm.chart: "},
           {"  helm: {valuesFiles: [/etc/passwd]}", "spec.helm.valuesFiles[0]: "},
           {"  helm: {valuesFiles: [.]}", "spec.helm.valuesFiles[0]: names no file"},
           {"  helm: {values: {a: \"${cluster.nam}\"}}", "spec.helm.values: "},
           {"  helm: {vales: {}}", "spec.helm.vales: unknown field; did you mean 'values'?"},
           {"  helm: {releaseName: Web}", "spec.helm.releaseName: "}}) {
    const std::string errors = PackageErrors(line + "\n");
    EXPECT_EQ(errors.find(absl::StrCat("fleet/p.yaml:7: ", error)), 0u) << errors;
  }
  const std::string errors = PackageErrors("  renderer: yaml\n  helm: {}\n");
  EXPECT_EQ(errors, "fleet/p.yaml:8: spec.helm: needs renderer helm, or none");
}

TEST(FleetConfig, ReadsARolloutPlan) {
  const std::string plan =
      "apiVersion: muster.dev/v1alpha1\nkind: RolloutPlan\nmetadata: {name: careful}\nspec:\n"
      "  waves:\n"
      "    - {name: canary, clusterSelector: {matchLabels: {wave: canary}}, maxConcurrency: 1, "
      "soak: 10m}\n"
      "    - {name: rest, clusterSelector: {}, maxConcurrency: 25%, maxFailures: 2, "
      "progressDeadline: 15m, approval: required}\n"
      "  onFailure: rollback\n";
  const v1::FleetConfig config = Parse({{"fleet/a.yaml", plan}});
  EXPECT_EQ(ErrorsOf(config), "");
  ASSERT_EQ(config.rollout_plans_size(), 1);
  const v1::RolloutPlan& read = config.rollout_plans(0);
  EXPECT_EQ(read.on_failure(), v1::ROLLOUT_FAILURE_ROLLBACK);
  EXPECT_EQ(read.on_newer(), v1::ROLLOUT_NEWER_SUPERSEDE);
  ASSERT_EQ(read.waves_size(), 2);
  EXPECT_EQ(read.waves(0).soak_ms(), 600'000);
  EXPECT_FALSE(read.waves(0).approval_before());
  EXPECT_TRUE(read.waves(1).approval_before());
  EXPECT_EQ(read.waves(1).max_concurrency().value(), 25);
  EXPECT_TRUE(read.waves(1).max_concurrency().percent());
  EXPECT_TRUE(read.waves(1).has_cluster_selector());
}

TEST(FleetConfig, RefusesARolloutPlanThatMovesNobodyOrMakesNoSense) {
  const auto errors = [](const std::string& waves) {
    return ErrorsIn(
        absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: RolloutPlan\n"
                     "metadata: {name: x}\nspec:\n  waves:\n",
                     waves));
  };
  EXPECT_NE(errors("    []\n").find("has no wave"), std::string::npos) << errors("    []\n");
  EXPECT_NE(errors("    - {name: a, clusterSelector: {}, maxConcurrency: 0}\n")
                .find("must be a number of clusters from 1 on"),
            std::string::npos);
  EXPECT_NE(
      errors("    - {name: a, clusterSelector: {}, clusters: 120%}\n").find("waves[0].clusters"),
      std::string::npos)
      << errors("    - {name: a, clusterSelector: {}, clusters: 120%}\n");
  EXPECT_NE(errors("    - {name: a, clusterSelector: {}}\n    - {name: a, clusterSelector: {}}\n")
                .find("the name of two waves"),
            std::string::npos);
  EXPECT_NE(errors("    - {name: a}\n").find("clusterSelector"), std::string::npos);
  EXPECT_NE(errors("    - {name: a, clusterSelector: {}, gates: x}\n").find("not built yet"),
            std::string::npos);
}

TEST(FleetConfig, APackageNamesAPlanThatIsDeclaredOrShipped) {
  EXPECT_EQ(PackageErrors("  rollout: standard\n"), "");
  EXPECT_NE(PackageErrors("  rollout: nowhere\n").find("there is no RolloutPlan 'nowhere'"),
            std::string::npos);
}

TEST(FleetConfig, RefusesWhatIsNotBuiltYetByName) {
  for (const char* kind : {"Project", "Policy", "Window", "Alert"}) {
    EXPECT_EQ(ErrorsIn(absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: ", kind,
                                    "\nmetadata: {name: x}\nspec: {}\n")),
              absl::StrCat("fleet/a.yaml:2: kind: '", kind, "' is not built yet in this version"));
  }
  EXPECT_EQ(ErrorsIn("apiVersion: muster.dev/v1alpha1\nkind: Cluster\nmetadata: {name: a}\n"
                     "spec: {join: {}}\n"),
            "fleet/a.yaml:4: spec.join: is not built yet in this version");
  EXPECT_EQ(
      ErrorsOf(Parse({{"fleet/a.yaml",
                       "apiVersion: muster.dev/v1alpha1\nkind: Package\nmetadata: {name: "
                       "a}\nspec: {repository: apps, path: 'apps/*'}\n"},
                      {"fleet/r.yaml", kRepository}})),
      "fleet/a.yaml:4: spec.path: 'apps/*': one package a directory, by '*', is not built yet "
      "in this version");
}

TEST(FleetConfig, ListsEveryErrorOfAFile) {
  EXPECT_EQ(
      ErrorsIn("apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: Apps}\n"
               "spec:\n  ref: {branch: 1.10, tag: x}\n  interval: soon\n  credentials:\n"),
      "fleet/a.yaml:3: metadata.name: 'Apps' may hold only lower-case letters, digits and '-'\n"
      "fleet/a.yaml:4: spec.url: is missing\n"
      "fleet/a.yaml:5: spec.ref.branch: must be text; put it in quotes, not a number\n"
      "fleet/a.yaml:5: spec.ref: needs exactly one of branch, tag, semver, commit; it has 2\n"
      "fleet/a.yaml:6: spec.interval: 'soon' is no duration; write it like 30s, 5m or 1h30m\n"
      "fleet/a.yaml:7: spec.credentials: has no value; give it one, or leave the field out");
}

TEST(FleetConfig, RefusesWhatIsNoDeclaration) {
  EXPECT_EQ(ErrorsIn("- a\n"), "fleet/a.yaml:1: is no declaration but a list");
  EXPECT_EQ(
      ErrorsIn("apiVersion: v1\nkind: ConfigMap\n"),
      "fleet/a.yaml:1: apiVersion: must be muster.dev/v1alpha1; other manifests stand outside "
      "of the fleet's path, or are named in its .musterignore");
  EXPECT_EQ(
      ErrorsIn("apiVersion: muster.dev/v1alpha1\n"),
      "fleet/a.yaml:1: kind: is missing: Cluster, Package, Repository, RolloutPlan or Signers");
  EXPECT_EQ(ErrorsIn("apiVersion: muster.dev/v1alpha1\nkind: Cluster\n"),
            "fleet/a.yaml:1: metadata: is missing");
  const v1::FleetConfig broken = Parse({{"fleet/a.yaml", "a: 1\nb: [\n"}});
  ASSERT_EQ(broken.errors_size(), 1);
  EXPECT_EQ(broken.errors(0).file(), "fleet/a.yaml");
  EXPECT_GE(broken.errors(0).line(), 2);
  EXPECT_EQ(broken.errors(0).message().find("fleet/"), std::string::npos);
}

TEST(FleetConfig, RefusesValuesThatCannotBeMeant) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"variables: {replicas: 2}", "spec.variables.replicas: must be text; put it in quotes"},
      {"variables: {a-b: x}", "spec.variables.a-b: is no name for a variable"},
      {"variables: {a: '${'}", "spec.variables.a: variable expression"},
      {"path2: x", "spec.path2: unknown field"},
      {"namespace: Web", "spec.namespace: 'Web' may hold only"},
      {"overrideNamespace: true", "spec.overrideNamespace: needs a namespace"},
      {"overrideNamespace: yes-please", "spec.overrideNamespace: must be true or false"},
      {"dependsOn: cert-manager", "spec.dependsOn: must be a list, not a string"},
      {"targets: [{clusterSelector: }]", "spec.targets[0].clusterSelector: has no value"},
      {"targets: [{clusterSelector: {matchLabels: {env: 1}}}]",
       "spec.targets[0].clusterSelector.matchLabels.env: must be text"},
      {"targets: [{clusterSelector: {matchExpressions: [{key: a, operator: In}]}}]",
       "spec.targets[0].clusterSelector: In and NotIn need values"},
      {"targets: [{clusterSelector: {matchExpressions: [{key: a, operator: Gt}]}}]",
       "spec.targets[0].clusterSelector.matchExpressions[0].operator: 'Gt' is none of"},
      {"targets: [{patches: [{path: ../x.yaml}]}]", "spec.targets[0].patches[0].path: path '../x"},
      {"targets: [{patches: [{}]}]",
       "spec.targets[0].patches[0]: needs exactly one of path, inline"},
      {"targets: [{patches: [{path: x, target: {kind: '('}}]}]",
       "spec.targets[0].patches[0]: target.kind: is no regular expression"},
      {"targets: [{patches: [{path: x, target: {}}]}]",
       "spec.targets[0].patches[0].target: is empty"},
      {"sync: {deletionBudget: 50%}", "spec.sync.deletionBudget: may only lower the cap"},
      {"sync: {deletionBudget: 101%}", "spec.sync.deletionBudget: must be a share"},
      {"sync: {deletionBudget: -1}", "spec.sync.deletionBudget: must be a share"},
      {"sync: {deletionBudget: 1.5}", "spec.sync.deletionBudget: must be a share"},
      {"sync: {ignore: [{kind: x}]}", "spec.sync.ignore[0].paths: is missing"},
      {"sync: {ignore: [{paths: [spec.replicas]}]}", "spec.sync.ignore[0].paths[0]: is no JSON"},
      {"sync: {ignore: [{paths: []}]}", "spec.sync.ignore[0].paths: names no field"},
      {"sync: {adopt: sometimes}", "spec.sync.adopt: 'sometimes' is none of"},
      {"serviceAccount: deployer", "spec.serviceAccount: needs its namespace"},
      {"serviceAccount: a/b/c", "spec.serviceAccount: is no service account"},
      {"serviceAccount: /b", "spec.serviceAccount: is no service account"},
      {"serviceAccount: Web/x_y", "spec.serviceAccount: is no service account"},
      {"health: {rules: [{healthy: status.ok}]}", "spec.health.rules[0].kind: is missing"},
      {"health: {rules: [{kind: A}]}", "spec.health.rules[0].healthy: is missing"},
      {"health: {rules: [{kind: A, healthy: a = 1}]}",
       "spec.health.rules[0].healthy: expression, column 3"},
      {"health: {rules: [{kind: A, healthy: a, message: a.}]}",
       "spec.health.rules[0].message: expression, column 3"},
      {"health: {timeout: -5m}", "spec.health.timeout: '-5m' is no duration"},
      {"health: {timeout: 0s}", "spec.health.timeout: '0s' is no duration"},
      {"health: {timeout: inf}", "spec.health.timeout: 'inf' is no duration"},
      {"health: {timeout: 10}", "spec.health.timeout: must be text"},
  };
  for (const auto& [line, wanted] : cases) {
    const std::string errors = PackageErrors(absl::StrCat("  ", line, "\n"));
    EXPECT_EQ(errors.find(absl::StrCat("fleet/p.yaml:7: ", wanted)), 0u) << line << "\n" << errors;
  }
  for (const char* path : {"/abs", "a/../b", "${", "a\\b"}) {
    EXPECT_NE(ErrorsOf(Parse({{"fleet/r.yaml", kRepository},
                              {"fleet/p.yaml",
                               absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Package\n"
                                            "metadata: {name: a}\nspec: {repository: apps, path: '",
                                            path, "'}\n")}})),
              "")
        << path;
  }
  EXPECT_EQ(ErrorsIn(Repository("  interval: 10ms\n")),
            "fleet/a.yaml:7: spec.interval: must be at least 1s");
}

TEST(FleetConfig, RefusesReferencesThatLeadNowhere) {
  EXPECT_EQ(ErrorsOf(Parse({{"fleet/p.yaml", Package("web", "  dependsOn: [cert-manger]\n")},
                            {"fleet/q.yaml", Package("cert-manager", "")}})),
            "fleet/p.yaml:5: spec.repository: there is no Repository 'apps'\n"
            "fleet/p.yaml:7: spec.dependsOn[0]: there is no Package 'cert-manger'; did you mean "
            "'cert-manager'?\n"
            "fleet/q.yaml:5: spec.repository: there is no Repository 'apps'");
}

TEST(FleetConfig, RefusesCircles) {
  EXPECT_EQ(ErrorsOf(Parse({{"fleet/r.yaml", kRepository},
                            {"fleet/a.yaml", Package("a", "  dependsOn: [b]\n")},
                            {"fleet/b.yaml", Package("b", "  dependsOn: [d, c]\n")},
                            {"fleet/c.yaml", Package("c", "  dependsOn: [a]\n")},
                            {"fleet/d.yaml", Package("d", "")},
                            {"fleet/e.yaml", Package("e", "  dependsOn: [a]\n")}})),
            "fleet/a.yaml:7: spec.dependsOn[0]: 'b' depends on this package in turn; the circle is "
            "a, b, c\n"
            "fleet/b.yaml:7: spec.dependsOn[1]: 'c' depends on this package in turn; the circle is "
            "a, b, c\n"
            "fleet/c.yaml:7: spec.dependsOn[0]: 'a' depends on this package in turn; the circle is "
            "a, b, c");
  EXPECT_EQ(PackageErrors("  dependsOn: [web]\n"),
            "fleet/p.yaml:7: spec.dependsOn[0]: the package depends on itself");
}

TEST(FleetConfig, RefusesDuplicatesNamingBothPlaces) {
  EXPECT_EQ(ErrorsOf(Parse({{"fleet/a.yaml", kRepository}, {"fleet/b.yaml", kRepository}})),
            "fleet/a.yaml:3: Repository 'apps' is declared twice; also in fleet/b.yaml:3\n"
            "fleet/b.yaml:3: Repository 'apps' is declared twice; also in fleet/a.yaml:3");
  // One name for two kinds is fine.
  EXPECT_EQ(ErrorsOf(Parse({{"fleet/a.yaml", kRepository}, {"fleet/b.yaml", Package("apps", "")}})),
            "");
}

TEST(FleetConfig, ABrokenFileDeclaresNothingAndSpreadsNothing) {
  const v1::FleetConfig config = Parse({
      {"fleet/a.yaml", absl::StrCat(kRepository, "---\n", Package("broken", "  pth: x\n"))},
      {"fleet/b.yaml", Package("good", "  dependsOn: [broken]\n")},
  });
  EXPECT_EQ(ErrorsOf(config), "fleet/a.yaml:14: spec.pth: unknown field; did you mean 'path'?");
  EXPECT_EQ(config.errors(0).kind(), "Package");
  EXPECT_EQ(config.errors(0).name(), "broken");
  EXPECT_EQ(config.repositories_size(), 0);
  ASSERT_EQ(config.packages_size(), 1);
  EXPECT_EQ(config.packages(0).name(), "good");
}

}  // namespace
}  // namespace muster
