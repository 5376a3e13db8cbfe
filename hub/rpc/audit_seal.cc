#include "hub/rpc/audit_seal.h"

#include "common/audit/chain.h"
#include "common/base/status_macros.h"

namespace muster::hub {

absl::Status AuditSeal::Add(absl::Time now, v1::AuditLines& lines) const {
  if (lines.number() == 0) return absl::OkStatus();
  AuditCheckpoint checkpoint{.hub_id = lines.hub_id(),
                             .head = {.number = lines.number(), .digest = Digest()},
                             .time_ms = absl::ToUnixMillis(now)};
  ASSIGN_OR_RETURN(checkpoint.head.digest, Digest::FromBytes(lines.head()));
  ASSIGN_OR_RETURN(*lines.mutable_checkpoint(),
                   signer->Sign(kAuditCheckpointType, AuditCheckpointText(checkpoint)));
  lines.set_signer_der(signer_der);
  return absl::OkStatus();
}

}  // namespace muster::hub
