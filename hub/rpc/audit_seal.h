// AuditSeal: the hub's signed word for where its audit log stands. Any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/trust/envelope.h"
#include "proto/audit.pb.h"

namespace muster::hub {

struct AuditSeal {
  const Signer* signer = nullptr;  // outlives this
  std::string signer_der;          // its certificate

  // Adds the checkpoint for the head that `lines` names; nothing while there is no line.
  absl::Status Add(absl::Time now, v1::AuditLines& lines) const;
};

}  // namespace muster::hub
