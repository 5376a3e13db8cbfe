#include "cli/files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

absl::Status AddFile(const fs::path& path, const std::string& root, FileTree& tree) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path.string(), limits::kBlobBytesMax));
  RETURN_IF_ERROR(tree.Add(path.lexically_relative(root).generic_string(), std::move(bytes)));
  if (tree.size() > limits::kFilesPerPathMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(root, " has more than ", limits::kFilesPerPathMax, " files"));
  }
  if (tree.bytes() > limits::kBytesPerPathMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat(root, " has more than ", limits::kBytesPerPathMax, " bytes in files"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) {
    return absl::NotFoundError(absl::StrCat("there is no file ", path));
  }
  if (status.type() == fs::file_type::directory) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is a directory"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::InvalidArgumentError(absl::StrCat("open ", path, ": ", std::strerror(errno)));
  }
  std::string bytes;
  char block[16 << 10];
  while (bytes.size() <= bytes_max && (file.read(block, sizeof(block)) || file.gcount() > 0)) {
    bytes.append(block, file.gcount());
  }
  if (file.bad()) return absl::InternalError(absl::StrCat("read ", path));
  if (bytes.size() > bytes_max) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, " is larger than ", bytes_max, " bytes"));
  }
  return bytes;
}

absl::StatusOr<FileTree> ReadTree(const std::string& root, const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(root, error)) {
    return absl::NotFoundError(absl::StrCat(root, " is not a directory"));
  }
  FileTree tree;
  const fs::path start = path.empty() ? fs::path(root) : fs::path(root) / path;
  if (fs::is_regular_file(fs::symlink_status(start, error))) {
    RETURN_IF_ERROR(AddFile(start, root, tree));
    return tree;
  }
  if (!fs::is_directory(fs::symlink_status(start, error))) return tree;
  fs::recursive_directory_iterator entry(start, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().filename() == ".git") {
      entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_directory() && entry.depth() >= limits::kPathDepthMax) {
      return absl::ResourceExhaustedError(absl::StrCat(entry->path().string(), ": more than ",
                                                       limits::kPathDepthMax, " folders deep"));
    }
    if (!entry->is_regular_file() || entry->is_symlink()) continue;
    RETURN_IF_ERROR(AddFile(entry->path(), root, tree));
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat("read ", root, ": ", error.message()));
  return tree;
}

}  // namespace muster::cli
