// HTTP requests and answers as the hub's own code sees them, so that only the server knows the
// library. Plain values; any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::hub {

struct HttpRequest {
  std::string method;                                      // "GET"
  std::string path;                                        // decoded: "/api/v1/clusters/prod-1"
  std::vector<std::pair<std::string, std::string>> query;  // decoded, as they stand
  std::string body;

  // Of the headers, what somebody looks at; empty: absent.
  std::string accept_encoding;
  std::string content_type;
  std::string cookie;
  std::string host;
  std::string if_none_match;
  std::string origin;

  // The caller's certificate in DER, by the hub's root; empty: none was shown.
  std::string certificate_der;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;
  std::shared_ptr<const std::string> body;  // null: none
  std::vector<std::pair<std::string, std::string>> headers;
  // The answer never ends: `body`, then what HttpServer::Publish is given, as server-sent events.
  bool stream = false;
  // Asked now and then; the stream ends when it says no. Any thread; must be quick.
  std::function<bool()> still_allowed;
};

// The target of a request line, taken apart: false when it is none: not absolute, with a broken
// escape, with a control character in it, or no UTF-8.
bool ParseTarget(absl::string_view target, HttpRequest* request);

// The value of one cookie; empty when it is not there.
std::string CookieOf(absl::string_view header, absl::string_view name);

// Whether the caller takes gzip.
bool TakesGzip(absl::string_view accept_encoding);

// Whether `etag` is in If-None-Match.
bool MatchesEtag(absl::string_view if_none_match, absl::string_view etag);

}  // namespace muster::hub
