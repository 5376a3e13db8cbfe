// CommitSignature: what is to be said of the signature of one commit or annotated tag, given the
// keys that count. Default deny: whatever is not found good has another result, with the reason.
//
// Needs no network, file or program. Any thread.
#pragma once

#include "absl/strings/string_view.h"
#include "common/trust/signed_object.h"
#include "proto/signing.pb.h"

namespace muster {

// Of the commit `id`, whose bytes are `raw`. Its authors are not compared with the policy's: that
// is for whoever decides.
v1::CommitSignature CheckCommitSignature(absl::string_view id, absl::string_view raw,
                                         const v1::VerifyPolicy& policy);

// Of an annotated tag that `ref_name` ("v1.2") points at: its signature vouches for the commit that
// it names, and under no other name. Result unspecified when the tag bears no signature at all, so
// that the commit's own decides.
v1::CommitSignature CheckTagSignature(absl::string_view ref_name, absl::string_view raw,
                                      const v1::VerifyPolicy& policy);

}  // namespace muster
