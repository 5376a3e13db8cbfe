// How fast commits are verified, on one core. Prints JSON Lines.
//
//   bazel run -c opt //test/bench:signatures -- common/trust/testdata/signed
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/check.h"
#include "common/trust/allowed_signers.h"
#include "common/trust/commit_signature.h"
#include "test/bench/metric.h"

namespace muster {
namespace {

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good()) << path << " cannot be read";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void Measure(const std::string& directory) {
  constexpr int kRounds = 20'000;
  v1::VerifyPolicy policy;
  const auto signers = ParseAllowedSigners(Read(absl::StrCat(directory, "/allowed_signers")));
  CHECK_OK(signers);
  for (const v1::SshSigner& signer : *signers) *policy.add_ssh() = signer;
  for (const char* kind : {"ed25519", "ecdsa256", "rsa"}) {
    const std::string raw = Read(absl::StrCat(directory, "/", kind, ".commit"));
    const absl::Time start = absl::Now();
    for (int i = 0; i < kRounds; ++i) {
      const v1::CommitSignature found = CheckCommitSignature("c", raw, policy);
      CHECK(found.result() == v1::SIGNATURE_RESULT_GOOD);
    }
    bench::PrintMetric("signatures", "commits_per_second",
                       kRounds / absl::ToDoubleSeconds(absl::Now() - start), "1/s",
                       absl::StrCat("\"key\":\"", kind, "\""));
  }
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  CHECK(argc == 2) << "give the directory with the signed commits";
  muster::Measure(argv[1]);
}
