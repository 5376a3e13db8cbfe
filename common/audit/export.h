// Audit export: an audit log as a file that proves itself: lines of the chain, and one checkpoint
// that the hub has signed with a key that its root has certified.
//
//   {"kind":"MusterAuditLog","hub":"<id>","format":1}
//   {"number":1,"previous":...}                            // every line, from the first one on
//   {"checkpoint":"<base64>","signature":"<base64>","signer":"<base64 of its certificate>"}
//
// Pure but for cryptography; one thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/audit/chain.h"
#include "proto/trust.pb.h"

namespace muster {

std::string AuditExportHeader(absl::string_view hub_id);
// kInvalidArgument for an envelope that is not signed once.
absl::StatusOr<std::string> AuditExportFooter(const v1::Envelope& checkpoint,
                                              absl::string_view signer_der);

// Opens a checkpoint: signed by a key that `root_der` has certified, at the time that it names.
// kPermissionDenied when not.
absl::StatusOr<AuditCheckpoint> OpenAuditCheckpoint(const v1::Envelope& envelope,
                                                    absl::string_view signer_der,
                                                    absl::string_view root_der);

// Reads an export line by line.
class AuditExportReader {
 public:
  explicit AuditExportReader(std::string root_der) : root_der_(std::move(root_der)) {}

  // kDataLoss for a line that does not follow, kPermissionDenied for a checkpoint that nobody of
  // this root has signed, kInvalidArgument for what is no export. Says at which line of the file.
  absl::Status Add(absl::string_view line);

  // Whether it was whole: it ended with a checkpoint for its last line.
  absl::StatusOr<AuditCheckpoint> Finish() const;

 private:
  absl::Status AddHeader(absl::string_view line);
  absl::Status AddFooter(absl::string_view line);
  absl::Status Take(absl::string_view line);

  const std::string root_der_;
  uint64_t line_ = 0;
  std::string hub_id_;
  AuditChain chain_{AuditHead{}};
  bool sealed_ = false;
  AuditCheckpoint checkpoint_;
};

}  // namespace muster
