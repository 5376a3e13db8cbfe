// muster context and muster init: the hubs that this person knows.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/config.h"
#include "cli/files.h"
#include "cli/output/document.h"
#include "cli/output/table.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/trust/key_file.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

// A context without its key, for printing.
Value::Map ContextDocument(const ConfigContext& context, bool current) {
  Value::Map map;
  map.Set("name", context.name);
  map.Set("hub", context.hub);
  map.Set("caFile", context.ca_file);
  map.Set("certificateFile", context.certificate_file);
  map.Set("keyFile", context.key_file);
  map.Set("current", current);
  return map;
}

absl::StatusOr<ConfigContext> Chosen(Session& session, const Config& config) {
  return ChooseContext(config, session.env(), session.flags().context);
}

// Where `--data DIR` or `--data=DIR` points among the arguments for the hub.
std::string DataDirectory(const std::vector<std::string>& arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--data" && i + 1 < arguments.size()) return arguments[i + 1];
    if (absl::StartsWith(arguments[i], "--data=")) return arguments[i].substr(7);
  }
  return "";
}

std::string Absolute(const fs::path& folder, const std::string& file) {
  return file.empty() ? "" : fs::absolute(folder / file).lexically_normal().string();
}

// Takes over the contexts that `muster-hub init` wrote, and makes the first the current one.
absl::StatusOr<std::string> AdoptContexts(Session& session, const std::string& path) {
  absl::StatusOr<std::string> text = ReadKeyFile(path);
  if (!text.ok()) return WithWhere(Tried("read the new hub's context", text.status()), path);
  ASSIGN_OR_RETURN(const Config made, ParseConfig(*text, path));
  ASSIGN_OR_RETURN(Config config, LoadConfig(session.env()));
  if (made.contexts.empty()) {
    return ProblemStatus(absl::StatusCode::kInternal,
                         {.what = "the new hub left no context", .where = path});
  }
  const fs::path folder = fs::path(path).parent_path();
  std::string first;
  for (ConfigContext context : made.contexts) {
    context.ca_file = Absolute(folder, context.ca_file);
    context.certificate_file = Absolute(folder, context.certificate_file);
    context.key_file = Absolute(folder, context.key_file);
    // Another hub's context of this name is not lost: the new one gets a number.
    const std::string name = context.name;
    for (int i = 2; config.Find(context.name) != nullptr &&
                    config.Find(context.name)->key_file != context.key_file;
         ++i) {
      context.name = absl::StrCat(name, "-", i);
    }
    if (first.empty()) first = context.name;
    PutContext(config, std::move(context));
  }
  config.current = first;
  RETURN_IF_ERROR(SaveConfig(config));
  return first;
}

}  // namespace

absl::StatusOr<ExitCode> Init(Session& session, const InitOptions& options) {
  std::vector<std::string> arguments = {"init"};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  absl::StatusOr<int> code = session.env().run("muster-hub", arguments);
  if (!code.ok()) return Tried("make a hub", code.status());
  if (*code != 0) return ExitCode::kError;  // it said why, on the same stderr
  const std::string data = DataDirectory(options.arguments);
  const bool help = std::count(options.arguments.begin(), options.arguments.end(), "--help") > 0;
  if (data.empty() || help) return ExitCode::kOk;
  ASSIGN_OR_RETURN(const std::string name,
                   AdoptContexts(session, absl::StrCat(data, "/admin/config.yaml")));
  session.PrintDone(absl::StrCat("context/", name, " added to ", ConfigPath(session.env())),
                    absl::StrCat("muster-hub --data ", data));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ContextList(Session& session) {
  ASSIGN_OR_RETURN(const Config config, LoadConfig(session.env()));
  const absl::StatusOr<ConfigContext> chosen = Chosen(session, config);
  const std::string current = chosen.ok() ? chosen->name : "";
  if (IsDocument(session.format())) {
    std::vector<Value> items;
    for (const ConfigContext& context : config.contexts) {
      items.push_back(ContextDocument(context, context.name == current));
    }
    session.PrintDocument(ListDocument("Context", std::move(items), ""));
    return ExitCode::kOk;
  }
  if (config.contexts.empty()) {
    session.Tell("no contexts");
    session.TellNext("muster init --help");
    return ExitCode::kOk;
  }
  Table table{.columns = {{"CURRENT"}, {"NAME"}, {"HUB"}, {"CERTIFICATE", true}}};
  for (const ConfigContext& context : config.contexts) {
    if (session.format() == Format::kName) {
      session.Print(absl::StrCat("context/", SafeText(context.name), "\n"));
    }
    table.rows.push_back(
        {context.name == current ? "*" : "-", context.name, context.hub,
         context.certificate_file.empty() ? "<inline>" : context.certificate_file});
  }
  if (session.format() == Format::kName) return ExitCode::kOk;
  const bool headers = !session.flags().no_headers;
  session.Print(session.format() == Format::kCsv
                    ? CsvText(table, headers)
                    : TableText(table,
                                {.headers = headers, .wide = session.format() == Format::kWide},
                                session.style()));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ContextUse(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(Config config, LoadConfig(session.env()));
  ASSIGN_OR_RETURN(const ConfigContext context, ChooseContext(config, session.env(), name));
  config.current = context.name;
  RETURN_IF_ERROR(SaveConfig(config));
  session.PrintDone(
      absl::StrCat("context/", context.name, " is the current one: hub ", context.hub),
      "muster get clusters");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ContextShow(Session& session) {
  ASSIGN_OR_RETURN(const Config config, LoadConfig(session.env()));
  ASSIGN_OR_RETURN(const ConfigContext context, Chosen(session, config));
  if (IsDocument(session.format())) {
    session.PrintDocument(Typed("Context", ContextDocument(context, true)));
    return ExitCode::kOk;
  }
  session.Print(absl::StrCat(SafeText(context.name), "\n"));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ContextAdd(Session& session, const ContextAddOptions& options) {
  ASSIGN_OR_RETURN(Config config, LoadConfig(session.env()));
  const bool known = config.Find(options.name) != nullptr;
  ConfigContext context{.name = options.name,
                        .hub = options.hub,
                        .ca_file = Absolute("", options.ca_file),
                        .certificate_file = Absolute("", options.certificate_file),
                        .key_file = Absolute("", options.key_file)};
  // What cannot be used is refused now, not at the first command.
  RETURN_IF_ERROR(LoadCredentials(context, config.path).status());
  PutContext(config, std::move(context));
  if (config.current.empty()) config.current = options.name;
  RETURN_IF_ERROR(SaveConfig(config));
  session.PrintDone(absl::StrCat("context/", options.name, known ? " changed" : " added"),
                    absl::StrCat("muster context use ", options.name));
  return ExitCode::kOk;
}

}  // namespace muster::cli
