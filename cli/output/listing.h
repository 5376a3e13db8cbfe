// Listing: how the things of one kind stand in a list: heading, rows, names, documents.
//
// There is one ListingOf for each view of the hub; `muster get`, `describe` and the others print
// through it, so that a cluster looks the same everywhere. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "common/manifest/value.h"
#include "proto/audit.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/rollout.pb.h"

namespace muster::cli {

template <typename View>
struct Listing {
  absl::string_view kind;    // "Cluster"
  absl::string_view noun;    // "cluster", as in cluster/prod-1
  absl::string_view plural;  // "clusters"
  absl::string_view empty;   // what to do when there are none: a command
  std::vector<Column> columns;
  std::vector<Cell> (*row)(const View& view, absl::Time now);
  std::string (*name)(const View& view);
};

template <typename View>
const Listing<View>& ListingOf();
template <>
const Listing<v1::ClusterView>& ListingOf();
template <>
const Listing<v1::PackageView>& ListingOf();
template <>
const Listing<v1::RepositoryView>& ListingOf();
template <>
const Listing<v1::CommitView>& ListingOf();
template <>
const Listing<v1::ObjectView>& ListingOf();
template <>
const Listing<v1::TokenView>& ListingOf();
template <>
const Listing<v1::EventView>& ListingOf();
template <>
const Listing<v1::HistoryView>& ListingOf();
template <>
const Listing<v1::RolloutView>& ListingOf();
template <>
const Listing<v1::RolloutWaveView>& ListingOf();
template <>
const Listing<v1::AuditView>& ListingOf();
template <>
const Listing<v1::ClusterPackageView>& ListingOf();
template <>
const Listing<v1::Condition>& ListingOf();

}  // namespace muster::cli
