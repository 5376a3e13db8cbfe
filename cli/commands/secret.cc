// muster secret: encrypts Secrets to clusters, here, in the form of SOPS. What is read in clear
// stays in memory and is never shown.
#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/fetch.h"
#include "cli/files.h"
#include "cli/output/table.h"
#include "cli/problem.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"
#include "common/secrets/sops.h"

namespace muster::cli {
namespace {

constexpr char kNoKey[] =
    "an agent says its key when it connects; start it, or update it if it is old";

bool NamesClusters(const ClusterChoice& choice) {
  return !choice.clusters.empty() || !choice.selector.empty() || choice.all;
}

// The clusters that are meant, each with its recipient; sorted by name.
absl::StatusOr<std::map<std::string, std::string>> FindRecipients(Session& session,
                                                                  const ClusterChoice& choice) {
  std::map<std::string, std::string> found;
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  for (const std::string& name : choice.clusters) {
    pb::ListRequest request;
    request.set_name(name);
    ASSIGN_OR_RETURN(const pb::ClusterView view, FetchOne<pb::ClusterView>(*hub, request));
    found[view.name()] = view.recipient();
  }
  if (!choice.selector.empty() || choice.all) {
    pb::ListRequest request;
    request.set_selector(choice.selector);
    ASSIGN_OR_RETURN(const Fetched<pb::ClusterView> views, Fetch<pb::ClusterView>(*hub, request));
    for (const pb::ClusterView& view : views.items) found[view.name()] = view.recipient();
  }
  return found;
}

// The keys to seal to, each once.
absl::StatusOr<std::vector<AgeRecipient>> RecipientsOf(Session& session,
                                                       const SealOptions& options) {
  std::vector<AgeRecipient> recipients;
  const auto add = [&](const std::string& text, absl::string_view whose) -> absl::Status {
    ASSIGN_OR_RETURN(AgeRecipient recipient,
                     Tried(absl::StrCat("seal to ", whose), AgeRecipient::Parse(text)));
    const bool known =
        std::find(recipients.begin(), recipients.end(), recipient) != recipients.end();
    if (!known) recipients.push_back(std::move(recipient));
    return absl::OkStatus();
  };
  if (NamesClusters(options.to)) {
    ASSIGN_OR_RETURN(const auto found, FindRecipients(session, options.to));
    for (const auto& [cluster, recipient] : found) {
      if (recipient.empty()) {
        return ProblemStatus(absl::StatusCode::kFailedPrecondition,
                             {.what = absl::StrCat("cannot seal to cluster/", cluster),
                              .where = "",
                              .why = "the hub knows no key of it",
                              .hint = kNoKey});
      }
      RETURN_IF_ERROR(add(recipient, absl::StrCat("cluster/", cluster)));
    }
  }
  for (const std::string& recipient : options.recipients) {
    RETURN_IF_ERROR(add(recipient, absl::StrCat("--recipient ", recipient)));
  }
  if (recipients.empty()) {
    return UsageProblem(
        NamesClusters(options.to) ? "no cluster has these labels" : "to whom is it to be sealed?",
        "--cluster NAME, -l env=prod, --all or --recipient age1...");
  }
  return recipients;
}

absl::StatusOr<std::string> ReadInput(Session& session, const std::string& file) {
  if (file != "-") {
    return Tried(absl::StrCat("read ", file), ReadFile(file, limits::kYamlFileBytesMax));
  }
  std::string text{std::istreambuf_iterator<char>(session.env().in), {}};
  if (text.empty()) return UsageProblem("nothing came on stdin", "muster secret seal FILE");
  return text;
}

absl::Status CheckSealable(const Document& document) {
  const Value& value = document.value;
  const std::string where = document.Where("");
  const absl::StatusOr<Object> object = MakeObject(value);
  if (!object.ok()) return Tried(absl::StrCat("seal ", where), object.status());
  const std::string name = absl::StrCat(where, ": ", object->key.kind, " '", object->key.name, "'");
  if (value.Get("sops") != nullptr) {
    return UsageProblem(absl::StrCat(name, " is sealed already"),
                        "sops edit FILE changes it, sops updatekeys seals it to others");
  }
  if (value.Get("data") == nullptr && value.Get("stringData") == nullptr) {
    return UsageProblem(absl::StrCat(name, " has neither data nor stringData to seal"), "");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> SecretSeal(Session& session, const SealOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<AgeRecipient> recipients, RecipientsOf(session, options));
  ASSIGN_OR_RETURN(const std::string text, ReadInput(session, options.file));
  const std::string file = options.file == "-" ? "stdin" : options.file;
  ASSIGN_OR_RETURN(const std::vector<Document> documents,
                   Tried(absl::StrCat("read ", file), ParseYaml(text, file)));
  if (documents.empty()) return UsageProblem(absl::StrCat(file, " holds no object"), "");
  std::string sealed;
  for (const Document& document : documents) {
    RETURN_IF_ERROR(CheckSealable(document));
    ASSIGN_OR_RETURN(const std::string one,
                     Tried(absl::StrCat("seal ", document.Where("")),
                           SealObject(document.value, recipients, session.now())));
    absl::StrAppend(&sealed, sealed.empty() ? "" : "---\n", one);
  }
  session.Print(sealed);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> SecretRecipients(Session& session, const ClusterChoice& choice) {
  ClusterChoice chosen = choice;
  if (!NamesClusters(choice)) chosen.all = true;
  ASSIGN_OR_RETURN(const auto found, FindRecipients(session, chosen));
  if (IsDocument(session.format())) {
    std::vector<Value> items;
    for (const auto& [cluster, recipient] : found) {
      items.push_back(Value::Map{{"cluster", cluster}, {"recipient", recipient}});
    }
    session.PrintDocument(ListDocument("Recipient", std::move(items), ""));
    return ExitCode::kOk;
  }
  Table table{.columns = {{"CLUSTER"}, {"RECIPIENT"}}, .rows = {}};
  for (const auto& [cluster, recipient] : found) {
    table.rows.push_back({cluster, recipient.empty() ? "-" : recipient});
  }
  const bool headers = !session.flags().no_headers;
  if (session.format() == Format::kCsv) {
    session.Print(CsvText(table, headers));
  } else {
    session.Print(TableText(table, {.headers = headers}, session.style()));
  }
  return ExitCode::kOk;
}

}  // namespace muster::cli
