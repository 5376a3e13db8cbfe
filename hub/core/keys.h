// Keys of the hub's records in the store; which message stands under each is said in storage.proto.
//
// Numbers are written with 20 digits, so that the order of keys is the order of numbers. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/base/ids.h"

namespace muster::hub::keys {

inline constexpr absl::string_view kMeta = "meta";
inline constexpr absl::string_view kRepositories = "repository/";
inline constexpr absl::string_view kPackages = "package/";
inline constexpr absl::string_view kRollouts = "rollout/";
inline constexpr absl::string_view kRolloutPlans = "rollout-plan/";
inline constexpr absl::string_view kDeclarations = "declaration/";
inline constexpr absl::string_view kClusters = "cluster/";
inline constexpr absl::string_view kDesired = "desired/";
inline constexpr absl::string_view kObserved = "observed/";
inline constexpr absl::string_view kTokens = "token/";
inline constexpr absl::string_view kRenders = "render/";
inline constexpr absl::string_view kSources = "sources/";
inline constexpr absl::string_view kCommits = "commit/";
inline constexpr absl::string_view kEvents = "event/";
inline constexpr absl::string_view kHistory = "history/";
inline constexpr absl::string_view kReceipts = "receipt/";
inline constexpr absl::string_view kNewestReceipts = "newest-receipt/";
inline constexpr absl::string_view kCredentials = "credential/";
inline constexpr absl::string_view kBlobs = "blob/";
inline constexpr absl::string_view kAuditLines = "audit/";  // lines of common/audit/chain.h
inline constexpr absl::string_view kAuditHead = "audit-head";

// The name of the fleet repository among the repositories.
inline constexpr absl::string_view kFleetRepository = ".fleet";

std::string Repository(const RepositoryName& name);
std::string Package(const PackageName& name);
std::string Rollout(const PackageName& package);
std::string RolloutPlan(absl::string_view name);
std::string Declaration(const ClusterName& name);
std::string Cluster(const ClusterId& id);
std::string Desired(const ClusterId& id);
std::string Observed(const ClusterId& id);
std::string Token(const TokenId& id);
std::string Render(const Digest& input);
std::string Sources(const Digest& input);
std::string Credential(absl::string_view name);
std::string Blob(const Digest& content);

// "commit/<repository>/", all of one repository; then one of them.
std::string CommitsOf(const RepositoryName& repository);
std::string Commit(const RepositoryName& repository, uint64_t number);
std::string Event(uint64_t number);
std::string Audit(uint64_t number);
// "history/<cluster>/", all of one cluster; then one entry.
std::string HistoryOf(const ClusterId& cluster);
std::string History(const ClusterId& cluster, int64_t time_ms, const PackageName& package);

// "receipt/<cluster>/<generation>/", one as a rule; then that of one payload.
std::string ReceiptsOf(const ClusterId& cluster, uint64_t generation);
std::string Receipt(const ClusterId& cluster, uint64_t generation, const Digest& payload);
std::string NewestReceipt(const ClusterId& cluster);

// What stands after `prefix`; nullopt when `key` does not start with it.
std::optional<absl::string_view> After(absl::string_view prefix, absl::string_view key);

// A number as keys hold it: exactly 20 digits.
std::string Number(uint64_t number);
std::optional<uint64_t> ParseNumber(absl::string_view digits);

}  // namespace muster::hub::keys
