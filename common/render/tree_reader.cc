#include "common/render/tree_reader.h"

#include <utility>

namespace muster {

absl::StatusOr<const FileTree*> TreeReaderSource::TreeFor(const std::string& path) {
  // The path itself, then what holds it.
  for (absl::string_view at = path;;) {
    if (const auto known = trees_.find(std::string(at)); known != trees_.end()) {
      return &known->second;
    }
    const size_t slash = at.rfind('/');
    // Another repository's root is in nothing.
    if (at.empty() || (slash == at.npos && kustomize::IsInRepository(at))) break;
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

absl::StatusOr<std::string> TreeReaderSource::Locate(absl::string_view address) {
  std::vector<std::string> asked;
  absl::StatusOr<std::string> path = kustomize::LocateRemote(address, reader_.declared, &asked);
  asked_.insert(asked.begin(), asked.end());
  return path;
}

absl::StatusOr<std::string> TreeReaderSource::LocateChart(absl::string_view address,
                                                          const std::string& chart,
                                                          const std::string& version) {
  const DeclaredRegistry* registry = RegistryAt(reader_.registries, address);
  if (registry == nullptr) return FileSource::LocateChart(address, chart, version);
  v1::ChartWant want;
  want.set_repository(registry->name);
  want.set_chart(chart);
  want.set_version(version);
  asked_.insert(registry->name);
  wanted_.push_back(want);
  const absl::StatusOr<FoundChart> found = FindChart(reader_.registries, want);
  if (!found.ok()) return found.status();
  return found->path;
}

absl::StatusOr<FileTree::Range> TreeReaderSource::Below(const std::string& path) {
  const absl::StatusOr<const FileTree*> tree = TreeFor(path);
  if (!tree.ok()) return tree.status();
  return (*tree)->Below(path);
}

}  // namespace muster
