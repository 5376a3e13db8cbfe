#include "hub/http/fleet_tiles.h"

#include "gtest/gtest.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// A cluster of which nothing but good is to be said.
ClusterRow Good() {
  ClusterRow row;
  row.name = "prod-1";
  row.state = pb::ClusterRecord::STATE_ENROLLED;
  row.connection = pb::CONNECTION_STATUS_CONNECTED;
  row.sync = pb::SYNC_STATUS_SYNCED;
  row.health = pb::HEALTH_STATUS_HEALTHY;
  row.converged = true;
  row.packages.emplace_back();
  row.packages.back().sync = row.sync;
  row.packages.back().health = row.health;
  return row;
}

TEST(TileState, IsConvergedWhenNothingIsWrong) { EXPECT_EQ(TileState(Good()), "Converged"); }

TEST(TileState, IsTheWorstThatIsToBeSaid) {
  ClusterRow row = Good();
  row.health = pb::HEALTH_STATUS_PROGRESSING;
  EXPECT_EQ(TileState(row), "Progressing");
  row.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
  EXPECT_EQ(TileState(row), "OutOfSync");
  row.packages[0].drifted = 1;
  EXPECT_EQ(TileState(row), "Drifted");
  row.connection = pb::CONNECTION_STATUS_STALE;
  EXPECT_EQ(TileState(row), "Stale");
  row.connection = pb::CONNECTION_STATUS_OFFLINE;
  EXPECT_EQ(TileState(row), "Offline");
  row.health = pb::HEALTH_STATUS_DEGRADED;
  EXPECT_EQ(TileState(row), "Degraded");
}

TEST(TileState, IsNeverConvergedAboveSomethingThatIsNotGood) {
  for (const auto sync :
       {pb::SYNC_STATUS_UNSPECIFIED, pb::SYNC_STATUS_UNKNOWN, pb::SYNC_STATUS_OUT_OF_SYNC}) {
    ClusterRow row = Good();
    row.sync = sync;
    EXPECT_NE(TileState(row), "Converged");
  }
  for (int health = pb::HealthStatus_MIN; health <= pb::HealthStatus_MAX; ++health) {
    ClusterRow row = Good();
    row.health = static_cast<pb::HealthStatus>(health);
    EXPECT_EQ(TileState(row) == "Converged", health == pb::HEALTH_STATUS_HEALTHY) << health;
  }
  ClusterRow row = Good();
  row.converged = false;  // it has not got what it should have
  EXPECT_EQ(TileState(row), "Progressing");
}

TEST(TileState, SaysWhatHasNotJoinedOrWasSentAway) {
  ClusterRow row = Good();
  row.state = pb::ClusterRecord::STATE_UNSPECIFIED;
  EXPECT_EQ(TileState(row), "Declared");
  row.state = pb::ClusterRecord::STATE_PENDING;
  EXPECT_EQ(TileState(row), "Pending");
  row.state = pb::ClusterRecord::STATE_REVOKED;
  EXPECT_EQ(TileState(row), "Revoked");
}

TEST(TileState, WhatWasStoppedIsOutOfStepOnPurposeButMayStillBeBroken) {
  ClusterRow row = Good();
  row.suspended = true;
  row.sync = pb::SYNC_STATUS_OUT_OF_SYNC;
  EXPECT_EQ(TileState(row), "Suspended");
  row.health = pb::HEALTH_STATUS_DEGRADED;
  EXPECT_EQ(TileState(row), "Degraded");
}

TEST(TileState, OfAPackageAsksWhetherItHasArrived) {
  ClusterRow row = Good();
  PackageStatus& package = row.packages[0];
  EXPECT_EQ(TileState(row, package), "Progressing");
  auto entry = std::make_shared<PackageEntry>();
  entry->bundle = Digest::Of("new");
  package.desired = entry;
  package.applied = std::make_shared<AppliedBundle>(AppliedBundle{Digest::Of("old"), "apps", "1"});
  EXPECT_EQ(TileState(row, package), "Progressing");
  package.applied = std::make_shared<AppliedBundle>(AppliedBundle{Digest::Of("new"), "apps", "2"});
  EXPECT_EQ(TileState(row, package), "Converged");
}

TEST(FleetTiles, OfNoClusterIsEmptyAndNamesEveryState) {
  const auto json = TilesJson(FleetView(), {});
  ASSERT_TRUE(json.ok());
  EXPECT_NE(json->find("\"clusters\":[]"), std::string::npos);
  EXPECT_NE(json->find("{\"state\":\"Degraded\",\"count\":0}"), std::string::npos);
}

TEST(FleetTiles, RefusesABadSelectorAndAPackageThatIsNotThere) {
  EXPECT_EQ(TilesJson(FleetView(), {.selector = "env in prod"}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(TilesJson(FleetView(), {.package = "web"}).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace muster::hub
