#include "common/plan/rails.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/match.h"
#include "common/base/limits.h"

namespace muster {

bool IsProtectedKind(absl::string_view kind) {
  static constexpr absl::string_view kKinds[] = {"Namespace",        "CustomResourceDefinition",
                                                 "PersistentVolume", "PersistentVolumeClaim",
                                                 "StorageClass",     "StatefulSet",
                                                 "ClusterRole",      "ClusterRoleBinding",
                                                 "APIService",       "Node"};
  return std::find(std::begin(kKinds), std::end(kKinds), kind) != std::end(kKinds) ||
         absl::EndsWith(kind, "WebhookConfiguration");
}

const std::vector<std::string>& ProtectedNamespaces() {
  static const auto* const names =
      new std::vector<std::string>{"kube-system", "kube-public", "kube-node-lease"};
  return *names;
}

int DeletionBudget(const v1::SyncPolicy& sync, int managed) {
  const int most = std::max(limits::kDeletionsFloor, managed * limits::kDeletionsPercent / 100);
  if (!sync.has_deletion_budget()) return most;
  if (sync.deletion_budget_percent() > 0) {
    // Rounded up, so that a small share of a small package is not nothing.
    const int64_t share = (int64_t{managed} * sync.deletion_budget_percent() + 99) / 100;
    return static_cast<int>(std::min<int64_t>(most, share));
  }
  return std::clamp(sync.deletion_budget_count(), 0, most);
}

}  // namespace muster
