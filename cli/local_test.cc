// What needs no hub: contexts, init, version, render, validate.
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "common/trust/key_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void Write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

TEST(Context, IsListedShownAndChosen) {
  TestRun run;
  EXPECT_EQ(run({"context", "list"}), 0);
  EXPECT_EQ(run.out(),
            "CURRENT   NAME    HUB\n"
            "*         test    hub.test:7444\n"
            "-         other   other.test:7444\n");
  EXPECT_EQ(run({"context", "use", "othr"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("there is no context 'othr'; did you mean 'other'?"));
  EXPECT_EQ(run({"context", "use", "other"}), 0);
  EXPECT_EQ(run({"context", "show"}), 0);
  EXPECT_EQ(run.out(), "other\n");
  run.variables["MUSTER_CONTEXT"] = "test";
  EXPECT_EQ(run({"context", "show"}), 0);
  EXPECT_EQ(run.out(), "test\n");
}

TEST(Context, NeverShowsAKey) {
  TestRun run;
  for (const std::string format : {"json", "yaml", "wide", "csv"}) {
    EXPECT_EQ(run({"context", "list", "-o", format}), 0);
    EXPECT_EQ(run.out().find("secret"), std::string::npos);
  }
}

TEST(Context, IsRefusedWhenOthersMayReadTheFile) {
  TestRun run;
  std::filesystem::permissions(run.variables["MUSTER_CONFIG"], std::filesystem::perms(0644));
  EXPECT_EQ(run({"get", "clusters"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("chmod 600"));
}

TEST(Context, TellsNewcomersWhatToDo) {
  TestRun run;
  run.variables["MUSTER_CONFIG"] = run.folder + "/none/config.yaml";
  EXPECT_EQ(run({"get", "clusters"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("error: no hub is known yet\n"));
  EXPECT_THAT(run.err(), HasSubstr("muster init --help"));
}

TEST(Context, IsAddedOnlyWhenItCanBeUsed) {
  TestRun run;
  run.variables["MUSTER_CONFIG"] = run.folder + "/new/config.yaml";
  const std::vector<std::string> add = {"context",
                                        "add",
                                        "prod",
                                        "--hub",
                                        "h:1",
                                        "--ca-file",
                                        run.folder + "/ca.pem",
                                        "--certificate-file",
                                        run.folder + "/me.pem",
                                        "--key-file",
                                        run.folder + "/key.pem"};
  EXPECT_EQ(run(add), 2);
  EXPECT_THAT(run.err(), HasSubstr("ca.pem"));
  Write(run.folder + "/ca.pem", "ca");
  Write(run.folder + "/me.pem", "me");
  Write(run.folder + "/key.pem", "key");
  std::filesystem::permissions(run.folder + "/key.pem", std::filesystem::perms(0640));
  EXPECT_EQ(run(add), 2);  // a key that others may read
  std::filesystem::permissions(run.folder + "/key.pem", std::filesystem::perms(0600));
  EXPECT_EQ(run(add), 0);
  EXPECT_EQ(run.out(), "context/prod added\n");
  EXPECT_EQ(run({"context", "show"}), 0);
  EXPECT_EQ(run.out(), "prod\n");
  EXPECT_EQ(run({"get", "clusters"}), 0);
}

TEST(Init, RunsTheHubsInitAndAdoptsItsContext) {
  TestRun run;
  run.variables["MUSTER_CONFIG"] = run.folder + "/muster.yaml";
  const std::string data = run.folder + "/hub";
  run.on_program = [&] {
    std::filesystem::create_directories(data + "/admin");
    EXPECT_TRUE(WriteKeyFile(data + "/admin/config.yaml",
                             "apiVersion: muster.dev/v1alpha1\nkind: Config\n"
                             "currentContext: admin\ncontexts:\n- name: admin\n  hub: 127.0.0.1:1\n"
                             "  caFile: root.pem\n  certificateFile: operator.pem\n"
                             "  keyFile: operator-key.pem\n")
                    .ok());
    return 0;
  };
  EXPECT_EQ(run({"init", "--data", data, "--fleet-url", "https://git.example.com/fleet.git"}), 0);
  EXPECT_THAT(run.programs[0], ElementsAre("muster-hub", "init", "--data", data, "--fleet-url",
                                           "https://git.example.com/fleet.git"));
  EXPECT_EQ(run.err(), absl::StrCat("next: muster-hub --data ", data, "\n"));
  EXPECT_EQ(run({"context", "list", "-o", "json"}), 0);
  const Value list = *ParseJson(run.out());
  EXPECT_EQ(list.Find("/items/0/name")->string(), "admin");
  EXPECT_EQ(list.Find("/items/0/keyFile")->string(), data + "/admin/operator-key.pem");
  // Another hub later does not take the first one's place.
  const std::string second = run.folder + "/second";
  run.on_program = [&] {
    std::filesystem::copy(data, second, std::filesystem::copy_options::recursive);
    return 0;
  };
  EXPECT_EQ(run({"init", "--data=" + second}), 0);
  EXPECT_EQ(run({"context", "show"}), 0);
  EXPECT_EQ(run.out(), "admin-2\n");
}

TEST(Init, FailsWhenTheHubsInitFails) {
  TestRun run;
  run.on_program = [] { return 1; };
  EXPECT_EQ(run({"init", "--data", run.folder + "/hub"}), 2);
  EXPECT_EQ(run.out(), "");
}

TEST(Version, NamesBothAndAsksTheHubOnlyWhenItMay) {
  TestRun run;
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_EQ(run.out(), "muster 0.1.0\nhub    0.1.0\n");
  run.hub->Fail("GetHub", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"version"}), 0);
  EXPECT_EQ(run.out(), "muster 0.1.0\nhub    <unknown>: cannot ask the hub for its version\n");
  run.hub->Fail("GetHub", absl::UnavailableError("connection refused"));
  EXPECT_EQ(run({"version", "--server"}), 5);
  EXPECT_EQ(run({"version", "--client", "-o", "json"}), 0);
  EXPECT_TRUE(ParseJson(run.out())->Get("hub")->is_null());
}

constexpr char kFleet[] = R"(apiVersion: muster.dev/v1alpha1
kind: Repository
metadata: {name: apps}
spec: {project: default, type: git, url: "https://git.example.com/apps.git", ref: {branch: main}}
---
apiVersion: muster.dev/v1alpha1
kind: Package
metadata: {name: web}
spec:
  project: default
  repository: apps
  path: web
  variables: {replicas: "2"}
  targets:
    - clusterSelector: {matchLabels: {env: prod}}
      variables: {replicas: "6"}
    - clusterSelector: {matchLabels: {env: dev}}
  namespace: web
---
apiVersion: muster.dev/v1alpha1
kind: Cluster
metadata: {name: prod-1, labels: {env: prod}}
spec: {project: default}
)";

constexpr char kManifest[] = R"(apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {replicas: "${replicas}", cluster: "${cluster.name}"}
---
apiVersion: v1
kind: Secret
metadata: {name: token}
)";

TEST(Render, PrintsWhatAClusterWouldGet) {
  TestRun run;
  Write(run.folder + "/fleet/fleet.yaml", kFleet);
  Write(run.folder + "/apps/web/settings.yaml", kManifest);
  const std::string apps = "apps=" + run.folder + "/apps";
  EXPECT_EQ(run({"render", "--fleet", run.folder + "/fleet", "--cluster", "prod-1", "--repository",
                 apps}),
            0)
      << run.err();
  EXPECT_THAT(run.out(), HasSubstr("---\n# web/settings.yaml:1\napiVersion: v1\n"));
  EXPECT_THAT(run.out(), HasSubstr("cluster: prod-1\n"));
  EXPECT_THAT(run.out(), HasSubstr("replicas: \"6\"\n"));
  EXPECT_THAT(run.out(), HasSubstr("namespace: web\n"));
  EXPECT_THAT(run.out(), HasSubstr("\n---\n# web/settings.yaml:6\napiVersion: v1\nkind: Secret\n"));
  EXPECT_EQ(run.err(), "2 objects for cluster/prod-1 from web\n");
  // One that is not declared, by its labels.
  EXPECT_EQ(run({"render", "web", "--fleet", run.folder + "/fleet", "--cluster", "new", "--label",
                 "env=dev", "--repository", apps, "-o", "json"}),
            0)
      << run.err();
  const Value list = *ParseJson(run.out());
  EXPECT_EQ(list.Get("kind")->string(), "List");
  EXPECT_EQ(list.Find("/items/0/data/replicas")->string(), "2");
  EXPECT_EQ(run({"render", "--fleet", run.folder + "/fleet", "--cluster", "prod-1", "--repository",
                 apps, "-o", "name", "-q"}),
            0);
  EXPECT_EQ(run.out(), "object/ConfigMap/web/settings\nobject/Secret/web/token\n");
}

TEST(Render, SaysWhatIsMissing) {
  TestRun run;
  Write(run.folder + "/fleet/fleet.yaml", kFleet);
  const std::string fleet = run.folder + "/fleet";
  EXPECT_EQ(run({"render", "--fleet", fleet, "--cluster", "prod-2"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'prod-1'?"));
  EXPECT_EQ(run({"render", "--fleet", fleet, "--cluster", "prod-1"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("hint: --repository apps=DIR"));
  EXPECT_EQ(run({"render", "wbe", "--fleet", fleet, "--cluster", "prod-1"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'web'?"));
  EXPECT_EQ(run({"render", "--fleet", fleet, "--cluster", "prod-1", "--repository", "apps"}), 2);
  Write(run.folder + "/apps/web/settings.yaml", "a: [\n");
  EXPECT_EQ(run({"render", "--fleet", fleet, "--cluster", "prod-1", "--repository",
                 "apps=" + run.folder + "/apps"}),
            2);
  EXPECT_THAT(run.err(), HasSubstr("web/settings.yaml:"));
}

constexpr char kConfigMap[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

// A working tree with a base, an overlay, and a file beside both.
void WriteOverlay(const TestRun& run) {
  Write(run.folder + "/.git/HEAD", "ref: refs/heads/main\n");
  Write(run.folder + "/base/kustomization.yaml", "resources: [a.yaml]\n");
  Write(run.folder + "/base/a.yaml", kConfigMap);
  Write(run.folder + "/common.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n");
  Write(run.folder + "/prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n");
}

TEST(RenderDirectory, PrintsWhatKubectlKustomizePrints) {
  TestRun run;
  WriteOverlay(run);
  EXPECT_EQ(run({"render", run.folder + "/prod"}), 0) << run.err();
  EXPECT_EQ(run.out(), "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: prod-a\n");
  EXPECT_EQ(run.err(), "");
  EXPECT_EQ(run({"render", run.folder + "/prod", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "object/ConfigMap/prod-a\n");
  EXPECT_EQ(run({"render", run.folder + "/prod", "-o", "json"}), 0);
  EXPECT_EQ(ParseJson(run.out())->Find("/items/0/metadata/name")->string(), "prod-a");
}

TEST(RenderDirectory, KeepsTheOrderThatIsAskedFor) {
  TestRun run;
  WriteOverlay(run);
  Write(run.folder + "/both/kustomization.yaml", "resources: [a.yaml, n.yaml]\n");
  Write(run.folder + "/both/a.yaml", kConfigMap);
  Write(run.folder + "/both/n.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n");
  EXPECT_EQ(run({"render", run.folder + "/both", "-o", "name"}), 0) << run.err();
  EXPECT_EQ(run.out(), "object/Namespace/web\nobject/ConfigMap/a\n");
  EXPECT_EQ(run({"render", run.folder + "/both", "-o", "name", "--order", "fifo"}), 0);
  EXPECT_EQ(run.out(), "object/ConfigMap/a\nobject/Namespace/web\n");
  EXPECT_EQ(run({"render", run.folder + "/both", "--order", "lifo"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("neither legacy nor fifo"));
}

TEST(RenderDirectory, ReadsFilesFromElsewhereWhenAllowed) {
  TestRun run;
  WriteOverlay(run);
  Write(run.folder + "/far/kustomization.yaml", "resources: [../common.yaml]\n");
  EXPECT_EQ(run({"render", run.folder + "/far"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("far/kustomization.yaml:1"));
  EXPECT_THAT(run.err(), HasSubstr("--load-restrictor none"));
  EXPECT_EQ(run({"render", run.folder + "/far", "--load-restrictor", "none", "-o", "name"}), 0);
  EXPECT_EQ(run.out(), "object/Namespace/web\n");
  EXPECT_EQ(run({"render", run.folder + "/far", "--load-restrictor", "some"}), 2);
}

TEST(RenderDirectory, NeverLeavesTheWorkingTree) {
  TestRun run;
  Write(run.folder + "/secret.yaml", kConfigMap);
  Write(run.folder + "/tree/.git/HEAD", "ref: refs/heads/main\n");
  Write(run.folder + "/tree/a/kustomization.yaml", "resources: [link.yaml]\n");
  std::filesystem::create_symlink("../../secret.yaml", run.folder + "/tree/a/link.yaml");
  EXPECT_EQ(run({"render", run.folder + "/tree/a"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("symbolic link that leads out"));
  Write(run.folder + "/tree/b/kustomization.yaml", "resources: [../../secret.yaml]\n");
  EXPECT_EQ(run({"render", run.folder + "/tree/b", "--load-restrictor", "none"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("b/kustomization.yaml:1"));
  // A link that stays within is followed.
  Write(run.folder + "/tree/c/kustomization.yaml", "resources: [link.yaml]\n");
  Write(run.folder + "/tree/real.yaml", kConfigMap);
  std::filesystem::create_symlink("../real.yaml", run.folder + "/tree/c/link.yaml");
  EXPECT_EQ(run({"render", run.folder + "/tree/c", "-o", "name"}), 0) << run.err();
}

TEST(RenderDirectory, PrintsPlainFilesWhereThereIsNoKustomization) {
  TestRun run;
  Write(run.folder + "/plain/a.yaml", kConfigMap);
  Write(run.folder + "/plain/sub/b.yml", "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n");
  EXPECT_EQ(run({"render", run.folder + "/plain"}), 0) << run.err();
  EXPECT_EQ(run.out(),
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\n"
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: b\n");
  EXPECT_EQ(run({"render", run.folder + "/none"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("is not a directory"));
  EXPECT_EQ(run({"render", run.folder + "/plain", "--label", "a=b"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("add --cluster NAME"));
}

TEST(Validate, BuildsAKustomization) {
  TestRun run;
  WriteOverlay(run);
  EXPECT_EQ(run({"validate", run.folder + "/prod"}), 0) << run.err();
  EXPECT_EQ(run.out(), "valid: 1 object from the kustomization\n");
  Write(run.folder + "/bad/kustomization.yaml", "resources: [../base]\nnamePrefx: x-\n");
  EXPECT_EQ(run({"validate", run.folder + "/bad"}), 1);
  EXPECT_EQ(run.out(), "");
  EXPECT_THAT(run.err(), HasSubstr("bad/kustomization.yaml:2"));
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'namePrefix'?"));
  EXPECT_EQ(run({"validate", run.folder + "/bad", "-o", "json"}), 1);
  EXPECT_FALSE(ParseJson(run.out())->Get("valid")->boolean());
}

TEST(Validate, TakesAFleetThatIsRight) {
  TestRun run;
  Write(run.folder + "/fleet/fleet.yaml", kFleet);
  EXPECT_EQ(run({"validate", run.folder + "/fleet"}), 0) << run.err();
  EXPECT_EQ(run.out(),
            "valid: 1 Repository declaration, 1 Package declaration, 1 Cluster declaration in 1 "
            "file\n");
}

TEST(Validate, ListsEveryErrorByFileAndLine) {
  TestRun run;
  Write(run.folder + "/fleet/good.yaml", kFleet);
  Write(run.folder + "/fleet/bad.yaml",
        "apiVersion: muster.dev/v1alpha1\nkind: Package\nmetadata: {name: api}\n"
        "spec:\n  project: default\n  repository: apps\n  pth: api\n");
  EXPECT_EQ(run({"validate", run.folder + "/fleet"}), 1);
  EXPECT_EQ(run.out(), "");
  EXPECT_THAT(run.err(), HasSubstr(run.folder + "/fleet/bad.yaml:7: error: "));
  EXPECT_THAT(run.err(), HasSubstr("did you mean 'path'?"));
  EXPECT_EQ(run({"validate", run.folder + "/fleet", "-o", "json"}), 1);
  const Value result = *ParseJson(run.out());
  EXPECT_FALSE(result.Get("valid")->boolean());
  EXPECT_EQ(result.Find("/errors/0/file")->string(), "bad.yaml");
}

TEST(Validate, RefusesWhereThereIsNothing) {
  TestRun run;
  EXPECT_EQ(run({"validate", run.folder + "/nowhere"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("is not a directory"));
  std::filesystem::create_directories(run.folder + "/empty");
  EXPECT_EQ(run({"validate", run.folder + "/empty"}), 2);
  EXPECT_THAT(run.err(), HasSubstr("nothing to validate"));
}

}  // namespace
}  // namespace muster::cli
