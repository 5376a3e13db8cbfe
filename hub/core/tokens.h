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
absl::Status RevokeTokenById(Turn& turn, const std::string& id, const std::string& actor);

}  // namespace muster::hub
