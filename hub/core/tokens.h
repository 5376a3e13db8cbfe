// Tokens: invitations to join, made and taken back by people. How one is redeemed: enrollment.h.
//
// The secret leaves in the answer and is never kept. Pure; the core's thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hub/core/state.h"

namespace muster::hub {

absl::StatusOr<v1::CreateTokenResponse> CreateToken(Turn& turn,
                                                    const v1::CreateTokenRequest& request,
                                                    const std::string& actor);
// Plans when each loaded token is forgotten. With the first turn.
void StartTokens(Turn& turn);

// Forgets a token that has been of no use for limits::kTokenRecordKept, unless an agent may still
// come with it for its answer.
void ForgetTokenIfDue(Turn& turn, const std::string& id);

absl::Status RevokeTokenById(Turn& turn, const std::string& id, const std::string& actor);

}  // namespace muster::hub
