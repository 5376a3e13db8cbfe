#include "agent/health/rules.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/health/health.h"
#include "common/base/check.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

std::string Says(const HealthRules* rules, const std::string& api_version, const std::string& kind,
                 const std::string& status) {
  const auto documents = ParseYaml("status: " + status + "\n", "test.yaml");
  CHECK_OK(documents);
  const ObjectKey key{.api_version = api_version, .kind = kind, .namespace_ = "web", .name = "a"};
  const ObjectHealth health = HealthOf(key, (*documents)[0].value, rules);
  return health.message.empty() ? std::string(HealthWordName(health.word))
                                : absl::StrCat(HealthWordName(health.word), ": ", health.message);
}

HealthRules Rules(std::vector<pb::HealthRule> rules) {
  absl::StatusOr<HealthRules> made = HealthRules::Make(rules);
  CHECK_OK(made);
  return *std::move(made);
}

pb::HealthRule Database() {
  pb::HealthRule rule;
  rule.set_group("db.example.com");
  rule.set_kind("Database");
  rule.set_healthy("status.phase == 'Ready'");
  rule.set_degraded("status.phase in ['Failed', 'Lost']");
  rule.set_suspended("spec.paused == true || status.phase == 'Asleep'");
  rule.set_message("status.note");
  return rule;
}

// ---------------------------------------------------------------- users' rules

TEST(HealthRules, AskInTheirOrder) {
  const HealthRules rules = Rules({Database()});
  const auto says = [&](const std::string& status) {
    return Says(&rules, "db.example.com/v1", "Database", status);
  };
  EXPECT_EQ(says("{phase: Ready}"), "Healthy");
  EXPECT_EQ(says("{phase: Failed, note: no disk}"), "Degraded: no disk");
  EXPECT_EQ(says("{phase: Asleep, note: at night}"), "Suspended: at night");
  EXPECT_EQ(says("{phase: Making, note: soon}"), "Progressing: soon");
  EXPECT_EQ(says("{}"), "Progressing");
  EXPECT_EQ(says("{phase: Making}"), "Progressing: phase Making");
}

TEST(HealthRules, FitByGroupAndKind) {
  pb::HealthRule below = Database();
  below.set_group("*.example.com");
  below.set_kind("*");
  const HealthRules rules = Rules({below});
  EXPECT_EQ(Says(&rules, "db.example.com/v2", "Database", "{phase: Failed}"),
            "Degraded: phase Failed");
  EXPECT_EQ(Says(&rules, "queue.example.com/v1", "Queue", "{phase: Failed}"),
            "Degraded: phase Failed");
  EXPECT_EQ(Says(&rules, "example.com/v1", "Database", "{phase: Failed}"), "Healthy");
  EXPECT_EQ(Says(&rules, "badexample.com/v1", "Database", "{phase: Failed}"), "Healthy");
}

TEST(HealthRules, WinOverWhatIsBuiltIn) {
  pb::HealthRule rule;
  rule.set_kind("Service");
  rule.set_healthy("true");
  const HealthRules rules = Rules({rule});
  const auto documents = ParseYaml("spec: {type: LoadBalancer}\n", "test.yaml");
  CHECK_OK(documents);
  const ObjectKey key{.api_version = "v1", .kind = "Service", .namespace_ = "a", .name = "a"};
  EXPECT_EQ(HealthOf(key, (*documents)[0].value, &rules).word, HealthWord::kHealthy);
  EXPECT_EQ(HealthOf(key, (*documents)[0].value, nullptr).word, HealthWord::kProgressing);
}

TEST(HealthRules, ThatSayOnlyWhatIsBadMeanTheRestIsGood) {
  pb::HealthRule rule;
  rule.set_group("example.com");
  rule.set_degraded("status.errors > 0");
  const HealthRules rules = Rules({rule});
  EXPECT_EQ(Says(&rules, "example.com/v1", "Any", "{errors: 1}"), "Degraded");
  EXPECT_EQ(Says(&rules, "example.com/v1", "Any", "{}"), "Healthy");
}

TEST(HealthRules, ThatCannotBeAskedLeaveItUnknownAndSayWhy) {
  pb::HealthRule rule;
  rule.set_group("example.com");
  rule.set_healthy("status.phase > 1");
  const HealthRules rules = Rules({rule});
  EXPECT_EQ(Says(&rules, "example.com/v1", "Any", "{phase: Ready}"),
            "Unknown: its health rule cannot be asked: expression: less or more cannot be asked of "
            "a string");
}

TEST(HealthRules, RefuseWhatIsNoExpression) {
  pb::HealthRule rule = Database();
  rule.set_degraded("status.phase = 'Failed'");
  const std::vector<pb::HealthRule> rules = {rule};
  const absl::Status status = HealthRules::Make(rules).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "health rule for Database.db.example.com: degraded: expression, column 14: an operator "
            "is missing, or this is too much, at '= 'Failed''");
}

// ---------------------------------------------------------------- shipped rules

std::string Shipped(const std::string& api_version, const std::string& kind,
                    const std::string& status) {
  return Says(nullptr, api_version, kind, status);
}

std::string Conditions(const std::string& list) { return "{conditions: [" + list + "]}"; }

TEST(ShippedRules, KnowCrossplane) {
  const auto bucket = [](const std::string& conditions) {
    return Shipped("s3.aws.upbound.io/v1beta1", "Bucket", Conditions(conditions));
  };
  EXPECT_EQ(bucket("{type: Ready, status: 'True'}, {type: Synced, status: 'True'}"), "Healthy");
  EXPECT_EQ(bucket("{type: Ready, status: 'False', reason: Creating}, {type: Synced, status: "
                   "'True'}"),
            "Progressing: Creating");
  EXPECT_EQ(bucket("{type: Synced, status: 'False', message: no credentials}"),
            "Degraded: no credentials");
  EXPECT_EQ(bucket("{type: Ready, status: 'True'}, {type: Synced, status: 'True'}, {type: "
                   "LastAsyncOperation, status: 'False', message: quota}"),
            "Degraded: quota");
  EXPECT_EQ(Shipped("aws.upbound.io/v1beta1", "ProviderConfig", "{users: 3}"), "Healthy");
  EXPECT_EQ(Shipped("database.aws.crossplane.io/v1beta1", "RDSInstance",
                    Conditions("{type: Ready, status: 'True'}, {type: Synced, status: 'True'}")),
            "Healthy");
  EXPECT_EQ(Shipped("pkg.crossplane.io/v1", "Provider",
                    Conditions("{type: Installed, status: 'True'}, {type: Healthy, status: "
                               "'False', message: cannot pull}")),
            "Degraded: cannot pull");
  EXPECT_EQ(Shipped("pkg.crossplane.io/v1", "Provider",
                    Conditions("{type: Installed, status: 'True'}, {type: Healthy, status: "
                               "'True'}")),
            "Healthy");
  EXPECT_EQ(Shipped("apiextensions.crossplane.io/v1", "Composition", "{}"), "Healthy");
  EXPECT_EQ(Shipped("apiextensions.crossplane.io/v1", "CompositeResourceDefinition", "{}"),
            "Progressing");
}

TEST(ShippedRules, KnowAwsControllers) {
  const auto bucket = [](const std::string& conditions) {
    return Shipped("s3.services.k8s.aws/v1alpha1", "Bucket", Conditions(conditions));
  };
  EXPECT_EQ(bucket("{type: ACK.ResourceSynced, status: 'True'}"), "Healthy");
  EXPECT_EQ(bucket("{type: ACK.ResourceSynced, status: 'False', message: still creating}"),
            "Progressing: still creating");
  EXPECT_EQ(bucket("{type: ACK.Terminal, status: 'True', message: name taken}, {type: "
                   "ACK.ResourceSynced, status: 'True'}"),
            "Degraded: name taken");
  EXPECT_EQ(bucket("{type: ACK.Recoverable, status: 'True', message: throttled}"),
            "Progressing: throttled");
}

TEST(ShippedRules, KnowConfigConnector) {
  const auto bucket = [](const std::string& condition) {
    return Shipped("storage.cnrm.cloud.google.com/v1beta1", "StorageBucket",
                   Conditions("{type: Ready, " + condition + "}"));
  };
  EXPECT_EQ(bucket("status: 'True', reason: UpToDate"), "Healthy");
  EXPECT_EQ(bucket("status: 'False', reason: Updating"), "Progressing: Updating");
  EXPECT_EQ(bucket("status: 'False', reason: DependencyNotReady, message: waits"),
            "Progressing: waits");
  EXPECT_EQ(bucket("status: 'False', reason: UpdateFailed, message: forbidden"),
            "Degraded: forbidden");
}

TEST(ShippedRules, KnowCertManager) {
  const auto certificate = [](const std::string& status) {
    return Shipped("cert-manager.io/v1", "Certificate", status);
  };
  EXPECT_EQ(certificate(Conditions("{type: Ready, status: 'True'}")), "Healthy");
  EXPECT_EQ(certificate(Conditions("{type: Ready, status: 'True'}, {type: Issuing, status: "
                                   "'True'}")),
            "Healthy");
  EXPECT_EQ(certificate(Conditions("{type: Ready, status: 'False', message: missing}, {type: "
                                   "Issuing, status: 'True', message: issuing}")),
            "Progressing: missing");
  EXPECT_EQ(certificate("{lastFailureTime: x, conditions: [{type: Ready, status: 'False', message: "
                        "no secret}, {type: Issuing, status: 'False', message: denied}]}"),
            "Degraded: no secret");
  EXPECT_EQ(Shipped("cert-manager.io/v1", "ClusterIssuer",
                    Conditions("{type: Ready, status: 'False', message: no account}")),
            "Degraded: no account");
  EXPECT_EQ(Shipped("cert-manager.io/v1", "ClusterIssuer", "{}"), "Progressing");
  EXPECT_EQ(Shipped("cert-manager.io/v1", "CertificateRequest",
                    Conditions("{type: Ready, status: 'False', reason: Pending}")),
            "Progressing: Pending");
  EXPECT_EQ(Shipped("cert-manager.io/v1", "CertificateRequest",
                    Conditions("{type: Ready, status: 'False', reason: Denied}")),
            "Degraded: Denied");
  EXPECT_EQ(Shipped("acme.cert-manager.io/v1", "Order", "{state: pending}"), "Progressing");
  EXPECT_EQ(Shipped("acme.cert-manager.io/v1", "Order", "{state: invalid, reason: dns}"),
            "Degraded: dns");
  EXPECT_EQ(Shipped("acme.cert-manager.io/v1", "Challenge", "{state: valid}"), "Healthy");
}

TEST(ShippedRules, KnowArgoRollouts) {
  const auto rollout = [](const std::string& status) {
    return Shipped("argoproj.io/v1alpha1", "Rollout", status);
  };
  EXPECT_EQ(rollout("{phase: Healthy}"), "Healthy");
  EXPECT_EQ(rollout("{phase: Progressing, message: more replicas}"), "Progressing: more replicas");
  EXPECT_EQ(rollout("{phase: Paused, message: CanaryPauseStep}"), "Suspended: CanaryPauseStep");
  EXPECT_EQ(rollout("{phase: Degraded, message: aborted}"), "Degraded: aborted");
  EXPECT_EQ(Shipped("argoproj.io/v1alpha1", "AnalysisRun", "{phase: Failed, message: metric}"),
            "Degraded: metric");
  EXPECT_EQ(Shipped("argoproj.io/v1alpha1", "AnalysisRun", "{phase: Successful}"), "Healthy");
  // What the group has besides goes by the common convention.
  EXPECT_EQ(Shipped("argoproj.io/v1alpha1", "AnalysisTemplate", "{}"), "Healthy");
}

TEST(ShippedRules, KnowGateways) {
  EXPECT_EQ(Shipped("gateway.networking.k8s.io/v1", "Gateway",
                    Conditions("{type: Accepted, status: 'True'}, {type: Programmed, status: "
                               "'False', message: no address}")),
            "Progressing: no address");
  EXPECT_EQ(Shipped("gateway.networking.k8s.io/v1", "Gateway",
                    Conditions("{type: Programmed, status: 'True'}")),
            "Healthy");
}

}  // namespace
}  // namespace muster::agent
