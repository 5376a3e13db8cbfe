// RegistrySource: a GitSource that also fetches from registries of charts, as commits in a clone.
//
// Lives in the fetch child; blocks; one thread. What is no registry goes to the source that it was
// given, and so does all reading.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "hub/source/git_source.h"
#include "hub/source/https.h"

namespace muster::hub {

class RegistrySource final : public GitSource {
 public:
  struct Options {
    std::string directory;  // of the clones
    // How servers are talked to; given the authorities of a credential.
    std::function<std::unique_ptr<Https>(const std::string& authorities)> connect;
    std::function<int64_t()> now_s;
  };
  // `git` must outlive it.
  RegistrySource(GitSource& git, Options options) : git_(git), options_(std::move(options)) {}

  absl::StatusOr<v1::FetchResponse> Fetch(const v1::FetchRequest& request) override;
  absl::StatusOr<std::string> TreeId(const std::string& repository, const std::string& commit,
                                     const std::string& path) override;
  absl::StatusOr<FileTree> Read(const std::string& repository, const std::string& commit,
                                const std::string& path) override;

 private:
  GitSource& git_;
  const Options options_;
};

}  // namespace muster::hub
