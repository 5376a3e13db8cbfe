// Discovery: asks an API server what it serves, when that has to be known.
//
// Keeps the catalog until a kind is asked for that is not in it; then, and at most every few
// seconds, the server is asked again, so that a kind whose definition has just been made is found.
// Blocks; one thread.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/kube/api_catalog.h"
#include "agent/kube/api_client.h"
#include "agent/kube/event_loop.h"

namespace muster::agent {

class Discovery {
 public:
  Discovery(EventLoop& loop, ApiClient& client) : loop_(loop), client_(client) {}

  // The kind; null when the server does not serve it. An error when the server cannot be asked, or
  // the one behind it that would know (IsAway).
  absl::StatusOr<const ApiKind*> Find(absl::string_view api_version, absl::string_view kind);

  absl::StatusOr<const ApiCatalog*> Catalog();

  // Whether the server behind a group (APIService) did not answer when it was asked last. That is
  // the trouble of its kinds and of no others.
  bool IsAway(absl::string_view api_version) const { return catalog_.IsAway(api_version); }

  // What is known may be wrong: the next Find of an unknown kind asks at once.
  void Expire() { asked_ = absl::InfinitePast(); }

  // As Expire, for known kinds too: one of them turned out not to be served any more.
  void Forget() { catalog_ = ApiCatalog(); }

 private:
  absl::Status Ask();
  absl::Status AskOneByOne(ApiCatalog& catalog, const Value& core, const Value& groups);

  EventLoop& loop_;
  ApiClient& client_;
  ApiCatalog catalog_;
  absl::Time asked_ = absl::InfinitePast();
};

}  // namespace muster::agent
