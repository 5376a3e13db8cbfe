#include "hub/source/libgit2.h"

#include <cstdlib>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/limits.h"

namespace muster::hub::libgit2 {
namespace {

constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr size_t kObjectCacheBytes = 64u << 20;
constexpr size_t kWindowBytes = 32u << 20;
constexpr size_t kMappedBytes = 256u << 20;
constexpr size_t kOpenPacksMax = 128;
constexpr size_t kPackObjectsMax = 5'000'000;
// Of one object in a pack: what a declared size can make us allocate. Larger than a file that we
// would read, because repositories hold other things too.
constexpr size_t kPackObjectBytesMax = 128u << 20;

// The object types of GIT_ERROR_*: which of them are the network's fault.
bool IsTransport(int error_class) {
  return error_class == GIT_ERROR_NET || error_class == GIT_ERROR_SSL ||
         error_class == GIT_ERROR_SSH || error_class == GIT_ERROR_HTTP ||
         error_class == GIT_ERROR_OS;
}

absl::StatusCode CodeOf(int code, int error_class, absl::string_view message) {
  if (error_class == GIT_ERROR_NOMEMORY) return absl::StatusCode::kResourceExhausted;
  if (error_class == GIT_ERROR_HTTP && absl::StrContains(message, "404")) {
    return absl::StatusCode::kNotFound;
  }
  if (error_class == GIT_ERROR_HTTP && absl::StrContains(message, "403")) {
    return absl::StatusCode::kPermissionDenied;
  }
  if (code == GIT_ENOTFOUND) return absl::StatusCode::kNotFound;
  if (code == GIT_EAUTH) return absl::StatusCode::kUnauthenticated;
  if (code == GIT_ECERTIFICATE || code == GIT_EOWNER) return absl::StatusCode::kPermissionDenied;
  if (IsTransport(error_class)) return absl::StatusCode::kUnavailable;
  if (error_class == GIT_ERROR_ODB || error_class == GIT_ERROR_ZLIB ||
      error_class == GIT_ERROR_INDEXER || error_class == GIT_ERROR_OBJECT) {
    return absl::StatusCode::kDataLoss;
  }
  return absl::StatusCode::kUnavailable;
}

void SetGlobalOptions() {
  for (const int level : {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                          GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
    CHECK(git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "") == 0);
  }
  CHECK(git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "") == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_USER_AGENT, "muster") == 0);
  CHECK(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_OBJECT_CREATION, 1) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 1) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_CACHE_MAX_SIZE, static_cast<ssize_t>(kObjectCacheBytes)) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, kWindowBytes) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, kMappedBytes) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_MWINDOW_FILE_LIMIT, kOpenPacksMax) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECTS, kPackObjectsMax) == 0);
  CHECK(git_libgit2_opts(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, kPackObjectBytesMax) == 0);
}

}  // namespace

void Start() {
  static const bool started = [] {
    CHECK(git_libgit2_init() > 0) << "libgit2 does not start";
    SetGlobalOptions();
    return true;
  }();
  CHECK(started);
}

absl::Status TrustAuthorities(const std::string& authorities) {
  const char* file = authorities.empty() ? kSystemAuthorities : authorities.c_str();
  if (git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, nullptr) >= 0) {
    return absl::OkStatus();
  }
  if (!authorities.empty()) {
    return absl::PermissionDeniedError("the credential's ca_pem holds no certificate in PEM form");
  }
  return absl::PermissionDeniedError(absl::StrCat(
      "this machine trusts no authority: ", kSystemAuthorities,
      " cannot be read; install the package ca-certificates, or give ca_pem in the credential"));
}

void PreferHostKeysOf(const std::string& home) {
  // The one way: libgit2 reads $HOME/.ssh/known_hosts, and fails without a HOME.
  CHECK(setenv("HOME", home.c_str(), 1) == 0);
}

absl::Status ToStatus(int code, absl::string_view what) {
  if (code >= 0) return absl::OkStatus();
  const git_error* error = git_error_last();
  const absl::string_view message =
      error != nullptr && error->message != nullptr ? error->message : "no reason given";
  const int error_class = error != nullptr ? error->klass : GIT_ERROR_NONE;
  return absl::Status(CodeOf(code, error_class, message), absl::StrCat(what, ": ", message));
}

std::string Hex(const git_oid& id) {
  char text[GIT_OID_HEXSZ + 1];
  git_oid_tostr(text, sizeof(text), &id);
  return text;
}

}  // namespace muster::hub::libgit2
