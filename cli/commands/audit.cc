// muster audit: what was done, checked and kept as proof.
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/config.h"
#include "cli/fetch.h"
#include "cli/files.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/audit/export.h"
#include "common/base/status_macros.h"
#include "common/trust/certificate.h"

namespace muster::cli {
namespace {

constexpr size_t kRootBytesMax = 64u << 10;

// Of the file, or the one that this context trusts.
absl::StatusOr<std::string> RootDer(Session& session, const std::string& file) {
  std::string pem;
  if (!file.empty()) {
    ASSIGN_OR_RETURN(pem, ReadFile(file, kRootBytesMax));
  } else {
    ASSIGN_OR_RETURN(const Config config, LoadConfig(session.env()));
    ASSIGN_OR_RETURN(const ConfigContext context,
                     ChooseContext(config, session.env(), session.flags().context));
    ASSIGN_OR_RETURN(const HubAddress address, LoadCredentials(context, config.path));
    pem = address.ca_pem;
  }
  return CertificateFromPem(pem);
}

// Shows the whole log to `take`, line by line, as an export has it.
template <typename Take>
absl::Status FetchExport(HubClient& hub, Take take) {
  pb::AuditLinesRequest request;
  uint64_t end =
      0;  // of the first answer's checkpoint: what comes meanwhile is for the next export
  pb::AuditLines sealed;
  while (true) {
    ASSIGN_OR_RETURN(pb::AuditLines lines, hub.GetAuditLines(request));
    if (request.after() == 0) {
      if (lines.number() == 0) return absl::NotFoundError("the audit log is empty");
      end = lines.number();
      RETURN_IF_ERROR(take(AuditExportHeader(lines.hub_id())));
      sealed = lines;
      sealed.clear_lines();
    }
    if (lines.lines().empty()) {
      return absl::DataLossError(absl::StrCat("the hub has no record ", request.after() + 1));
    }
    for (const std::string& line : lines.lines()) {
      if (request.after() == end) break;
      RETURN_IF_ERROR(take(line));
      request.set_after(request.after() + 1);
    }
    if (request.after() == end) break;
  }
  ASSIGN_OR_RETURN(const std::string footer,
                   AuditExportFooter(sealed.checkpoint(), sealed.signer_der()));
  return take(footer);
}

absl::Status ReadExport(const std::string& path, AuditExportReader& reader) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, " cannot be read"));
  std::string line;
  while (std::getline(file, line)) RETURN_IF_ERROR(reader.Add(line));
  if (file.bad()) return absl::DataLossError(absl::StrCat(path, " cannot be read to its end"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> AuditLog(Session& session, const AuditLogOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::ListRequest request;
  request.set_limit(options.limit);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const auto fetched, Fetch<pb::AuditView>(*hub, std::move(request)));
  PrintList(session, fetched.items, fetched.next_page_token);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> AuditExport(Session& session) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  RETURN_IF_ERROR(Tried("export the audit log", FetchExport(*hub, [&](const std::string& line) {
                          session.Print(absl::StrCat(line, "\n"));
                          return absl::OkStatus();
                        })));
  session.TellNext("muster audit verify FILE --root root.pem");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> AuditVerify(Session& session, const AuditVerifyOptions& options) {
  const std::string attempt =
      absl::StrCat("verify ", options.file.empty() ? "the hub's audit log" : options.file);
  ASSIGN_OR_RETURN(std::string root, Tried(attempt, RootDer(session, options.root)));
  AuditExportReader reader(std::move(root));
  if (options.file.empty()) {
    ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
    RETURN_IF_ERROR(Tried(
        attempt, FetchExport(*hub, [&](const std::string& line) { return reader.Add(line); })));
  } else {
    RETURN_IF_ERROR(Tried(attempt, ReadExport(options.file, reader)));
  }
  ASSIGN_OR_RETURN(const AuditCheckpoint checkpoint, Tried(attempt, reader.Finish()));
  session.Print(absl::StrCat("ok: ", checkpoint.head.number, " records, none changed, up to ",
                             TimeText(checkpoint.time_ms), "; signed by hub ",
                             checkpoint.hub_id.substr(0, 12), ", head ",
                             checkpoint.head.digest.hex(), "\n"));
  return ExitCode::kOk;
}

}  // namespace muster::cli
