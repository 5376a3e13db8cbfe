// The rules that come with Muster: cloud resources made through operators, and a few operators that
// half of all clusters have. Written in the language of users, so that each is an example too.
#include <vector>

#include "agent/health/rules.h"
#include "common/base/check.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

struct Shipped {
  const char* group;
  const char* kind;
  const char* healthy;
  const char* degraded = "";
  const char* suspended = "";
  const char* message = "";
};

// Crossplane: a managed resource is there (Ready) and its last reconciliation went well (Synced).
// A definition or a composition in itself has neither.
constexpr const char kCrossplaneHealthy[] =
    "!has(status.conditions) || (condition('Ready').status == 'True' && "
    "condition('Synced').status != 'False')";
constexpr const char kCrossplaneDegraded[] =
    "condition('Synced').status == 'False' || condition('LastAsyncOperation').status == 'False' || "
    "(condition('Ready').status == 'False' && condition('Ready').reason == 'Unavailable')";
constexpr const char kCrossplaneMessage[] =
    "status.conditions.filter(c, c.status == 'False' && has(c.message))[0].message";

constexpr const char kPhaseFailed[] = "status.phase in ['Failed', 'Error', 'Inconclusive']";
constexpr const char kStateBad[] = "status.state in ['invalid', 'expired', 'errored']";

constexpr Shipped kRules[] = {
    // ---- Crossplane
    {"pkg.crossplane.io", "",
     "condition('Installed').status == 'True' && condition('Healthy').status == 'True'",
     "condition('Healthy').status == 'False' || (condition('Installed').status == 'False' && "
     "condition('Installed').reason != 'UnpackingPackage')",
     "", kCrossplaneMessage},
    {"apiextensions.crossplane.io", "CompositeResourceDefinition",
     "condition('Established').status == 'True'",
     "condition('Established').status == 'False' && "
     "condition('Established').reason.startsWith('Terminating')"},
    {"apiextensions.crossplane.io", "", "true"},
    {"*.crossplane.io", "ProviderConfig", "true"},
    {"*.upbound.io", "ProviderConfig", "true"},
    {"*.crossplane.io", "ProviderConfigUsage", "true"},
    {"*.upbound.io", "ProviderConfigUsage", "true"},
    {"*.crossplane.io", "", kCrossplaneHealthy, kCrossplaneDegraded, "", kCrossplaneMessage},
    {"*.upbound.io", "", kCrossplaneHealthy, kCrossplaneDegraded, "", kCrossplaneMessage},

    // ---- AWS Controllers for Kubernetes: terminal means that nothing is tried again
    {"*.services.k8s.aws", "",
     "condition('ACK.ResourceSynced').status == 'True' || condition('Ready').status == 'True'",
     "condition('ACK.Terminal').status == 'True'", "",
     "status.conditions.filter(c, c.type in ['ACK.Terminal', 'ACK.Recoverable', "
     "'ACK.ResourceSynced'] && has(c.message))[0].message"},

    // ---- Google Config Connector: the reason of Ready says why not
    {"core.cnrm.cloud.google.com", "", "status.healthy != false"},
    {"*.cnrm.cloud.google.com", "", "condition('Ready').status == 'True'",
     "condition('Ready').status == 'False' && condition('Ready').reason in ['UpdateFailed', "
     "'DeleteFailed', 'DependencyInvalid', 'ManagementConflict', 'PreActuationTransformFailed', "
     "'PostActuationTransformFailed']"},

    // ---- cert-manager: a certificate that is ready stays so while it is renewed
    {"cert-manager.io", "Certificate", "condition('Ready').status == 'True'",
     "condition('Ready').status == 'False' && condition('Issuing').status != 'True' && "
     "has(status.lastFailureTime)",
     "",
     "status.conditions.filter(c, c.type in ['Issuing', 'Ready'] && has(c.message))[0].message"},
    {"cert-manager.io", "CertificateRequest", "condition('Ready').status == 'True'",
     "condition('Ready').reason in ['Failed', 'Denied'] || condition('Denied').status == 'True' || "
     "condition('InvalidRequest').status == 'True'"},
    {"cert-manager.io", "", "condition('Ready').status == 'True'",
     "condition('Ready').status == 'False'"},
    {"acme.cert-manager.io", "", "status.state in ['valid', 'ready']", kStateBad, "",
     "status.reason"},

    // ---- Argo Rollouts: waiting for a person to promote is no fault
    {"argoproj.io", "Rollout", "status.phase == 'Healthy'", "status.phase == 'Degraded'",
     "status.phase == 'Paused' || spec.paused == true", "status.message"},
    {"argoproj.io", "AnalysisRun", "status.phase == 'Successful'", kPhaseFailed, "",
     "status.message"},
    {"argoproj.io", "Experiment", "status.phase in ['Running', 'Successful']", kPhaseFailed, "",
     "status.message"},

    // ---- Gateway API
    {"gateway.networking.k8s.io", "Gateway", "condition('Programmed').status == 'True'",
     "condition('Accepted').status == 'False' && condition('Accepted').reason != 'Pending'", "",
     "status.conditions.filter(c, c.status == 'False' && has(c.message))[0].message"},
};

HealthRules MakeShipped() {
  std::vector<pb::HealthRule> rules;
  for (const Shipped& shipped : kRules) {
    pb::HealthRule& rule = rules.emplace_back();
    rule.set_group(shipped.group);
    rule.set_kind(shipped.kind);
    rule.set_healthy(shipped.healthy);
    rule.set_degraded(shipped.degraded);
    rule.set_suspended(shipped.suspended);
    rule.set_message(shipped.message);
  }
  absl::StatusOr<HealthRules> made = HealthRules::Make(rules);
  CHECK_OK(made);
  return *std::move(made);
}

}  // namespace

const HealthRules& HealthRules::Shipped() {
  static const HealthRules* const kShipped = new HealthRules(MakeShipped());
  return *kShipped;
}

}  // namespace muster::agent
