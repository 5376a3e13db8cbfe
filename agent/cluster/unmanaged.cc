#include "agent/cluster/unmanaged.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace muster::agent {

bool IsMadeByKubernetes(const ObjectKey& key) {
  static constexpr absl::string_view kKinds[] = {
      "Endpoints",  "EndpointSlice",      "Event",         "Lease",
      "PodMetrics", "ControllerRevision", "CiliumEndpoint"};
  if (std::find(std::begin(kKinds), std::end(kKinds), key.kind) != std::end(kKinds)) return true;
  const absl::string_view group = key.group();
  if (!group.empty()) return false;
  if (key.kind == "ServiceAccount") return key.name == "default";
  if (key.kind == "ConfigMap") {
    return key.name == "kube-root-ca.crt" || key.name == "openshift-service-ca.crt" ||
           key.name == "istio-ca-root-cert";
  }
  if (key.kind == "Secret") return absl::StartsWith(key.name, "default-token-");
  if (key.kind == "Service") return key.namespace_ == "default" && key.name == "kubernetes";
  return false;
}

bool IsHandTool(absl::string_view manager) {
  // "before-first-apply" is what the API server calls the owner of fields from before server-side
  // apply: most often kubectl create.
  static constexpr absl::string_view kPrefixes[] = {"kubectl", "oc",       "k9s",
                                                    "lens",    "Mozilla",  "dashboard",
                                                    "octant",  "headlamp", "before-first-apply"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](absl::string_view prefix) {
    if (!absl::StartsWithIgnoreCase(manager, prefix)) return false;
    // "oc" is a tool, "ocm-agent" is not; but kubectl-edit, kubectl-client-side-apply are.
    const bool whole = manager.size() == prefix.size();
    return whole || prefix == "kubectl" ||
           (prefix != "oc" && !absl::ascii_isalnum(manager[prefix.size()]));
  });
}

}  // namespace muster::agent
