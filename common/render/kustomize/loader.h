// Loader: files as one kustomization sees them.
//
// Each kustomization directory has its own, made from the one that refers to it. Refuses what
// leaves the directory under load restrictor `root`, what leaves its repository always, remote
// addresses that are no declared repository (remote.h), and directories that are being built
// already (cycles). Pure; one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/kustomize/parsed_files.h"

namespace muster::kustomize {

enum class LoadRestrictor {
  kRoot,  // files only from the kustomization's directory and below (bases may be anywhere)
  kNone,  // files from anywhere in the repository
};

class Loader {
 public:
  // For the directory `root` (normalised, "" for the repository's root) that a build starts in.
  Loader(ParsedFiles& files, LoadRestrictor restrictor, std::string root);

  const std::string& root() const { return root_; }
  LoadRestrictor restrictor() const { return restrictor_; }
  ParsedFiles& files() const { return *files_; }

  // The path that `relative` means, from the repository's root, or in a declared repository.
  // kInvalidArgument when it leads out.
  absl::StatusOr<std::string> Resolve(absl::string_view relative) const;

  // A file's path and bytes. kNotFound when it is not there, kPermissionDenied for the restrictor,
  // kInvalidArgument for remote addresses and paths out of the repository.
  struct File {
    std::string path;
    const std::string* bytes;
  };
  absl::StatusOr<File> Load(absl::string_view relative) const;

  // A loader for the directory that a base or component stands in. kNotFound when it is none,
  // kFailedPrecondition for a cycle.
  absl::StatusOr<Loader> Enter(absl::string_view relative) const;

  // The directories being built, this one last.
  const std::vector<std::string>& stack() const { return stack_; }
  // kFailedPrecondition when one of `directories` is, or holds, one of the stack.
  absl::Status RefuseCycle(const std::string& directory) const;

 private:
  ParsedFiles* files_;
  LoadRestrictor restrictor_;
  std::string root_;
  std::vector<std::string> stack_;
};

}  // namespace muster::kustomize
