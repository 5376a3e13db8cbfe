// Registries of charts among the declarations: what they need, and what of Git they have not.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/config.h"
#include "common/config/findings.h"

namespace muster {
namespace {

constexpr char kRepositories[] = R"(apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: apps}
spec: {url: https://git.example.com/a.git, ref: {branch: main}}
---
apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: charts}
spec: {type: helm, url: "https://charts.example.com/", interval: 10m}
---
apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: registry}
spec: {type: oci, url: "oci://registry.example.com:5000/org"}
)";

v1::FleetConfig Parse(const std::string& package) {
  FileTree tree;
  EXPECT_TRUE(tree.Add("fleet/a.yaml", kRepositories).ok());
  EXPECT_TRUE(
      tree.Add("fleet/p.yaml", absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Package\n"
                                            "metadata: {name: web}\nspec:\n",
                                            package))
          .ok());
  return ParseFleetConfig(tree, {.path = "fleet"});
}

std::string Errors(const v1::FleetConfig& config) {
  std::vector<std::string> lines;
  for (const v1::ConfigError& error : config.errors()) lines.push_back(ConfigErrorText(error));
  return absl::StrJoin(lines, "\n");
}

std::string ErrorsOf(const std::string& package) { return Errors(Parse(package)); }

std::string RepositoryErrors(const std::string& spec) {
  FileTree tree;
  EXPECT_TRUE(
      tree.Add("fleet/a.yaml", absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\n"
                                            "metadata: {name: a}\nspec: ",
                                            spec, "\n"))
          .ok());
  return Errors(ParseFleetConfig(tree, {.path = "fleet"}));
}

TEST(Registries, AreReadWithTheirPackages) {
  const std::string digest = absl::StrCat("sha256:", std::string(64, 'a'));
  v1::FleetConfig config =
      Parse(absl::StrCat("  repository: apps\n  path: web\n  helm: {repository: registry, chart: "
                         "team/web, version: '>=1.2 <2', digest: \"",
                         digest, "\", valuesFiles: [v.yaml]}\n"));
  EXPECT_EQ(Errors(config), "");
  ASSERT_EQ(config.repositories_size(), 3);
  EXPECT_EQ(config.repositories(1).type(), v1::REPOSITORY_TYPE_HELM);
  EXPECT_EQ(config.repositories(1).url(), "https://charts.example.com");
  EXPECT_EQ(config.repositories(2).type(), v1::REPOSITORY_TYPE_OCI);
  EXPECT_EQ(config.repositories(2).url(), "oci://registry.example.com:5000/org");
  const v1::Helm& helm = config.packages(0).helm();
  EXPECT_EQ(helm.repository(), "registry");
  EXPECT_EQ(helm.chart(), "team/web");
  EXPECT_EQ(helm.version(), ">=1.2 <2");
  EXPECT_EQ(helm.digest(), digest);

  config = Parse("  repository: charts\n  helm: {chart: web, version: '${cluster.labels.web}'}\n");
  EXPECT_EQ(Errors(config), "");
  EXPECT_EQ(config.packages(0).path(), "");
}

TEST(Registries, HaveTheirOwnUrlsAndNoRef) {
  EXPECT_EQ(
      RepositoryErrors("{type: helm, url: 'http://charts.example.com'}"),
      "fleet/a.yaml:4: spec.url: must be https://host/path for type helm; for oci:// use type "
      "oci");
  EXPECT_EQ(RepositoryErrors("{type: oci, url: 'https://registry.example.com/org'}"),
            "fleet/a.yaml:4: spec.url: must be oci://host/path for type oci");
  EXPECT_EQ(RepositoryErrors("{type: helm, url: 'https://charts.example.com/index.yaml'}"),
            "fleet/a.yaml:4: spec.url: ends with /index.yaml; leave that out");
  EXPECT_EQ(RepositoryErrors("{type: helm, url: 'https://ada:x@charts.example.com/'}"),
            "fleet/a.yaml:4: spec.url: holds credentials; give them to the hub, and name them in "
            "'credentials'");
  EXPECT_EQ(RepositoryErrors("{type: helm, url: 'https://c.example.com', ref: {branch: main}}"),
            "fleet/a.yaml:4: spec.ref: type helm has no ref; each package names the version of its "
            "chart");
  EXPECT_EQ(RepositoryErrors("{url: 'https://git.example.com/a.git'}"),
            "fleet/a.yaml:4: spec.ref: is missing");
  EXPECT_NE(RepositoryErrors("{type: oci, url: 'oci://registry.example.com/Org'}"), "");
  // What would be ignored is refused: nobody may think that charts are verified.
  EXPECT_EQ(RepositoryErrors("{type: helm, url: 'https://charts.example.com', "
                             "verify: {signers: [team]}}"),
            "fleet/a.yaml:4: spec.verify: is for Git; a registry's charts have no signed commits. "
            "Pin them by helm.digest");
}

TEST(Registries, AChartNeedsNameAndVersion) {
  EXPECT_EQ(
      ErrorsOf("  repository: apps\n  path: web\n  helm: {repository: charts}\n"),
      "fleet/p.yaml:7: spec.helm.chart: is missing; name the chart as the registry calls it\n"
      "fleet/p.yaml:7: spec.helm.version: is missing; a chart of a registry has a version, or "
      "a range: '*' is the newest");
  EXPECT_EQ(ErrorsOf("  repository: charts\n"),
            "fleet/p.yaml:4: spec.helm: Repository 'charts' is a registry, so helm.chart and "
            "helm.version are needed");
  EXPECT_EQ(
      ErrorsOf("  repository: charts\n  helm: {chart: web, version: latest}\n"),
      "fleet/p.yaml:6: spec.helm.version: 'latest' is no version: 'latest' is no number; write "
      "it as in 1.2.3");
  EXPECT_EQ(ErrorsOf("  repository: charts\n  helm: {chart: web, version: 1.2.3, digest: abc}\n"),
            "fleet/p.yaml:6: spec.helm.digest: is no digest; write sha256: and 64 hexadecimal "
            "digits");
}

TEST(Registries, AreNotGitAndGitIsNone) {
  const std::string remedy =
      ": Repository 'charts' is a registry, which has no other files; name a Git repository in "
      "spec.repository, and this one in spec.helm.repository";
  EXPECT_EQ(ErrorsOf("  repository: charts\n  path: web\n  helm: {chart: web, version: 1.2.3, "
                     "valuesFiles: [v.yaml]}\n"),
            absl::StrCat("fleet/p.yaml:4: spec: valuesFiles and patches in files", remedy,
                         "\nfleet/p.yaml:6: spec.path", remedy));
  EXPECT_EQ(
      ErrorsOf("  repository: charts\n  helm: {repository: registry, chart: web, version: "
               "1.2.3}\n"),
      "fleet/p.yaml:6: spec.helm.repository: Repository 'charts' is a registry, so its charts "
      "need no other; leave one of the two out");
  EXPECT_EQ(ErrorsOf("  repository: apps\n  path: web\n  helm: {repository: apps, chart: web, "
                     "version: 1.2.3}\n"),
            "fleet/p.yaml:7: spec.helm.repository: Repository 'apps' is a Git repository; for a "
            "chart in it, name it in spec.repository and give helm.chart the chart's directory");
  EXPECT_EQ(ErrorsOf("  repository: apps\n  path: web\n  helm: {version: 1.2.3}\n"),
            "fleet/p.yaml:7: spec.helm.version: version and digest are for charts of a registry; a "
            "chart in Git is what stands there");
  EXPECT_EQ(ErrorsOf("  repository: apps\n"),
            "fleet/p.yaml:4: spec.path: is missing; '.' is the whole repository");
  EXPECT_EQ(ErrorsOf("  repository: apps\n  path: web\n  helm: {repository: chart, chart: web, "
                     "version: 1.2.3}\n"),
            "fleet/p.yaml:7: spec.helm.repository: there is no Repository 'chart'; did you mean "
            "'charts'?");
}

}  // namespace
}  // namespace muster
