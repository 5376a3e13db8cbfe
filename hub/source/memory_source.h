// MemorySource: GitSource's twin, and MemoryRemotes, the servers that it fetches from. For tests
// and the simulation: commits, branches, tags, rewound branches, servers that cannot be reached.
//
//   MemoryRemotes remotes;
//   const std::string id = remotes.Commit("https://git/apps", "main", {{"web/a.yaml", "..."}});
//   MemorySource source(&remotes);
//
// Ids look like Git's and are digests of content: equal trees have equal ids, and a seed gives the
// same ids every time. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hub/source/git_ref.h"
#include "hub/source/git_source.h"

namespace muster::hub {

class MemoryRemotes {
 public:
  using Files = std::map<std::string, std::string>;

  struct Message {
    std::string author = "Ada <ada@example.com>";
    std::string subject = "a change";
    int64_t committed_ms = 0;
  };

  // An empty repository; Commit makes one too.
  void Create(const std::string& url);

  // Adds a commit whose whole content is `files` on top of `branch`, and returns its id.
  std::string Commit(const std::string& url, const std::string& branch, Files files,
                     const Message& message);

  // Points `branch` or `tag` at a commit that was made before. Requires: it was.
  void SetBranch(const std::string& url, const std::string& branch, const std::string& commit);
  void SetTag(const std::string& url, const std::string& tag, const std::string& commit);
  void DeleteBranch(const std::string& url, const std::string& branch);

  // An unreachable server answers nothing: fetches end in kUnavailable.
  void SetReachable(const std::string& url, bool reachable);

  // The commit at `branch`; empty when there is none.
  std::string head(const std::string& url, const std::string& branch) const;

 private:
  friend class MemorySource;

  struct CommitData {
    std::string id;
    std::shared_ptr<const CommitData> parent;  // null for the first
    std::shared_ptr<const Files> files;
    Message message;
  };
  using CommitPointer = std::shared_ptr<const CommitData>;

  struct Remote {
    bool reachable = true;
    std::map<std::string, CommitPointer> refs;     // "refs/heads/main"
    std::map<std::string, CommitPointer> commits;  // every one that ever was
  };

  void SetRef(const std::string& url, const std::string& ref, const std::string& commit);

  std::map<std::string, Remote> remotes_;
};

class MemorySource final : public GitSource {
 public:
  // `remotes` must outlive the source.
  explicit MemorySource(const MemoryRemotes* remotes) : remotes_(remotes) {}

  absl::StatusOr<v1::FetchResponse> Fetch(const v1::FetchRequest& request) override;
  absl::StatusOr<std::string> TreeId(const std::string& repository, const std::string& commit,
                                     const std::string& path) override;
  absl::StatusOr<FileTree> Read(const std::string& repository, const std::string& commit,
                                const std::string& path) override;

 private:
  using Commits = std::map<std::string, MemoryRemotes::CommitPointer>;

  // What the server has at `wanted`.
  absl::StatusOr<MemoryRemotes::CommitPointer> Find(const v1::FetchRequest& request,
                                                    const WantedRef& wanted) const;
  static v1::FetchResponse Describe(const Commits& clone, const MemoryRemotes::CommitData& head,
                                    const std::string& known);

  const MemoryRemotes* const remotes_;
  std::map<std::string, Commits> clones_;  // by repository
};

}  // namespace muster::hub
