// DirectoryDriver: a folder as a cluster: one file an object. For k3s' auto-deploy folder, static
// pods and edge devices.
//
// Layout `tree`: <root>/<namespace>/<kind.group>/<name>.yaml, with `_cluster` for objects without a
// namespace; `flat`: <root>/<namespace>_<kind.group>_<name>.yaml, for readers that do not look into
// folders, as kubelet's static pods. Kind and group in lower case; what is no plain file name is
// escaped as %XX, so that no name leads out of the root; symbolic links are never followed.
//
// A file of ours begins with a comment that carries its uid: random, made when the object is, kept
// over changes, in place or by replacement, that keep the line. A file without it is somebody
// else's: its uid is made of its content, so that it is only ever removed as it was seen. Files are
// replaced as a whole (written beside, synced, renamed). What somebody edited is read back to
// canonical JSON, so that only a change of content is drift; what cannot be read is drift too.
//
// An idle List costs one fstatat an object. Calls: one at a time, any thread. The watch has a
// thread of its own (inotify), forgives bursts, and does not report what the driver did itself.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "agent/cluster/cluster_driver.h"
#include "common/base/random.h"

namespace muster::agent {

enum class DirectoryLayout { kTree, kFlat };

struct DirectoryOptions {
  std::string root;  // made, with mode 0755, when its parent exists
  DirectoryLayout layout = DirectoryLayout::kTree;
};

// Opens the folder and locks it against a second agent. kFailedPrecondition when another one has
// it; other errors name the folder. `random` makes uids and must outlive the driver; it is used
// within calls only.
absl::StatusOr<std::unique_ptr<ClusterDriver>> OpenDirectoryDriver(DirectoryOptions options,
                                                                   Random& random);

// Where the object's file is, relative to the root. kInvalidArgument when a part would be too long
// for a file name.
absl::StatusOr<std::string> DirectoryPath(const ObjectKey& key, DirectoryLayout layout);

}  // namespace muster::agent
