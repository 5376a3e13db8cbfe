// ChartIndex: index.yaml of a Helm repository: which charts there are, in which versions.
//
// An index may be tens of megabytes long, most of it about other charts. It is cut at the charts'
// names, and only the part about the wanted chart is read, by the YAML reader with its limits.
// Pure; any thread. The text must outlive it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct IndexedChart {
  std::string version;
  std::string digest;             // of the archive, "sha256:..."; empty: the index names none
  std::vector<std::string> urls;  // absolute, or relative to the index
};

class ChartIndex {
 public:
  // kInvalidArgument for what is no index.
  static absl::StatusOr<ChartIndex> Parse(absl::string_view text);

  // The versions of a chart, in the order of the index. kNotFound, with the nearest names, when it
  // is not there; kInvalidArgument for entries that cannot be read, kResourceExhausted for a limit.
  absl::StatusOr<std::vector<IndexedChart>> Versions(absl::string_view chart) const;

  // In the order of the index.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::vector<absl::string_view> parts_;  // the text below each name; empty when all was read
  std::vector<std::vector<IndexedChart>> read_;  // likewise when it was not cut
};

// "has 'a', 'b', 'c' and 12 more": for messages about what is not among `names`, nearest first.
std::string NameSome(absl::string_view wanted, const std::vector<std::string>& names);

}  // namespace muster
