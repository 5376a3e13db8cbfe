// muster history: what a cluster ran, newest first.
#include <string>

#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/fetch.h"
#include "common/base/status_macros.h"

namespace muster::cli {

absl::StatusOr<ExitCode> History(Session& session, const HistoryOptions& options) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::ListRequest request;
  request.set_cluster(std::string(absl::StripPrefix(options.cluster, "cluster/")));
  request.set_package(options.package);
  request.set_limit(options.limit);
  request.set_page_token(options.page_token);
  ASSIGN_OR_RETURN(const Fetched<pb::HistoryView> found, Fetch<pb::HistoryView>(*hub, request));
  PrintList(session, found.items, found.next_page_token);
  return ExitCode::kOk;
}

}  // namespace muster::cli
