// What a token is asked for, from the flags of several commands. One thread.
#pragma once

#include "absl/status/statusor.h"
#include "cli/commands/commands.h"

namespace muster::cli {

// kInvalidArgument, naming the flag, for what makes no sense.
absl::StatusOr<pb::CreateTokenRequest> TokenRequestOf(const TokenOptions& options);

}  // namespace muster::cli
