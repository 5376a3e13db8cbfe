// BundleDiff: what leads from one bundle to another, object by object, with the rails' word on what
// would be deleted. One part of a plan; see fleet_plan.h. Pure but for the reader; any thread.
#pragma once

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/manifest/object.h"
#include "proto/plan.pb.h"

namespace muster {

// A manifest's bytes, or an object's canonical JSON, by digest.
using BlobReader = std::function<absl::StatusOr<std::string>(const Digest& digest)>;

// How much of a group a plan shows; the counts are whole.
inline constexpr int kPlanFieldsMax = 20;       // of one object
inline constexpr size_t kPlanValueBytes = 120;  // of one value

// What a cluster has one of, whatever the version of the API: group, kind, namespace, name.
using ObjectIdentity = std::tuple<std::string, std::string, std::string, std::string>;

struct ObjectChange {
  ObjectIdentity identity;
  v1::PlanObject object;
  std::string signature;  // equal changes have equal ones; holds values: never shown
};

struct BundleDiff {
  std::vector<ObjectChange> changes;  // by identity
  int managed = 0;                    // objects of the former bundle
};

// `current` may be empty: then everything is added. The reader's errors, and kDataLoss for a blob
// that is not what it should be.
absl::StatusOr<BundleDiff> DiffBundles(const Digest& current, const Digest& next,
                                       const BlobReader& read);

// Says of each deletion whether it would happen: `held` of the objects, WHAT_LEFT where nothing is
// deleted at all, and the rails that stop something. What moved to another package is no deletion
// any more.
std::vector<v1::PlanStop> ApplyRails(const v1::SyncPolicy& sync, BundleDiff& diff);

}  // namespace muster
