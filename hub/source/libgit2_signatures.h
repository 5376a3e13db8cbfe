// Signatures of what a fetch found, through libgit2: the raw objects, checked by common/trust.
// One thread, as Libgit2Source.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "hub/source/libgit2.h"
#include "proto/child.pb.h"

namespace muster::hub::libgit2 {

// Adds what is known of the signatures of the head of `response` and of its commits, newest first,
// to `response`. `ref` is the object that the ref itself named: an annotated tag perhaps, then
// first in the list; `tag` is the tag's name, empty for other refs. kDataLoss for an object that
// cannot be read; what is wrong with a signature is no error.
absl::Status AddSignatures(git_repository* repository, const git_oid& ref, const std::string& tag,
                           const v1::VerifyPolicy& policy, v1::FetchResponse& response);

}  // namespace muster::hub::libgit2
