#include "common/render/tree_reader.h"

#include <utility>

namespace muster {

absl::StatusOr<const FileTree*> TreeReaderSource::TreeFor(const std::string& path) {
  // The path itself, then what holds it.
  for (absl::string_view at = path;;) {
    if (const auto known = trees_.find(std::string(at)); known != trees_.end()) {
      return &known->second;
    }
    if (at.empty()) break;
    const size_t slash = at.rfind('/');
    at = slash == at.npos ? absl::string_view() : at.substr(0, slash);
  }
  absl::StatusOr<FileTree> tree = reader_.read(path);
  if (!tree.ok() && tree.status().code() != absl::StatusCode::kNotFound) return tree.status();
  const FileTree& kept =
      trees_.emplace(path, tree.ok() ? *std::move(tree) : FileTree()).first->second;
  bytes_ += kept.bytes();
  return &kept;
}

absl::StatusOr<const std::string*> TreeReaderSource::Find(const std::string& path) {
  const absl::StatusOr<const FileTree*> tree = TreeFor(path);
  if (!tree.ok()) return tree.status();
  return (*tree)->Find(path);
}

absl::StatusOr<bool> TreeReaderSource::IsDirectory(const std::string& path) {
  const absl::StatusOr<const FileTree*> tree = TreeFor(path);
  if (!tree.ok()) return tree.status();
  return !(*tree)->Below(path).empty();
}

}  // namespace muster
