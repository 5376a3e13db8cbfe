// Http2Connection: many requests at once over one connection to an API server. The only door to
// nghttp2.
//
// Lives on the loop's thread. Each stream ends with exactly one call of `end`, whatever happens; no
// callback runs within Send or Cancel. A silent connection is asked for a sign of life every half
// minute and given up when none comes, so that a watch does not wait on a dead peer for ever.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "agent/kube/endpoint.h"
#include "agent/kube/event_loop.h"
#include "agent/kube/resolver.h"

namespace muster::agent {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // names in lower case

struct Http2Request {
  std::string method;
  std::string path;
  HttpHeaders headers;
  std::string body;
};

struct Http2Handlers {
  std::function<void(int status, const HttpHeaders&)> head;
  std::function<void(absl::string_view)> data;
  std::function<void(absl::Status)> end;
};

class Http2Connection {
 public:
  using Stream = uint64_t;

  // Starts to connect; requests may be sent at once. `closed` is called once when the connection
  // ends, after the end of each stream.
  Http2Connection(EventLoop& loop, Resolver& resolver, const ApiEndpoint& api,
                  std::function<void(absl::Status)> closed);
  ~Http2Connection();  // the handlers of what still runs are not called

  Stream Send(Http2Request request, Http2Handlers handlers);

  // Nothing more is heard of the stream, not even its end.
  void Cancel(Stream stream);

  // Whether another request would be sent now rather than wait for one to end.
  bool HasRoom() const;
  size_t active() const;

 private:
  class Session;
  std::shared_ptr<Session> session_;
};

}  // namespace muster::agent
