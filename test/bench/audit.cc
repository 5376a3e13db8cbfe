// The audit log: how many records a second are chained and durable in group commit, beside the same
// group commits of bare records in the same run, and how many are verified. Prints JSON Lines.
//
//   bazel run -c opt //test/bench:audit -- DIRECTORY     (on the disk that is asked about; made
//   anew)
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/audit/chain.h"
#include "common/base/check.h"
#include "common/store/rocksdb_store.h"
#include "hub/core/keys.h"
#include "proto/audit.pb.h"
#include "test/bench/metric.h"

namespace muster {
namespace {

constexpr int kRecords = 400'000;
constexpr int kGroup = 1'000;  // records that one turn of a busy hub writes

AuditEntry Entry(int number) {
  return {.time_ms = 1'795'262'400'000 + number,
          .actor = absl::StrCat("cluster-", number % 5'000),
          .action = "Receipt",
          .subject = absl::StrCat("cluster/cluster-", number % 5'000),
          .result = "Noted",
          .message = absl::StrCat("applied generation ", number / 5'000),
          .evidence = Digest()};
}

std::unique_ptr<Store> Open(const std::string& directory) {
  RocksdbStoreOptions options;
  options.directory = directory;
  auto store = OpenRocksdbStore(std::move(options));
  CHECK_OK(store.status());
  return *std::move(store);
}

double PerSecond(absl::Time begun) { return kRecords / absl::ToDoubleSeconds(absl::Now() - begun); }

void Measure(const std::string& directory) {
  std::vector<std::string> lines;
  lines.reserve(kRecords);
  double chained = 0, bare = 0;
  {
    const auto store = Open(directory + "/chained");
    AuditChain chain("hub");
    const absl::Time begun = absl::Now();
    for (int number = 0; number < kRecords;) {
      Batch batch;
      for (int i = 0; i < kGroup; ++i, ++number) {
        lines.push_back(chain.Append(Entry(number)));
        batch.Put(hub::keys::Audit(chain.head().number), lines.back());
        v1::AuditHeadRecord head;
        head.set_number(chain.head().number);
        head.set_digest(chain.head().digest.bytes());
        batch.Put(hub::keys::kAuditHead, head.SerializeAsString());
      }
      CHECK_OK(store->Commit(batch));
    }
    chained = PerSecond(begun);
  }
  {
    const auto store = Open(directory + "/bare");
    const absl::Time begun = absl::Now();
    for (int number = 0; number < kRecords;) {
      Batch batch;
      for (int i = 0; i < kGroup; ++i, ++number) {
        batch.Put(hub::keys::Audit(number + 1), lines[number]);
      }
      CHECK_OK(store->Commit(batch));
    }
    bare = PerSecond(begun);
  }
  const absl::Time begun = absl::Now();
  AuditChain check("hub");
  for (const std::string& line : lines) CHECK_OK(check.Check(line));
  const double verified = PerSecond(begun);
  const std::string group = absl::StrCat("\"group\":", kGroup);
  bench::PrintMetric("audit", "durable_records_per_second", chained, "1/s", group);
  bench::PrintMetric("audit", "bare_records_per_second", bare, "1/s", group);
  bench::PrintMetric("audit", "share_of_bare", chained / bare, "", group);
  bench::PrintMetric("audit", "verified_records_per_second", verified, "1/s", "");
  bench::PrintMetric("audit", "bytes_per_record", static_cast<double>(lines[0].size()), "B", "");
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  CHECK(argc == 2) << "give a directory that is not there yet";
  muster::Measure(argv[1]);
}
