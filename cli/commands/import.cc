// muster import: declarations for what another tool does with a repository.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/commands/commands.h"
#include "cli/files.h"
#include "cli/import/import.h"
#include "cli/import/import_report.h"
#include "cli/import/planned_fleet.h"
#include "cli/output/document.h"
#include "cli/output/table.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kGitConfigBytesMax = 1 << 20;

// Where things stand on the disk.
struct Places {
  fs::path root;       // of the working tree
  std::string start;   // what to read, from there
  std::string output;  // where the result goes, from there
  std::string shown;   // likewise, as the user would type it
};

// The working tree that `path` belongs to: the nearest folder above with a .git, else itself.
fs::path RootOf(const fs::path& path) {
  std::error_code error;
  for (fs::path at = path; at.has_relative_path(); at = at.parent_path()) {
    if (fs::exists(at / ".git", error)) return at;
  }
  return path;
}

std::string Below(const fs::path& path, const fs::path& root) {
  const std::string relative = path.lexically_relative(root).generic_string();
  return relative == "." ? "" : relative;
}

absl::StatusOr<Places> FindPlaces(const ImportOptions& options) {
  std::error_code error;
  const fs::path start = fs::canonical(options.path, error);
  if (error || !fs::is_directory(start, error)) {
    return ProblemStatus(absl::StatusCode::kNotFound,
                         {.what = absl::StrCat("cannot import ", options.path),
                          .why = "it is not a directory",
                          .hint = absl::StrCat("muster import ", options.tool, " DIR")});
  }
  Places places;
  places.root = RootOf(start);
  places.start = Below(start, places.root);
  // Links are followed first: what is written stays inside of the tree.
  const fs::path output = fs::weakly_canonical(
      options.into.empty() ? places.root / "muster" : fs::path(options.into), error);
  places.output = Below(output, places.root);
  places.shown = options.into.empty()
                     ? (fs::path(options.path) / fs::relative(output, start, error))
                           .lexically_normal()
                           .generic_string()
                     : options.into;
  if (places.output.empty() || absl::StartsWith(places.output, "..")) {
    const std::string named = options.into.empty() ? "muster" : "--into " + options.into;
    return UsageProblem(
        absl::StrCat(named, " is not a folder inside of ", places.root.generic_string()),
        "what is made refers to the tree's files: --into muster");
  }
  if (!options.dry_run && fs::exists(output, error) && !fs::is_empty(output, error)) {
    return ProblemStatus(absl::StatusCode::kAlreadyExists,
                         {.what = absl::StrCat("cannot write into ", places.shown),
                          .why = "it holds something already, which an import never overwrites",
                          .hint = "remove it, or choose another with --into"});
  }
  return places;
}

// The URL of remote "origin" in a Git configuration; "" when there is none.
std::string OriginIn(const fs::path& root) {
  const absl::StatusOr<std::string> text =
      ReadFile((root / ".git" / "config").string(), kGitConfigBytesMax);
  if (!text.ok()) return "";
  bool in_origin = false;
  for (const absl::string_view raw : absl::StrSplit(*text, '\n')) {
    const absl::string_view line = absl::StripAsciiWhitespace(raw);
    if (absl::StartsWith(line, "[")) in_origin = line == "[remote \"origin\"]";
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (in_origin && absl::StripAsciiWhitespace(parts.first) == "url") {
      return std::string(absl::StripAsciiWhitespace(parts.second));
    }
  }
  return "";
}

// The branch that is checked out; "" when it cannot be told.
std::string BranchIn(const fs::path& root) {
  const absl::StatusOr<std::string> text =
      ReadFile((root / ".git" / "HEAD").string(), kGitConfigBytesMax);
  if (!text.ok()) return "";
  absl::string_view head = absl::StripAsciiWhitespace(*text);
  return absl::ConsumePrefix(&head, "ref: refs/heads/") ? std::string(head) : "";
}

absl::Status WriteFiles(const FileTree& files, const fs::path& directory) {
  for (const auto& [path, bytes] : files) {
    const fs::path place = directory / path;
    std::error_code error;
    fs::create_directories(place.parent_path(), error);
    std::ofstream file(place, std::ios::binary);
    file << bytes << std::flush;
    if (error || !file) {
      return absl::InvalidArgumentError(absl::StrCat("write ", place.string()));
    }
  }
  return absl::OkStatus();
}

void PrintReport(Session& session, const ImportReport& report, const Places& places) {
  if (IsDocument(session.format())) {
    Value::Map document = ReportDocument(report);
    document.Set("directory", places.shown);
    return session.PrintDocument(Typed("ImportReport", std::move(document)));
  }
  const bool headers = !session.flags().no_headers;
  if (session.format() == Format::kCsv) {
    return session.Print(CsvText(OutcomeTable(report), headers));
  }
  if (session.format() == Format::kName) {
    std::string out;
    for (const ImportItem& item : report.items) {
      for (const std::string& name : item.became) absl::StrAppend(&out, SafeText(name), "\n");
    }
    return session.Print(out);
  }
  const TableOptions options{.headers = headers};
  session.Print(TableText(OutcomeTable(report), options, session.style()));
  if (const std::string notes = NotesText(report, false); !notes.empty()) {
    session.Print(absl::StrCat("\nLeft out:\n", notes));
  }
  if (session.format() != Format::kWide) return;
  if (const std::string notes = NotesText(report, true); !notes.empty()) {
    session.Print(absl::StrCat("\nNot needed:\n", notes));
  }
}

void TellCounts(Session& session, const ImportResult& result, const Places& places, size_t files,
                bool dry_run) {
  const auto count = [](size_t number, absl::string_view noun) {
    return Count(static_cast<int64_t>(number), noun);
  };
  session.Tell(absl::StrCat(dry_run ? "would write " : "wrote ", count(files, "file"), " into ",
                            SafeText(places.shown), ": ",
                            count(result.fleet.repositories.size(), "Repository declaration"), ", ",
                            count(result.fleet.packages.size(), "Package declaration"), ", ",
                            count(result.fleet.clusters.size(), "Cluster declaration")));
  if (dry_run) return;
  session.TellNext(absl::StrCat("muster validate ", places.shown, "/fleet"));
}

}  // namespace

absl::StatusOr<ExitCode> Import(Session& session, const ImportOptions& options) {
  const std::string attempt = absl::StrCat("import ", options.tool, " from ", options.path);
  ASSIGN_OR_RETURN(const Places places, FindPlaces(options));
  ASSIGN_OR_RETURN(const FileTree tree, Tried(attempt, ReadTree(places.root.string(), "")));
  ImportRequest request{.files = tree,
                        .start = places.start,
                        .output = places.output,
                        .folder = places.root.filename().string(),
                        .url = options.url.empty() ? OriginIn(places.root) : options.url,
                        .branch = options.branch.empty() ? BranchIn(places.root) : options.branch,
                        .cluster = options.cluster,
                        .helm_releases = options.helm_releases};
  ASSIGN_OR_RETURN(const ImportResult result, Tried(attempt, ImportTool(options.tool, request)));
  ASSIGN_OR_RETURN(const FileTree files, Tried(attempt, WriteFleet(result.fleet, options.tool)));
  if (!options.dry_run) {
    RETURN_IF_ERROR(Tried(attempt, WriteFiles(files, places.root / places.output)));
  }
  PrintReport(session, result.report, places);
  TellCounts(session, result, places, files.size(), options.dry_run);
  return result.report.complete() ? ExitCode::kOk : ExitCode::kDiffers;
}

}  // namespace muster::cli
