// Records: how the larger things in memory become the bytes in the store, and back.
//
// A desired state's payload is made from shared parts and must come out as the very bytes that were
// signed; see PayloadOf. Pure; the core's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "hub/core/state.h"
#include "proto/fleet.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

std::shared_ptr<const PackageEntry> MakeEntry(const v1::DesiredPackage& package);

// Gives equal things one object while records are loaded: a thousand clusters share their entries.
class Interner {
 public:
  std::shared_ptr<const PackageEntry> Entry(const v1::DesiredPackage& package);
  std::shared_ptr<const AppliedBundle> Applied(const v1::AppliedRecord& record);

 private:
  std::map<Digest, std::shared_ptr<const PackageEntry>> entries_;
  std::map<std::pair<Digest, std::string>, std::shared_ptr<const AppliedBundle>> applied_;
};

// The DesiredState's bytes. The same `desired` gives the same bytes, and the bytes of each package
// stand in them as they were made first.
std::string PayloadOf(absl::string_view hub_id, const ClusterId& cluster, const Desired& desired);

// The digest of what matters of `desired`: mode, suspension and packages, in that order.
Digest ContentOf(const Desired& desired);

// kDataLoss when the record cannot be read, or would not come out as it went in.
absl::StatusOr<Desired> ReadDesired(absl::string_view hub_id, const ClusterId& cluster,
                                    const v1::DesiredRecord& record, Interner& interner);

// Takes over what a report says; `applied` of its packages stays empty.
void ReadState(const v1::ObservedState& state, Reported& reported);

absl::StatusOr<Reported> ReadReported(const v1::ObservedRecord& record, Interner& interner);

v1::ObservedRecord ReportedRecord(const Reported& reported, const v1::ObservedState& state);

}  // namespace muster::hub
