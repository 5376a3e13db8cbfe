#include "common/config/config.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/suggest.h"
#include "common/config/declarations.h"
#include "common/config/findings.h"
#include "common/config/references.h"
#include "common/config/rollout_plans.h"
#include "common/config/schema.h"
#include "common/config/signers.h"
#include "common/config/structure.h"
#include "common/manifest/yaml.h"
#include "common/render/ignore.h"

namespace muster {
namespace {

constexpr absl::string_view kIgnoreFile = ".musterignore";

bool IsHidden(absl::string_view path) {
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (absl::StartsWith(part, ".")) return true;
  }
  return false;
}

// The paths of the files that hold declarations.
std::vector<std::string> FindFiles(const FileTree& files, const std::string& root) {
  const auto is_yaml = [](absl::string_view path) {
    return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml");
  };
  if (files.Find(root) != nullptr) return {root};
  const std::string* ignore =
      files.Find(root.empty() ? std::string(kIgnoreFile) : absl::StrCat(root, "/", kIgnoreFile));
  const IgnorePatterns ignored(ignore == nullptr ? "" : *ignore);
  const size_t skip = root.empty() ? 0 : root.size() + 1;
  std::vector<std::string> found;
  for (const auto& [path, bytes] : files.Below(root)) {
    const absl::string_view relative = absl::string_view(path).substr(skip);
    if (is_yaml(path) && !IsHidden(relative) && !ignored.Ignores(relative)) found.push_back(path);
  }
  return found;
}

// "fleet/web.yaml:7:3: tab used" says its place by itself; ours has it apart.
v1::ConfigError FromParser(const std::string& file, const absl::Status& status) {
  v1::ConfigError error;
  error.set_file(file);
  absl::string_view message = status.message();
  if (absl::ConsumePrefix(&message, absl::StrCat(file, ":"))) {
    const std::vector<absl::string_view> parts = absl::StrSplit(message, absl::MaxSplits(':', 2));
    int line = 0;
    if (parts.size() == 3 && absl::SimpleAtoi(parts[0], &line)) {
      error.set_line(line);
      message = parts[2];
    }
  }
  error.set_message(std::string(absl::StripAsciiWhitespace(message)));
  return error;
}

// The kind of the document, when it is one that can be read; else adds why not.
const KindSpec* KindOf(Findings& findings) {
  const Value& value = findings.document().value;
  if (!value.is_map()) {
    findings.Add("", absl::StrCat("is no declaration but a ", KindName(value.kind())));
    return nullptr;
  }
  const Value* api_version = value.Get("apiVersion");
  if (api_version == nullptr || !(*api_version == Value(kApiVersion))) {
    findings.Add("/apiVersion", absl::StrCat("must be ", kApiVersion,
                                             "; other manifests stand outside of the "
                                             "fleet's path, or are named in its ",
                                             kIgnoreFile));
    return nullptr;
  }
  const Value* kind = value.Get("kind");
  if (kind == nullptr || !kind->is_string()) {
    findings.Add("/kind", "is missing: Cluster, Package, Repository, RolloutPlan or Signers");
    return nullptr;
  }
  const KindSpec* spec = FindKind(kind->string());
  if (spec == nullptr) {
    std::vector<absl::string_view> kinds;
    for (const KindSpec& one : Kinds()) kinds.push_back(one.kind);
    findings.Add("/kind", absl::StrCat("'", kind->string(), "' is unknown",
                                       DidYouMean(kind->string(), kinds)));
  } else if (!spec->built) {
    findings.Add("/kind", absl::StrCat("'", spec->kind, "' is not built yet in this version"));
    return nullptr;
  }
  return spec;
}

class Parser {
 public:
  explicit Parser(References& references) : references_(references) {}

  void File(const std::string& path, absl::string_view text) {
    absl::StatusOr<std::vector<Document>> documents = ParseYaml(text, path);
    if (!documents.ok()) {
      *config_.add_errors() = FromParser(path, documents.status());
      return;
    }
    for (const Document& document : *documents) {
      Findings findings(document);
      if (const KindSpec* kind = KindOf(findings); kind != nullptr) Read(*kind, findings);
      for (const v1::ConfigError& error : findings.errors()) *config_.add_errors() = error;
    }
  }

  v1::FleetConfig& config() { return config_; }

 private:
  void Read(const KindSpec& kind, Findings& findings) {
    references_.Declare(kind.kind, findings);
    CheckStructure(*kind.document, findings);
    if (!findings.empty()) return;
    if (kind.kind == "Repository") {
      v1::Repository repository = ReadRepository(findings);
      references_.Declare(repository);
      references_.Refer(repository, findings);
      *config_.add_repositories() = std::move(repository);
    } else if (kind.kind == "Signers") {
      *config_.add_signers() = ReadSigners(findings);
    } else if (kind.kind == "RolloutPlan") {
      *config_.add_rollout_plans() = ReadRolloutPlan(findings);
    } else if (kind.kind == "Cluster") {
      *config_.add_clusters() = ReadCluster(findings);
    } else {
      v1::Package package = ReadPackage(findings);
      references_.Refer(package, findings);
      *config_.add_packages() = std::move(package);
    }
  }

  References& references_;
  v1::FleetConfig config_;
};

// Takes out what files with errors declare, and sorts the rest by name.
template <typename Declarations>
void Settle(const std::set<std::string>& broken, Declarations* declarations) {
  declarations->erase(std::remove_if(declarations->begin(), declarations->end(),
                                     [&broken](const auto& declaration) {
                                       return broken.count(declaration.origin().file()) > 0;
                                     }),
                      declarations->end());
  std::sort(declarations->begin(), declarations->end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
}

}  // namespace

v1::FleetConfig ParseFleetConfig(const FileTree& files, const FleetConfigOptions& options) {
  References references;
  Parser parser(references);
  const std::vector<std::string> paths = FindFiles(files, options.path);
  for (const std::string& path : paths) parser.File(path, *files.Find(path));

  v1::FleetConfig& config = parser.config();
  config.set_files(static_cast<int>(paths.size()));
  for (v1::ConfigError& error : references.Check()) *config.add_errors() = std::move(error);
  ResolveSigners(config);
  std::sort(config.mutable_errors()->begin(), config.mutable_errors()->end(),
            [](const v1::ConfigError& a, const v1::ConfigError& b) {
              return std::forward_as_tuple(a.file(), a.line(), a.message()) <
                     std::forward_as_tuple(b.file(), b.line(), b.message());
            });
  std::set<std::string> broken;
  for (const v1::ConfigError& error : config.errors()) broken.insert(error.file());
  Settle(broken, config.mutable_repositories());
  Settle(broken, config.mutable_packages());
  Settle(broken, config.mutable_clusters());
  Settle(broken, config.mutable_signers());
  Settle(broken, config.mutable_rollout_plans());
  return std::move(config);
}

}  // namespace muster
