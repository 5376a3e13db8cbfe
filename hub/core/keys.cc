#include "hub/core/keys.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::hub::keys {

std::string Repository(const RepositoryName& name) {
  return absl::StrCat(kRepositories, name.text());
}
std::string Package(const PackageName& name) { return absl::StrCat(kPackages, name.text()); }
std::string Rollout(const PackageName& package) { return absl::StrCat(kRollouts, package.text()); }
std::string RolloutPlan(absl::string_view name) { return absl::StrCat(kRolloutPlans, name); }
std::string Declaration(const ClusterName& name) {
  return absl::StrCat(kDeclarations, name.text());
}
std::string Cluster(const ClusterId& id) { return absl::StrCat(kClusters, id.text()); }
std::string Desired(const ClusterId& id) { return absl::StrCat(kDesired, id.text()); }
std::string Observed(const ClusterId& id) { return absl::StrCat(kObserved, id.text()); }
std::string Token(const TokenId& id) { return absl::StrCat(kTokens, id.text()); }
std::string Sources(const Digest& input) { return absl::StrCat(kSources, input.hex()); }
std::string Render(const Digest& input) { return absl::StrCat(kRenders, input.hex()); }
std::string Credential(absl::string_view name) { return absl::StrCat(kCredentials, name); }
std::string Blob(const Digest& content) { return absl::StrCat(kBlobs, content.hex()); }

std::string CommitsOf(const RepositoryName& repository) {
  return absl::StrCat(kCommits, repository.text(), "/");
}
std::string Commit(const RepositoryName& repository, uint64_t number) {
  return absl::StrCat(CommitsOf(repository), Number(number));
}
std::string Event(uint64_t number) { return absl::StrCat(kEvents, Number(number)); }
std::string Audit(uint64_t number) { return absl::StrCat(kAuditLines, Number(number)); }
std::string HistoryOf(const ClusterId& cluster) {
  return absl::StrCat(kHistory, cluster.text(), "/");
}
std::string History(const ClusterId& cluster, int64_t time_ms, const PackageName& package) {
  return absl::StrCat(HistoryOf(cluster), Number(static_cast<uint64_t>(time_ms)), "/",
                      package.text());
}

std::string ReceiptsOf(const ClusterId& cluster, uint64_t generation) {
  return absl::StrCat(kReceipts, cluster.text(), "/", Number(generation), "/");
}
std::string Receipt(const ClusterId& cluster, uint64_t generation, const Digest& payload) {
  return absl::StrCat(ReceiptsOf(cluster, generation), payload.hex());
}
std::string NewestReceipt(const ClusterId& cluster) {
  return absl::StrCat(kNewestReceipts, cluster.text());
}

std::optional<absl::string_view> After(absl::string_view prefix, absl::string_view key) {
  if (!absl::StartsWith(key, prefix)) return std::nullopt;
  return key.substr(prefix.size());
}

std::string Number(uint64_t number) {
  const std::string digits = absl::StrCat(number);
  return absl::StrCat(std::string(20 - digits.size(), '0'), digits);
}

std::optional<uint64_t> ParseNumber(absl::string_view digits) {
  uint64_t number = 0;
  if (digits.size() != 20) return std::nullopt;
  for (const char c : digits) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
  }
  if (!absl::SimpleAtoi(digits, &number)) return std::nullopt;
  return number;
}

}  // namespace muster::hub::keys
