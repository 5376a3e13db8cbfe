#include "hub/source/libgit2_tree.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/config/repository_url.h"
#include "hub/source/git_ref.h"

namespace muster::hub::libgit2 {
namespace {

std::string Shown(absl::string_view path) { return absl::StrCat("'", CommitText(path, 300), "'"); }

absl::Status Missing(int code, absl::string_view what) {
  if (code == GIT_ENOTFOUND) {
    return absl::DataLossError(
        absl::StrCat(what, ": an object is missing from the clone; the server sent only a part"));
  }
  return ToStatus(code, what);
}

// Links would let a commit point outside of what its path covers; submodules are other
// repositories.
absl::Status CheckMode(const git_tree_entry* entry, const std::string& path) {
  switch (git_tree_entry_filemode(entry)) {
    case GIT_FILEMODE_LINK:
      return absl::InvalidArgumentError(absl::StrCat(
          Shown(path), " is a symbolic link, and links are not followed; commit the file itself"));
    case GIT_FILEMODE_COMMIT:
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(path),
                       " is a submodule, and submodules are not fetched; declare its repository "
                       "and a package for it"));
    default:
      return absl::OkStatus();
  }
}

absl::StatusOr<Tree> LookupTree(git_repository* repository, const git_oid& id,
                                const std::string& path) {
  git_tree* tree = nullptr;
  const int code = git_tree_lookup(&tree, repository, &id);
  if (code < 0) return Missing(code, absl::StrCat("read the directory ", Shown(path)));
  return Tree(tree);
}

absl::StatusOr<Tree> RootOf(git_repository* repository, absl::string_view commit) {
  git_oid id;
  if (!IsCommitId(commit) || git_oid_fromstrn(&id, commit.data(), commit.size()) < 0) {
    return absl::InvalidArgumentError(absl::StrCat(Shown(commit), " is not a commit"));
  }
  git_commit* handle = nullptr;
  if (const int code = git_commit_lookup(&handle, repository, &id); code < 0) {
    const absl::Status status = ToStatus(code, absl::StrCat("commit ", commit));
    if (status.code() != absl::StatusCode::kNotFound) return status;
    return absl::NotFoundError(absl::StrCat("commit ", commit, " is not in the clone"));
  }
  const CommitHandle owned(handle);
  git_tree* tree = nullptr;
  if (const int code = git_commit_tree(&tree, handle); code < 0) {
    return Missing(code, absl::StrCat("read the root of commit ", commit));
  }
  return Tree(tree);
}

// Collects files with an explicit stack of directories: depth is bounded, and never the machine's.
class Reader {
 public:
  explicit Reader(git_repository* repository) : repository_(repository) {}

  absl::Status AddFile(const git_oid& id, const std::string& path) {
    if (++files_ > limits::kFilesPerPathMax) {
      return Exceeded("has more than %d files", limits::kFilesPerPathMax);
    }
    RETURN_IF_ERROR(CheckSize(id, path));
    git_blob* handle = nullptr;
    if (const int code = git_blob_lookup(&handle, repository_, &id); code < 0) {
      return Missing(code, absl::StrCat("read ", Shown(path)));
    }
    const Blob blob(handle);
    const auto* bytes = static_cast<const char*>(git_blob_rawcontent(handle));
    return tree_.Add(path, std::string(bytes, static_cast<size_t>(git_blob_rawsize(handle))));
  }

  absl::Status AddDirectory(const git_oid& id, const std::string& path) {
    pending_.push_back({id, path, 0});
    while (!pending_.empty()) {
      const Pending next = std::move(pending_.back());
      pending_.pop_back();
      RETURN_IF_ERROR(AddEntries(next));
    }
    return absl::OkStatus();
  }

  FileTree Take() { return std::move(tree_); }

 private:
  struct Pending {
    git_oid id;
    std::string path;
    int depth;
  };

  template <typename... Args>
  static absl::Status Exceeded(const absl::FormatSpec<Args...>& format, const Args&... args) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the path ", absl::StrFormat(format, args...),
                     "; give a path that holds only what is to be deployed"));
  }

  // Asks for the size before anything is unpacked, so that a huge file costs nothing.
  absl::Status CheckSize(const git_oid& id, const std::string& path) {
    git_odb* handle = nullptr;
    if (const int code = git_repository_odb(&handle, repository_); code < 0) {
      return ToStatus(code, "open the object database");
    }
    const Odb odb(handle);
    size_t size = 0;
    git_object_t type;
    if (const int code = git_odb_read_header(&size, &type, handle, &id); code < 0) {
      return Missing(code, absl::StrCat("read ", Shown(path)));
    }
    if (type != GIT_OBJECT_BLOB) {
      return absl::DataLossError(absl::StrCat(Shown(path), " is called a file and is none"));
    }
    if (size > limits::kBlobBytesMax) {
      return absl::ResourceExhaustedError(absl::StrFormat("%s has %d bytes; a file may have %d MiB",
                                                          Shown(path), size,
                                                          limits::kBlobBytesMax >> 20));
    }
    bytes_ += size;
    if (bytes_ > limits::kBytesPerPathMax) {
      return Exceeded("holds more than %d MiB", limits::kBytesPerPathMax >> 20);
    }
    return absl::OkStatus();
  }

  absl::Status AddEntries(const Pending& directory) {
    if (directory.depth > limits::kPathDepthMax) {
      return Exceeded("is nested deeper than %d directories", limits::kPathDepthMax);
    }
    // Empty directories cost memory too; Git writes none, an attacker may.
    if (++directories_ > limits::kFilesPerPathMax) {
      return Exceeded("has more than %d directories", limits::kFilesPerPathMax);
    }
    ASSIGN_OR_RETURN(const Tree tree, LookupTree(repository_, directory.id, directory.path));
    const size_t count = git_tree_entrycount(tree.get());
    for (size_t i = 0; i < count; ++i) {
      const git_tree_entry* entry = git_tree_entry_byindex(tree.get(), i);
      RETURN_IF_ERROR(AddEntry(entry, directory));
    }
    return absl::OkStatus();
  }

  absl::Status AddEntry(const git_tree_entry* entry, const Pending& directory) {
    const absl::string_view name = git_tree_entry_name(entry);
    const std::string path =
        directory.path.empty() ? std::string(name) : absl::StrCat(directory.path, "/", name);
    if (name.empty() || name == "." || name == ".." || absl::StrContains(name, '/') ||
        absl::EqualsIgnoreCase(name, ".git")) {
      return absl::InvalidArgumentError(
          absl::StrCat(Shown(path), " is not a name that a file may have"));
    }
    RETURN_IF_ERROR(CheckMode(entry, path));
    const git_oid& id = *git_tree_entry_id(entry);
    if (git_tree_entry_type(entry) == GIT_OBJECT_TREE) {
      pending_.push_back({id, path, directory.depth + 1});
      return absl::OkStatus();
    }
    return AddFile(id, path);
  }

  git_repository* const repository_;
  FileTree tree_;
  std::vector<Pending> pending_;
  int files_ = 0;
  int directories_ = 0;
  size_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<Located> Locate(git_repository* repository, absl::string_view commit,
                               const std::string& path) {
  ASSIGN_OR_RETURN(Tree tree, RootOf(repository, commit));
  Located at{*git_tree_id(tree.get()), true};
  if (path.empty()) return at;
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  std::string walked;
  for (size_t i = 0; i < parts.size(); ++i) {
    absl::StrAppend(&walked, walked.empty() ? "" : "/", parts[i]);
    const git_tree_entry* entry = git_tree_entry_byname(tree.get(), parts[i].c_str());
    if (entry == nullptr) {
      return absl::NotFoundError(
          absl::StrCat("path ", Shown(walked), " is not in commit ", commit.substr(0, 12)));
    }
    RETURN_IF_ERROR(CheckMode(entry, walked));
    at = {*git_tree_entry_id(entry), git_tree_entry_type(entry) == GIT_OBJECT_TREE};
    if (i + 1 == parts.size()) break;
    if (!at.is_tree) {
      return absl::NotFoundError(absl::StrCat("path ", Shown(walked), " is a file in commit ",
                                              commit.substr(0, 12), ", not a directory"));
    }
    ASSIGN_OR_RETURN(tree, LookupTree(repository, at.id, walked));
  }
  return at;
}

absl::StatusOr<FileTree> ReadFiles(git_repository* repository, const Located& at,
                                   const std::string& path) {
  Reader reader(repository);
  RETURN_IF_ERROR(at.is_tree ? reader.AddDirectory(at.id, path) : reader.AddFile(at.id, path));
  return reader.Take();
}

}  // namespace muster::hub::libgit2
