// ParsedFiles: every file of a source read as YAML once, and shared.
//
// Reading is what a build spends most of its time on, twice over because two readers must agree
// (manifest/yaml.h); ten thousand overlays of one base read the base once. Hold it as long as its
// source. Pure; one thread at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

using Documents = std::vector<Document>;
using SharedDocuments = std::shared_ptr<const Documents>;

class ParsedFiles {
 public:
  explicit ParsedFiles(FileSource& source) : source_(source) {}

  FileSource& source() const { return source_; }

  // The documents of the file at `path`, which exists. Its errors name file and line.
  absl::StatusOr<SharedDocuments> Read(const std::string& path, const std::string& bytes);

  // The resources of the file, lists taken apart, each with its place. kInvalidArgument for a
  // document that is no object with kind and name.
  absl::StatusOr<std::vector<Resource>> Resources(const std::string& path,
                                                  const std::string& bytes);

 private:
  FileSource& source_;
  std::map<std::string, absl::StatusOr<SharedDocuments>> documents_;
  std::map<std::string, absl::StatusOr<std::vector<Resource>>> resources_;
};

// The resources of a text that stands inside another file (an inline patch or transformer). `place`
// is where it stands; `text` is read by both readers.
absl::StatusOr<std::vector<Resource>> ResourcesOfText(const std::string& text, const Place& place);

// The same for documents at hand. `bytes` is the text that they were read from.
absl::StatusOr<std::vector<Resource>> ResourcesOf(const SharedDocuments& documents,
                                                  const std::shared_ptr<const std::string>& file,
                                                  absl::string_view bytes);

}  // namespace muster::kustomize
