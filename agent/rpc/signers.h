// Signers: which keys may sign desired states, from certificates that the hub tells. One counts
// when the pinned root issued it for that purpose and its time is not over. Any thread.
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/trust/envelope.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace muster::agent {

// A verifier for those of `signer_ders` that count; null when none does. Logs the others.
std::shared_ptr<const Verifier> VerifierOf(
    absl::string_view root_der, const google::protobuf::RepeatedPtrField<std::string>& signer_ders,
    absl::Time now);

}  // namespace muster::agent
