// What stands between a package as it is and as it should be; above all, what is never removed.
#include "agent/core/diff.h"

#include <string>
#include <vector>

#include "agent/agent_world.h"
#include "gtest/gtest.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

std::vector<Object> Objects(int count, absl::string_view value = "1") {
  std::vector<Object> objects;
  for (int i = 0; i < count; ++i) objects.push_back(TestObject(absl::StrCat("o", i), value));
  return objects;
}

class Removal : public testing::Test {
 protected:
  Removal() { world_.Connect(); }

  // Applies a package of `before` objects, then one of `after` with this policy.
  const pb::ObservedPackage& Shrink(int before, int after, pb::SyncPolicy policy = {}) {
    world_.Push({world_.hub.Package("web", Objects(before))});
    pb::DesiredPackage package = world_.hub.Package("web", Objects(after));
    *package.mutable_sync() = policy;
    world_.Push({package});
    return world_.package("web");
  }

  static pb::SyncPolicy Budget(int count, int percent) {
    pb::SyncPolicy policy;
    policy.set_has_deletion_budget(true);
    policy.set_deletion_budget_count(count);
    policy.set_deletion_budget_percent(percent);
    return policy;
  }

  std::string Held() { return world_.Condition(world_.package("web").conditions(), "Held"); }

  size_t Records(absl::string_view prefix) {
    const absl::StatusOr<std::vector<Record>> records = world_.store->Scan(prefix);
    CHECK_OK(records);
    return records->size();
  }

  AgentWorld world_;
};

// ---------------------------------------------------------------- the budget

TEST_F(Removal, FiveAreAlwaysWithinTheBudget) {
  EXPECT_EQ(Shrink(10, 5).sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world_.driver.size(), 5u);
}

TEST_F(Removal, SixOfTenAreHeldAndNothingOfThemGoes) {
  const pb::ObservedPackage& web = Shrink(10, 4);
  EXPECT_EQ(world_.driver.size(), 10u);
  EXPECT_EQ(web.held(), 6u);
  EXPECT_EQ(web.sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
  EXPECT_EQ(Held(), "True DeletionBudget");
  ASSERT_EQ(web.problems_size(), 6);
  EXPECT_EQ(web.problems(0).what(), pb::ObjectProblem::WHAT_HELD);
  EXPECT_NE(web.problems(0).message().find("6 of 10"), std::string::npos);
  world_.Pass(absl::Hours(1));
  EXPECT_EQ(world_.driver.size(), 10u);
}

TEST_F(Removal, ATenthOfManyIsWithinTheBudgetAndOneMoreIsNot) {
  EXPECT_EQ(Shrink(100, 90).sync(), pb::SYNC_STATUS_SYNCED);
  AgentWorld other;
  other.Connect();
  other.Push({other.hub.Package("web", Objects(100))});
  other.Push({other.hub.Package("web", Objects(89))});
  EXPECT_EQ(other.driver.size(), 100u);
}

TEST_F(Removal, APackageMayLowerTheBudget) {
  EXPECT_EQ(Shrink(10, 8, Budget(1, 0)).held(), 2u);
  EXPECT_EQ(world_.driver.size(), 10u);
}

TEST_F(Removal, ABudgetOfZeroIsABudget) {
  EXPECT_EQ(Shrink(10, 9, Budget(0, 0)).held(), 1u);
  EXPECT_EQ(world_.driver.size(), 10u);
}

TEST_F(Removal, APackageMayNotRaiseTheBudget) {
  EXPECT_EQ(Shrink(10, 4, Budget(100, 0)).held(), 6u);
  AgentWorld other;
  other.Connect();
  other.Push({other.hub.Package("web", Objects(10))});
  pb::DesiredPackage package = other.hub.Package("web", Objects(4));
  *package.mutable_sync() = Budget(0, 100);
  other.Push({package});
  EXPECT_EQ(other.driver.size(), 10u);
}

TEST_F(Removal, ASmallShareOfASmallPackageIsStillOne) {
  EXPECT_EQ(Shrink(10, 9, Budget(0, 5)).sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Removal, AnEmptyBundleIsNeverIntent) {
  EXPECT_EQ(Shrink(3, 0).held(), 3u);
  EXPECT_EQ(world_.driver.size(), 3u);
}

TEST_F(Removal, WhatIsNewIsWrittenThoughRemovalsAreHeld) {
  world_.Push({world_.hub.Package("web", Objects(10))});
  world_.Push({world_.hub.Package("web", {TestObject("new", "1"), TestObject("o0", "2")})});
  EXPECT_EQ(world_.driver.size(), 11u);
  EXPECT_EQ(world_.package("web").held(), 9u);
}

// Somebody annotates the object while the agent is about to remove it.
TEST_F(Removal, WhatIsKeptAtTheLastMomentIsHeldAndNoFailure) {
  world_.Push({world_.hub.Package("web", Objects(3))});
  const pb::DesiredState state =
      world_.hub.State({world_.hub.Package("web", Objects(2))}, world_.now);
  world_.Post(Pushed{world_.hub.Sign(state)});
  while (true) {
    Job* job = world_.NextJob();
    if (job != nullptr && std::holds_alternative<ActJob>(*job)) break;
    ASSERT_TRUE(world_.Step());
  }
  world_.driver.SetKept(TestKey("o2"), true);
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(world_.driver.size(), 3u);
  EXPECT_EQ(world_.package("web").held(), 1u);
  EXPECT_EQ(world_.package("web").failed(), 0u);
  EXPECT_EQ(world_.package("web").health(), pb::HEALTH_STATUS_HEALTHY);
  world_.driver.SetKept(TestKey("o2"), false);
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(world_.driver.size(), 2u);
  EXPECT_EQ(world_.package("web").sync(), pb::SYNC_STATUS_SYNCED);
}

// What could never be written and leaves Git again is nobody's trouble any more, at once.
TEST_F(Removal, WhatWasNeverWrittenIsForgottenWithoutWaiting) {
  world_.driver.FailObject(TestKey("bad"), absl::PermissionDeniedError("forbidden"));
  world_.Push({world_.hub.Package("web", {TestObject("o0", "1"), TestObject("bad", "1")})});
  EXPECT_EQ(world_.package("web").failed(), 1u);
  world_.Push({world_.hub.Package("web", {TestObject("o0", "1")})});
  world_.Pass(absl::Seconds(2));
  EXPECT_EQ(world_.package("web").failed(), 0u);
  EXPECT_EQ(world_.package("web").sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Removal, WhatIsKeptInGitIsLeftAndThePackageIsWhole) {
  Object kept = TestObject("kept", "1");
  kept.value.Set("/metadata/annotations", Value::Map{{"muster.dev/prune", "never"}});
  world_.Push({world_.hub.Package("web", {TestObject("o0", "1"), kept})});
  world_.driver.SetKept(TestKey("kept"), true);  // as a cluster shows what was applied
  world_.Push({world_.hub.Package("web", {TestObject("o0", "1")})});
  world_.Pass(absl::Minutes(10));
  EXPECT_EQ(world_.driver.size(), 2u);
  const pb::ObservedPackage& web = world_.package("web");
  EXPECT_EQ(web.sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(web.health(), pb::HEALTH_STATUS_HEALTHY);
  EXPECT_EQ(web.held(), 0u);
  EXPECT_EQ(world_.problem("kept").what(), pb::ObjectProblem::WHAT_UNMANAGED);
}

TEST_F(Removal, WhatIsPutBackIsNotHeldAnyMore) {
  Shrink(10, 4);
  world_.Push({world_.hub.Package("web", Objects(10))});
  EXPECT_EQ(Held(), "");
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

// ---------------------------------------------------------------- protected things

TEST_F(Removal, ProtectedKindsStayAndTheRestGoes) {
  std::vector<Object> all = {TestObject("keep", "1")};
  for (const std::string kind :
       {"Namespace", "CustomResourceDefinition", "PersistentVolume", "StorageClass", "ClusterRole",
        "ClusterRoleBinding", "ValidatingWebhookConfiguration", "APIService", "Node"}) {
    all.push_back(TestObject("x", "1", kind, ""));
  }
  all.push_back(TestObject("x", "1", "PersistentVolumeClaim"));
  all.push_back(TestObject("x", "1", "StatefulSet"));
  all.push_back(TestObject("gone", "1"));
  world_.Push({world_.hub.Package("web", all)});
  world_.Push({world_.hub.Package("web", {TestObject("keep", "1")})});
  EXPECT_EQ(world_.driver.size(), all.size() - 1);
  EXPECT_FALSE(world_.driver.Objects().contains(TestKey("gone")));
  EXPECT_EQ(world_.package("web").held(), 11u);
  EXPECT_EQ(Held(), "True ProtectedKind");
}

TEST_F(Removal, NothingInKubeSystemGoes) {
  world_.Push({world_.hub.Package(
      "web", {TestObject("a", "1"), TestObject("dns", "1", "ConfigMap", "kube-system")})});
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  EXPECT_EQ(world_.driver.size(), 2u);
  EXPECT_EQ(world_.package("web").held(), 1u);
}

TEST_F(Removal, WhatSomebodyMadeAnewIsNotOurs) {
  world_.Push({world_.hub.Package("web", Objects(2))});
  world_.driver.Delete(TestKey("o1"));
  world_.driver.Change(TestKey("o1"), "{\"theirs\":1}", "bob");  // another uid
  world_.Push({world_.hub.Package("web", Objects(1))});
  EXPECT_EQ(world_.driver.Objects().at(TestKey("o1")), "{\"theirs\":1}");
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Removal, AFailedRemovalStaysInTheInventoryAndIsTriedAgain) {
  world_.Push({world_.hub.Package("web", Objects(2))});
  world_.driver.FailObject(TestKey("o1"), absl::UnavailableError("webhook denied"));
  world_.Push({world_.hub.Package("web", Objects(1))});
  EXPECT_EQ(world_.package("web").failed(), 1u);
  EXPECT_EQ(Records("inventory/"), 2u);
  world_.driver.FailObject(TestKey("o1"), absl::OkStatus());
  world_.Pass(absl::Minutes(1));
  EXPECT_EQ(world_.driver.size(), 1u);
  EXPECT_EQ(Records("inventory/"), 1u);
}

// ---------------------------------------------------------------- leaving

TEST_F(Removal, APackageThatLeavesIsDeletedAndForgotten) {
  world_.Push({world_.hub.Package("web", Objects(3))});
  world_.Push({});
  EXPECT_EQ(world_.driver.size(), 0u);
  EXPECT_EQ(world_.observed().packages_size(), 0);
  EXPECT_EQ(Records("package/"), 0u);
  EXPECT_EQ(Records("inventory/"), 0u);
}

TEST_F(Removal, ALargePackageThatLeavesIsHeld) {
  world_.Push({world_.hub.Package("web", Objects(30))});
  world_.Push({});
  EXPECT_EQ(world_.driver.size(), 30u);
  EXPECT_EQ(world_.package("web").held(), 30u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_OUT_OF_SYNC);
}

TEST_F(Removal, APackageThatLeavesAsOrphanStaysUnmanaged) {
  pb::DesiredPackage package = world_.hub.Package("web", Objects(30));
  package.set_on_removal(pb::ON_REMOVAL_ORPHAN);
  world_.Push({package});
  world_.Push({});
  world_.Crash();
  world_.Settle();
  EXPECT_EQ(world_.driver.size(), 30u);
  EXPECT_EQ(world_.observed().unmanaged(), 30u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
  EXPECT_EQ(world_.package("web").problems(0).what(), pb::ObjectProblem::WHAT_UNMANAGED);
  // Gone from the cluster, gone from the list.
  for (int i = 0; i < 30; ++i) world_.driver.Delete(TestKey(absl::StrCat("o", i)));
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(world_.observed().packages_size(), 0);
}

TEST_F(Removal, WithoutPruningObjectsStayUnmanagedAndComeBackUnderCare) {
  pb::SyncPolicy policy;
  policy.set_no_prune(true);
  Shrink(3, 2, policy);
  EXPECT_EQ(world_.driver.size(), 3u);
  EXPECT_EQ(world_.observed().unmanaged(), 1u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
  world_.Push({world_.hub.Package("web", Objects(3, "2"))});
  EXPECT_EQ(world_.observed().unmanaged(), 0u);
  EXPECT_EQ(world_.package("web").objects(), 3u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

// ---------------------------------------------------------------- moving and sharing

TEST_F(Removal, AnObjectThatMovesToAnotherPackageIsNotRemoved) {
  const Object moved = TestObject("m", "1");
  world_.Push({world_.hub.Package("a", {TestObject("a", "1"), moved}),
               world_.hub.Package("b", {TestObject("b", "1")})});
  const int64_t applied = world_.driver.calls().applied;
  world_.Push({world_.hub.Package("a", {TestObject("a", "1")}),
               world_.hub.Package("b", {TestObject("b", "1"), moved})});
  EXPECT_EQ(world_.driver.calls().removed, 0);
  EXPECT_EQ(world_.driver.calls().applied, applied);  // it is as it should be already
  EXPECT_EQ(world_.package("b").objects(), 2u);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST_F(Removal, AnObjectThatComesBackUnderAnotherVersionIsNotRemoved) {
  Object old = TestObject("x", "1");
  Object next = old;
  next.value.Set("/apiVersion", Value("v2"));
  const auto made = MakeObject(next.value);
  ASSERT_TRUE(made.ok());
  world_.Push({world_.hub.Package("web", {old, TestObject("y", "1")})});
  world_.Push({world_.hub.Package("web", {*made, TestObject("y", "1")})});
  EXPECT_EQ(world_.driver.calls().removed, 0);
  EXPECT_EQ(world_.package("web").objects(), 2u);
}

TEST_F(Removal, AnObjectInTwoPackagesBelongsToTheOneThatHasIt) {
  world_.Push({world_.hub.Package("b", {TestObject("x", "of b")})});
  world_.Push({world_.hub.Package("a", {TestObject("x", "of a")}),
               world_.hub.Package("b", {TestObject("x", "of b")})});
  world_.Pass(absl::Minutes(5));
  EXPECT_EQ(world_.driver.calls().applied, 1);
  EXPECT_EQ(world_.package("a").failed(), 1u);
  EXPECT_NE(world_.package("a").problems(0).message().find("package 'b'"), std::string::npos);
  EXPECT_EQ(world_.package("b").sync(), pb::SYNC_STATUS_SYNCED);
  // When b lets it go, a takes it over.
  world_.Push({world_.hub.Package("a", {TestObject("x", "of a")}),
               world_.hub.Package("b", {TestObject("z", "1")})});
  EXPECT_EQ(world_.driver.calls().removed, 0);
  EXPECT_EQ(world_.observed().sync(), pb::SYNC_STATUS_SYNCED);
}

TEST(Plan, WritesInSafeOrderAndRemovesTheOtherWay) {
  PackageState package;
  package.name = "web";
  package.desired.emplace();
  pb::Manifest manifest;
  for (const Object& object :
       {TestObject("c", "1"), TestObject("d", "1", "Deployment"),
        TestObject("web", "1", "Namespace", ""), TestObject("s", "1", "ServiceAccount")}) {
    pb::ManifestEntry& entry = *manifest.add_entries();
    entry.set_api_version(object.key.api_version);
    entry.set_kind(object.key.kind);
    entry.set_namespace_(object.key.namespace_);
    entry.set_name(object.key.name);
    entry.set_digest(std::string(32, 'd'));
    entry.set_wave(object.key.name == "c" ? 1 : 0);
  }
  Retarget(package, Digest::Of("bundle"), manifest, absl::UnixEpoch());
  const Plan plan = MakePlan(package, AgentSettings(), Order(State()), true, absl::UnixEpoch());
  std::vector<std::string> order;
  for (const Item* item : plan.apply) order.push_back(item->key.kind);
  EXPECT_EQ(order, (std::vector<std::string>{"Namespace", "ServiceAccount", "Deployment"}));
  EXPECT_NE(plan.waiting.find("the waves after 0 wait for"), std::string::npos) << plan.waiting;
  for (Item& item : package.items) {
    item.written = item.desired;
    item.uid = "u";
  }
  Retarget(package, Digest::Of("other"), pb::Manifest(), absl::UnixEpoch());
  package.desired.reset();
  *package.record.mutable_removed() = pb::DesiredPackage();
  const Plan removal = MakePlan(package, AgentSettings(), Order(State()), true, absl::UnixEpoch());
  order.clear();
  for (const Item* item : removal.remove) order.push_back(item->key.kind);
  EXPECT_EQ(order, (std::vector<std::string>{"ConfigMap", "Deployment", "ServiceAccount"}));
  EXPECT_EQ(removal.held, 1);
}

}  // namespace
}  // namespace muster::agent
