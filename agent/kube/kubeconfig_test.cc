#include "agent/kube/kubeconfig.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace muster::agent {
namespace {

constexpr absl::string_view kConfig = R"(apiVersion: v1
kind: Config
current-context: edge
contexts:
  - {name: edge, context: {cluster: c, user: u, namespace: shop}}
  - {name: broken, context: {cluster: nowhere, user: u}}
clusters:
  - name: c
    cluster:
      server: https://api.example.org:6443/k8s/c1/
      certificate-authority-data: UEVN
      EXTRA: 1
users:
  - name: u
    user: {client-certificate: client.crt, client-key-data: S0VZ}
)";

Environment Variables(std::map<std::string, std::string> variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto at = variables.find(name);
    if (at == variables.end()) return std::nullopt;
    return at->second;
  };
}

class Kubeconfig : public testing::Test {
 protected:
  std::string Write(absl::string_view name, absl::string_view text) {
    const std::string path = absl::StrCat(testing::TempDir(), "/", name);
    std::ofstream(path) << text;
    return path;
  }
  absl::StatusOr<ApiEndpoint> Load(absl::string_view from, absl::string_view to,
                                   bool allow_insecure = false) {
    return LoadKubeconfig({.path = Write("config", absl::StrReplaceAll(kConfig, {{from, to}})),
                           .allow_insecure = allow_insecure},
                          Variables({}));
  }
  std::string Refusal(absl::string_view from, absl::string_view to) {
    const absl::Status status = Load(from, to).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return std::string(status.message());
  }
};

TEST_F(Kubeconfig, ReadsTheCurrentContext) {
  const auto api = Load("EXTRA", "x");
  ASSERT_TRUE(api.ok()) << api.status();
  EXPECT_EQ(api->Url(), "https://api.example.org:6443/k8s/c1");
  EXPECT_EQ(api->ca.text, "PEM");
  EXPECT_EQ(api->client_certificate.file, absl::StrCat(testing::TempDir(), "/client.crt"));
  EXPECT_EQ(api->client_key.text, "KEY");
  EXPECT_EQ(api->namespace_, "shop");
  EXPECT_FALSE(api->insecure);
}

TEST_F(Kubeconfig, TakesTokensTheirFilesAndIpv6) {
  auto api = Load("{client-certificate: client.crt, client-key-data: S0VZ}", "{token: abc}");
  EXPECT_EQ(api->token.text, "abc");
  api = Load("{client-certificate: client.crt, client-key-data: S0VZ}", "{tokenFile: /run/t}");
  EXPECT_EQ(api->token.file, "/run/t");
  api = Load("https://api.example.org:6443/k8s/c1/", "\"https://[2001:db8::1]:6443\"");
  EXPECT_EQ(api->host, "2001:db8::1");
  EXPECT_EQ(api->Url(), "https://[2001:db8::1]:6443");
}

TEST_F(Kubeconfig, OfSeveralFilesTheFirstThatNamesAThingWins) {
  const std::string first =
      Write("first", "current-context: edge\nusers: [{name: u, user: {token: t}}]\n");
  const std::string second = Write("second", kConfig);
  const auto api =
      LoadKubeconfig({.path = absl::StrCat(first, ":/nowhere:", second)}, Variables({}));
  ASSERT_TRUE(api.ok()) << api.status();
  EXPECT_EQ(api->token.text, "t");
  EXPECT_EQ(api->port, 6443);
}

TEST_F(Kubeconfig, RefusesByNameWhatWouldRunAProgramOrLeaveTheServerUnchecked) {
  const char* user = "{client-certificate: client.crt, client-key-data: S0VZ}";
  EXPECT_TRUE(absl::StrContains(Refusal(user, "{exec: {command: aws}}"), "'exec' of the user"));
  EXPECT_TRUE(absl::StrContains(Refusal(user, "{auth-provider: {}}"), "'auth-provider'"));
  EXPECT_TRUE(absl::StrContains(Refusal(user, "{username: a, password: b}"), "'username'"));
  EXPECT_TRUE(absl::StrContains(Refusal(user, "{token: a, as: root}"), "'as'"));
  EXPECT_TRUE(absl::StrContains(Refusal(user, "{client-certificate: a}"), "come together"));
  EXPECT_TRUE(
      absl::StrContains(Refusal("EXTRA: 1", "insecure-skip-tls-verify: true"), "--kube-insecure"));
  EXPECT_TRUE(Load("EXTRA: 1", "insecure-skip-tls-verify: true", true)->insecure);
  EXPECT_TRUE(absl::StrContains(Refusal("https://", "http://"), "plain http"));
  EXPECT_TRUE(absl::StrContains(Refusal("UEVN", "'%%%'"), "not base64"));
  EXPECT_TRUE(absl::StrContains(Refusal(":6443", ":99999"), "is no port"));
}

TEST_F(Kubeconfig, NamesWhatIsMissing) {
  const std::string path = Write("config", kConfig);
  const auto load = [&](const KubeconfigOptions& options) {
    return LoadKubeconfig(options, Variables({})).status();
  };
  EXPECT_TRUE(absl::IsNotFound(load({.path = "/nowhere/config"})));
  EXPECT_TRUE(absl::StrContains(load({.path = path, .context = "x"}).message(),
                                "there is no context 'x' in contexts"));
  EXPECT_TRUE(absl::StrContains(load({.path = path, .context = "broken"}).message(), "'nowhere'"));
}

TEST_F(Kubeconfig, APodReadsItsServiceAccount) {
  const std::string directory = testing::TempDir();
  Write("ca.crt", "CA");
  Write("token", "T");
  Write("namespace", "muster-system");
  const auto api = InClusterEndpoint(Variables({{"KUBERNETES_SERVICE_HOST", "10.0.0.1"},
                                                {"KUBERNETES_SERVICE_PORT", "6443"},
                                                {"HTTPS_PROXY", "http://proxy:3128"},
                                                {"NO_PROXY", "10.0.0.0/8"}}),
                                     directory);
  ASSERT_TRUE(api.ok()) << api.status();
  EXPECT_EQ(api->Url(), "https://10.0.0.1:6443");
  EXPECT_EQ(*api->token.Read(), "T");
  EXPECT_EQ(api->namespace_, "muster-system");
  EXPECT_EQ(api->proxy, "");
  EXPECT_TRUE(absl::IsNotFound(InClusterEndpoint(Variables({}), directory).status()));
}

TEST(ProxyFor, HonoursNoProxy) {
  const auto proxy = [](absl::string_view host, int port, const char* no_proxy) {
    return ProxyFor(host, port, Variables({{"https_proxy", "http://p:1"}, {"no_proxy", no_proxy}}));
  };
  EXPECT_EQ(proxy("api.example.org", 443, ""), "http://p:1");
  EXPECT_EQ(proxy("api.example.org", 443, "example.org"), "");
  EXPECT_EQ(proxy("api.example.org", 443, ".example.org, other"), "");
  EXPECT_EQ(proxy("badexample.org", 443, "example.org"), "http://p:1");
  EXPECT_EQ(proxy("api.example.org", 443, "example.org:6443"), "http://p:1");
  EXPECT_EQ(proxy("10.1.2.3", 443, "10.1.0.0/16"), "");
  EXPECT_EQ(proxy("10.2.2.3", 443, "10.1.0.0/16"), "http://p:1");
  EXPECT_EQ(proxy("2001:db8::5", 443, "2001:db8::/32"), "");
  EXPECT_EQ(proxy("anything", 443, "*"), "");
  EXPECT_EQ(proxy("localhost", 443, ""), "");
}

}  // namespace
}  // namespace muster::agent
