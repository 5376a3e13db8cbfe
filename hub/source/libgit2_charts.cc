#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "hub/source/chart_store.h"
#include "hub/source/libgit2.h"
#include "hub/source/libgit2_tree.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;
using Index = std::unique_ptr<git_index, libgit2::Freer<git_index_free>>;
using libgit2::ToStatus;

absl::StatusOr<libgit2::Repository> Open(const std::string& clone) {
  git_repository* repository = nullptr;
  const int code = git_repository_open_bare(&repository, clone.c_str());
  if (code < 0) return ToStatus(code, "open the store of the charts");
  return libgit2::Repository(repository);
}

absl::StatusOr<libgit2::Repository> OpenOrCreate(const std::string& clone) {
  absl::StatusOr<libgit2::Repository> opened = Open(clone);
  if (opened.ok()) return opened;
  std::error_code error;
  fs::remove_all(clone, error);
  git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
  options.flags =
      GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_NO_REINIT;
  git_repository* repository = nullptr;
  const int code = git_repository_init_ext(&repository, clone.c_str(), &options);
  if (code < 0) return ToStatus(code, "create the store of the charts");
  return libgit2::Repository(repository);
}

absl::Status AddFiles(git_repository* repository, git_index* index, const std::string& path,
                      const FileTree& files) {
  for (const auto& [name, bytes] : files) {
    git_index_entry entry = {};
    const std::string at = absl::StrCat(path, "/", name);
    entry.path = at.c_str();
    entry.mode = GIT_FILEMODE_BLOB;
    int code = git_blob_create_from_buffer(&entry.id, repository, bytes.data(), bytes.size());
    if (code == 0) code = git_index_add(index, &entry);
    if (code < 0) return ToStatus(code, absl::StrCat("store '", at, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<git_oid> WriteTree(git_repository* repository,
                                  const ChartStore::Contents& contents) {
  git_index* handle = nullptr;
  if (const int code = git_index_new(&handle); code < 0) return ToStatus(code, "store the charts");
  const Index index(handle);
  for (const auto& [path, files] : contents.added) {
    RETURN_IF_ERROR(AddFiles(repository, handle, path, files));
  }
  for (const auto& [path, commit] : contents.kept) {
    ASSIGN_OR_RETURN(const libgit2::Located at, libgit2::Locate(repository, commit, path));
    ASSIGN_OR_RETURN(const FileTree files, libgit2::ReadFiles(repository, at, path));
    // Their paths are those of the whole commit already.
    FileTree below;
    for (const auto& [name, bytes] : files) {
      RETURN_IF_ERROR(below.Add(name.substr(path.size() + 1), bytes));
    }
    RETURN_IF_ERROR(AddFiles(repository, handle, path, below));
  }
  git_oid tree;
  const int code = git_index_write_tree_to(&tree, handle, repository);
  if (code < 0) return ToStatus(code, "store the charts");
  return tree;
}

absl::StatusOr<git_oid> WriteCommit(git_repository* repository, const git_oid& tree_id,
                                    const ChartStore::Contents& contents) {
  git_tree* tree = nullptr;
  int code = git_tree_lookup(&tree, repository, &tree_id);
  if (code < 0) return ToStatus(code, "store the charts");
  const libgit2::Tree owned_tree(tree);
  git_signature* author = nullptr;
  code = git_signature_new(&author, contents.author.c_str(), "charts", 0, 0);
  if (code < 0) return ToStatus(code, "store the charts");
  const libgit2::Signature owned_author(author);
  git_oid id;
  code = git_commit_create(&id, repository, nullptr, author, author, nullptr,
                           contents.subject.c_str(), tree, 0, nullptr);
  if (code < 0) return ToStatus(code, "store the charts");
  return id;
}

}  // namespace

bool GitChartStore::Has(const std::string& commit, const std::string& path) {
  const absl::StatusOr<libgit2::Repository> repository = Open(clone_);
  if (!repository.ok() || commit.empty()) return false;
  const auto at = libgit2::Locate(repository->get(), commit, path);
  return at.ok() && (path.empty() || libgit2::ReadFiles(repository->get(), *at, path).ok());
}

absl::StatusOr<std::string> GitChartStore::Write(const Contents& contents) {
  libgit2::Start();
  ASSIGN_OR_RETURN(const libgit2::Repository repository, OpenOrCreate(clone_));
  ASSIGN_OR_RETURN(const git_oid tree, WriteTree(repository.get(), contents));
  ASSIGN_OR_RETURN(const git_oid commit, WriteCommit(repository.get(), tree, contents));
  return libgit2::Hex(commit);
}

}  // namespace muster::hub
