// Audit chain: what was done, as lines of JSON, each of which names the SHA-256 of the line before
// it. Whoever changes, drops, adds or moves a line changes every name after it; a signed checkpoint
// names one of them, so that an export is proved with nothing but the hub's root.
//
//   AuditChain chain(hub_id);
//   const std::string line = chain.Append(entry);      // durable before it is acknowledged
//
//   AuditChain read(hub_id);
//   RETURN_IF_ERROR(read.Check(line));                  // each, from the first one on
//   if (read.head() != checkpoint.head) ...
//
// A line begins with its number and its predecessor's name, so that a chain is checked without
// parsing it. The line's bytes are what is named: nobody makes them again from what was parsed.
// docs/audit.md has the format for those who check it with other tools. Pure; one thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"

namespace muster {

// One thing that was done, or refused.
struct AuditEntry {
  int64_t time_ms = 0;
  std::string actor;    // operator or cluster; "hub" for the hub itself
  std::string action;   // "CreateToken"
  std::string subject;  // "cluster/prod-1"
  std::string result;   // "Done", "Refused", "Noted"
  std::string message;
  Digest evidence;  // of what was signed, such as a receipt; empty: of nothing
};

// Longer texts are cut: what people may write is theirs, the log is not to be filled with it.
inline constexpr size_t kAuditTextBytesMax = 1'000;

// Where a chain stands.
struct AuditHead {
  uint64_t number = 0;  // of the last line; zero: there is none
  Digest digest;        // of the last line; of the beginning when there is none

  friend bool operator==(const AuditHead&, const AuditHead&) = default;
};

class AuditChain {
 public:
  // The beginning of the chain of that hub: chains of two hubs have nothing in common.
  explicit AuditChain(absl::string_view hub_id);
  // Goes on behind a line that was checked before.
  explicit AuditChain(AuditHead head) : head_(head) {}

  // The next line, without a line break.
  std::string Append(const AuditEntry& entry);

  // Whether `line` is the next one; then it is the head. kDataLoss, naming the number, when not.
  absl::Status Check(absl::string_view line);

  const AuditHead& head() const { return head_; }

 private:
  AuditHead head_;
};

// What a line says. kInvalidArgument for what is no line of a chain. Does not check the chain.
struct AuditLine {
  uint64_t number = 0;
  AuditEntry entry;
};
absl::StatusOr<AuditLine> ParseAuditLine(absl::string_view line);

// ---------------------------------------------------------------- checkpoints

// The hub's signed word that its chain stood at a head. The text that is signed:
// {"hub":"<id>","number":12,"head":"<digest>","time":"2026-..."}.
inline constexpr absl::string_view kAuditCheckpointType =
    "application/vnd.muster.audit-checkpoint.v1";

struct AuditCheckpoint {
  std::string hub_id;
  AuditHead head;
  int64_t time_ms = 0;
};

std::string AuditCheckpointText(const AuditCheckpoint& checkpoint);
// kInvalidArgument for anything but what the function above makes.
absl::StatusOr<AuditCheckpoint> ParseAuditCheckpoint(absl::string_view text);

}  // namespace muster
