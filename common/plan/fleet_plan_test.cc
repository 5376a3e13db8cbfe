// What a plan says: identical changes together, deletions first, rails beside them, no secrets.
#include "common/plan/fleet_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace pb = muster::v1;

std::string ObjectText(const std::string& kind, const std::string& name, const std::string& rest,
                       const std::string& name_space = "web") {
  return absl::StrCat(R"({"apiVersion":"v1","kind":")", kind, R"(","metadata":{"name":")", name,
                      R"(","namespace":")", name_space, R"("})", rest, "}");
}

std::string ConfigMap(const std::string& name, const std::string& value) {
  return ObjectText("ConfigMap", name, absl::StrCat(R"(,"data":{"a":")", value, R"("})"));
}

class FleetPlanTest : public testing::Test {
 protected:
  // The digest of the bundle of these objects, which the reader has from then on.
  std::string Bundle(const std::vector<std::string>& objects) {
    std::vector<BundleInput> inputs;
    for (const std::string& text : objects) {
      inputs.push_back({*MakeObject(*ParseJson(text)), "test"});
    }
    const muster::Bundle bundle = *MakeBundle(std::move(inputs));
    blobs[bundle.digest] = bundle.manifest_bytes;
    for (const muster::Bundle::Blob& blob : bundle.blobs) blobs[blob.digest] = blob.json;
    return bundle.digest.bytes();
  }

  pb::PlanComparison& Compare(const std::string& package, const std::string& current,
                              const std::string& next, const std::vector<uint32_t>& clusters) {
    pb::PlanComparison& one = *comparisons.add_comparisons();
    one.set_package(package);
    one.set_current(current);
    one.set_next(next);
    for (const uint32_t cluster : clusters) one.add_clusters(cluster);
    return one;
  }

  void Clusters(int count) {
    for (int i = 0; i < count; ++i) comparisons.add_clusters(absl::StrCat("c", i));
  }

  pb::FleetPlan Make() {
    const absl::StatusOr<pb::FleetPlan> plan =
        MakeFleetPlan(comparisons, [this](const Digest& digest) -> absl::StatusOr<std::string> {
          ++reads;
          const auto found = blobs.find(digest);
          if (found == blobs.end()) return absl::NotFoundError("no such blob");
          return found->second;
        });
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.value_or(pb::FleetPlan());
  }

  pb::PlanComparisons comparisons;
  std::map<Digest, std::string> blobs;
  int reads = 0;
};

TEST_F(FleetPlanTest, NothingChangesWhereBundlesAreEqual) {
  Clusters(2);
  const std::string bundle = Bundle({ConfigMap("a", "1")});
  Compare("web", bundle, bundle, {0, 1});
  const pb::FleetPlan plan = Make();
  EXPECT_FALSE(Changes(plan));
  EXPECT_THAT(plan.groups(), IsEmpty());
  EXPECT_EQ(reads, 0);
}

TEST_F(FleetPlanTest, PutsIdenticalChangesOfDifferentBundlesTogether) {
  // Production and staging differ, and change by the same line.
  Clusters(3);
  Compare("web", Bundle({ConfigMap("env", "prod"), ConfigMap("a", "1")}),
          Bundle({ConfigMap("env", "prod"), ConfigMap("a", "2")}), {0, 2});
  Compare("web", Bundle({ConfigMap("env", "stage"), ConfigMap("a", "1")}),
          Bundle({ConfigMap("env", "stage"), ConfigMap("a", "2")}), {1});
  const pb::FleetPlan plan = Make();
  ASSERT_EQ(plan.groups_size(), 1);
  const pb::PlanGroup& group = plan.groups(0);
  EXPECT_THAT(group.clusters(), ElementsAre("c0", "c1", "c2"));
  ASSERT_EQ(group.objects_size(), 1);
  EXPECT_EQ(group.objects(0).fields(0).path(), "data.a");
  EXPECT_EQ(group.objects(0).fields(0).before(), "\"1\"");
  EXPECT_EQ(group.objects(0).fields(0).after(), "\"2\"");
  EXPECT_EQ(plan.changed(), 3);
  EXPECT_EQ(plan.clusters_changed(), 3);
}

TEST_F(FleetPlanTest, KeepsChangesApartThatOnlyLookAlikeBecauseTheyAreShortened) {
  Clusters(2);
  const std::string start(500, 'x');
  Compare("web", Bundle({ConfigMap("a", "1")}), Bundle({ConfigMap("a", start + "1")}), {0});
  Compare("web", Bundle({ConfigMap("a", "1")}), Bundle({ConfigMap("a", start + "2")}), {1});
  const pb::FleetPlan plan = Make();
  EXPECT_EQ(plan.groups_size(), 2);
  EXPECT_LT(plan.groups(0).objects(0).fields(0).after().size(), 200u);
}

TEST_F(FleetPlanTest, DeletionsOfProtectedKindsStandFirst) {
  Clusters(4);
  const std::string claim = ObjectText("PersistentVolumeClaim", "data", "");
  Compare("added", "", Bundle({ConfigMap("n", "1")}), {0, 1, 2, 3});
  Compare("loses", Bundle({ConfigMap("x", "1"), ConfigMap("y", "1")}),
          Bundle({ConfigMap("x", "1")}), {0, 1, 2});
  Compare("data", Bundle({ConfigMap("x", "2"), ConfigMap("z", "1"), claim}),
          Bundle({ConfigMap("x", "3")}), {3});
  const pb::FleetPlan plan = Make();
  ASSERT_EQ(plan.groups_size(), 3);
  EXPECT_EQ(plan.groups(0).package(), "data");
  EXPECT_EQ(plan.groups(1).package(), "loses");
  EXPECT_EQ(plan.groups(2).package(), "added");
  ASSERT_EQ(plan.groups(0).objects_size(), 3);
  EXPECT_EQ(plan.groups(0).objects(0).kind(), "PersistentVolumeClaim");
  EXPECT_THAT(plan.groups(0).objects(0).held(), HasSubstr("never deleted"));
  EXPECT_EQ(plan.groups(0).objects(1).what(), pb::PlanObject::WHAT_DELETED);
  EXPECT_EQ(plan.groups(0).objects(1).held(), "");
  EXPECT_EQ(plan.groups(0).objects(2).what(), pb::PlanObject::WHAT_CHANGED);
  ASSERT_EQ(plan.groups(0).stops_size(), 1);
  EXPECT_EQ(plan.groups(0).stops(0).rail(), "ProtectedKind");
  EXPECT_EQ(plan.held(), 1);
  EXPECT_EQ(plan.deleted(), 5);
}

TEST_F(FleetPlanTest, SaysThatTheBudgetWouldHoldEveryDeletion) {
  Clusters(1);
  std::vector<std::string> objects;
  for (int i = 0; i < 10; ++i) objects.push_back(ConfigMap(absl::StrCat("m", i), "1"));
  const std::string full = Bundle(objects);
  objects.resize(4);
  Compare("web", full, Bundle(objects), {0});
  const pb::FleetPlan plan = Make();
  ASSERT_EQ(plan.groups(0).stops_size(), 1);
  EXPECT_EQ(plan.groups(0).stops(0).rail(), "DeletionBudget");
  EXPECT_THAT(plan.groups(0).stops(0).message(),
              HasSubstr("6 of 10 objects would be deleted, the budget is 5"));
  EXPECT_EQ(plan.groups(0).held(), 6);
}

TEST_F(FleetPlanTest, NothingIsDeletedWithoutPruneNorWhatAsksToBeKept) {
  Clusters(1);
  const std::string keep = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"k",)"
                           R"("annotations":{"muster.dev/prune":"never"}}})";
  Compare("kept", Bundle({ConfigMap("a", "1"), keep}), Bundle({ConfigMap("a", "1")}), {0});
  Compare("unpruned", Bundle({ConfigMap("a", "1"), ConfigMap("b", "1")}),
          Bundle({ConfigMap("a", "1")}), {0})
      .mutable_sync()
      ->set_no_prune(true);
  const pb::FleetPlan plan = Make();
  ASSERT_EQ(plan.groups_size(), 2);
  EXPECT_EQ(plan.left(), 2);
  EXPECT_EQ(plan.deleted(), 0);
  EXPECT_THAT(plan.groups(0).stops(), IsEmpty());
}

TEST_F(FleetPlanTest, WhatMovesToAnotherPackageIsNotDeleted) {
  Clusters(2);
  const std::string both = Bundle({ConfigMap("a", "1"), ConfigMap("b", "1")});
  const std::string one = Bundle({ConfigMap("a", "1")});
  Compare("from", both, one, {0, 1});
  Compare("to", "", Bundle({ConfigMap("b", "1")}), {0, 1});
  const pb::FleetPlan plan = Make();
  EXPECT_EQ(plan.deleted(), 0);
  const pb::PlanGroup& from = plan.groups(0).package() == "from" ? plan.groups(0) : plan.groups(1);
  EXPECT_EQ(from.objects(0).what(), pb::PlanObject::WHAT_MOVED);
  EXPECT_EQ(from.objects(0).to(), "to");
}

TEST_F(FleetPlanTest, WhatArrivesInOnlySomeOfItsClustersIsDeleted) {
  Clusters(2);
  const std::string both = Bundle({ConfigMap("a", "1"), ConfigMap("b", "1")});
  Compare("from", both, Bundle({ConfigMap("a", "1")}), {0, 1});
  Compare("to", "", Bundle({ConfigMap("b", "1")}), {0});
  EXPECT_EQ(Make().deleted(), 2);
}

TEST_F(FleetPlanTest, NeverTellsTheValuesOfASecret) {
  Clusters(2);
  const auto secret = [](const std::string& value) {
    return absl::StrCat(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s",)",
                        R"("annotations":{"last":")", value, R"("}},"data":{"p":")", value,
                        R"("},"stringData":{"q":")", value, R"("},"type":"Opaque"})");
  };
  Compare("web", Bundle({secret("aHVudGVyMQ==")}), Bundle({secret("aHVudGVyMg==")}), {0});
  Compare("web", "", Bundle({secret("aHVudGVyMg==")}), {1});
  const pb::FleetPlan plan = Make();
  EXPECT_THAT(plan.ShortDebugString(), Not(HasSubstr("aHVudGVy")));
  for (const pb::PlanGroup& group : plan.groups()) {
    for (const pb::PlanObject& object : group.objects()) {
      for (const pb::PlanField& field : object.fields())
        EXPECT_TRUE(field.hidden()) << field.path();
    }
  }
}

TEST_F(FleetPlanTest, APackageThatFailsIsAGroupOfItsOwnAndChangesNoCluster) {
  Clusters(1);
  Compare("web", Bundle({ConfigMap("a", "1")}), "", {0}).set_error("web/a.yaml:7: bad");
  const pb::FleetPlan plan = Make();
  EXPECT_EQ(plan.failed(), 1);
  EXPECT_FALSE(Changes(plan));
  EXPECT_EQ(plan.groups(0).error(), "web/a.yaml:7: bad");
  EXPECT_EQ(plan.groups(0).stops(0).rail(), "RenderFailed");
}

TEST_F(FleetPlanTest, ComparesEachPairOfBundlesOnce) {
  Clusters(1'000);
  const std::string before = Bundle({ConfigMap("a", "1"), ConfigMap("b", "1")});
  const std::string after = Bundle({ConfigMap("a", "1"), ConfigMap("b", "2")});
  for (uint32_t i = 0; i < 1'000; ++i) Compare("web", before, after, {i});
  const pb::FleetPlan plan = Make();
  EXPECT_EQ(plan.groups_size(), 1);
  EXPECT_EQ(plan.groups(0).clusters_size(), 1'000);
  EXPECT_EQ(reads, 4);  // two manifests, two objects
}

TEST_F(FleetPlanTest, RefusesABlobThatIsNotWhatItsDigestSays) {
  Clusters(1);
  const std::string before = Bundle({ConfigMap("a", "1")});
  const std::string after = Bundle({ConfigMap("a", "2")});
  blobs[*Digest::FromBytes(after)] = "something else";
  Compare("web", before, after, {0});
  const auto plan = MakeFleetPlan(comparisons, [this](const Digest& digest) {
    return absl::StatusOr<std::string>(blobs.at(digest));
  });
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(FleetPlanTest, ANewVersionOfAnApiIsAChangeOfTheObject) {
  Clusters(1);
  const std::string old_text =
      R"({"apiVersion":"apps/v1beta1","kind":"Deployment","metadata":{"name":"w"}})";
  const std::string new_text =
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"w"}})";
  Compare("web", Bundle({old_text}), Bundle({new_text}), {0});
  const pb::FleetPlan plan = Make();
  EXPECT_EQ(plan.deleted(), 0);
  EXPECT_EQ(plan.changed(), 1);
}

}  // namespace
}  // namespace muster
