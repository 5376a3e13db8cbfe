#include "cli/directory_source.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/files.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

namespace fs = std::filesystem;

bool IsWithin(const std::string& path, const std::string& root) {
  if (root == "/" || path == root) return true;
  return absl::StartsWith(path, absl::StrCat(root, "/"));
}

}  // namespace

absl::StatusOr<std::optional<std::string>> DirectorySource::Locate(const std::string& path) const {
  std::error_code error;
  const fs::path found = fs::canonical(fs::path(root_) / path, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory) {
    return std::nullopt;
  }
  if (error) return absl::InvalidArgumentError(absl::StrCat(path, ": ", error.message()));
  if (IsWithin(found.string(), root_)) return found.string();
  return absl::InvalidArgumentError(absl::StrCat(
      path, " is behind a symbolic link that leads out of ", root_, "; commit the file itself"));
}

absl::StatusOr<const std::string*> DirectorySource::Find(const std::string& path) {
  const auto known = files_.find(path);
  if (known != files_.end()) return known->second.has_value() ? &*known->second : nullptr;
  ASSIGN_OR_RETURN(const std::optional<std::string> place, Locate(path));
  std::error_code error;
  std::optional<std::string> bytes;
  if (place.has_value() && fs::is_regular_file(*place, error)) {
    ASSIGN_OR_RETURN(bytes, ReadFile(*place, limits::kBlobBytesMax));
  }
  const std::optional<std::string>& kept = files_.emplace(path, std::move(bytes)).first->second;
  return kept.has_value() ? &*kept : nullptr;
}

absl::StatusOr<bool> DirectorySource::IsDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(const std::optional<std::string> place, Locate(path));
  std::error_code error;
  return place.has_value() && fs::is_directory(*place, error);
}

absl::StatusOr<FileTree::Range> DirectorySource::Below(const std::string& path) {
  auto known = trees_.find(path);
  if (known == trees_.end()) {
    ASSIGN_OR_RETURN(FileTree tree, ReadTree(root_, path));
    known = trees_.emplace(path, std::move(tree)).first;
  }
  return known->second.Below(path);
}

absl::StatusOr<WorkingPath> FindWorkingPath(const std::string& directory) {
  std::error_code error;
  const fs::path start = fs::canonical(directory, error);
  if (error || !fs::is_directory(start, error)) {
    return absl::NotFoundError(absl::StrCat(directory, " is not a directory"));
  }
  fs::path root = start;
  while (root.has_relative_path() && !fs::exists(root / ".git", error)) root = root.parent_path();
  const fs::path relative = start.lexically_relative(root);
  return WorkingPath{root.string(), relative == "." ? "" : relative.generic_string()};
}

}  // namespace muster::cli
