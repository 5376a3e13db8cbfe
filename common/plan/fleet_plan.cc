#include "common/plan/fleet_plan.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

namespace pb = muster::v1;

using Clusters = std::set<uint32_t>;

// One comparison on its way to a group.
struct Compared {
  const pb::PlanComparison* asked = nullptr;
  BundleDiff diff;
};

bool IsChange(const pb::PlanComparison& one) {
  return !one.error().empty() || one.current() != one.next();
}

absl::StatusOr<Digest> DigestOf(const std::string& bytes) {
  if (bytes.empty()) return Digest();
  return Digest::FromBytes(bytes);
}

absl::StatusOr<std::vector<Compared>> CompareAll(const pb::PlanComparisons& comparisons,
                                                 const BlobReader& read) {
  std::map<std::pair<Digest, Digest>, BundleDiff> known;
  std::vector<Compared> all;
  for (const pb::PlanComparison& one : comparisons.comparisons()) {
    if (!IsChange(one)) continue;
    Compared compared;
    compared.asked = &one;
    if (one.error().empty()) {
      ASSIGN_OR_RETURN(const Digest current, DigestOf(one.current()));
      ASSIGN_OR_RETURN(const Digest next, DigestOf(one.next()));
      auto at = known.find({current, next});
      if (at == known.end()) {
        ASSIGN_OR_RETURN(BundleDiff diff, DiffBundles(current, next, read));
        at = known.emplace(std::make_pair(current, next), std::move(diff)).first;
      }
      compared.diff = at->second;
    }
    all.push_back(std::move(compared));
  }
  return all;
}

// Objects that a package loses and another gains in all the same clusters stay where they are: the
// agent hands them over.
void FindMoves(std::vector<Compared>& all) {
  std::map<ObjectIdentity, std::vector<const Compared*>> arrivals;
  for (const Compared& compared : all) {
    for (const ObjectChange& change : compared.diff.changes) {
      if (change.object.what() != pb::PlanObject::WHAT_ADDED) continue;
      arrivals[change.identity].push_back(&compared);
    }
  }
  for (Compared& compared : all) {
    for (ObjectChange& change : compared.diff.changes) {
      if (change.object.what() != pb::PlanObject::WHAT_DELETED) continue;
      const auto found = arrivals.find(change.identity);
      if (found == arrivals.end()) continue;
      Clusters gains;
      for (const Compared* gaining : found->second) {
        gains.insert(gaining->asked->clusters().begin(), gaining->asked->clusters().end());
      }
      const auto& loses = compared.asked->clusters();
      if (!std::includes(gains.begin(), gains.end(), loses.begin(), loses.end())) continue;
      change.object.set_what(pb::PlanObject::WHAT_MOVED);
      change.object.set_to(found->second.front()->asked->package());
    }
  }
}

// Deletions that happen or are held first, protected ones before others.
int Rank(const pb::PlanObject& object) {
  if (object.what() == pb::PlanObject::WHAT_DELETED) return object.held().empty() ? 1 : 0;
  return 1 + static_cast<int>(object.what());
}

pb::PlanGroup GroupOf(Compared& compared) {
  pb::PlanGroup group;
  group.set_package(compared.asked->package());
  group.set_error(compared.asked->error());
  if (!group.error().empty()) {
    pb::PlanStop& stop = *group.add_stops();
    stop.set_rail("RenderFailed");
    stop.set_message(
        "it cannot be rendered at this revision; its clusters would keep what they have");
    return group;
  }
  for (pb::PlanStop& stop : ApplyRails(compared.asked->sync(), compared.diff)) {
    *group.add_stops() = std::move(stop);
  }
  std::vector<pb::PlanObject*> objects;
  for (ObjectChange& change : compared.diff.changes) {
    pb::PlanObject& object = change.object;
    objects.push_back(&object);
    const auto what = object.what();
    group.set_added(group.added() + (what == pb::PlanObject::WHAT_ADDED));
    group.set_changed(group.changed() + (what == pb::PlanObject::WHAT_CHANGED));
    group.set_deleted(group.deleted() + (what == pb::PlanObject::WHAT_DELETED));
    group.set_left(group.left() + (what == pb::PlanObject::WHAT_LEFT));
    group.set_held(group.held() + !object.held().empty());
  }
  std::stable_sort(objects.begin(), objects.end(),
                   [](const auto* a, const auto* b) { return Rank(*a) < Rank(*b); });
  group.set_objects_total(static_cast<int>(objects.size()));
  for (const pb::PlanObject* object : objects) {
    if (group.objects_size() == kPlanObjectsMax) break;
    *group.add_objects() = *object;
  }
  return group;
}

// What makes two comparisons one group.
std::string SignatureOf(const Compared& compared, const pb::PlanGroup& group) {
  std::string text = absl::StrCat(group.package(), "\n", group.error(), "\n");
  for (const pb::PlanStop& stop : group.stops()) absl::StrAppend(&text, stop.message(), "\n");
  for (const ObjectChange& change : compared.diff.changes) {
    pb::PlanObject object = change.object;
    object.clear_fields();  // the signature has them in full
    absl::StrAppend(&text, object.SerializeAsString(), "\n", change.signature, "\n");
  }
  return Digest::Of(text).bytes();
}

// Worst first: what deletes protected things, what deletes, what fails, then by clusters.
std::tuple<int, int, const std::string&> Order(const pb::PlanGroup& group) {
  int rank = 3;
  if (!group.error().empty()) rank = 2;
  if (group.deleted() > 0) rank = group.held() > 0 ? 0 : 1;
  return {rank, -group.clusters_size(), group.package()};
}

// `sum`, and `objects` in each of so many clusters; at most what an int32 holds.
int32_t Added(int32_t sum, int32_t objects, int32_t clusters) {
  const int64_t all = sum + int64_t{objects} * clusters;
  return static_cast<int32_t>(std::min<int64_t>(all, std::numeric_limits<int32_t>::max()));
}

}  // namespace

absl::StatusOr<pb::FleetPlan> MakeFleetPlan(const pb::PlanComparisons& comparisons,
                                            const BlobReader& read) {
  ASSIGN_OR_RETURN(std::vector<Compared> all, CompareAll(comparisons, read));
  FindMoves(all);
  std::map<std::string, std::pair<pb::PlanGroup, Clusters>> groups;  // by signature
  Clusters touched;
  for (Compared& compared : all) {
    pb::PlanGroup group = GroupOf(compared);
    auto& [kept, clusters] = groups[SignatureOf(compared, group)];
    kept = std::move(group);
    clusters.insert(compared.asked->clusters().begin(), compared.asked->clusters().end());
    if (kept.error().empty()) {
      touched.insert(compared.asked->clusters().begin(), compared.asked->clusters().end());
    }
  }
  pb::FleetPlan plan;
  plan.set_repository(comparisons.repository());
  plan.set_revision(comparisons.revision());
  *plan.mutable_commit() = comparisons.commit();
  plan.set_ruling_commit(comparisons.ruling_commit());
  plan.set_descends(comparisons.descends());
  plan.set_clusters(comparisons.clusters_size());
  plan.set_clusters_changed(static_cast<int>(touched.size()));
  std::vector<pb::PlanGroup> sorted;
  for (auto& [signature, entry] : groups) {
    auto& [group, clusters] = entry;
    for (const uint32_t index : clusters) {
      if (index >= static_cast<uint32_t>(comparisons.clusters_size())) {
        return absl::InvalidArgumentError("a comparison names a cluster that is not in its list");
      }
      group.add_clusters(comparisons.clusters(static_cast<int>(index)));
    }
    const int count = group.clusters_size();
    plan.set_added(Added(plan.added(), group.added(), count));
    plan.set_changed(Added(plan.changed(), group.changed(), count));
    plan.set_deleted(Added(plan.deleted(), group.deleted(), count));
    plan.set_left(Added(plan.left(), group.left(), count));
    plan.set_held(Added(plan.held(), group.held(), count));
    plan.set_failed(plan.failed() + !group.error().empty());
    sorted.push_back(std::move(group));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return Order(a) < Order(b); });
  for (pb::PlanGroup& group : sorted) *plan.add_groups() = std::move(group);
  return plan;
}

}  // namespace muster
