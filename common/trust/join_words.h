// JoinWords: six words that hub and agent show for one enrolment, so that a person who accepts a
// cluster can compare what both say.
//
// 48 bits of a digest over the agent's key, the cluster's uid and the hub: enough against a key
// that somebody would have to find while the enrolment waits. Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/digest.h"

namespace muster {

// "amber-river-...": `spki` is of the key in the CSR, `hub_id` the fingerprint of the root.
std::string JoinWords(const Digest& spki, absl::string_view cluster_uid, absl::string_view hub_id);

}  // namespace muster
