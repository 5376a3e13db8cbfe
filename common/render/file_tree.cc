#include "common/render/file_tree.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace muster {

absl::StatusOr<std::string> NormalizePath(absl::string_view path) {
  const auto refuse = [path](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("path '", absl::CHexEscape(path), "': ", why));
  };
  if (!path.empty() && path.front() == '/') {
    return refuse("is absolute; write it relative to the repository or the package");
  }
  for (const char c : path) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return refuse("holds a control character");
    }
    if (c == '\\') return refuse("holds a backslash; directories are separated by '/'");
  }
  std::vector<absl::string_view> kept;
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part == "..") return refuse("'..' is not allowed; nothing outside may be reached");
    kept.push_back(part);
  }
  return absl::StrJoin(kept, "/");
}

absl::StatusOr<std::string> JoinPath(absl::string_view base, absl::string_view relative) {
  absl::StatusOr<std::string> head = NormalizePath(base);
  if (!head.ok()) return head;
  absl::StatusOr<std::string> tail = NormalizePath(relative);
  if (!tail.ok()) return tail;
  if (head->empty()) return tail;
  if (tail->empty()) return head;
  return absl::StrCat(*head, "/", *tail);
}

absl::Status FileTree::Add(absl::string_view path, std::string bytes) {
  absl::StatusOr<std::string> normalized = NormalizePath(path);
  if (!normalized.ok()) return normalized.status();
  if (normalized->empty()) {
    return absl::InvalidArgumentError(absl::StrCat("path '", path, "': names no file"));
  }
  const size_t size = bytes.size();
  const auto [at, added] = files_.try_emplace(*std::move(normalized), std::move(bytes));
  if (!added) return absl::AlreadyExistsError(absl::StrCat("path '", at->first, "': is there"));
  bytes_ += size;
  return absl::OkStatus();
}

const std::string* FileTree::Find(absl::string_view path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? nullptr : &at->second;
}

FileTree::Range FileTree::Below(absl::string_view path) const {
  if (path.empty()) return Range(files_.begin(), files_.end());
  // All paths that start with "path/" are neighbours, and '0' is the byte after '/'.
  return Range(files_.lower_bound(absl::StrCat(path, "/")),
               files_.lower_bound(absl::StrCat(path, "0")));
}

bool FileTree::Contains(absl::string_view path) const {
  return Find(path) != nullptr || !Below(path).empty();
}

}  // namespace muster
