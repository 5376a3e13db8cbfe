// Archive: a packed chart (.tgz) becomes files, and nothing else.
//
// The bytes come from a stranger's server. Refused by name: paths that are absolute, lead upwards
// or are spelled strangely, links of every kind, devices, files beside the chart's directory, a
// name given twice, and whatever is larger than the limits, which are counted while it is unpacked:
// a few bytes that stand for gigabytes cost no more than the limit. Nothing is written anywhere.
// Pure; any thread.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/limits.h"
#include "common/render/file_tree.h"

namespace muster {

struct ArchiveLimits {
  size_t bytes_max = limits::kBytesPerPathMax;  // of the whole archive, unpacked
  size_t file_bytes_max = limits::kBlobBytesMax;
  size_t files_max = limits::kFilesPerPathMax;
};

// The chart's files, relative to its directory: "Chart.yaml", "templates/web.yaml".
// kInvalidArgument for what is no such archive or must not be in one, kResourceExhausted for a
// limit; the message names the file in the archive.
absl::StatusOr<FileTree> UnpackChart(absl::string_view archive, const ArchiveLimits& limits = {});

}  // namespace muster
