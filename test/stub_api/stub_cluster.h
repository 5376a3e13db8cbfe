// StubCluster: as much of a Kubernetes API server as a driver can tell apart: discovery, objects
// with uids and versions, server-side apply with managed fields and conflicts, deletion with
// preconditions and finalizers, pages, watches with bookmarks and a past that is forgotten.
//
// Without schemas: every map is granular and every list atomic, but for lists of things with a
// `name` under the names that Kubernetes merges by it (containers, env, volumes). Nothing is
// defaulted or validated. Faults are put in by `intercept`. One thread; StubServer serves it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

struct StubRequest {
  std::string method;
  std::string path;                          // without its query
  std::map<std::string, std::string> query;  // unescaped
  std::map<std::string, std::string> headers;
  std::string body;
};

struct StubResponse {
  int status = 200;
  std::string body;
  std::map<std::string, std::string> headers;
  bool stays_open = false;  // a watch
  bool hangs = false;       // there is no answer
  bool cuts = false;        // the connection ends instead
};

class StubCluster {
 public:
  // Something to watch with; calls come while it is subscribed.
  using Listener = std::function<void(const std::string& line)>;

  StubCluster();

  struct Kind {
    std::string api_version, kind, plural;
    bool namespaced = true;
    bool dry_runs = true;  // as its OpenAPI document says; what it does is for `intercept`
  };
  void Serve(Kind kind);
  void Unserve(const std::string& kind);

  // The answer to a request. A watch that stays open gets its past in the body; what follows goes
  // to `listener`, until Unsubscribe.
  StubResponse Handle(const StubRequest& request, Listener listener, uint64_t* subscription);
  void Unsubscribe(uint64_t subscription) { listeners_.erase(subscription); }

  // ---- the world

  // Somebody else writes the whole object, as `manager`, by PUT or POST.
  void Update(const std::string& path, const std::string& json, const std::string& manager);
  // A controller writes the status.
  void SetStatus(const std::string& path, const std::string& json);
  // Somebody deletes it.
  void Delete(const std::string& path);
  const Value* Get(const std::string& path) const;
  size_t size() const { return objects_.size(); }
  uint64_t version() const { return version_; }

  // Watches cannot be resumed before the present version any more.
  void ForgetThePast() { oldest_ = version_; }
  void SendBookmarks();
  // Ends all watches, in order.
  void EndWatches() { ended_ = true; }
  bool TakeEndWatches() { return std::exchange(ended_, false); }

  // Asked first, for each request; an answer stands instead of ours.
  std::function<std::optional<StubResponse>(const StubRequest&)> intercept;
  bool aggregated_discovery = true;
  bool has_open_api = true;
  // Groups and versions whose own server (APIService) does not answer: what it serves is not told,
  // and every request for it is a 503.
  std::set<std::string> away;
  std::string token;             // that each request must carry; empty: none
  std::vector<StubRequest> log;  // of all requests, without bodies
  bool keep_log = true;

  static StubResponse Error(int code, const std::string& reason, const std::string& message,
                            Value::Map details = {});

 private:
  using Fields = std::map<std::string, Value>;  // leaves by path
  struct Stored {
    Value object;
    std::string collection;  // path of its collection, "/api/v1/namespaces/web/configmaps"
    std::string kind_path;   // the same without a namespace
    std::map<std::pair<std::string, std::string>, std::set<std::string>> owners;
  };
  struct Past {
    uint64_t version;
    std::string kind_path, namespace_, line;
  };
  struct Subscription {
    std::string kind_path, namespace_;
    Listener listener;
  };

  static Fields Flatten(const Value& object);
  StubResponse Discover(const StubRequest& request) const;
  StubResponse OpenApi(const StubRequest& request) const;
  StubResponse Collection(const StubRequest& request, const Kind& kind,
                          const std::string& name_space, Listener listener, uint64_t* subscription);
  StubResponse Watch(const StubRequest& request, const std::string& kind_path,
                     const std::string& name_space, Listener listener, uint64_t* subscription);
  StubResponse Apply(const StubRequest& request, const Kind& kind, const std::string& name_space);
  StubResponse ApplyStatus(const StubRequest& request);
  StubResponse Create(const StubRequest& request);
  StubResponse Merge(const StubRequest& request);
  StubResponse Remove(const StubRequest& request);
  const Kind* FindKind(const std::string& path, std::string& name_space, std::string& name) const;
  void Commit(const std::string& path, Stored stored, const char* type);
  void Erase(const std::string& path);
  void Tell(const char* type, const Stored& stored);
  static void WriteManagers(Stored& stored);

  std::vector<Kind> kinds_;
  std::map<std::string, Stored> objects_;  // by path
  std::vector<Past> past_;
  std::map<uint64_t, Subscription> listeners_;
  uint64_t version_ = 100;
  uint64_t oldest_ = 0;
  uint64_t next_uid_ = 1;
  uint64_t next_subscription_ = 1;
  bool ended_ = false;
};

}  // namespace muster
