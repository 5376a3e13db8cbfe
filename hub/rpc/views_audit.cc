#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/audit/chain.h"
#include "common/base/status_macros.h"
#include "hub/core/keys.h"
#include "hub/rpc/page.h"
#include "hub/rpc/views.h"
#include "proto/audit.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

constexpr int kLinesMax = 2'000;
constexpr size_t kLinesBytesMax = 1u << 20;  // an answer; gRPC takes four

// Nothing was written yet: the beginning, which has no number.
absl::StatusOr<AuditHead> ReadHead(const Store& store, const std::string& hub_id) {
  const absl::StatusOr<std::string> bytes = store.Get(keys::kAuditHead);
  if (absl::IsNotFound(bytes.status())) return AuditChain(hub_id).head();
  RETURN_IF_ERROR(bytes.status());
  pb::AuditHeadRecord record;
  if (!record.ParseFromString(*bytes)) {
    return absl::DataLossError("the record 'audit-head' is damaged");
  }
  AuditHead head{.number = record.number(), .digest = Digest()};
  ASSIGN_OR_RETURN(head.digest, Digest::FromBytes(record.digest()));
  return head;
}

// A line that cannot be read is shown as one, not left out.
pb::AuditView ViewOf(uint64_t number, absl::string_view line) {
  pb::AuditView view;
  view.set_number(number);
  view.set_digest(Digest::Of(line).bytes());
  const absl::StatusOr<AuditLine> parsed = ParseAuditLine(line);
  if (!parsed.ok()) {
    view.set_result("Damaged");
    view.set_message(absl::StrCat("this line cannot be read: ", parsed.status().message()));
    return view;
  }
  const AuditEntry& entry = parsed->entry;
  view.set_time_ms(entry.time_ms);
  view.set_actor(entry.actor);
  view.set_action(entry.action);
  view.set_subject(entry.subject);
  view.set_result(entry.result);
  view.set_message(entry.message);
  if (!entry.evidence.empty()) view.set_evidence(entry.evidence.bytes());
  return view;
}

}  // namespace

absl::StatusOr<pb::ListAuditResponse> ListAudit(const Reading& reading,
                                                const pb::ListRequest& request) {
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  ASSIGN_OR_RETURN(const AuditHead head, ReadHead(reading.store, reading.fleet.hub().hub_id));
  pb::ListAuditResponse response;
  response.set_total(static_cast<int32_t>(std::min<uint64_t>(head.number, INT32_MAX)));
  Range range;
  range.prefix = std::string(keys::kAuditLines);
  range.reverse = true;
  absl::Status status;
  RETURN_IF_ERROR(reading.store.Visit(range, [&](absl::string_view key, absl::string_view line) {
    const std::optional<absl::string_view> digits = keys::After(keys::kAuditLines, key);
    const std::optional<uint64_t> number = keys::ParseNumber(*digits);
    if (!number) {
      status = absl::DataLossError(absl::StrCat("record '", key, "' is damaged"));
      return false;
    }
    if (!page.after().empty() && key >= page.after()) return true;
    if (!page.Take(key)) return false;
    *response.add_entries() = ViewOf(*number, line);
    return true;
  }));
  RETURN_IF_ERROR(status);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::AuditLines> ReadAuditLines(const Reading& reading, uint64_t after, int limit) {
  if (limit < 0) return absl::InvalidArgumentError("audit lines: the limit is below zero");
  const int most = limit == 0 ? kLinesMax : std::min(limit, kLinesMax);
  pb::AuditLines lines;
  lines.set_hub_id(reading.fleet.hub().hub_id);
  ASSIGN_OR_RETURN(const AuditHead head, ReadHead(reading.store, lines.hub_id()));
  lines.set_number(head.number);
  lines.set_head(head.digest.bytes());
  // Lines that come meanwhile are not told: the answer speaks of the head above.
  size_t bytes = 0;
  for (uint64_t number = after + 1; number != 0 && number <= head.number; ++number) {
    if (lines.lines_size() == most || bytes > kLinesBytesMax) break;
    absl::StatusOr<std::string> line = reading.store.Get(keys::Audit(number));
    if (absl::IsNotFound(line.status())) {
      return absl::DataLossError(absl::StrCat("audit log: record ", number, " is gone"));
    }
    RETURN_IF_ERROR(line.status());
    bytes += line->size();
    lines.add_lines(*std::move(line));
  }
  return lines;
}

}  // namespace muster::hub
