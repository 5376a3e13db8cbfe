#include "cli/import/fleet_bundles.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config/repository_url.h"
#include "common/render/ignore.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kGroup = "fleet.cattle.io";
constexpr absl::string_view kOptionsFile = "fleet.yaml";
constexpr absl::string_view kIgnoreFile = ".fleetignore";
constexpr absl::string_view kOverlays = "overlays/";

PlannedRepository ReadRepository(const Value& git_repo, ImportItem& item) {
  PlannedRepository repository;
  repository.url = TextAt(git_repo, "/spec/repo");
  repository.name = BaseNameOf(RepositoryKey(repository.url));
  const std::string branch = TextAt(git_repo, "/spec/branch");
  const std::string revision = TextAt(git_repo, "/spec/revision");
  repository.ref = branch.empty() ? "master" : branch;  // Fleet's own default
  if (!revision.empty()) {
    repository.ref_kind = IsCommitId(revision) ? "commit" : "tag";
    repository.ref = revision;
  }
  absl::Duration interval;
  const std::string polling = TextAt(git_repo, "/spec/pollingInterval");
  if (absl::ParseDuration(polling, &interval) && interval >= absl::Seconds(1)) {
    repository.interval = polling;
  }
  const std::string secret = TextAt(git_repo, "/spec/clientSecretName");
  if (!secret.empty()) {
    repository.credentials = NameFrom(secret);
    item.LeaveOut("spec.clientSecretName",
                  absl::StrCat("the hub needs the credential: muster credential put ",
                               repository.credentials));
  }
  return repository;
}

void NoteGitRepo(const Value& git_repo, ImportItem& item) {
  static const auto& read =
      *new std::set<std::string>{"repo",          "branch",          "revision",
                                 "paths",         "targets",         "bundles",
                                 "paused",        "pollingInterval", "clientSecretName",
                                 "keepResources", "correctDrift",    "targetNamespace"};
  for (const Member& field : MapAt(git_repo, "/spec")) {
    if (read.count(field.key) > 0) continue;
    if (field.key == "forceSyncGeneration" || field.key == "disablePolling") {
      item.Needless(absl::StrCat("spec.", field.key), "muster sync looks at Git at once");
    } else {
      item.LeaveOut(absl::StrCat("spec.", field.key), "Muster has nothing like it");
    }
  }
}

}  // namespace

bool IsFleetObject(const Value& object, absl::string_view kind) {
  return GroupOf(object) == kGroup && KindOf(object) == kind;
}

std::vector<std::string> FilesOfBundle(const FileTree& all, const std::string& directory,
                                       const std::string& options) {
  const std::string* text =
      all.Find(absl::StrCat(directory, directory.empty() ? "" : "/", kIgnoreFile));
  const IgnorePatterns ignored(text == nullptr ? "" : *text);
  const size_t skip = directory.empty() ? 0 : directory.size() + 1;
  std::vector<std::string> files;
  for (const auto& [path, bytes] : all.Below(directory)) {
    const std::string relative = path.substr(skip);
    if (!IsYamlFile(path) && !absl::EndsWith(path, ".json")) continue;
    if (IsHiddenPath(relative) || ignored.Ignores(relative)) continue;
    if (BaseNameOf(path) == kOptionsFile || path == options) continue;
    if (absl::StartsWith(relative, kOverlays)) continue;
    bool of_another = false;
    for (size_t slash = relative.find('/'); slash != std::string::npos;
         slash = relative.find('/', slash + 1)) {
      const std::string file = absl::StrCat(path.substr(0, skip + slash), "/", kOptionsFile);
      of_another |= all.Find(file) != nullptr;
    }
    if (!of_another) files.push_back(path);
  }
  return files;
}

bool FleetBundles::IsHere(const Value& git_repo) {
  const std::string url = TextAt(git_repo, "/spec/repo");
  if (!home_.empty()) return RepositoryKey(url) == home_;
  bool here = !request_.url.empty() && RepositoryKey(url) == RepositoryKey(request_.url);
  if (request_.url.empty()) {
    for (const Value& path : ListAt(git_repo, "/spec/paths")) {
      const absl::StatusOr<std::string> normal = NormalizePath(TextAt(path, ""));
      here |= normal.ok() && !normal->empty() && request_.files.Contains(*normal);
    }
  }
  if (here) home_ = RepositoryKey(url);
  return here;
}

std::vector<FleetBundle> FleetBundles::Find() {
  std::vector<FleetBundle> bundles;
  bool any = false;
  for (const SourceObject& object : objects_) {
    if (!IsFleetObject(object.value, "GitRepo")) continue;
    result_.report.items.push_back(ItemOf(object));
    ImportItem& item = result_.report.items.back();
    const absl::Status good = NormalizeRepositoryUrl(TextAt(object.value, "/spec/repo")).status();
    if (!good.ok()) {
      item.LeaveOut("spec.repo", std::string(good.message()));
      continue;
    }
    if (!IsHere(object.value)) {
      item.LeaveOut("spec.repo",
                    "its files are in another repository, whose fleet.yaml says what to do: run "
                    "the import there");
      continue;
    }
    any = true;
    const std::string name = AddRepository(ReadRepository(object.value, item), result_.fleet);
    repositories_[&object] = name;
    item.became.push_back(absl::StrCat("repository/", name));
    NoteGitRepo(object.value, item);
    AddOf(object, item, bundles);
  }
  if (!any) AddBelow(request_.start, nullptr, false, bundles);
  return bundles;
}

void FleetBundles::AddOf(const SourceObject& object, ImportItem& item,
                         std::vector<FleetBundle>& bundles) {
  for (const Value& entry : ListAt(object.value, "/spec/bundles")) {
    const absl::StatusOr<std::string> base = NormalizePath(TextAt(entry, "/base"));
    std::string options = TextAt(entry, "/options");
    if (!base.ok() || !request_.files.Contains(*base)) {
      item.LeaveOut("spec.bundles", absl::StrCat("there is nothing at ", TextAt(entry, "/base")));
      continue;
    }
    const std::string suffix = options.empty() ? "" : absl::StrCat("-", options);
    if (options.empty()) options = std::string(kOptionsFile);
    const std::string file = absl::StrCat(*base, "/", options);
    bundles.push_back({*base, request_.files.Find(file) == nullptr ? "" : file,
                       NameFrom(absl::StrCat(NameOf(object.value), "-", *base, suffix)), &object});
  }
  Value::List paths = ListAt(object.value, "/spec/paths");
  if (paths.empty() && ListAt(object.value, "/spec/bundles").empty()) paths.push_back(".");
  for (const Value& path : paths) {
    const absl::StatusOr<std::string> base = NormalizePath(TextAt(path, ""));
    if (!base.ok() || !(base->empty() || request_.files.Contains(*base))) {
      item.LeaveOut("spec.paths", absl::StrCat("there is nothing at ", TextAt(path, "")));
      continue;
    }
    AddBelow(*base, &object, true, bundles);
  }
}

// Directories with options, and `base` itself when some of its files belong to none of them.
void FleetBundles::AddBelow(const std::string& base, const SourceObject* git_repo, bool with_base,
                            std::vector<FleetBundle>& bundles) {
  std::set<std::string> directories;
  for (const auto& [path, bytes] : request_.files.Below(base)) {
    if (BaseNameOf(path) == kOptionsFile && !IsHiddenPath(path)) {
      directories.insert(DirectoryOf(path));
    }
  }
  if (with_base && directories.count(base) == 0 &&
      !FilesOfBundle(request_.files, base, "").empty()) {
    directories.insert(base);
  }
  for (const std::string& directory : directories) {
    const std::string file = absl::StrCat(directory, directory.empty() ? "" : "/", kOptionsFile);
    const std::string prefix =
        git_repo == nullptr ? "" : absl::StrCat(NameOf(git_repo->value), "-");
    bundles.push_back({directory, request_.files.Find(file) == nullptr ? "" : file,
                       NameFrom(absl::StrCat(prefix, directory)), git_repo});
  }
}

}  // namespace muster::cli
