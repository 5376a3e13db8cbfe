#include "common/plan/rails.h"

#include <gtest/gtest.h>

namespace muster {
namespace {

TEST(Rails, ProtectWhatHoldsDataDefinitionsAndRights) {
  for (const char* kind : {"Namespace", "PersistentVolumeClaim", "CustomResourceDefinition",
                           "StatefulSet", "ClusterRoleBinding", "ValidatingWebhookConfiguration"}) {
    EXPECT_TRUE(IsProtectedKind(kind)) << kind;
  }
  for (const char* kind : {"Deployment", "ConfigMap", "Role", "namespace", ""}) {
    EXPECT_FALSE(IsProtectedKind(kind)) << kind;
  }
}

TEST(DeletionBudget, IsAFloorOrAShareAndIsOnlyEverLowered) {
  v1::SyncPolicy sync;
  EXPECT_EQ(DeletionBudget(sync, 1), 5);
  EXPECT_EQ(DeletionBudget(sync, 200), 20);
  sync.set_has_deletion_budget(true);
  EXPECT_EQ(DeletionBudget(sync, 200), 0);  // a budget of zero is a budget
  sync.set_deletion_budget_count(3);
  EXPECT_EQ(DeletionBudget(sync, 200), 3);
  sync.set_deletion_budget_count(1'000);
  EXPECT_EQ(DeletionBudget(sync, 200), 20);
  sync.set_deletion_budget_count(0);
  sync.set_deletion_budget_percent(1);
  EXPECT_EQ(DeletionBudget(sync, 10), 1);  // rounded up
  sync.set_deletion_budget_percent(90);
  EXPECT_EQ(DeletionBudget(sync, 200), 20);
}

}  // namespace
}  // namespace muster
