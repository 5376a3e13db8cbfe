// BuildTexts: files given as texts, built and printed; for tests. One thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/render/kustomize/build.h"
#include "common/render/kustomize/output.h"

namespace muster::kustomize {

// What the kustomization in `directory` builds to, or "CODE: message".
inline std::string BuildTexts(const std::vector<std::pair<std::string, std::string>>& texts,
                              const std::string& directory) {
  FileTree files;
  for (const auto& [path, text] : texts) {
    if (const absl::Status added = files.Add(path, text); !added.ok()) return added.ToString();
  }
  FileTreeSource source(files);
  BuildCache cache(source);
  const auto built = BuildKustomization(cache, directory, {});
  return built.ok() ? WriteKustomizeYaml(*built) : built.status().ToString();
}

}  // namespace muster::kustomize
