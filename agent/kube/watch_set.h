// WatchSet: which views of the cluster are watched, so that the objects that the agent looks at are
// seen, with few watches: a kind in a handful of namespaces is watched in each of them, a kind in
// many as a whole; where the whole is forbidden, each namespace again.
//
// The loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/kube/api_catalog.h"
#include "agent/kube/api_client.h"
#include "agent/kube/live_cache.h"
#include "agent/kube/reflector.h"

namespace muster::agent {

class WatchSet {
 public:
  struct Need {
    std::string api_version;
    std::string kind;
    ApiKind api;
    std::set<std::string> namespaces;
  };

  struct Coverage {
    enum class State {
      kLive,       // the cache is true for it
      kPending,    // it is being listed
      kUnwatched,  // it may not or cannot be watched: each object has to be got
      kGone,       // the kind is not served any more
      kFailed,
    };
    State state = State::kPending;
    absl::Status why;       // when it failed
    bool answered = false;  // the server said so of this kind, and may say otherwise of others
  };

  // `settled` is called when a coverage may have become another.
  WatchSet(ApiClient& client, LiveCache& cache, std::function<void()> settled)
      : client_(client), cache_(cache), settled_(std::move(settled)) {}

  // Watches what is needed and nothing else. One coverage a need.
  std::vector<Coverage> Cover(const std::vector<Need>& needs);

  // Tries again at once whatever waits to.
  void Hurry();

  // Lists the need's views again, to learn of what was not wanted before.
  void Relist(const Need& need);

 private:
  std::set<View> ViewsOf(const Need& need) const;
  Coverage CoverageOf(const Need& need, const std::set<View>& views);

  ApiClient& client_;
  LiveCache& cache_;
  const std::function<void()> settled_;
  std::map<View, std::unique_ptr<Reflector>> reflectors_;
  std::set<std::pair<std::string, std::string>> not_as_a_whole_;  // kinds
};

}  // namespace muster::agent
