// FleetView: an immutable picture of the fleet, published by the hub after each turn and read by
// whoever shows something or has to know who may do what. Every page, command and metric is fed
// from here, so that they agree.
//
//   std::shared_ptr<const FleetView> view = published.Get();
//   view->clusters().Visit(page_token, [&](const std::string& name, const ClusterRow& row) {...});
//   pb::ClusterView one = MakeClusterView(*view, *row, /*detail=*/true);
//
// Any thread. Journals (commits, events, history, tokens) are not here: read them from the store,
// with the keys of hub/core/keys.h; what they need from the fleet is in CountCommit.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "hub/core/rows.h"
#include "proto/fleet.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

// The condition of a cluster whose receipts do not follow one another.
inline constexpr absl::string_view kReceiptsMissing = "ReceiptsMissing";

// A bundle and where it came from.
struct AppliedBundle {
  Digest bundle;
  std::string repository;
  std::string commit;    // empty: unknown
  bool claimed = false;  // the agent alone says that it has it: the hub never named it for it
};

// One package as one or many clusters should have it: shared by all clusters that get the same.
struct PackageEntry {
  PackageName name;
  Digest digest;  // of `bytes`
  Digest bundle;
  std::shared_ptr<const AppliedBundle> source;  // never null
  uint32_t objects = 0;
  bool suspended = false;
  std::string bytes;  // of the DesiredPackage, as it stands in signed payloads
};

// What one package is in one cluster.
struct PackageStatus {
  PackageName name;
  std::shared_ptr<const PackageEntry> desired;   // null: leaving, or never rendered
  std::shared_ptr<const AppliedBundle> applied;  // null: never
  v1::SyncStatus sync = v1::SYNC_STATUS_UNKNOWN;
  v1::HealthStatus health = v1::HEALTH_STATUS_UNKNOWN;
  uint32_t objects = 0;
  uint32_t drifted = 0;
  uint32_t held = 0;
  uint32_t failed = 0;
  uint64_t drift_healed = 0;
  bool selected = false;  // whether the package's declaration selects the cluster
  // Of `selected` ones: which of the package's renderings is the cluster's, and whether `desired`
  // is what it gave.
  bool current = false;
  uint32_t rendering = 0;
  std::shared_ptr<const std::string> error;  // why the newest revision is not desired; may be null
};

// One cluster: declared, pending, enrolled or revoked.
struct ClusterRow {
  std::string name;
  ClusterId id;  // empty while it is only declared
  std::string project;
  std::vector<v1::Label> labels;                                          // sorted by key
  v1::ClusterRecord::State state = v1::ClusterRecord::STATE_UNSPECIFIED;  // unspecified: declared
  v1::ClusterMode mode = v1::CLUSTER_MODE_ENFORCE;
  v1::ConnectionStatus connection = v1::CONNECTION_STATUS_OFFLINE;
  v1::SyncStatus sync = v1::SYNC_STATUS_UNKNOWN;
  v1::HealthStatus health = v1::HEALTH_STATUS_UNKNOWN;
  std::string message;  // the cause, when something is wrong
  bool suspended = false;
  bool converged = false;  // applied == desired, Synced and Healthy

  uint64_t desired_generation = 0;
  Digest desired_digest;
  uint64_t applied_generation = 0;
  Digest observed_digest;  // of the stored report
  int64_t applied_ms = 0;  // when the desired content was first applied; zero: not yet
  int64_t last_seen_ms = 0;
  int64_t enrolled_ms = 0;
  int64_t certificate_expires_ms = 0;
  std::string agent_version;
  std::string driver;
  std::string recipient;
  uint32_t unmanaged = 0;
  std::string words;          // of a pending enrolment
  std::vector<Digest> spkis;  // of the keys that may connect
  v1::Origin origin;          // of the declaration, when there is one

  std::vector<PackageStatus> packages;  // sorted by name
  // The stored report (an ObservedState), for detail; null before the first.
  std::shared_ptr<const std::string> observed;
  std::vector<v1::Condition> conditions;  // the hub's own, sorted by type
};

// One rendering of a package, for all clusters that share it.
struct RenderingRow {
  uint32_t id = 0;     // among those of the package
  Digest input;        // of the last good one
  std::string commit;  // the newest one that gave it; empty: not known since the hub was started
};

struct PackageRow {
  v1::Package spec;
  bool suspended = false;
  std::string commit;  // last rendered wholly or in part
  std::vector<RenderingRow> renderings;
  int32_t bundles = 0;   // distinct renderings in use
  int32_t objects = 0;   // of the largest bundle
  int32_t selected = 0;  // clusters
  std::vector<v1::Condition> conditions;
};

struct RepositoryRow {
  v1::RepositoryView view;  // complete
};

// Facts about the hub as a whole.
struct HubFacts {
  std::string version;
  std::string hub_id;
  std::string agent_address;
  std::string join_address;
  std::string fleet_url;
  std::string fleet_path;
  std::string fleet_commit;
  int64_t started_ms = 0;
  int64_t now_ms = 0;  // of the turn that published this
  std::vector<v1::Condition> conditions;
};

// How far one commit got.
struct CommitCount {
  int32_t clusters_desired = 0;
  int32_t clusters_applied = 0;  // with nothing of it held or failed
  int32_t clusters_healthy = 0;  // of these
};

class FleetView {
 public:
  // Rises with each change.
  uint64_t version() const { return version_; }
  const HubFacts& hub() const { return hub_; }

  // By name. A revoked cluster is here until another one takes its name.
  const Rows<ClusterRow>& clusters() const { return clusters_; }
  const Rows<PackageRow>& packages() const { return packages_; }
  // By name; the fleet repository is ".fleet".
  const Rows<RepositoryRow>& repositories() const { return repositories_; }

  // The row of an enrolled or pending cluster; null when there is none.
  std::shared_ptr<const ClusterRow> ClusterById(const ClusterId& id) const;

  // The allow-list: the cluster whose certificate may have this key at this moment.
  std::optional<ClusterId> Admitted(const Digest& spki) const;

  // The bundles that the cluster's desired state reaches, sorted. Empty for an unknown one.
  std::vector<Digest> BundlesOf(const ClusterId& id) const;

  // The bundles that a delta for the cluster may start from, sorted: those above, and what it runs
  // of what the hub gave it before. What an agent merely says that it has is none of them: it would
  // learn by trial what other clusters run.
  std::vector<Digest> BasesOf(const ClusterId& id) const;

 private:
  friend class ViewBuilder;

  uint64_t version_ = 0;
  HubFacts hub_;
  Rows<ClusterRow> clusters_;
  Rows<PackageRow> packages_;
  Rows<RepositoryRow> repositories_;
  Rows<std::string> names_;     // cluster id -> name
  Rows<std::string> admitted_;  // SPKI digest's bytes -> cluster id
};

// ---------------------------------------------------------------- what people see

// `detail` fills `packages` and `conditions`.
v1::ClusterView MakeClusterView(const FleetView& fleet, const ClusterRow& row, bool detail);

// The rendering that the package's desired bundle comes from; nullopt when that is not known.
std::optional<RenderingRow> RenderingOf(const FleetView& fleet, const PackageStatus& package);

// Counts over the clusters: O(clusters). For several packages make the counts once.
v1::PackageView MakePackageView(const FleetView& view, const PackageRow& row);
std::vector<v1::PackageView> MakePackageViews(const FleetView& view);

// What is worst about a package, in the agent's words: "Deployment web/api: image pull failed";
// empty when it has nothing to say.
std::string WorstOfPackage(const v1::ObservedPackage& package);

// Counts, conditions and findings; the shell adds what only it knows (store, disk).
v1::HubView MakeHubView(const FleetView& view);

// Clusters whose desired state names `commit` of `repository`, those that have applied it wholly,
// and those of them that are heard from, Synced and Healthy with it.
CommitCount CountCommit(const FleetView& view, absl::string_view repository,
                        absl::string_view commit);

// "apps@1a2b3c4" for one repository, "3 repositories" for more, "" for none. The commit is the
// newest one that gives what is there: a package that a commit did not change is at that commit
// too.
std::string DesiredRevision(const FleetView& fleet, const ClusterRow& row);
std::string AppliedRevision(const FleetView& fleet, const ClusterRow& row);

}  // namespace muster::hub
