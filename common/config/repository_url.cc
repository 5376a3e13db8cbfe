#include "common/config/repository_url.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace muster {
namespace {

constexpr size_t kUrlBytesMax = 2048;
constexpr size_t kRefBytesMax = 255;

absl::Status Refuse(absl::string_view why) { return absl::InvalidArgumentError(why); }

bool IsWord(absl::string_view text, absl::string_view also) {
  return std::all_of(text.begin(), text.end(), [also](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains(also, c);
  });
}

// An address comes without its brackets.
absl::Status CheckHost(absl::string_view host, bool bracketed) {
  if (bracketed) {
    if (host.size() >= 2 && IsWord(host, ":.")) return absl::OkStatus();
    return Refuse("has a malformed address in '[]'");
  }
  if (host.empty()) return Refuse("names no host");
  if (host.front() == '-' || host.front() == '.' || !IsWord(host, "-.")) {
    return Refuse("has a host that is no DNS name or address");
  }
  return absl::OkStatus();
}

absl::Status CheckUser(absl::string_view user) {
  if (user.empty() || user.front() == '-' || !IsWord(user, "-._")) {
    return Refuse("has a malformed user before '@'");
  }
  return absl::OkStatus();
}

absl::Status CheckPath(absl::string_view path) {
  if (path.empty() || path == "/") return Refuse("names no repository after the host");
  if (absl::StrContains(path, '?') || absl::StrContains(path, '#')) {
    return Refuse("has a query or fragment; a repository's URL has none");
  }
  for (const absl::string_view part : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (part == "..") return Refuse("has '..' in its path");
    if (part.front() == '-') return Refuse("has a path in which a name starts with '-'");
  }
  return absl::OkStatus();
}

// [user@]host[:port] into `url`, whose scheme is known.
absl::Status ReadAuthority(absl::string_view authority, RepositoryUrl& url) {
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    const absl::string_view user = authority.substr(0, at);
    if (url.scheme != RepositoryUrl::Scheme::kSsh || absl::StrContains(user, ':')) {
      return Refuse("holds credentials; give them to the hub, and name them in 'credentials'");
    }
    if (absl::Status bad = CheckUser(user); !bad.ok()) return bad;
    url.user = std::string(user);
    authority.remove_prefix(at + 1);
  }
  const bool bracketed = absl::ConsumePrefix(&authority, "[");
  const size_t end = std::min(authority.find(bracketed ? ']' : ':'), authority.size());
  if (bracketed && end == authority.size()) return Refuse("has a malformed address in '[]'");
  url.host = std::string(authority.substr(0, end));
  if (absl::Status bad = CheckHost(url.host, bracketed); !bad.ok()) return bad;
  authority.remove_prefix(end + (bracketed ? 1 : 0));
  if (authority.empty()) return absl::OkStatus();
  const bool digits = absl::ConsumePrefix(&authority, ":") && IsWord(authority, "");
  if (!digits || !absl::SimpleAtoi(authority, &url.port) || url.port < 1 || url.port > 65535) {
    return Refuse("has a malformed port");
  }
  return absl::OkStatus();
}

// user@host:path
absl::StatusOr<RepositoryUrl> ParseScpForm(absl::string_view text) {
  const size_t at = text.find('@'), colon = text.find(':');
  if (at == text.npos || colon == text.npos || colon < at) {
    return Refuse("is no URL; write https://host/path, ssh://user@host/path or user@host:path");
  }
  RepositoryUrl url;
  url.scheme = RepositoryUrl::Scheme::kSsh;
  url.user = std::string(text.substr(0, at));
  url.host = std::string(text.substr(at + 1, colon - at - 1));
  url.path = std::string(text.substr(colon + 1));
  if (absl::Status bad = CheckUser(url.user); !bad.ok()) return bad;
  if (absl::Status bad = CheckHost(url.host, /*bracketed=*/false); !bad.ok()) return bad;
  if (absl::Status bad = CheckPath(url.path); !bad.ok()) return bad;
  url.text = absl::StrCat("ssh://", url.user, "@", url.host, "/", absl::StripPrefix(url.path, "/"));
  url.git = std::string(text);
  return url;
}

}  // namespace

absl::StatusOr<RepositoryUrl> ParseRepositoryUrl(absl::string_view text) {
  if (text.empty()) return Refuse("is empty");
  if (text.size() > kUrlBytesMax) return Refuse("is longer than 2048 bytes");
  for (const char c : text) {
    if (!absl::ascii_isgraph(static_cast<unsigned char>(c)) || c == '\\') {
      return Refuse("holds a blank, a backslash or a byte that is not printable ASCII");
    }
  }
  if (text.front() == '-') return Refuse("starts with '-'");
  const size_t mark = text.find("://");
  if (mark == text.npos) return ParseScpForm(text);
  const std::string scheme = absl::AsciiStrToLower(text.substr(0, mark));
  const absl::string_view rest = text.substr(mark + 3);
  const size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  const absl::string_view authority = rest.substr(0, slash);
  RepositoryUrl url;
  url.path = std::string(rest.substr(slash));
  if (scheme == "file") {
    url.scheme = RepositoryUrl::Scheme::kFile;
    if (!authority.empty()) return Refuse("names a host; write file:///path");
  } else if (scheme == "https" || scheme == "ssh") {
    if (scheme == "ssh") url.scheme = RepositoryUrl::Scheme::kSsh;
    if (absl::Status bad = ReadAuthority(authority, url); !bad.ok()) return bad;
  } else if (scheme == "http" || scheme == "git") {
    return Refuse(absl::StrCat("uses ", scheme,
                               "://, which anybody on the way can read and change; "
                               "use https or ssh"));
  } else {
    return Refuse("has a scheme that is none of https, ssh and file");
  }
  if (absl::Status bad = CheckPath(url.path); !bad.ok()) return bad;
  url.text = absl::StrCat(scheme, "://", authority, url.path);
  url.git = url.text;
  return url;
}

absl::StatusOr<std::string> NormalizeRepositoryUrl(absl::string_view text) {
  absl::StatusOr<RepositoryUrl> url = ParseRepositoryUrl(text);
  if (!url.ok()) return url.status();
  return std::move(url->text);
}

absl::StatusOr<std::string> NormalizeRegistryUrl(absl::string_view url, bool oci) {
  const absl::string_view scheme = oci ? "oci://" : "https://";
  if (!absl::StartsWithIgnoreCase(url, scheme)) {
    return Refuse(oci ? "must be oci://host/path for type oci"
                      : "must be https://host/path for type helm; for oci:// use type oci");
  }
  absl::string_view rest = url.substr(scheme.size());
  while (absl::ConsumeSuffix(&rest, "/")) {
  }
  if (absl::EndsWith(rest, "/index.yaml")) return Refuse("ends with /index.yaml; leave that out");
  const bool has_path = absl::StrContains(rest, '/');
  const absl::StatusOr<std::string> https =
      NormalizeRepositoryUrl(absl::StrCat("https://", rest, has_path ? "" : "/charts"));
  if (!https.ok()) return https.status();
  return absl::StrCat(scheme, rest);
}

absl::Status CheckRefName(absl::string_view name) {
  if (name.empty() || name.size() > kRefBytesMax) return Refuse("must have 1 to 255 bytes");
  if (name == "@") return Refuse("'@' is no name");
  for (const char c : name) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c)) || absl::StrContains(" ~^:?*[\\", c)) {
      return Refuse("may not hold blanks, control characters or any of ~^:?*[\\");
    }
  }
  if (name.front() == '-') return Refuse("may not start with '-'");
  if (name.back() == '.') return Refuse("may not end with '.'");
  if (absl::StrContains(name, "..") || absl::StrContains(name, "@{")) {
    return Refuse("may not hold '..' or '@{'");
  }
  for (const absl::string_view part : absl::StrSplit(name, '/')) {
    if (part.empty() || part.front() == '.' || absl::EndsWith(part, ".lock")) {
      return Refuse("has an empty part, or one that starts with '.' or ends with .lock");
    }
  }
  return absl::OkStatus();
}

bool IsCommitId(absl::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace muster
