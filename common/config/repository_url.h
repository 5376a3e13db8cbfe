// Where a Git repository is and what is followed in it: the words that reach libgit2 and a network.
// What is refused here never gets that far. Pure; any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct RepositoryUrl {
  enum class Scheme { kHttps, kSsh, kFile };

  Scheme scheme = Scheme::kHttps;
  std::string user;  // empty when the URL names none
  std::string host;  // without brackets; empty for file://
  int port = 0;      // zero for the scheme's own
  std::string path;  // with its first '/', but for user@host:path
  std::string text;  // in one spelling
  // What is given to Git: `text`, but user@host:path as it came, for there the path is relative to
  // the user's home.
  std::string git;
};

// Reads https://host/path, ssh://user@host/path, user@host:path and file:///path. Returns
// kInvalidArgument for other schemes (http and git send in the clear), for a URL with a password
// or, in https, a user; with control characters, blanks, a query or a fragment; and for hosts and
// paths that start with '-', which programs take for options. The message never repeats a password.
absl::StatusOr<RepositoryUrl> ParseRepositoryUrl(absl::string_view url);

// One spelling of it: ssh://user@host/path also for user@host:path.
absl::StatusOr<std::string> NormalizeRepositoryUrl(absl::string_view url);

// The same for where charts are: https://host/path for a Helm repository (what index.yaml is
// below), oci://host/path for a registry. The path may be missing.
absl::StatusOr<std::string> NormalizeRegistryUrl(absl::string_view url, bool oci);

// Whether `name` can be a branch or tag (git-check-ref-format); kInvalidArgument, saying why.
absl::Status CheckRefName(absl::string_view name);

// Whether `text` is a whole commit id: 40 lower-case hexadecimal digits.
bool IsCommitId(absl::string_view text);

}  // namespace muster
