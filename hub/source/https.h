// Https: a file from a stranger's server, over TLS and within limits.
//
// The door to libcurl; in the fetch child only. Certificates are always checked, no proxy, no
// configuration of the machine and no cookie counts, and nothing is sent in the clear. Blocks; one
// thread. Promises: no answer is larger than asked for.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/child.pb.h"

namespace muster::hub {

struct HttpsRequest {
  std::string url;
  std::vector<std::string> headers;  // "Accept: text/plain"
  std::string authorization;         // "Basic ..."; never follows a redirect to another host
  size_t bytes_max = 0;              // of the body
};

struct HttpsAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;
  std::string url = {};  // that gave it, after redirects; set by GetFollowing

  // All of that name.
  std::vector<std::string> Header(absl::string_view name) const;
};

class Https {
 public:
  virtual ~Https() = default;
  // One request, whatever its answer says; redirects are answers. Errors: kUnavailable (network),
  // kPermissionDenied (certificate), kResourceExhausted (larger than asked for), kInvalidArgument.
  virtual absl::StatusOr<HttpsAnswer> Get(const HttpsRequest& request) = 0;
};

class CurlHttps final : public Https {
 public:
  // `authorities`: certificates in PEM form that are trusted; empty for the machine's own.
  explicit CurlHttps(std::string authorities);
  absl::StatusOr<HttpsAnswer> Get(const HttpsRequest& request) override;

 private:
  const std::string authorities_;
};

// Get, following a few redirects within https. The identity goes to the first host only.
absl::StatusOr<HttpsAnswer> GetFollowing(Https& https, HttpsRequest request);

// Host and port of an https:// URL, in one spelling; "" for any other.
std::string HostOf(absl::string_view url);

// `reference`, as a page at `base` means it. kInvalidArgument when that is not https.
absl::StatusOr<std::string> ResolveUrl(absl::string_view base, absl::string_view reference);

// "Basic ..." of a credential; "" when it has no password.
std::string BasicAuthorization(const v1::GitCredential& credential);

}  // namespace muster::hub
