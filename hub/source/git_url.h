// GitUrl: the address of a repository, read strictly before anything connects to it.
//
// Accepts https://host[:port]/path, ssh://[user@]host[:port]/path, the scp form user@host:path and
// file:///path; nothing else. Whether file:// may be used is the caller's decision. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster::hub {

struct GitUrl {
  enum class Scheme { kHttps, kSsh, kFile };

  Scheme scheme = Scheme::kHttps;
  std::string user;  // empty when the URL names none
  std::string host;  // without brackets; empty for file://
  int port = 0;      // zero for the scheme's own
  std::string path;
  std::string text;  // as it was given
};

// Returns kInvalidArgument, saying what is wrong and what would be right. A password in a URL is
// refused, because URLs are shown and logged; the message does not repeat it.
absl::StatusOr<GitUrl> ParseGitUrl(absl::string_view url);

// Whether `name` may name a clone's directory: letters, digits, '.', '_' and '-', at most 253, and
// neither "." nor "..".
bool IsRepositoryName(absl::string_view name);

// Whether `id` is a full Git object id: 40 lower-case hexadecimal digits.
bool IsObjectId(absl::string_view id);

}  // namespace muster::hub
