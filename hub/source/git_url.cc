#include "hub/source/git_url.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

constexpr size_t kUrlBytesMax = 2'048;

absl::Status Refuse(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("repository URL: ", why));
}

// Names and addresses; an IPv6 address comes without its brackets.
absl::Status CheckHost(absl::string_view host, bool bracketed) {
  if (host.empty()) return Refuse("no host");
  if (host.front() == '-') return Refuse("a host cannot start with '-'");
  const bool good = std::all_of(host.begin(), host.end(), [&](unsigned char c) {
    if (bracketed) return absl::ascii_isxdigit(c) || c == ':' || c == '.';
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
  return good ? absl::OkStatus() : Refuse("the host holds a character that no host may have");
}

absl::Status CheckUser(absl::string_view user) {
  if (absl::StrContains(user, ':')) {
    return Refuse("it holds a password; take it out and name a credential instead");
  }
  const bool good = std::all_of(user.begin(), user.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  });
  if (!good || user.empty() || user.front() == '-') return Refuse("the user's name is not one");
  return absl::OkStatus();
}

absl::Status CheckPath(absl::string_view path) {
  if (path.empty() || path == "/") return Refuse("no path after the host");
  if (path.front() == '-') return Refuse("a path cannot start with '-'");
  return absl::OkStatus();
}

// "[user@]host[:port]" into `url`.
absl::Status ParseAuthority(absl::string_view authority, GitUrl* url) {
  if (const size_t at = authority.rfind('@'); at != absl::string_view::npos) {
    RETURN_IF_ERROR(CheckUser(authority.substr(0, at)));
    url->user = std::string(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  const bool bracketed = absl::ConsumePrefix(&authority, "[");
  const size_t end =
      bracketed ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (end == absl::string_view::npos) return Refuse("'[' without ']' in the host");
  url->host = std::string(authority.substr(0, end));
  RETURN_IF_ERROR(CheckHost(url->host, bracketed));
  authority.remove_prefix(end + (bracketed ? 1 : 0));
  if (authority.empty()) return absl::OkStatus();
  if (!absl::ConsumePrefix(&authority, ":") || !absl::SimpleAtoi(authority, &url->port) ||
      url->port < 1 || url->port > 65'535) {
    return Refuse("the port is not a number from 1 to 65535");
  }
  return absl::OkStatus();
}

// "user@host:path".
absl::StatusOr<GitUrl> ParseScpForm(absl::string_view text, GitUrl url) {
  const size_t colon = text.find(':');
  if (colon == absl::string_view::npos || absl::StrContains(text.substr(0, colon), '/')) {
    return Refuse("not a URL; give https://host/path, ssh://user@host/path or file:///path");
  }
  url.scheme = GitUrl::Scheme::kSsh;
  RETURN_IF_ERROR(ParseAuthority(text.substr(0, colon), &url));
  // "file:x" and "ext::x" are slips or attacks, never hosts.
  for (const char* scheme : {"file", "http", "https", "ssh", "git", "ext"}) {
    if (url.host == scheme) return Refuse(absl::StrCat("'", scheme, ":' without '//' after it"));
  }
  url.path = std::string(text.substr(colon + 1));
  RETURN_IF_ERROR(CheckPath(url.path));
  return url;
}

}  // namespace

absl::StatusOr<GitUrl> ParseGitUrl(absl::string_view text) {
  if (text.empty()) return Refuse("empty");
  if (text.size() > kUrlBytesMax) return Refuse("longer than 2048 bytes");
  for (const unsigned char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '\\') {
      return Refuse("it holds a space, a backslash, or a control or non-ASCII character");
    }
  }
  GitUrl url;
  url.text = std::string(text);
  const size_t separator = text.find("://");
  if (separator == absl::string_view::npos) return ParseScpForm(text, std::move(url));

  const absl::string_view scheme = text.substr(0, separator);
  absl::string_view rest = text.substr(separator + 3);
  if (scheme == "file") {
    url.scheme = GitUrl::Scheme::kFile;
    url.path = std::string(rest);
    if (!absl::StartsWith(rest, "/"))
      return Refuse("file:// needs an absolute path: file:///srv/x");
    return url;
  }
  if (scheme == "http" || scheme == "git") {
    return Refuse(
        absl::StrCat(scheme, ":// proves nothing about the server; use https:// or ssh://"));
  }
  if (scheme != "https" && scheme != "ssh") {
    return Refuse(absl::StrCat("unknown scheme '", scheme, "'; use https://, ssh:// or file://"));
  }
  url.scheme = scheme == "https" ? GitUrl::Scheme::kHttps : GitUrl::Scheme::kSsh;
  const size_t slash = std::min(rest.find('/'), rest.size());
  RETURN_IF_ERROR(ParseAuthority(rest.substr(0, slash), &url));
  url.path = std::string(rest.substr(slash));
  RETURN_IF_ERROR(CheckPath(url.path));
  return url;
}

bool IsRepositoryName(absl::string_view name) {
  if (name.empty() || name.size() > 253 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
  });
}

bool IsObjectId(absl::string_view id) {
  return id.size() == 40 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace muster::hub
