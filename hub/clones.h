// Clones: the directory of the Git clones, and whether what stands there can be believed.
//
// Clones are written without fsync, because they are a cache and a fetch should not wait for the
// disk. A killed process harms nothing; after a power cut a clone may be torn in ways that are
// found late, so all are thrown away and fetched again unless the hub had ended in order.
//
// A clone whose repository is no longer declared is removed.
//
// Blocks on files. One thread at a time each; clones may be listed and removed while they are used.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster::hub {

// The kernel's name for the time since the machine started; "" where there is none.
std::string BootId();

// Makes `directory`, for its owner alone, or opens it: empties it unless the clones were written
// since the machine started, or CloseClones ended the last life. kUnavailable says what the disk
// did not allow.
absl::Status OpenClones(const std::string& directory, absl::string_view boot_id);

// The repositories that have a clone, sorted. What cannot be read has none.
std::vector<std::string> ClonedRepositories(const std::string& directory);

// Removes the clone of `repository`, whole or not at all as far as anybody sees: it gets another
// name first. Returns whether it is gone.
bool RemoveClone(const std::string& directory, absl::string_view repository);

// Puts all on the disk and says so. Requires: nobody writes clones any more.
void CloseClones(const std::string& directory);

}  // namespace muster::hub
