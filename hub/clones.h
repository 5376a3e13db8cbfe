// Clones: the directory of the Git clones, and whether what stands there can be believed.
//
// Clones are written without fsync, because they are a cache and a fetch should not wait for the
// disk. A killed process harms nothing; after a power cut a clone may be torn in ways that are
// found late, so all are thrown away and fetched again unless the hub had ended in order.
//
// Blocks on files. One thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster::hub {

// The kernel's name for the time since the machine started; "" where there is none.
std::string BootId();

// Makes `directory`, for its owner alone, or opens it: empties it unless the clones were written
// since the machine started, or CloseClones ended the last life. kUnavailable says what the disk
// did not allow.
absl::Status OpenClones(const std::string& directory, absl::string_view boot_id);

// Puts all on the disk and says so. Requires: nobody writes clones any more.
void CloseClones(const std::string& directory);

}  // namespace muster::hub
