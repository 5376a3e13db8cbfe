#include "common/render/kustomize/loader.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/remote.h"

namespace muster::kustomize {
namespace {

// Whether `path` is the directory or below it.
bool IsWithin(absl::string_view path, absl::string_view directory) {
  return directory.empty() || path == directory ||
         (absl::StartsWith(path, directory) && path[directory.size()] == '/');
}

absl::string_view DirectoryOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? absl::string_view() : path.substr(0, slash);
}

std::string Quoted(absl::string_view directory) {
  return absl::StrCat("'", directory.empty() ? "." : directory, "'");
}

}  // namespace

Loader::Loader(ParsedFiles& files, LoadRestrictor restrictor, std::string root)
    : files_(&files), restrictor_(restrictor), root_(std::move(root)), stack_{root_} {}

absl::StatusOr<std::string> Loader::Resolve(absl::string_view relative) const {
  if (relative.empty()) return absl::InvalidArgumentError("the path is empty");
  if (IsRemote(relative)) return files_->source().Locate(relative);
  if (relative[0] == '/') {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", relative, "' is absolute; paths start at the directory of the kustomization"));
  }
  for (const char c : relative) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) || c == '\\') {
      return absl::InvalidArgumentError(
          absl::StrCat("the path has a backslash or a control character; "
                       "separate directories with '/'"));
    }
  }
  std::vector<absl::string_view> parts = absl::StrSplit(root_, '/', absl::SkipEmpty());
  // A declared repository's name is the first part of what is in it.
  const size_t fixed = IsInRepository(root_) ? 1 : 0;
  for (const absl::string_view part : absl::StrSplit(relative, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
      continue;
    }
    if (parts.size() == fixed) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", relative, "' leads out of the repository, seen from ", Quoted(root_)));
    }
    parts.pop_back();
  }
  if (fixed == 0 && !parts.empty() && IsInRepository(parts[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", relative, "': no path begins like that; give the repository's URL"));
  }
  return absl::StrJoin(parts, "/");
}

absl::StatusOr<Loader::File> Loader::Load(absl::string_view relative) const {
  ASSIGN_OR_RETURN(std::string path, Resolve(relative));
  if (IsRemote(relative)) {
    return absl::UnimplementedError(absl::StrCat(
        "'", relative, "' is remote; only bases and components can be in another repository"));
  }
  ASSIGN_OR_RETURN(const std::string* bytes, files_->source().Find(path));
  if (bytes == nullptr) {
    ASSIGN_OR_RETURN(const bool is_directory, files_->source().IsDirectory(path));
    return absl::NotFoundError(
        is_directory ? absl::StrCat("'", relative, "' is a directory, and a file is needed")
                     : absl::StrCat("there is no file '", path, "'"));
  }
  if (restrictor_ == LoadRestrictor::kRoot && !IsWithin(DirectoryOf(path), root_)) {
    return absl::PermissionDeniedError(absl::StrCat(
        "'", path, "' is not in or below the kustomization's directory ", Quoted(root_),
        "; move it there, make a base of it, or render with load restrictor 'none'"));
  }
  return File{std::move(path), bytes};
}

absl::Status Loader::RefuseCycle(const std::string& directory) const {
  for (const std::string& visited : stack_) {
    if (!IsWithin(visited, directory)) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "this is a cycle: ", Quoted(directory),
        directory == visited
            ? " is being built already"
            : absl::StrCat(" contains ", Quoted(visited), ", which is being built"),
        " (", absl::StrJoin(stack_, " -> "), "); a base may not lead back to who uses it"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Loader> Loader::Enter(absl::string_view relative) const {
  ASSIGN_OR_RETURN(std::string directory, Resolve(relative));
  ASSIGN_OR_RETURN(const bool is_directory, files_->source().IsDirectory(directory));
  if (!is_directory) {
    ASSIGN_OR_RETURN(const std::string* bytes, files_->source().Find(directory));
    return absl::NotFoundError(
        bytes != nullptr
            ? absl::StrCat("'", relative, "' is a file, and a directory is needed")
            : absl::StrCat("there is neither a file nor a directory '", directory, "'"));
  }
  RETURN_IF_ERROR(RefuseCycle(directory));
  if (stack_.size() >= static_cast<size_t>(limits::kKustomizeDepthMax)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "bases are nested more than ", limits::kKustomizeDepthMax, " deep at ", Quoted(directory)));
  }
  Loader loader(*files_, restrictor_, std::move(directory));
  loader.stack_ = stack_;
  loader.stack_.push_back(loader.root_);
  return loader;
}

}  // namespace muster::kustomize
