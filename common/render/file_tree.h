// FileTree: the files of a Git tree, or of a part of it, as a value: path -> bytes.
//
// What GitSource::Read returns and what rendering and configuration read; no file system behind it.
// Pure; like every value, any thread while nobody writes. Promises: paths are relative to the
// repository's root, normalised (see NormalizePath), unique, and iterated in byte order.
//
//   FileTree tree;
//   RETURN_IF_ERROR(tree.Add("apps/web.yaml", std::move(bytes)));
//   for (const auto& [path, bytes] : tree.Below("apps")) ...
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// The one spelling of a relative path: "./apps//web/" -> "apps/web", "." -> "" (the root). Returns
// kInvalidArgument, saying why, for an absolute path, a ".." (even one that stays inside) and a
// backslash or control character (NUL, CR, ...).
absl::StatusOr<std::string> NormalizePath(absl::string_view path);

// `relative`, read from the directory `base`, normalised; either may be the root. Errors as above,
// so that the result never leaves `base`.
absl::StatusOr<std::string> JoinPath(absl::string_view base, absl::string_view relative);

class FileTree {
 public:
  using Files = std::map<std::string, std::string, std::less<>>;

  // Some neighbouring files. Valid while the tree is neither changed nor gone.
  class Range {
   public:
    Range(Files::const_iterator begin, Files::const_iterator end) : begin_(begin), end_(end) {}
    Files::const_iterator begin() const { return begin_; }
    Files::const_iterator end() const { return end_; }
    bool empty() const { return begin_ == end_; }

   private:
    Files::const_iterator begin_;
    Files::const_iterator end_;
  };

  // Adds a file under its normalised path. Returns kInvalidArgument for a path that NormalizePath
  // refuses or that names no file, and kAlreadyExists for one that is there.
  absl::Status Add(absl::string_view path, std::string bytes);

  // The bytes of the file at a path that is already normalised; null when it is not there.
  const std::string* Find(absl::string_view path) const;

  // The files below the directory `path`, which is already normalised; "" is the root. A file at
  // `path` itself is not below it.
  Range Below(absl::string_view path) const;

  // Whether there is a file at or below `path`.
  bool Contains(absl::string_view path) const;

  size_t size() const { return files_.size(); }
  bool empty() const { return files_.empty(); }
  size_t bytes() const { return bytes_; }  // the sum of the files' sizes
  Files::const_iterator begin() const { return files_.begin(); }
  Files::const_iterator end() const { return files_.end(); }

  friend bool operator==(const FileTree& a, const FileTree& b) { return a.files_ == b.files_; }

 private:
  Files files_;
  size_t bytes_ = 0;
};

}  // namespace muster
