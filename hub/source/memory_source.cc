#include "hub/source/memory_source.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"
#include "hub/source/repository_name.h"

namespace muster::hub {
namespace {

constexpr size_t kIdDigits = 40;

std::string IdOf(absl::string_view bytes) { return Digest::Of(bytes).hex().substr(0, kIdDigits); }

// Lengths come first, so that no two lists of files have the same text.
void AppendField(std::string* out, absl::string_view field) {
  absl::StrAppend(out, field.size(), ":", field);
}

}  // namespace

void MemoryRemotes::Create(const std::string& url) { remotes_[url]; }

std::string MemoryRemotes::Commit(const std::string& url, const std::string& branch, Files files,
                                  const Message& message) {
  Remote& remote = remotes_[url];
  CommitPointer& head = remote.refs[absl::StrCat("refs/heads/", branch)];
  std::string text;
  AppendField(&text, head == nullptr ? "" : head->id);
  AppendField(&text, message.author);
  AppendField(&text, message.subject);
  absl::StrAppend(&text, message.committed_ms, ";");
  for (const auto& [path, bytes] : files) {
    AppendField(&text, path);
    AppendField(&text, bytes);
  }
  auto commit = std::make_shared<CommitData>();
  commit->id = IdOf(text);
  commit->parent = head;
  commit->files = std::make_shared<const Files>(std::move(files));
  commit->message = message;
  head = commit;
  remote.commits[commit->id] = commit;
  return commit->id;
}

void MemoryRemotes::SetRef(const std::string& url, const std::string& ref,
                           const std::string& commit) {
  Remote& remote = remotes_[url];
  const auto found = remote.commits.find(commit);
  CHECK(found != remote.commits.end()) << commit << " was never made in " << url;
  remote.refs[ref] = found->second;
}

void MemoryRemotes::SetBranch(const std::string& url, const std::string& branch,
                              const std::string& commit) {
  SetRef(url, absl::StrCat("refs/heads/", branch), commit);
}

void MemoryRemotes::SetTag(const std::string& url, const std::string& tag,
                           const std::string& commit) {
  SetRef(url, absl::StrCat("refs/tags/", tag), commit);
}

void MemoryRemotes::DeleteBranch(const std::string& url, const std::string& branch) {
  remotes_[url].refs.erase(absl::StrCat("refs/heads/", branch));
}

void MemoryRemotes::SetReachable(const std::string& url, bool reachable) {
  remotes_[url].reachable = reachable;
}

std::string MemoryRemotes::head(const std::string& url, const std::string& branch) const {
  const auto remote = remotes_.find(url);
  if (remote == remotes_.end()) return "";
  const auto ref = remote->second.refs.find(absl::StrCat("refs/heads/", branch));
  return ref == remote->second.refs.end() || ref->second == nullptr ? "" : ref->second->id;
}

absl::StatusOr<MemoryRemotes::CommitPointer> MemorySource::Find(const v1::FetchRequest& request,
                                                                const WantedRef& wanted) const {
  const auto found = remotes_->remotes_.find(request.url());
  if (found == remotes_->remotes_.end()) {
    return absl::NotFoundError(absl::StrCat("there is no repository at ", request.url()));
  }
  const MemoryRemotes::Remote& remote = found->second;
  if (!remote.reachable) {
    return absl::UnavailableError(absl::StrCat(request.url(), " does not answer"));
  }
  const bool pinned = !wanted.commit.empty();
  const auto& places = pinned ? remote.commits : remote.refs;
  const auto place = places.find(pinned ? wanted.commit : wanted.name);
  if (place != places.end()) return place->second;
  return absl::NotFoundError(absl::StrCat(
      remote.commits.empty() ? "the repository is empty; push " : "the repository has no ",
      wanted.text()));
}

absl::StatusOr<v1::FetchResponse> MemorySource::Fetch(const v1::FetchRequest& request) {
  if (!IsRepositoryName(request.repository())) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", request.repository(), "' cannot name a repository"));
  }
  ASSIGN_OR_RETURN(const WantedRef wanted, ParseWantedRef(request));
  const absl::StatusOr<RepositoryUrl> parsed = ParseRepositoryUrl(request.url());
  if (!parsed.ok()) return Annotate(parsed.status(), "the repository's URL");
  const RepositoryUrl& url = *parsed;
  if (url.scheme == RepositoryUrl::Scheme::kFile && !request.allow_file()) {
    return absl::PermissionDeniedError("the hub does not allow file:// repositories");
  }
  Commits& clone = clones_[request.repository()];
  const auto pinned = clone.find(wanted.commit);
  MemoryRemotes::CommitPointer head;
  if (pinned != clone.end()) {
    head = pinned->second;
  } else {
    ASSIGN_OR_RETURN(head, Find(request, wanted));
  }
  for (auto at = head; at != nullptr && clone.emplace(at->id, at).second;) at = at->parent;
  v1::FetchResponse response = Describe(clone, *head, request.known_commit());
  if (request.has_verify()) {  // nobody signs here
    v1::CommitSignature* signature = response.add_signatures();
    signature->set_commit(head->id);
    signature->set_result(v1::SIGNATURE_RESULT_UNSIGNED);
  }
  return response;
}

v1::FetchResponse MemorySource::Describe(const Commits& clone,
                                         const MemoryRemotes::CommitData& head,
                                         const std::string& known) {
  v1::FetchResponse response;
  response.set_commit(head.id);
  const auto ruling = clone.find(known);
  std::set<std::string> old;
  if (ruling != clone.end()) {
    for (auto at = ruling->second.get(); at != nullptr; at = at->parent.get()) old.insert(at->id);
  }
  // Without a commit to start from, the head alone is news.
  const size_t count_max = ruling == clone.end() ? 1 : size_t{limits::kCommitsPerFetchMax};
  std::vector<const MemoryRemotes::CommitData*> news;
  const MemoryRemotes::CommitData* at = &head;
  size_t count = 0;
  for (; at != nullptr && !old.contains(at->id); at = at->parent.get()) {
    if (++count <= count_max) news.push_back(at);
  }
  response.set_descends(known.empty() || (at != nullptr && at->id == known));
  response.set_more_commits(count > count_max);
  for (auto commit = news.rbegin(); commit != news.rend(); ++commit) {
    v1::Commit& added = *response.add_commits();
    added.set_id((*commit)->id);
    added.set_author((*commit)->message.author);
    added.set_subject((*commit)->message.subject);
    added.set_committed_ms((*commit)->message.committed_ms);
  }
  return response;
}

absl::StatusOr<std::string> MemorySource::TreeId(const std::string& repository,
                                                 const std::string& commit,
                                                 const std::string& path) {
  ASSIGN_OR_RETURN(const std::string normal, NormalizePath(path));
  ASSIGN_OR_RETURN(const FileTree tree, Read(repository, commit, normal));
  std::string text;
  for (const auto& [name, bytes] : tree) {
    // Relative to the path, so that a moved directory keeps its id, as in Git.
    AppendField(&text, absl::string_view(name).substr(std::min(normal.size(), name.size())));
    AppendField(&text, bytes);
  }
  return IdOf(text);
}

absl::StatusOr<FileTree> MemorySource::Read(const std::string& repository,
                                            const std::string& commit, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string normal, NormalizePath(path));
  const auto clone = clones_.find(repository);
  if (clone == clones_.end()) {
    return absl::NotFoundError(absl::StrCat("repository '", repository, "' was never fetched"));
  }
  const auto found = clone->second.find(commit);
  if (found == clone->second.end()) {
    return absl::NotFoundError(absl::StrCat("commit ", commit, " is not in the clone"));
  }
  FileTree tree;
  for (const auto& [name, bytes] : *found->second->files) {
    if (normal.empty() || name == normal || absl::StartsWith(name, absl::StrCat(normal, "/"))) {
      RETURN_IF_ERROR(tree.Add(name, bytes));
    }
  }
  if (tree.empty() && !normal.empty()) {
    return absl::NotFoundError(
        absl::StrCat("path '", normal, "' is not in commit ", commit.substr(0, 12)));
  }
  return tree;
}

}  // namespace muster::hub
