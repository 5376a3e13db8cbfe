#include "hub/source/https.h"

#include <curl/curl.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

constexpr char kSystemAuthorities[] = "/etc/ssl/certs/ca-certificates.crt";
constexpr int kRedirectsMax = 5;
constexpr size_t kHeadersMax = 200;
constexpr long kConnectSeconds = 15;
// The hub's own limit ends the whole fetch; these end a server that trickles.
constexpr long kTrickleBytes = 1'024, kTrickleSeconds = 20;

struct Body {
  HttpsAnswer* answer;
  size_t bytes_max;
  bool too_large = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* body = static_cast<Body*>(user);
  const size_t bytes = size * count;
  if (body->answer->body.size() + bytes > body->bytes_max) {
    body->too_large = true;
    return 0;
  }
  body->answer->body.append(data, bytes);
  return bytes;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* answer = static_cast<HttpsAnswer*>(user);
  const absl::string_view line(data, size * count);
  const size_t colon = line.find(':');
  if (colon != line.npos && answer->headers.size() < kHeadersMax) {
    answer->headers.emplace_back(absl::AsciiStrToLower(line.substr(0, colon)),
                                 std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return size * count;
}

struct Free {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

absl::Status Explain(CURLcode code, const char* words, const HttpsRequest& request, bool own) {
  const std::string host = HostOf(request.url);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return absl::PermissionDeniedError(absl::StrCat(
          "the TLS certificate of '", host, "' is not signed by ",
          own ? "the authority of the credential (ca_pem)"
              : "an authority that this machine trusts",
          ", has expired or is for another name; if the authority is your own, give its "
          "certificate in the credential"));
    case CURLE_SSL_CACERT_BADFILE:
      return absl::PermissionDeniedError(
          own ? "the credential's ca_pem holds no certificate in PEM form"
              : "this machine trusts no authority; install the package ca-certificates, or give "
                "ca_pem in the credential");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return absl::InvalidArgumentError("the URL cannot be used");
    default:
      return absl::UnavailableError(
          absl::StrCat(host, ": ", words[0] != '\0' ? words : curl_easy_strerror(code)));
  }
}

void SetTrust(CURL* curl, const std::string& authorities) {
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (authorities.empty()) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, kSystemAuthorities);
    return;
  }
  curl_blob blob = {const_cast<char*>(authorities.data()), authorities.size(), CURL_BLOB_COPY};
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
}

void SetLimits(CURL* curl) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kTrickleBytes);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kTrickleSeconds);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "muster");
}

}  // namespace

std::vector<std::string> HttpsAnswer::Header(absl::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : headers) {
    if (key == name) values.push_back(value);
  }
  return values;
}

CurlHttps::CurlHttps(std::string authorities) : authorities_(std::move(authorities)) {
  static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
  CHECK(kStarted == CURLE_OK) << "libcurl cannot start";
}

absl::StatusOr<HttpsAnswer> CurlHttps::Get(const HttpsRequest& request) {
  const std::unique_ptr<CURL, Free> owner(curl_easy_init());
  CURL* const curl = owner.get();
  if (curl == nullptr) return absl::ResourceExhaustedError("no memory for a request");
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl_slist_append(list, header.c_str());
  if (!request.authorization.empty()) {
    list = curl_slist_append(list, absl::StrCat("Authorization: ", request.authorization).c_str());
  }
  const std::unique_ptr<curl_slist, Free> headers(list);
  HttpsAnswer answer;
  Body body{&answer, request.bytes_max};
  char words[CURL_ERROR_SIZE] = "";
  SetLimits(curl);
  SetTrust(curl, authorities_);
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
  const CURLcode code = curl_easy_perform(curl);
  if (body.too_large) {
    return absl::ResourceExhaustedError(
        absl::StrCat("what ", HostOf(request.url), " sends is larger than the ",
                     request.bytes_max >> 10, " KiB that are allowed"));
  }
  if (code != CURLE_OK) return Explain(code, words, request, !authorities_.empty());
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

std::string HostOf(absl::string_view url) {
  if (!absl::StartsWithIgnoreCase(url, "https://")) return "";
  url.remove_prefix(8);
  const std::string host = absl::AsciiStrToLower(url.substr(0, url.find_first_of("/?#")));
  if (absl::StrContains(host, '@') || host.empty()) return "";
  return std::string(absl::StripSuffix(host, ":443"));
}

absl::StatusOr<std::string> ResolveUrl(absl::string_view base, absl::string_view reference) {
  using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;
  const Url url(curl_url(), curl_url_cleanup);
  if (url == nullptr) return absl::ResourceExhaustedError("no memory for a URL");
  const auto set = [&url](absl::string_view text) {
    return curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) == CURLUE_OK;
  };
  char* text = nullptr;
  if (!set(base) || !set(reference) ||
      curl_url_get(url.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", absl::CHexEscape(reference.substr(0, 256)), "' is no URL"));
  }
  std::string resolved(text);
  curl_free(text);
  if (!HostOf(resolved).empty()) return resolved;
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::CHexEscape(absl::string_view(resolved).substr(0, 256)),
                   "' is not https without a user, and nothing is fetched in another way"));
}

absl::StatusOr<HttpsAnswer> GetFollowing(Https& https, HttpsRequest request) {
  for (int redirects = 0;; ++redirects) {
    ASSIGN_OR_RETURN(HttpsAnswer answer, https.Get(request));
    const std::vector<std::string> locations = answer.Header("location");
    if (answer.status < 301 || answer.status > 308 || locations.empty()) {
      answer.url = std::move(request.url);
      return answer;
    }
    if (redirects == kRedirectsMax) {
      return absl::UnavailableError(
          absl::StrCat(HostOf(request.url), " redirects more than ", kRedirectsMax, " times"));
    }
    ASSIGN_OR_RETURN(std::string next, ResolveUrl(request.url, locations.front()));
    if (HostOf(next) != HostOf(request.url)) request.authorization.clear();
    request.url = std::move(next);
  }
}

std::string BasicAuthorization(const v1::GitCredential& credential) {
  if (credential.password().empty()) return "";
  return absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(credential.username(), ":",
                                                                credential.password())));
}

}  // namespace muster::hub
