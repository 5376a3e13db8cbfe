// KubeDriverFixture: a driver over a stub server, with a test's hand on both.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/kube_driver.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "test/stub_api/stub_server.h"

namespace muster::agent {

using Answer = std::optional<StubResponse>;

// Of what is waited for; a busy machine takes long.
inline constexpr absl::Duration kTestPatience = absl::Minutes(4);

class KubeDriverFixture : public testing::Test {
 protected:
  KubeDriverFixture() { Start(); }

  void Start() {
    KubeDriverOptions options;
    options.client.endpoint = server_.endpoint();
    options.client.endpoint.token = token_;
    options.client.backoff_first = absl::Milliseconds(5);
    options.client.backoff_max = absl::Milliseconds(40);
    options.client.try_timeout = try_timeout_;
    options.list_patience = kTestPatience;
    options.batch_patience = kTestPatience;
    options.kind_patience = kind_patience_;
    driver_ = std::make_unique<KubeDriver>(options, random_);
    driver_->Watch([this] {
      MutexLock lock(mutex_);
      ++hints_;
      hinted_.SignalAll();
    });
  }

  static ObjectKey Key(absl::string_view name, absl::string_view ns = "web") {
    return {.api_version = "v1",
            .kind = "ConfigMap",
            .namespace_ = std::string(ns),
            .name = std::string(name)};
  }
  static std::string Path(const ObjectKey& key) {
    return absl::StrCat("/api/v1/namespaces/", key.namespace_, "/configmaps/", key.name);
  }
  static std::string Json(const ObjectKey& key, absl::string_view value,
                          absl::string_view more = "") {
    return absl::StrCat(R"({"apiVersion":")", key.api_version, R"(","data":{"value":")", value,
                        R"("},"kind":")", key.kind, R"(","metadata":{)", more, R"("name":")",
                        key.name, R"(","namespace":")", key.namespace_, R"("}})");
  }
  static ApplyRequest Request(const ObjectKey& key, absl::string_view value, bool ours = false) {
    return {.key = key, .json = Json(key, value), .ours = ours};
  }
  DriverResult Apply(const ApplyRequest& request) { return driver_->Apply({request})[0]; }

  template <typename Function>
  void Intercept(Function function) {
    server_.Do([&](StubCluster& cluster) { cluster.intercept = function; });
  }

  // Lists until the watch has told what is waited for.
  template <typename Condition>
  bool ListUntil(const ObjectKey& key, Condition condition) {
    return Eventually([&] {
      const auto live = driver_->List({key}, false);
      return live.ok() && condition(*live);
    });
  }

  // Asks again whenever the driver hints at something, and now and then without.
  template <typename Condition>
  bool Eventually(Condition condition) {
    const absl::Time until = EventLoop::Now() + kTestPatience;
    while (true) {
      const int before = hints();
      if (condition()) return true;
      if (EventLoop::Now() > until) return false;
      MutexLock lock(mutex_);
      if (hints_ == before) hinted_.WaitFor(mutex_, absl::Milliseconds(10));
    }
  }

  // Waits for a hint after `before` of them.
  bool AwaitHint(int before) {
    MutexLock lock(mutex_);
    while (hints_ == before) {
      if (!hinted_.WaitFor(mutex_, kTestPatience)) return false;
    }
    return true;
  }
  int hints() {
    MutexLock lock(mutex_);
    return hints_;
  }

  size_t CountRequests(absl::string_view method, absl::string_view part) {
    size_t count = 0;
    server_.Do([&](StubCluster& cluster) {
      for (const StubRequest& request : cluster.log) {
        count += request.method == method && absl::StrContains(request.path, part);
      }
    });
    return count;
  }

  // A test that wants others sets them and calls Start again. Requests are counted, so that none
  // may be sent twice because the machine is slow.
  absl::Duration try_timeout_ = kTestPatience;
  absl::Duration kind_patience_ = kTestPatience;

  SeededRandom random_{1};
  Mutex mutex_;
  CondVar hinted_;
  int hints_ GUARDED_BY(mutex_) = 0;
  TextSource token_;
  StubServer server_;
  std::unique_ptr<KubeDriver> driver_;
};

}  // namespace muster::agent
