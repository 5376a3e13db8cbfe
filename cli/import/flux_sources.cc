#include "cli/import/flux_sources.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"

namespace muster::cli {
namespace {

std::string Key(const std::string& kind, const std::string& space, const std::string& name) {
  return absl::StrCat(kind, " ", space, "/", name);
}

void ReadRef(const Value& object, PlannedRepository& repository, ImportItem& item) {
  const std::string semver = TextAt(object, "/spec/ref/semver");
  const std::string named = TextAt(object, "/spec/ref/name");
  repository.ref = "master";  // Flux's own default
  for (const char* kind : {"branch", "tag", "commit"}) {
    const std::string ref = TextAt(object, absl::StrCat("/spec/ref/", kind));
    if (ref.empty()) continue;
    repository.ref_kind = kind;  // the last one that is there counts, as in Flux
    repository.ref = ref;
  }
  if (absl::StartsWith(named, "refs/heads/") || absl::StartsWith(named, "refs/tags/")) {
    const bool branch = absl::StartsWith(named, "refs/heads/");
    repository.ref_kind = branch ? "branch" : "tag";
    repository.ref = named.substr(branch ? 11 : 10);
  } else if (!named.empty()) {
    item.LeaveOut("spec.ref.name",
                  absl::StrCat("'", named, "' is neither branch nor tag; it follows ",
                               repository.ref_kind, " ", repository.ref));
  }
  if (!semver.empty()) {
    item.LeaveOut("spec.ref.semver",
                  absl::StrCat("Muster follows no range of tags; it follows ", repository.ref_kind,
                               " ", repository.ref, ": name a tag or branch"));
  }
}

// The prefix of a pattern "@name/a/b/**", without the name; nullopt for others.
absl::StatusOr<std::string> PatternDirectory(absl::string_view pattern, absl::string_view alias) {
  absl::string_view rest = pattern;
  if (!absl::ConsumePrefix(&rest, absl::StrCat("@", alias, "/"))) {
    return absl::NotFoundError("of another source");
  }
  absl::ConsumeSuffix(&rest, "**");
  absl::ConsumeSuffix(&rest, "/");
  if (rest.find_first_of("*?[") != rest.npos) {
    return absl::UnimplementedError(
        absl::StrCat("the pattern '", pattern, "' is more than DIR/**"));
  }
  return NormalizePath(rest.empty() ? "." : rest);
}

}  // namespace

PlannedRepository ReadGitRepository(const Value& object, ImportItem& item) {
  PlannedRepository repository;
  repository.name = NameOf(object);
  const std::string url = TextAt(object, "/spec/url");
  const absl::StatusOr<std::string> normal = NormalizeRepositoryUrl(url);
  if (normal.ok()) {
    repository.url = url;
  } else {
    repository.url = std::string(kUnknownUrl);
    item.LeaveOut("spec.url", std::string(normal.status().message()));
  }
  ReadRef(object, repository, item);
  const std::string interval = TextAt(object, "/spec/interval");
  absl::Duration time;
  if (absl::ParseDuration(interval, &time) && time >= absl::Seconds(1)) {
    repository.interval = interval;
  }
  const std::string secret = TextAt(object, "/spec/secretRef/name");
  if (!secret.empty()) {
    repository.credentials = NameFrom(secret);
    item.LeaveOut("spec.secretRef", absl::StrCat("the hub needs the credential: muster credential "
                                                 "put ",
                                                 repository.credentials));
  }
  for (const char* field : {"ignore", "verify", "include", "recurseSubmodules", "proxySecretRef",
                            "suspend", "sparseCheckout", "provider"}) {
    const Value* value = object.Find(absl::StrCat("/spec/", field));
    if (value == nullptr || *value == Value(false) || *value == Value("generic")) continue;
    item.LeaveOut(absl::StrCat("spec.", field), "a Repository of Muster has nothing like it");
  }
  if (object.Find("/spec/timeout") != nullptr) {
    item.Needless("spec.timeout", "the hub has a limit of its own");
  }
  return repository;
}

std::string FluxSource::FileInRepository(const std::string& file) const {
  for (const auto& [to, from] : copied_from) {
    const bool holds = to.empty() || absl::StartsWith(file, to + "/");
    if (holds) return absl::StrCat(from, "/", to.empty() ? file : file.substr(to.size() + 1));
  }
  return file;
}

void FluxHome::Learn(const Value* repository, ImportItem& item) {
  if (known_ || repository == nullptr) return;
  repository_ = ReadGitRepository(*repository, item);
  known_ = true;
}

bool FluxHome::Is(const Value& repository) const {
  ImportItem ignored;
  const PlannedRepository other = ReadGitRepository(repository, ignored);
  if (known_) {
    return RepositoryKey(other.url) == RepositoryKey(repository_.url) &&
           other.ref == repository_.ref;
  }
  return !request_.url.empty() && RepositoryKey(other.url) == RepositoryKey(request_.url) &&
         (request_.branch.empty() || other.ref == request_.branch);
}

const std::string& FluxHome::Declare(ImportItem& item) {
  if (!declared_.empty()) return declared_;
  if (!known_) {
    repository_.url = request_.url.empty() ? std::string(kUnknownUrl) : request_.url;
    if (!request_.branch.empty()) repository_.ref = request_.branch;
  }
  if (repository_.url == kUnknownUrl) {
    item.LeaveOut("spec.sourceRef",
                  "the tree does not say where its repository is: give --url, or set spec.url in "
                  "fleet/repositories.yaml");
  }
  repository_.name = request_.folder;
  if (repository_.url != kUnknownUrl) {
    repository_.name = BaseNameOf(RepositoryKey(repository_.url));
  }
  declared_ = AddRepository(repository_, fleet_);
  return declared_;
}

void FluxSources::Add(const Value& object) {
  const std::string group = GroupOf(object);
  if (!absl::EndsWith(group, ".toolkit.fluxcd.io") && group != "source.extensions.fluxcd.io")
    return;
  if (group == "kustomize.toolkit.fluxcd.io") return;
  sources_[Key(KindOf(object), NamespaceOf(object), NameOf(object))] = object;
}

const Value* FluxSources::FindGit(const std::string& namespace_, const std::string& name) const {
  const auto found = sources_.find(Key("GitRepository", namespace_, name));
  return found == sources_.end() ? nullptr : &found->second;
}

const Value* FluxSources::Find(const FluxReference& reference) const {
  for (const std::string& space : {reference.namespace_, std::string()}) {
    const auto found = sources_.find(Key(reference.kind, space, reference.name));
    if (found != sources_.end()) return &found->second;
  }
  return nullptr;
}

bool FluxSources::IsHome(const FluxReference& reference) const {
  if (reference.kind == own_.kind && reference.name == own_.name &&
      reference.namespace_ == own_.namespace_) {
    return true;
  }
  const Value* git = FindGit(reference.namespace_, reference.name);
  return git != nullptr && home_.Is(*git);
}

absl::StatusOr<FluxSource> FluxSources::Resolve(const FluxReference& reference,
                                                const std::string& path, ImportItem& item) {
  if (reference.kind == "ExternalArtifact") return ResolveArtifact(reference, path, item);
  const std::string what =
      absl::StrCat(reference.kind, " ", reference.namespace_, "/", reference.name);
  if (reference.kind != "GitRepository") {
    return absl::UnimplementedError(
        absl::StrCat(what, ": Muster follows Git; commit what it holds, or leave it to Flux"));
  }
  FluxSource source;
  source.directory = path;
  source.here = IsHome(reference);
  if (source.here) {
    source.repository = home_.Declare(item);
    return source;
  }
  const Value* git = FindGit(reference.namespace_, reference.name);
  if (git == nullptr) {
    return absl::NotFoundError(absl::StrCat(what, " is not in the tree"));
  }
  ImportItem notes;
  source.repository = AddRepository(ReadGitRepository(*git, notes), fleet_);
  return source;
}

absl::StatusOr<FluxSource> FluxSources::ResolveArtifact(const FluxReference& reference,
                                                        const std::string& path, ImportItem& item) {
  const std::string what = absl::StrCat("artifact ", reference.namespace_, "/", reference.name);
  for (const auto& [key, generator] : sources_) {
    if (KindOf(generator) != "ArtifactGenerator" ||
        NamespaceOf(generator) != reference.namespace_) {
      continue;
    }
    for (const Value& artifact : ListAt(generator, "/spec/artifacts")) {
      if (TextAt(artifact, "/name") != reference.name) continue;
      const Value::List& origins = ListAt(generator, "/spec/sources");
      const std::string alias = origins.empty() ? "" : TextAt(origins[0], "/alias");
      FluxReference origin{"GitRepository", NamespaceOf(generator),
                           origins.empty() ? "" : TextAt(origins[0], "/name")};
      if (origins.size() != 1 || !IsHome(origin)) {
        return absl::UnimplementedError(
            absl::StrCat(what, " is put together from other repositories than this one"));
      }
      FluxSource source;
      source.here = true;
      auto files = std::make_shared<FileTree>();
      bool found = false;
      for (const Value& copy : ListAt(artifact, "/copy")) {
        ASSIGN_OR_RETURN(const std::string from, PatternDirectory(TextAt(copy, "/from"), alias));
        ASSIGN_OR_RETURN(const std::string to, PatternDirectory(TextAt(copy, "/to"), "artifact"));
        for (const auto& [name, bytes] : request_.files.Below(from)) {
          const std::string rest = from.empty() ? name : name.substr(from.size() + 1);
          RETURN_IF_ERROR(files->Add(to.empty() ? rest : absl::StrCat(to, "/", rest), bytes));
        }
        source.copied_from[to] = from;
        const bool holds = to.empty() || path == to || absl::StartsWith(path, to + "/");
        if (!holds || found) continue;
        const std::string rest =
            to.empty() ? path : path.substr(std::min(path.size(), to.size() + 1));
        ASSIGN_OR_RETURN(source.directory, JoinPath(from, rest));
        found = request_.files.Contains(source.directory);
      }
      if (!found) return absl::NotFoundError(absl::StrCat(what, " has no path '", path, "'"));
      source.artifact = std::move(files);
      source.artifact_directory = path;
      source.repository = home_.Declare(item);
      return source;
    }
  }
  return absl::NotFoundError(absl::StrCat(what, " is made by no ArtifactGenerator in the tree"));
}

}  // namespace muster::cli
