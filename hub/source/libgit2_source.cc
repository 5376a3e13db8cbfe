#include "hub/source/libgit2_source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"
#include "hub/source/git_ref.h"
#include "hub/source/libgit2.h"
#include "hub/source/libgit2_packs.h"
#include "hub/source/libgit2_remote.h"
#include "hub/source/libgit2_signatures.h"
#include "hub/source/libgit2_tree.h"
#include "hub/source/repository_name.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;
using libgit2::ToStatus;

constexpr size_t kTextBytesMax = 300;  // of an author or a subject
// Heads that are kept as starting points when a lone commit is looked for.
constexpr size_t kPinnedHeadsMax = 1'000;

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file.good()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("write ", path, ": is the disk full?"));
}

// A killed fetch leaves temporary packs, and locks that would stop every later one. Only one
// process fetches a repository at a time, so whatever is there is left over.
void RemoveLeftovers(const std::string& clone) {
  std::error_code ignored;
  for (const char* below : {"objects/pack", "refs", "."}) {
    const fs::path start = fs::path(clone) / below;
    const bool packs = below == absl::string_view("objects/pack");
    fs::recursive_directory_iterator entry(start, ignored), end;
    for (; !ignored && entry != end; entry.increment(ignored)) {
      if (below == absl::string_view(".") && entry->is_directory(ignored)) {
        entry.disable_recursion_pending();
        continue;
      }
      const std::string name = entry->path().filename().string();
      const bool temporary = absl::StartsWith(name, "pack_") || absl::StartsWith(name, "tmp_");
      std::error_code gone;
      if (absl::EndsWith(name, ".lock") || (packs && temporary)) fs::remove(entry->path(), gone);
    }
    ignored.clear();
  }
}

absl::StatusOr<libgit2::Repository> Open(const std::string& clone) {
  git_repository* repository = nullptr;
  if (const int code = git_repository_open_bare(&repository, clone.c_str()); code < 0) {
    return ToStatus(code, "open the clone");
  }
  return libgit2::Repository(repository);
}

// A clone that cannot be opened is replaced: all that it held can be fetched again.
absl::StatusOr<libgit2::Repository> OpenOrCreate(const std::string& clone) {
  absl::StatusOr<libgit2::Repository> opened = Open(clone);
  if (opened.ok()) return opened;
  std::error_code error;
  fs::remove_all(clone, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("replace the broken clone ", clone, ": ", error.message()));
  }
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags =
      GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
  git_repository* repository = nullptr;
  if (const int code = git_repository_init_ext(&repository, clone.c_str(), &options); code < 0) {
    return ToStatus(code, absl::StrCat("create the clone ", clone));
  }
  return libgit2::Repository(repository);
}

bool Has(git_repository* repository, const git_oid& id) {
  git_odb* odb = nullptr;
  if (git_repository_odb(&odb, repository) < 0) return false;
  return git_odb_exists(libgit2::Odb(odb).get(), &id) == 1;
}

// Our own refs keep what is fetched reachable, and tell the next fetch what we have. Their names
// are digests, so that a branch 'a' never stands in the way of a branch 'a/b'.
std::string OurRef(absl::string_view name) {
  return absl::StrCat("refs/muster/", Digest::Of(name).short_hex());
}

absl::Status Keep(git_repository* repository, absl::string_view name, const git_oid& id) {
  const std::string ref = OurRef(name);
  git_reference* reference = nullptr;
  const int code = git_reference_create(&reference, repository, ref.c_str(), &id, 1, nullptr);
  if (code < 0) return ToStatus(code, "keep the fetched commit");
  libgit2::Reference owned(reference);
  return absl::OkStatus();
}

absl::StatusOr<git_oid> PeelToCommit(git_repository* repository, const git_oid& id,
                                     const WantedRef& wanted) {
  git_object* object = nullptr;
  if (const int code = git_object_lookup(&object, repository, &id, GIT_OBJECT_ANY); code < 0) {
    return ToStatus(code, absl::StrCat("read ", wanted.text()));
  }
  const libgit2::Object owned(object);
  git_object* peeled = nullptr;
  if (git_object_peel(&peeled, object, GIT_OBJECT_COMMIT) < 0) {
    return absl::InvalidArgumentError(absl::StrCat(wanted.text(), " points at no commit"));
  }
  const libgit2::Object commit(peeled);
  return *git_object_id(peeled);
}

absl::StatusOr<git_oid> FetchRef(git_repository* repository, libgit2::RemoteSession& session,
                                 const std::vector<libgit2::RemoteHead>& heads,
                                 const WantedRef& wanted) {
  const auto head = std::find_if(heads.begin(), heads.end(), [&](const libgit2::RemoteHead& h) {
    return h.name == wanted.name;
  });
  if (head == heads.end()) {
    return absl::NotFoundError(
        heads.empty() ? absl::StrCat("the repository is empty; push ", wanted.text(), " to it")
                      : absl::StrCat("the repository has no ", wanted.text()));
  }
  if (!Has(repository, head->id)) RETURN_IF_ERROR(session.Download({wanted.name}));
  ASSIGN_OR_RETURN(const git_oid commit, PeelToCommit(repository, head->id, wanted));
  RETURN_IF_ERROR(Keep(repository, wanted.name, head->id));
  return commit;
}

// Servers name refs only, so a commit is looked for in all that branches and tags lead to.
absl::StatusOr<git_oid> FetchCommit(git_repository* repository, libgit2::RemoteSession& session,
                                    const std::vector<libgit2::RemoteHead>& heads,
                                    const WantedRef& wanted, const git_oid& id) {
  std::vector<std::string> refs;
  for (const libgit2::RemoteHead& head : heads) {
    const bool named =
        absl::StartsWith(head.name, "refs/heads/") || absl::StartsWith(head.name, "refs/tags/");
    if (!named || absl::EndsWith(head.name, "^{}") || Has(repository, head.id)) continue;
    refs.push_back(head.name);
  }
  if (!refs.empty()) RETURN_IF_ERROR(session.Download(refs));
  size_t kept = 0;
  for (const libgit2::RemoteHead& head : heads) {
    if (kept == kPinnedHeadsMax) break;
    if (!Has(repository, head.id) || absl::EndsWith(head.name, "^{}")) continue;
    RETURN_IF_ERROR(Keep(repository, absl::StrCat("pin ", libgit2::Hex(head.id)), head.id));
    ++kept;
  }
  if (!Has(repository, id)) {
    return absl::NotFoundError(
        absl::StrCat("no branch or tag of the repository leads to ", wanted.text()));
  }
  ASSIGN_OR_RETURN(const git_oid commit, PeelToCommit(repository, id, wanted));
  RETURN_IF_ERROR(Keep(repository, wanted.text(), commit));
  return commit;
}

absl::StatusOr<v1::Commit> DescribeCommit(git_repository* repository, const git_oid& id) {
  git_commit* handle = nullptr;
  if (const int code = git_commit_lookup(&handle, repository, &id); code < 0) {
    return ToStatus(code, absl::StrCat("read commit ", libgit2::Hex(id)));
  }
  const libgit2::CommitHandle owned(handle);
  const git_signature* author = git_commit_author(handle);
  const char* summary = git_commit_summary(handle);
  v1::Commit commit;
  commit.set_id(libgit2::Hex(id));
  commit.set_author(
      CommitText(absl::StrCat(author->name, " <", author->email, ">"), kTextBytesMax));
  commit.set_subject(CommitText(summary == nullptr ? "" : summary, kTextBytesMax));
  commit.set_committed_ms(int64_t{git_commit_time(handle)} * 1'000);
  return commit;
}

// The commits that `head` has and `known` has not: the newest that fit, oldest first.
absl::Status AddCommits(git_repository* repository, const git_oid& head, const git_oid* known,
                        v1::FetchResponse* response) {
  std::vector<git_oid> newest_first = {head};
  if (known != nullptr) {
    newest_first.clear();
    git_revwalk* handle = nullptr;
    if (const int code = git_revwalk_new(&handle, repository); code < 0) {
      return ToStatus(code, "walk the history");
    }
    const libgit2::Walk walk(handle);
    git_revwalk_sorting(handle, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
    int code = git_revwalk_push(handle, &head);
    if (code == 0) code = git_revwalk_hide(handle, known);
    git_oid id;
    while (code == 0 && newest_first.size() < size_t{limits::kCommitsPerFetchMax}) {
      code = git_revwalk_next(&id, handle);
      if (code == 0) newest_first.push_back(id);
    }
    if (code == 0) response->set_more_commits(git_revwalk_next(&id, handle) == 0);
    if (code < 0 && code != GIT_ITEROVER) return ToStatus(code, "walk the history");
  } else {
    git_commit* handle = nullptr;
    if (const int code = git_commit_lookup(&handle, repository, &head); code < 0) {
      return ToStatus(code, absl::StrCat("read commit ", libgit2::Hex(head)));
    }
    const libgit2::CommitHandle owned(handle);
    response->set_more_commits(git_commit_parentcount(handle) > 0);
  }
  for (auto id = newest_first.rbegin(); id != newest_first.rend(); ++id) {
    ASSIGN_OR_RETURN(*response->add_commits(), DescribeCommit(repository, *id));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::FetchResponse> Describe(git_repository* repository, const git_oid& head,
                                           const std::string& known_commit) {
  v1::FetchResponse response;
  response.set_commit(libgit2::Hex(head));
  git_oid known;
  const bool is_known = IsCommitId(known_commit) &&
                        git_oid_fromstr(&known, known_commit.c_str()) == 0 &&
                        Has(repository, known);
  if (known_commit.empty() || !is_known) {
    response.set_descends(known_commit.empty());
    RETURN_IF_ERROR(AddCommits(repository, head, nullptr, &response));
    return response;
  }
  // The commit that rules must stay readable, even when the branch has left it.
  RETURN_IF_ERROR(Keep(repository, "ruling", known));
  const bool equal = git_oid_equal(&head, &known) != 0;
  const int descends = equal ? 1 : git_graph_descendant_of(repository, &head, &known);
  if (descends < 0) return ToStatus(descends, "compare with the former commit");
  response.set_descends(descends == 1);
  RETURN_IF_ERROR(AddCommits(repository, head, &known, &response));
  return response;
}

}  // namespace

Libgit2Source::Libgit2Source(Options options) : options_(std::move(options)) {
  libgit2::Start();
  std::error_code ignored;
  if (!options_.scratch.empty()) fs::remove_all(options_.scratch, ignored);
}

std::string Libgit2Source::CloneOf(const std::string& repository) const {
  return absl::StrCat(options_.directory, "/", repository, ".git");
}

absl::Status Libgit2Source::PrepareTrust(const v1::FetchRequest& request) const {
  const std::string ssh = absl::StrCat(options_.scratch, "/.ssh");
  std::error_code error;
  fs::create_directories(ssh, error);
  if (error) return absl::UnavailableError(absl::StrCat("create ", ssh, ": ", error.message()));
  RETURN_IF_ERROR(
      WriteFile(absl::StrCat(ssh, "/known_hosts"), request.credential().ssh_known_hosts()));
  libgit2::PreferHostKeysOf(options_.scratch);
  if (!absl::StartsWith(request.url(), "https://")) return absl::OkStatus();
  if (request.credential().ca_pem().empty()) return libgit2::TrustAuthorities("");
  const std::string authorities = absl::StrCat(options_.scratch, "/authorities.pem");
  RETURN_IF_ERROR(WriteFile(authorities, request.credential().ca_pem()));
  return libgit2::TrustAuthorities(authorities);
}

absl::StatusOr<v1::FetchResponse> Libgit2Source::Fetch(const v1::FetchRequest& request) {
  if (!IsRepositoryName(request.repository())) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", CommitText(request.repository(), 64), "' cannot name a repository"));
  }
  ASSIGN_OR_RETURN(const WantedRef wanted, ParseWantedRef(request));
  const absl::StatusOr<RepositoryUrl> parsed = ParseRepositoryUrl(request.url());
  if (!parsed.ok()) return Annotate(parsed.status(), "the repository's URL");
  const RepositoryUrl& url = *parsed;
  ASSIGN_OR_RETURN(v1::FetchResponse response, FetchFrom(url, wanted, request));
  if (request.has_verify()) {
    RETURN_IF_ERROR(AddSignatures(wanted, request, response));
  }
  return response;
}

absl::Status Libgit2Source::AddSignatures(const WantedRef& wanted, const v1::FetchRequest& request,
                                          v1::FetchResponse& response) const {
  ASSIGN_OR_RETURN(const libgit2::Repository repository, Open(CloneOf(request.repository())));
  git_oid ref = {};
  if (!request.tag().empty()) {
    const int code = git_reference_name_to_id(&ref, repository.get(), OurRef(wanted.name).c_str());
    if (code < 0) return ToStatus(code, absl::StrCat("read ", wanted.text()));
  }
  return libgit2::AddSignatures(repository.get(), ref, request.tag(), request.verify(), response);
}

absl::StatusOr<v1::FetchResponse> Libgit2Source::FetchFrom(const RepositoryUrl& url,
                                                           const WantedRef& wanted,
                                                           const v1::FetchRequest& request) {
  if (url.scheme == RepositoryUrl::Scheme::kFile && !request.allow_file()) {
    return absl::PermissionDeniedError(
        "the hub does not allow file:// repositories; start it with --allow-file-urls, or serve "
        "the repository over https or ssh");
  }
  const std::string clone = CloneOf(request.repository());
  RemoveLeftovers(clone);
  RETURN_IF_ERROR(libgit2::JoinPacks(clone));
  ASSIGN_OR_RETURN(const libgit2::Repository repository, OpenOrCreate(clone));
  git_oid head;
  const bool pinned = !wanted.commit.empty();
  if (pinned) git_oid_fromstr(&head, wanted.commit.c_str());
  if (pinned && Has(repository.get(), head)) {
    // A commit never changes: once it is here, nobody needs to be asked.
    ASSIGN_OR_RETURN(head, PeelToCommit(repository.get(), head, wanted));
    return Describe(repository.get(), head, request.known_commit());
  }
  std::error_code ignored;
  if (url.scheme == RepositoryUrl::Scheme::kFile && !absl::StrContains(url.path, '%') &&
      !fs::exists(url.path, ignored)) {
    return absl::NotFoundError("there is no such directory");
  }
  RETURN_IF_ERROR(PrepareTrust(request));
  libgit2::RemoteSession session(url, request.credential(), options_.download_bytes_max);
  ASSIGN_OR_RETURN(const std::vector<libgit2::RemoteHead> heads, session.Connect(repository.get()));
  ASSIGN_OR_RETURN(head, pinned ? FetchCommit(repository.get(), session, heads, wanted, head)
                                : FetchRef(repository.get(), session, heads, wanted));
  return Describe(repository.get(), head, request.known_commit());
}

absl::StatusOr<std::string> Libgit2Source::TreeId(const std::string& repository,
                                                  const std::string& commit,
                                                  const std::string& path) {
  if (!IsRepositoryName(repository)) return absl::InvalidArgumentError("no repository name");
  ASSIGN_OR_RETURN(const std::string normal, NormalizePath(path));
  const absl::StatusOr<libgit2::Repository> opened = Open(CloneOf(repository));
  if (!opened.ok()) {
    return absl::NotFoundError(absl::StrCat("repository '", repository, "' was never fetched"));
  }
  ASSIGN_OR_RETURN(const libgit2::Located at, libgit2::Locate(opened->get(), commit, normal));
  return libgit2::Hex(at.id);
}

absl::StatusOr<FileTree> Libgit2Source::Read(const std::string& repository,
                                             const std::string& commit, const std::string& path) {
  if (!IsRepositoryName(repository)) return absl::InvalidArgumentError("no repository name");
  ASSIGN_OR_RETURN(const std::string normal, NormalizePath(path));
  const absl::StatusOr<libgit2::Repository> opened = Open(CloneOf(repository));
  if (!opened.ok()) {
    return absl::NotFoundError(absl::StrCat("repository '", repository, "' was never fetched"));
  }
  ASSIGN_OR_RETURN(const libgit2::Located at, libgit2::Locate(opened->get(), commit, normal));
  return libgit2::ReadFiles(opened->get(), at, normal);
}

}  // namespace muster::hub
