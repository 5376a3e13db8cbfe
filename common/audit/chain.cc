#include "common/audit/chain.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/utf8.h"
#include "common/manifest/value.h"

namespace muster {
namespace {

// A JSON string; longer ones are cut at a character, what is no text is escaped.
std::string Quoted(absl::string_view text) {
  if (FindInvalidUtf8(text) != absl::string_view::npos) return Quoted(absl::CHexEscape(text));
  if (text.size() > kAuditTextBytesMax) {
    size_t end = kAuditTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    return CanonicalJson(Value(absl::StrCat(text.substr(0, end), "…")));
  }
  return CanonicalJson(Value(text));
}

std::string TimeOf(int64_t time_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(time_ms),
                          absl::UTCTimeZone());
}

absl::StatusOr<int64_t> MillisOf(absl::string_view text) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("time '", text, "': ", error));
  }
  return absl::ToUnixMillis(time);
}

// With what line number `next` must begin.
std::string BeginningOf(uint64_t next, const Digest& previous) {
  return absl::StrCat("{\"number\":", next, ",\"previous\":\"", previous.hex(), "\",\"time\":\"");
}

absl::StatusOr<std::string> TextIn(const Value& document, absl::string_view key) {
  const Value* const found = document.Get(key);
  if (found == nullptr || !found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no text '", key, "'"));
  }
  return found->string();
}

absl::StatusOr<uint64_t> NumberIn(const Value& document, absl::string_view key) {
  const Value* const found = document.Get(key);
  uint64_t number = 0;
  if (found == nullptr || !absl::SimpleAtoi(CanonicalJson(*found), &number)) {
    return absl::InvalidArgumentError(absl::StrCat("there is no number '", key, "'"));
  }
  return number;
}

}  // namespace

AuditChain::AuditChain(absl::string_view hub_id)
    : head_{.number = 0, .digest = Digest::Of(absl::StrCat("muster audit log of hub ", hub_id))} {}

std::string AuditChain::Append(const AuditEntry& entry) {
  std::string line = BeginningOf(head_.number + 1, head_.digest);
  absl::StrAppend(&line, TimeOf(entry.time_ms), "\",\"actor\":", Quoted(entry.actor),
                  ",\"action\":", Quoted(entry.action), ",\"subject\":", Quoted(entry.subject),
                  ",\"result\":", Quoted(entry.result), ",\"message\":", Quoted(entry.message),
                  ",\"evidence\":\"", entry.evidence.empty() ? "" : entry.evidence.hex(), "\"}");
  head_ = {head_.number + 1, Digest::Of(line)};
  return line;
}

absl::Status AuditChain::Check(absl::string_view line) {
  const std::string beginning = BeginningOf(head_.number + 1, head_.digest);
  if (!absl::StartsWith(line, beginning)) {
    return absl::DataLossError(
        absl::StrCat("audit log: what stands after record ", head_.number,
                     " does not follow it: that record or this one was changed, or others between "
                     "them are gone"));
  }
  head_ = {head_.number + 1, Digest::Of(line)};
  return absl::OkStatus();
}

absl::StatusOr<AuditLine> ParseAuditLine(absl::string_view line) {
  ASSIGN_OR_RETURN(const Value document, ParseJson(line));
  AuditLine parsed;
  AuditEntry& entry = parsed.entry;
  ASSIGN_OR_RETURN(parsed.number, NumberIn(document, "number"));
  ASSIGN_OR_RETURN(const std::string time, TextIn(document, "time"));
  ASSIGN_OR_RETURN(entry.time_ms, MillisOf(time));
  ASSIGN_OR_RETURN(entry.actor, TextIn(document, "actor"));
  ASSIGN_OR_RETURN(entry.action, TextIn(document, "action"));
  ASSIGN_OR_RETURN(entry.subject, TextIn(document, "subject"));
  ASSIGN_OR_RETURN(entry.result, TextIn(document, "result"));
  ASSIGN_OR_RETURN(entry.message, TextIn(document, "message"));
  ASSIGN_OR_RETURN(const std::string evidence, TextIn(document, "evidence"));
  if (!evidence.empty()) {
    ASSIGN_OR_RETURN(entry.evidence, Digest::FromHex(evidence));
  }
  return parsed;
}

std::string AuditCheckpointText(const AuditCheckpoint& checkpoint) {
  return absl::StrCat("{\"hub\":", Quoted(checkpoint.hub_id),
                      ",\"number\":", checkpoint.head.number, ",\"head\":\"",
                      checkpoint.head.digest.hex(), "\",\"time\":\"", TimeOf(checkpoint.time_ms),
                      "\"}");
}

absl::StatusOr<AuditCheckpoint> ParseAuditCheckpoint(absl::string_view text) {
  ASSIGN_OR_RETURN(const Value document, ParseJson(text));
  AuditCheckpoint checkpoint;
  ASSIGN_OR_RETURN(checkpoint.hub_id, TextIn(document, "hub"));
  ASSIGN_OR_RETURN(checkpoint.head.number, NumberIn(document, "number"));
  ASSIGN_OR_RETURN(const std::string head, TextIn(document, "head"));
  ASSIGN_OR_RETURN(checkpoint.head.digest, Digest::FromHex(head));
  ASSIGN_OR_RETURN(const std::string time, TextIn(document, "time"));
  ASSIGN_OR_RETURN(checkpoint.time_ms, MillisOf(time));
  if (AuditCheckpointText(checkpoint) != text) {
    return absl::InvalidArgumentError("the checkpoint is not in the form that hubs sign");
  }
  return checkpoint;
}

}  // namespace muster
