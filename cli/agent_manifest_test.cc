#include "cli/agent_manifest.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

AgentManifestOptions Plain() {
  AgentManifestOptions options;
  options.image = "muster-agent:1";
  options.cluster = "prod-1";
  options.join_address = "hub.example.com:7445";
  options.token = "secret";
  options.version = "1";
  return options;
}

std::vector<std::string> NamesOf(const std::vector<Value>& objects) {
  std::vector<std::string> names;
  for (const Value& object : objects) {
    const Value* const name_space = object.Find("/metadata/namespace");
    names.push_back(absl::StrCat(object.Get("kind")->string(), " ",
                                 name_space == nullptr ? "" : name_space->string(), "/",
                                 object.Find("/metadata/name")->string()));
  }
  return names;
}

const Value& Named(const std::vector<Value>& objects, const std::string& name) {
  const std::vector<std::string> names = NamesOf(objects);
  const auto found = std::find(names.begin(), names.end(), name);
  EXPECT_NE(found, names.end()) << name;
  return objects[static_cast<size_t>(found - names.begin())];
}

std::vector<std::string> Texts(const Value& value) {
  std::vector<std::string> texts;
  for (const Value& one : value.list()) texts.push_back(one.string());
  return texts;
}

TEST(AgentManifest, HoldsAnAgentAsClusterAdminByDefault) {
  const std::vector<Value> objects = AgentManifest(Plain());
  EXPECT_THAT(
      NamesOf(objects),
      ElementsAre("Namespace /muster-system", "CustomResourceDefinition /musters.muster.dev",
                  "ServiceAccount muster-system/muster-agent", "ClusterRoleBinding /muster-agent",
                  "Secret muster-system/muster-agent-join",
                  "NetworkPolicy muster-system/muster-agent",
                  "StatefulSet muster-system/muster-agent"));
  const Value& set = objects.back();
  EXPECT_THAT(Texts(*set.Find("/spec/template/spec/containers/0/args")),
              ElementsAre("--data=/var/lib/muster-agent", "--driver=kubernetes",
                          "--join=hub.example.com:7445", "--token-file=/run/muster/join/token",
                          "--age-identity=/run/muster/age", "--log-level=info", "--name=prod-1"));
  EXPECT_EQ(Named(objects, "Secret muster-system/muster-agent-join").Find("/data/token")->string(),
            "c2VjcmV0");
}

TEST(AgentManifest, RunsUnderTheRestrictedPodSecurityStandard) {
  const Value set = AgentManifest(Plain()).back();
  EXPECT_EQ(CanonicalJson(*set.Find("/spec/template/spec/containers/0/securityContext")),
            R"({"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},)"
            R"("readOnlyRootFilesystem":true})");
  EXPECT_TRUE(set.Find("/spec/template/spec/securityContext/runAsNonRoot")->boolean());
}

TEST(AgentManifest, ObservesWhenAsked) {
  AgentManifestOptions options = Plain();
  options.observe = true;
  EXPECT_THAT(Texts(*AgentManifest(options).back().Find("/spec/template/spec/containers/0/args")),
              Contains("--observe"));
}

TEST(AgentManifest, HasNoSecretWithoutAToken) {
  AgentManifestOptions options = Plain();
  options.token.clear();
  EXPECT_THAT(NamesOf(AgentManifest(options)), Not(Contains(HasSubstr("Secret"))));
}

// The agent mounts that Secret in any case, so that it can be made later or by others.
TEST(AgentManifest, KeysOfAgeAreASecretThatTheAgentMounts) {
  AgentManifestOptions options = Plain();
  const Value without = AgentManifest(options).back();
  options.age_identities = "secret";
  const std::vector<Value> objects = AgentManifest(options);
  EXPECT_EQ(
      Named(objects, "Secret muster-system/muster-agent-age").Find("/data/keys.txt")->string(),
      "c2VjcmV0");
  EXPECT_TRUE(objects.back() == without);
  EXPECT_EQ(CanonicalJson(*without.Find("/spec/template/spec/volumes/1")),
            R"({"name":"age","secret":{"defaultMode":288,"optional":true,)"
            R"("secretName":"muster-agent-age"}})");
}

TEST(AgentManifest, GrantsOnlyWhatIsListed) {
  AgentManifestOptions options = Plain();
  options.rights = AgentRights::kNamespaced;
  options.namespaces = {"web"};
  options.kinds = {"deployments.apps", "configmaps"};
  options.cluster_kinds = {"namespaces"};
  const std::vector<Value> objects = AgentManifest(options);
  EXPECT_THAT(NamesOf(objects), Not(Contains("ClusterRoleBinding /cluster-admin")));
  EXPECT_EQ(CanonicalJson(*Named(objects, "Role web/muster-agent").Get("rules")),
            R"([{"apiGroups":[""],"resources":["configmaps"],"verbs":["get","list","watch",)"
            R"("create","update","patch","delete"]},)"
            R"({"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list","watch",)"
            R"("create","update","patch","delete"]},)"
            R"({"apiGroups":[""],"resources":["events"],"verbs":["create","patch"]}])");
  EXPECT_EQ(Named(objects, "ClusterRoleBinding /muster-agent").Find("/roleRef/name")->string(),
            "muster-agent");
}

TEST(AgentManifest, NeverGrantsRolesUnasked) {
  EXPECT_THAT(DefaultKinds(), Not(Contains(HasSubstr("role"))));
}

TEST(AgentManifest, GoesThroughAProxyButNotToTheApiServer) {
  AgentManifestOptions options = Plain();
  options.https_proxy = "http://proxy:3128";
  options.no_proxy = "10.0.0.0/8";
  EXPECT_THAT(
      CanonicalJson(*AgentManifest(options).back().Find("/spec/template/spec/containers/0/env")),
      HasSubstr(R"({"name":"HTTPS_PROXY","value":"http://proxy:3128"},{"name":"NO_PROXY",)"
                R"("value":"$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local,10.0.0.0/8"})"));
}

TEST(AgentManifest, KeepsItsStateWhereItIsTold) {
  AgentManifestOptions options = Plain();
  options.storage_class = "fast";
  EXPECT_EQ(AgentManifest(options)
                .back()
                .Find("/spec/volumeClaimTemplates/0/spec/storageClassName")
                ->string(),
            "fast");
  options.storage_class.clear();
  options.host_path = "/var/lib/muster-agent";
  const std::vector<Value> objects = AgentManifest(options);
  EXPECT_EQ(objects.back().Find("/spec/volumeClaimTemplates"), nullptr);
  EXPECT_EQ(objects.back().Find("/spec/template/spec/volumes/3/hostPath/path")->string(),
            "/var/lib/muster-agent");
  EXPECT_EQ(CanonicalJson(*objects.front().Find("/metadata/labels")),
            R"({"app.kubernetes.io/part-of":"muster",)"
            R"("pod-security.kubernetes.io/enforce":"privileged"})");
}

// Whatever a flag holds stays one text.
TEST(AgentManifest, TakesNoYamlFromItsFlags) {
  AgentManifestOptions options = Plain();
  options.image = "x\nkind: Pod # @token@";
  EXPECT_EQ(AgentManifest(options).back().Find("/spec/template/spec/containers/0/image")->string(),
            options.image);
}

TEST(AgentManifest, RefusesWhatMakesNoSense) {
  const auto refused = [](auto change) {
    AgentManifestOptions options = Plain();
    change(options);
    return std::string(CheckAgentManifest(options).message());
  };
  EXPECT_EQ(refused([](AgentManifestOptions&) {}), "");
  EXPECT_THAT(refused([](auto& o) { o.image.clear(); }), HasSubstr("image"));
  EXPECT_THAT(refused([](auto& o) { o.name_space = "No_"; }), HasSubstr("--namespace 'No_'"));
  EXPECT_THAT(refused([](auto& o) { o.kinds = {"pods"}; }), HasSubstr("--kind"));
  EXPECT_THAT(refused([](auto& o) { o.host_path = "data"; }), HasSubstr("--host-path 'data'"));
  EXPECT_THAT(refused([](auto& o) {
                o.host_path = "/data";
                o.storage_class = "fast";
              }),
              HasSubstr("exclude each other"));
  EXPECT_THAT(refused([](auto& o) {
                o.rights = AgentRights::kNamespaced;
                o.namespaces = {"web"};
                o.kinds = {"Deployment"};
              }),
              HasSubstr("--kind 'Deployment'"));
}

}  // namespace
}  // namespace muster::cli
