// For tests: makes repositories on disk, through libgit2 itself, for Libgit2Source to fetch. Every
// error is a failed CHECK.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace muster::hub {

class GitFixture {
 public:
  using Files = std::map<std::string, std::string>;

  // Creates a bare repository at `path` unless there is one.
  explicit GitFixture(std::string path);

  // A commit whose whole content is `files`, on top of `branch`; returns its id.
  std::string Commit(const std::string& branch, const Files& files, const std::string& subject);

  // As Commit, with a file that is a symbolic link to `target`, or a submodule.
  std::string CommitWithLink(const std::string& branch, const std::string& path,
                             const std::string& target);
  std::string CommitWithSubmodule(const std::string& branch, const std::string& path);

  // As Commit, with one file at the root whose name Git would not allow.
  std::string CommitWithRawName(const std::string& branch, absl::string_view name);

  // As Commit, with `depth` directories inside one another.
  std::string CommitDeep(const std::string& branch, int depth);

  void SetBranch(const std::string& branch, const std::string& commit);
  void DeleteBranch(const std::string& branch);
  // A plain tag, or an annotated one.
  void SetTag(const std::string& tag, const std::string& commit, bool annotated);

  const std::string& path() const { return path_; }

 private:
  std::string CommitTree(const std::string& branch, const std::string& tree,
                         const std::string& subject);
  std::string TreeWith(uint32_t mode, const std::string& path, const std::string& id);
  std::string WriteBlob(const std::string& bytes);
  std::string WriteRawTree(absl::string_view mode, absl::string_view name, const std::string& id);

  const std::string path_;
  int64_t time_ = 1'700'000'000;  // of the next commit
};

}  // namespace muster::hub
