// HelmProgram: the real Helm, one program file with a known digest, run in a sandbox.
//
// Each run sees one directory that holds the chart and the values and nothing else: no network, no
// home, no environment of ours, nothing that it may write; it has limits of memory, CPU, time and
// output (limits.h). The file is hashed before its first run and whenever it changed on disk, and
// what was hashed is what runs.
//
// Blocks. One thread, which must live as long as it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "common/render/helm/helm_door.h"

namespace muster {

class HelmProgram final : public HelmDoor {
 public:
  struct Options {
    std::string path;     // of the program; found by the first call
    std::string digest;   // that it must have, "sha256:..."; empty for any
    std::string scratch;  // a directory to work in; made if it is not there
    absl::Duration time_max = limits::kHelmTimeout;
    size_t output_bytes_max = limits::kHelmOutputBytesMax;
  };

  explicit HelmProgram(Options options);
  ~HelmProgram() override;

  absl::StatusOr<HelmIdentity> Identity() override;
  absl::StatusOr<HelmOutput> Template(const v1::HelmCall& call) override;

  // Whether the program is there and has its digest; kFailedPrecondition says what it has.
  absl::Status Check();

 private:
  struct File;

  absl::Status Open();
  absl::StatusOr<std::string> Run(std::vector<std::string> arguments, const std::string& directory);

  const Options options_;
  std::unique_ptr<File> file_;
  std::optional<HelmIdentity> identity_;
};

// The arguments of `helm template` for a call whose files lie in the directory that it starts in.
// Text from outside never becomes a flag.
std::vector<std::string> TemplateArguments(const v1::HelmCall& call);

// Whether a text can be "sha256:" and 64 hexadecimal digits.
bool IsProgramDigest(absl::string_view text);

}  // namespace muster
