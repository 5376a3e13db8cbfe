// Tar archives (ustar, GNU, pax), as far as the case collections need them: files and directories.
// Pure; any thread.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::cases {

// The archive's files by name, without a leading "./"; directories are left out. Returns
// kInvalidArgument for what is no such archive, and for links.
absl::StatusOr<std::map<std::string, std::string>> ReadTar(absl::string_view archive);

}  // namespace muster::cases
