// Credentials: what opens a repository, sealed in the hub's store under a key that stands outside
// of it (common/trust/sealing.h). Write-only: nothing but a fetch ever sees one again.
//
// Pure; any thread. A record opens under its own name only, so two cannot be exchanged.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/child.pb.h"
#include "proto/operator_service.pb.h"
#include "proto/storage.pb.h"

namespace muster::hub {

// Requires: `sealing_key` is 32 bytes.
v1::CredentialRecord SealCredential(absl::string_view sealing_key,
                                    const v1::PutCredentialRequest& credential);

// The credential called `name`. kDataLoss when the record was altered, is another's, or was sealed
// under another key. Requires: `sealing_key` is 32 bytes.
absl::StatusOr<v1::GitCredential> UnsealCredential(absl::string_view sealing_key,
                                                   absl::string_view name,
                                                   const v1::CredentialRecord& record);

}  // namespace muster::hub
