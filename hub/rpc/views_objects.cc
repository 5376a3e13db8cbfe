#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "hub/core/keys.h"
#include "hub/rpc/blob_access.h"
#include "hub/rpc/page.h"
#include "hub/rpc/views.h"
#include "proto/child.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

// api version, kind, namespace, name
using Identity = std::tuple<std::string, std::string, std::string, std::string>;

template <typename T>
Identity IdentityOf(const T& object) {
  return {object.api_version(), object.kind(), object.namespace_(), object.name()};
}

struct BundleObject {
  pb::ManifestEntry entry;
  int number = 0;  // in the manifest
};

// The objects of a bundle, by identity.
using Objects = std::map<Identity, BundleObject>;

absl::StatusOr<Objects> ReadObjects(const Store& store, const std::string& bundle) {
  Objects objects;
  if (bundle.empty()) return objects;
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(bundle));
  ASSIGN_OR_RETURN(const std::string content, ReadBlobContent(store, digest));
  pb::Manifest manifest;
  if (!manifest.ParseFromString(content)) {
    return absl::DataLossError(absl::StrCat("bundle ", digest.short_hex(), " is damaged"));
  }
  int number = 0;
  for (pb::ManifestEntry& entry : *manifest.mutable_entries()) {
    const Identity identity = IdentityOf(entry);
    objects.emplace(identity, BundleObject{std::move(entry), number++});
  }
  return objects;
}

// Where the objects of the package's desired bundle stand in the repository; empty when that is not
// known.
pb::ObjectSources ReadSources(const Reading& reading, const PackageStatus& package) {
  pb::ObjectSources sources;
  const std::optional<RenderingRow> rendering = RenderingOf(reading.fleet, package);
  if (!rendering) return sources;
  const absl::StatusOr<std::string> bytes = reading.store.Get(keys::Sources(rendering->input));
  if (!bytes.ok() || !sources.ParseFromString(*bytes)) sources.Clear();
  return sources;
}

pb::SyncStatus SyncOf(const pb::ObjectProblem& problem) {
  return problem.what() == pb::ObjectProblem::WHAT_UNHEALTHY ? pb::SYNC_STATUS_SYNCED
                                                             : pb::SYNC_STATUS_OUT_OF_SYNC;
}

pb::HealthStatus HealthOf(const pb::ObjectProblem& problem) {
  switch (problem.what()) {
    case pb::ObjectProblem::WHAT_MISSING:
    case pb::ObjectProblem::WHAT_WOULD_ADD:
      return pb::HEALTH_STATUS_MISSING;
    case pb::ObjectProblem::WHAT_UNHEALTHY:
      // Agents before this one did not say more.
      if (problem.health() != pb::HEALTH_STATUS_UNSPECIFIED) return problem.health();
      return pb::HEALTH_STATUS_DEGRADED;
    case pb::ObjectProblem::WHAT_FAILED:
      return pb::HEALTH_STATUS_DEGRADED;
    default:
      return pb::HEALTH_STATUS_UNKNOWN;
  }
}

// One package of one cluster, object by object.
class PackageObjects {
 public:
  PackageObjects(const Reading& reading, const ClusterRow& cluster,
                 const pb::ClusterPackageView& package)
      : reading_(reading), cluster_(cluster), package_(package) {}

  absl::Status Load() {
    ASSIGN_OR_RETURN(desired_, ReadObjects(reading_.store, package_.desired_bundle()));
    if (package_.applied_bundle() == package_.desired_bundle()) {
      same_ = true;
    } else if (absl::StatusOr<Objects> applied =
                   ReadObjects(reading_.store, package_.applied_bundle());
               applied.ok()) {
      applied_ = *std::move(applied);  // An old bundle that is gone makes all differ: true enough.
    }
    for (const PackageStatus& status : cluster_.packages) {
      if (status.name.text() == package_.name()) sources_ = ReadSources(reading_, status);
    }
    for (const pb::ObjectProblem& problem : package_.problems()) {
      problems_.emplace(IdentityOf(problem), &problem);
    }
    return absl::OkStatus();
  }

  template <typename Visit>
  void ForEach(Visit visit) const {
    for (const auto& [identity, object] : desired_) {
      const auto problem = problems_.find(identity);
      pb::ObjectView view =
          View(identity, object.entry, problem == problems_.end() ? nullptr : problem->second);
      if (object.number < std::min(sources_.file_size(), sources_.line_size()) &&
          sources_.file(object.number) < static_cast<uint32_t>(sources_.files_size())) {
        view.set_source_file(sources_.files(static_cast<int>(sources_.file(object.number))));
        view.set_source_line(static_cast<int32_t>(sources_.line(object.number)));
      }
      visit(identity, std::move(view));
    }
    // What is not desired and there all the same: unmanaged, held or about to be deleted.
    for (const auto& [identity, problem] : problems_) {
      if (desired_.contains(identity)) continue;
      pb::ManifestEntry entry;
      entry.set_api_version(problem->api_version());
      entry.set_kind(problem->kind());
      entry.set_namespace_(problem->namespace_());
      entry.set_name(problem->name());
      visit(identity, View(identity, entry, problem));
    }
  }

 private:
  pb::ObjectView View(const Identity& identity, const pb::ManifestEntry& entry,
                      const pb::ObjectProblem* problem) const {
    pb::ObjectView view;
    view.set_package(package_.name());
    // What is not desired any more came with what was applied last.
    const bool desired = desired_.contains(identity);
    view.set_commit(desired ? package_.desired_commit() : package_.applied_commit());
    view.set_repository(package_.repository());
    *view.mutable_entry() = entry;
    if (problem != nullptr) {
      *view.mutable_problem() = *problem;
      view.set_sync(SyncOf(*problem));
      view.set_health(HealthOf(*problem));
    } else {
      view.set_sync(PlainSync(identity, entry));
      view.set_health(PlainHealth(view.sync()));
    }
    return view;
  }

  pb::SyncStatus PlainSync(const Identity& identity, const pb::ManifestEntry& entry) const {
    if (package_.sync() == pb::SYNC_STATUS_UNKNOWN) return pb::SYNC_STATUS_UNKNOWN;
    if (same_) return pb::SYNC_STATUS_SYNCED;
    const auto applied = applied_.find(identity);
    const bool equal =
        applied != applied_.end() && applied->second.entry.digest() == entry.digest();
    return equal ? pb::SYNC_STATUS_SYNCED : pb::SYNC_STATUS_OUT_OF_SYNC;
  }

  // Problems name every object that is unhealthy, up to a limit; so where the package is not
  // healthy and the object is not named, nothing better than its package's word is claimed.
  pb::HealthStatus PlainHealth(pb::SyncStatus sync) const {
    if (sync != pb::SYNC_STATUS_SYNCED) return pb::HEALTH_STATUS_UNKNOWN;
    return package_.health() == pb::HEALTH_STATUS_DEGRADED ? pb::HEALTH_STATUS_HEALTHY
                                                           : package_.health();
  }

  const Reading& reading_;
  const ClusterRow& cluster_;
  const pb::ClusterPackageView& package_;
  pb::ObjectSources sources_;
  bool same_ = false;
  Objects desired_;
  Objects applied_;
  std::map<Identity, const pb::ObjectProblem*> problems_;
};

}  // namespace

absl::StatusOr<pb::ListObjectsResponse> ListObjects(const Reading& reading,
                                                    const pb::ListRequest& request) {
  if (request.cluster().empty()) {
    return absl::InvalidArgumentError("objects: say of which cluster");
  }
  const std::shared_ptr<const ClusterRow> row = reading.fleet.clusters().Find(request.cluster());
  if (row == nullptr) {
    return absl::NotFoundError(absl::StrCat("no cluster is named '", request.cluster(), "'"));
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  const pb::ClusterView cluster = MakeClusterView(reading.fleet, *row, /*detail=*/true);
  pb::ListObjectsResponse response;
  int total = 0;
  bool found = request.package().empty();
  for (const pb::ClusterPackageView& package : cluster.packages()) {
    if (!request.package().empty() && package.name() != request.package()) continue;
    found = true;
    PackageObjects objects(reading, *row, package);
    RETURN_IF_ERROR(objects.Load());
    objects.ForEach([&](const Identity& identity, pb::ObjectView view) {
      if (!request.name().empty() && std::get<3>(identity) != request.name()) return;
      ++total;
      const std::string key =
          absl::StrCat(package.name(), "\n", view.entry().digest().empty() ? "2" : "1", "\n",
                       std::get<0>(identity), "\n", std::get<1>(identity), "\n",
                       std::get<2>(identity), "\n", std::get<3>(identity));
      if (key > page.after() && page.Take(key)) *response.add_objects() = std::move(view);
    });
  }
  if (!found) {
    return absl::NotFoundError(absl::StrCat("cluster '", request.cluster(),
                                            "' has no package named '", request.package(), "'"));
  }
  if (total == 0 && !request.name().empty()) {
    return absl::NotFoundError(absl::StrCat("cluster '", request.cluster(),
                                            "' has no object named '", request.name(), "'"));
  }
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::GetBlobResponse> GetBlob(const Reading& reading,
                                            const pb::GetBlobRequest& request) {
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(request.digest()));
  pb::GetBlobResponse response;
  ASSIGN_OR_RETURN(*response.mutable_content(), ReadBlobContent(reading.store, digest));
  return response;
}

}  // namespace muster::hub
