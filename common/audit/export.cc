#include "common/audit/export.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/value.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"

namespace muster {
namespace {

absl::StatusOr<std::string> Base64In(const Value& document, absl::string_view key) {
  const Value* const found = document.Get(key);
  std::string bytes;
  if (found == nullptr || !found->is_string() || !absl::Base64Unescape(found->string(), &bytes)) {
    return absl::InvalidArgumentError(absl::StrCat("its end has no '", key, "'"));
  }
  return bytes;
}

}  // namespace

std::string AuditExportHeader(absl::string_view hub_id) {
  return absl::StrCat("{\"kind\":\"MusterAuditLog\",\"hub\":", CanonicalJson(Value(hub_id)),
                      ",\"format\":1}");
}

absl::StatusOr<std::string> AuditExportFooter(const v1::Envelope& checkpoint,
                                              absl::string_view signer_der) {
  if (checkpoint.signatures_size() != 1) {
    return absl::InvalidArgumentError("the checkpoint is not signed by one key");
  }
  return absl::StrCat("{\"checkpoint\":\"", absl::Base64Escape(checkpoint.payload()),
                      "\",\"signature\":\"",
                      absl::Base64Escape(checkpoint.signatures(0).signature()), "\",\"signer\":\"",
                      absl::Base64Escape(signer_der), "\"}");
}

absl::StatusOr<AuditCheckpoint> OpenAuditCheckpoint(const v1::Envelope& envelope,
                                                    absl::string_view signer_der,
                                                    absl::string_view root_der) {
  // What it says of itself decides at what time its signer must have been valid; nothing of it is
  // believed before the signature is.
  ASSIGN_OR_RETURN(const AuditCheckpoint claimed, ParseAuditCheckpoint(envelope.payload()));
  ASSIGN_OR_RETURN(const Ed25519PublicKey key,
                   SignerKey(root_der, signer_der, absl::FromUnixMillis(claimed.time_ms)));
  v1::Envelope known = envelope;  // an export does not say the key's name; the certificate does
  for (v1::Signature& signature : *known.mutable_signatures()) signature.set_key_id(key.KeyId());
  RETURN_IF_ERROR(Ed25519Verifier({key}, 1).Open(known, kAuditCheckpointType).status());
  return claimed;
}

absl::Status AuditExportReader::Add(absl::string_view line) {
  ++line_;
  const absl::Status taken = Take(line);
  if (taken.ok()) return taken;
  return absl::Status(taken.code(), absl::StrCat("line ", line_, ": ", taken.message()));
}

absl::Status AuditExportReader::Take(absl::string_view line) {
  if (line_ == 1) return AddHeader(line);
  if (sealed_) return absl::InvalidArgumentError("nothing stands behind an export's checkpoint");
  if (absl::StartsWith(line, "{\"checkpoint\":")) return AddFooter(line);
  return chain_.Check(line);
}

absl::Status AuditExportReader::AddHeader(absl::string_view line) {
  const absl::StatusOr<Value> document = ParseJson(line);
  const Value* const hub = document.ok() ? document->Get("hub") : nullptr;
  if (hub == nullptr || !hub->is_string() || AuditExportHeader(hub->string()) != line) {
    return absl::InvalidArgumentError(
        "this is no export of an audit log, or of a format that this version does not know");
  }
  hub_id_ = hub->string();
  chain_ = AuditChain(hub_id_);
  return absl::OkStatus();
}

absl::Status AuditExportReader::AddFooter(absl::string_view line) {
  ASSIGN_OR_RETURN(const Value document, ParseJson(line));
  v1::Envelope envelope;
  envelope.set_payload_type(std::string(kAuditCheckpointType));
  ASSIGN_OR_RETURN(*envelope.mutable_payload(), Base64In(document, "checkpoint"));
  ASSIGN_OR_RETURN(*envelope.add_signatures()->mutable_signature(),
                   Base64In(document, "signature"));
  ASSIGN_OR_RETURN(const std::string signer, Base64In(document, "signer"));
  ASSIGN_OR_RETURN(checkpoint_, OpenAuditCheckpoint(envelope, signer, root_der_));
  if (checkpoint_.hub_id != hub_id_) {
    return absl::PermissionDeniedError("the checkpoint is another hub's");
  }
  if (checkpoint_.head != chain_.head()) {
    return absl::DataLossError(
        absl::StrCat("the hub has signed that its log ends with record ", checkpoint_.head.number,
                     " under another name than these ", chain_.head().number, " records give"));
  }
  sealed_ = true;
  return absl::OkStatus();
}

absl::StatusOr<AuditCheckpoint> AuditExportReader::Finish() const {
  if (!sealed_) {
    return absl::DataLossError(
        absl::StrCat("the export ends after line ", line_, " without a checkpoint: it was cut"));
  }
  return checkpoint_;
}

}  // namespace muster
