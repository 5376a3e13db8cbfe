#include "common/render/kustomize/remote.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/render/file_tree.h"
#include "common/render/kustomize/file_source.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kPrefix = "repository:";
constexpr absl::string_view kGitHub = "github.com";

// Host and path of a repository, however it is reached: without scheme, user and ".git".
std::string RepositoryKey(absl::string_view host, absl::string_view path) {
  while (absl::ConsumePrefix(&path, "/")) {
  }
  while (absl::ConsumeSuffix(&path, "/")) {
  }
  absl::ConsumeSuffix(&path, ".git");
  return absl::StrCat(absl::AsciiStrToLower(host), "/", path);
}

struct HostAndRest {
  absl::string_view host;
  absl::string_view rest;  // what follows the host, without its '/' or ':'
};

HostAndRest SplitHost(absl::string_view address) {
  absl::ConsumePrefix(&address, "git::");
  const size_t scheme = address.find("://");
  if (scheme != address.npos) address.remove_prefix(scheme + 3);
  const size_t slash = std::min(address.find('/'), address.size());
  const size_t at = address.substr(0, slash).rfind('@');
  if (at != address.npos) address.remove_prefix(at + 1);
  // host/path, host:path, and with a scheme host:port/path.
  size_t end = std::min(address.find_first_of("/:"), address.size());
  if (scheme != absl::string_view::npos) end = std::min(address.find('/'), address.size());
  HostAndRest split{address.substr(0, end), address.substr(std::min(end + 1, address.size()))};
  absl::ConsumePrefix(&split.host, "www.");
  return split;
}

// Where the repository ends within what follows the host, and the path in it begins.
std::pair<absl::string_view, absl::string_view> SplitPath(absl::string_view host,
                                                          absl::string_view rest) {
  if (const size_t mark = rest.find("//"); mark != rest.npos) {
    return {rest.substr(0, mark), rest.substr(mark + 2)};
  }
  if (const size_t mark = rest.find(".git/"); mark != rest.npos) {
    return {rest.substr(0, mark), rest.substr(mark + 5)};
  }
  if (absl::AsciiStrToLower(host) != kGitHub) return {rest, ""};
  const size_t organisation = rest.find('/');
  const size_t end = organisation == rest.npos ? rest.npos : rest.find('/', organisation + 1);
  if (end == rest.npos) return {rest, ""};
  return {rest.substr(0, end), rest.substr(end + 1)};
}

bool Follows(const DeclaredRepository& repository, absl::string_view ref) {
  if (ref.empty()) return false;
  return ref == repository.branch || ref == repository.tag || ref == repository.pinned ||
         ref == repository.commit;
}

std::string Followed(const DeclaredRepository& repository) {
  if (!repository.branch.empty()) return absl::StrCat("branch '", repository.branch, "'");
  if (!repository.tag.empty()) return absl::StrCat("tag '", repository.tag, "'");
  return absl::StrCat("commit ", repository.pinned);
}

absl::Status RefuseUndeclared(absl::string_view address, const RemoteAddress& remote) {
  return absl::UnimplementedError(absl::StrCat(
      "'", address, "' is remote, and rendering fetches nothing; declare a Repository for ",
      absl::StartsWith(remote.repository, "/") ? "file://" : "https://", remote.repository,
      remote.ref.empty() ? "" : absl::StrCat(" that follows '", remote.ref, "'"),
      ", or copy what is needed into this one"));
}

absl::Status RefuseRef(absl::string_view address, const RemoteAddress& remote,
                       const std::vector<const DeclaredRepository*>& found) {
  std::vector<std::string> names;
  for (const DeclaredRepository* each : found) {
    names.push_back(absl::StrCat("'", each->name, "' (", Followed(*each), ")"));
  }
  const std::string what =
      remote.ref.empty() ? "names no ref" : absl::StrCat("asks for ref '", remote.ref, "'");
  return absl::UnimplementedError(absl::StrCat(
      "'", address, "' ", what, ", and declared for this address is ", absl::StrJoin(names, ", "),
      "; give ?ref= the branch, tag or commit that one of them follows, or declare a Repository "
      "for "
      "the ref"));
}

}  // namespace

bool IsRemote(absl::string_view address) {
  const std::string lower = absl::AsciiStrToLower(address);
  for (const absl::string_view prefix : {"http://", "https://", "ssh://", "file://", "git::",
                                         "git@", "github.com/", "github.com:", "www.github.com/"}) {
    if (absl::StartsWith(lower, prefix)) return true;
  }
  // user@host:path, as Git takes it.
  const size_t at = lower.find('@'), colon = lower.find(':'), slash = lower.find('/');
  return at != lower.npos && colon != lower.npos && at < colon &&
         (slash == lower.npos || at < slash);
}

RemoteAddress ParseRemote(absl::string_view address) {
  RemoteAddress remote;
  const size_t query = std::min(address.find('?'), address.size());
  for (absl::string_view part :
       absl::StrSplit(absl::ClippedSubstr(address, query + 1), '&', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&part, "ref=") || absl::ConsumePrefix(&part, "version=")) {
      if (remote.ref.empty()) remote.ref = std::string(part);
    }
  }
  const HostAndRest split = SplitHost(address.substr(0, query));
  const auto [repository, path] = SplitPath(split.host, split.rest);
  remote.repository = RepositoryKey(split.host, repository);
  remote.path = std::string(path);
  return remote;
}

absl::StatusOr<std::string> LocateRemote(absl::string_view address,
                                         const std::vector<DeclaredRepository>& declared,
                                         std::vector<std::string>* asked) {
  const RemoteAddress remote = ParseRemote(address);
  std::vector<const DeclaredRepository*> found;
  const DeclaredRepository* match = nullptr;
  for (const DeclaredRepository& each : declared) {
    const HostAndRest split = SplitHost(each.url);
    if (RepositoryKey(split.host, split.rest) != remote.repository) continue;
    found.push_back(&each);
    asked->push_back(each.name);
    if (match == nullptr && Follows(each, remote.ref)) match = &each;
  }
  if (found.empty()) return RefuseUndeclared(address, remote);
  if (match == nullptr) return RefuseRef(address, remote, found);
  if (match->commit.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", address, "' is Repository '", match->name,
                     "', which has not been fetched yet; this is rendered when it has been"));
  }
  absl::StatusOr<std::string> path = NormalizePath(remote.path);
  if (!path.ok()) return Annotate(path.status(), absl::StrCat("'", address, "'"));
  return JoinRepositoryPath(match->name, *path);
}

bool IsInRepository(absl::string_view path) { return absl::StartsWith(path, kPrefix); }

RepositoryPath SplitRepositoryPath(absl::string_view path) {
  absl::ConsumePrefix(&path, kPrefix);
  const size_t slash = path.find('/');
  if (slash == path.npos) return {std::string(path), ""};
  return {std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
}

absl::StatusOr<std::string> FileSource::Locate(absl::string_view address) {
  std::vector<std::string> asked;
  return LocateRemote(address, {}, &asked);
}

absl::StatusOr<std::string> FileSource::LocateChart(absl::string_view address, const std::string&,
                                                    const std::string&) {
  const bool oci = absl::StartsWith(address, "oci://");
  return absl::UnimplementedError(absl::StrCat("rendering fetches nothing from ", address,
                                               "; declare a Repository of type ",
                                               oci ? "oci" : "helm",
                                               " with this url, from which the hub fetches charts, "
                                               "or run `helm pull --untar` and commit the "
                                               "chart"));
}

std::string JoinRepositoryPath(absl::string_view name, absl::string_view path) {
  return absl::StrCat(kPrefix, name, path.empty() ? "" : "/", path);
}

}  // namespace muster::kustomize
