// muster validate: reads declarations as the hub does, or builds a kustomization or a chart, and
// says what is wrong.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/commands/render_directory.h"
#include "cli/files.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace muster::cli {
namespace {

std::string Place(const std::string& directory, const pb::ConfigError& error) {
  std::string place = directory == "." ? error.file() : absl::StrCat(directory, "/", error.file());
  if (error.line() > 0) absl::StrAppend(&place, ":", error.line());
  return place;
}

// "fleet/apps.yaml:7: spec.pth: unknown field", as compilers and editors have it.
void PrintErrors(Session& session, const std::string& directory, const pb::FleetConfig& config) {
  for (const pb::ConfigError& error : config.errors()) {
    session.Tell(absl::StrCat(SafeText(Place(directory, error)), ": ",
                              session.style().Paint(Tone::kBad, "error"), ": ",
                              SafeText(error.message())));
  }
}

absl::StatusOr<ExitCode> ValidateBuild(Session& session, const DirectoryBuild& build) {
  const absl::Status status = build.objects.status();
  if (IsDocument(session.format())) {
    Value::Map body;
    body.Set("valid", status.ok());
    body.Set("objects", static_cast<int64_t>(status.ok() ? build.objects->size() : 0));
    body.Set("errors",
             status.ok() ? Value::List{} : Value::List{Value::Map{{"message", status.message()}}});
    session.PrintDocument(Typed("ValidationResult", std::move(body)));
  } else if (status.ok()) {
    session.Print(absl::StrCat(session.style().Mark(Tone::kGood, "valid"), ": ",
                               Count(static_cast<int64_t>(build.objects->size()), "object"),
                               " from ", build.made_by, "\n"));
  } else {
    // From the root of the working tree, "apps/web/kustomization.yaml:3: ...".
    session.Tell(SafeText(status.message()));
  }
  return status.ok() ? ExitCode::kOk : ExitCode::kDiffers;
}

}  // namespace

absl::StatusOr<ExitCode> Validate(Session& session, const ValidateOptions& options) {
  const std::string attempt = absl::StrCat("validate ", options.directory);
  ASSIGN_OR_RETURN(const std::unique_ptr<HelmDoor> helm,
                   Tried(attempt, FindHelm(options.helm, session.env().Variable("PATH"))));
  const DirectoryOptions build_options{.helm = helm.get(),
                                       .kubernetes_version = options.helm.kubernetes_version};
  ASSIGN_OR_RETURN(const std::optional<DirectoryBuild> build,
                   Tried(attempt, BuildUnlessPlain(options.directory, build_options)));
  if (build.has_value()) return ValidateBuild(session, *build);
  ASSIGN_OR_RETURN(const FileTree files, Tried(attempt, ReadTree(options.directory, "")));
  const pb::FleetConfig config = ParseFleetConfig(files, {.path = ""});
  const bool good = config.errors().empty() && config.files() > 0;
  if (IsDocument(session.format())) {
    Value::Map body;
    body.Set("valid", good);
    body.Set("files", config.files());
    body.Set("errors", *Value(DocumentOf(config)).Get("errors"));
    session.PrintDocument(Typed("ValidationResult", std::move(body)));
    return good ? ExitCode::kOk : ExitCode::kDiffers;
  }
  if (config.files() == 0) {
    return ProblemStatus(
        absl::StatusCode::kNotFound,
        {.what = absl::StrCat("there is nothing to validate in ", options.directory),
         .why = "no *.yaml file stands below it; the hub would keep what it had",
         .hint = "muster validate DIR"});
  }
  PrintErrors(session, options.directory, config);
  const std::string counts = absl::StrCat(
      Count(config.repositories_size(), "Repository declaration"), ", ",
      Count(config.packages_size(), "Package declaration"), ", ",
      Count(config.clusters_size(), "Cluster declaration"), " in ", Count(config.files(), "file"));
  if (!good) {
    session.Tell(absl::StrCat(Count(config.errors_size(), "error"), "; without them: ", counts));
    return ExitCode::kDiffers;
  }
  session.Print(absl::StrCat(session.style().Mark(Tone::kGood, "valid"), ": ", counts, "\n"));
  return ExitCode::kOk;
}

}  // namespace muster::cli
