// Whatever happens to an object between any two steps of the agent is hinted at: not once does it
// wait for the next look at everything. One thing happens in each run, at one request, before the
// server has read it or after it has answered; all places are tried.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agent/kube/kube_driver_fixture.h"

namespace muster::agent {
namespace {

// What somebody else does.
struct Happening {
  const char* name;
  std::function<void(StubCluster&)> happen;
};

class KubeDriverHint : public KubeDriverFixture {
 protected:
  static ObjectKey WorkloadKey() {
    return {.api_version = "apps/v1", .kind = "Deployment", .namespace_ = "web", .name = "d"};
  }
  static std::string WorkloadPath() { return "/apis/apps/v1/namespaces/web/deployments/d"; }
  static std::string WorkloadJson() {
    return R"({"apiVersion":"apps/v1","kind":"Deployment",)"
           R"("metadata":{"name":"d","namespace":"web"},"spec":{"replicas":1}})";
  }

  // Lets `happening` happen once, at the request number `at`, before it is read or after it is
  // answered. Returns a place where the number of requests is counted.
  std::shared_ptr<int> Place(const Happening& happening, int at, bool after) {
    auto count = std::make_shared<int>(0);
    auto inside = std::make_shared<bool>(false);
    server_.Do([&](StubCluster& cluster) {
      cluster.intercept = [&cluster, happen = happening.happen, at, after, count,
                           inside](const StubRequest& request) -> Answer {
        if (*inside || ++*count != at) return std::nullopt;
        if (!after) {
          happen(cluster);
          return std::nullopt;
        }
        // What happens after a watch began falls to the next request.
        if (request.query.contains("watch")) return std::nullopt;
        *inside = true;
        uint64_t unused = 0;
        StubResponse response = cluster.Handle(request, nullptr, &unused);
        happen(cluster);
        *inside = false;
        return response;
      };
    });
    return count;
  }

  // What the agent was told, or what is so.
  struct Knowledge {
    bool map_as_desired = false;
    bool workload_there = false;
    bool workload_failed = false;
    friend bool operator==(const Knowledge&, const Knowledge&) = default;
  };

  Knowledge Truth() {
    Knowledge truth;
    server_.Do([&](StubCluster& cluster) {
      const Value* map = cluster.Get(Path(Key("a")));
      const Value* value = map == nullptr ? nullptr : map->Find("/data/value");
      truth.map_as_desired = value != nullptr && *value == Value("git");
      const Value* workload = cluster.Get(WorkloadPath());
      truth.workload_there = workload != nullptr;
      truth.workload_failed =
          workload != nullptr && workload->Find("/status/conditions") != nullptr;
    });
    return truth;
  }

  // As the agent does: looks, compares what differs, writes what is not as it should be, and waits
  // for a hint while what it was told is not what is so. False when none comes.
  bool Reconcile() {
    for (int round = 0; round < 100; ++round) {
      const int before = hints();
      const auto live = driver_->List({Key("a"), WorkloadKey()}, false);
      if (!live.ok()) continue;
      const Knowledge told = Write(*live);
      if (told == Truth() && told.map_as_desired && told.workload_there) return true;
      if (!AwaitHint(before)) return false;
    }
    return false;
  }

  Knowledge Write(const std::vector<LiveObject>& live) {
    Knowledge told;
    std::vector<ApplyRequest> compare, write;
    for (const ObjectKey& key : {Key("a"), WorkloadKey()}) {
      const bool is_map = key.kind == "ConfigMap";
      const LiveObject* found = nullptr;
      for (const LiveObject& one : live) found = one.key == key ? &one : found;
      if (found != nullptr && found->digest == written_[key]) {
        (is_map ? told.map_as_desired : told.workload_there) = true;
        told.workload_failed |= !is_map && found->health.word == HealthWord::kDegraded;
        continue;
      }
      ApplyRequest request{.key = key, .json = is_map ? Json(key, "git") : WorkloadJson()};
      request.ours = request.force = true;
      write.push_back(request);
      request.dry_run = true;
      if (found != nullptr) compare.push_back(std::move(request));
    }
    driver_->Apply(compare);
    for (const DriverResult& result : driver_->Apply(write)) {
      if (!result.status.ok()) continue;
      const bool is_map = result.key.kind == "ConfigMap";
      written_[result.key] = result.digest;
      (is_map ? told.map_as_desired : told.workload_there) = true;
      told.workload_failed |= !is_map && result.health.word == HealthWord::kDegraded;
    }
    return told;
  }

  // Every place of `happening` in the agent's way to its first rest, and after it.
  void TryEverywhere(const Happening& happening) {
    for (const bool after : {false, true}) {
      bool rests = false;
      for (int at = 1; !rests; ++at) {
        ASSERT_LT(at, 60) << "the agent does not come to rest";
        server_.Do([](StubCluster& cluster) {
          cluster.intercept = nullptr;
          cluster.Delete(Path(Key("a")));
          cluster.Delete(WorkloadPath());
        });
        written_.clear();
        Start();  // an agent that knows nothing yet
        const auto count = Place(happening, at, after);
        ASSERT_TRUE(Reconcile()) << happening.name << (after ? " after" : " before") << " request "
                                 << at << " was not hinted at";
        server_.Do([&](StubCluster& cluster) {
          cluster.intercept = nullptr;
          rests = *count < at;
          if (rests) happening.happen(cluster);
        });
        ASSERT_TRUE(Reconcile()) << happening.name << " at rest was not hinted at";
      }
    }
  }

  std::map<ObjectKey, Digest> written_;
};

TEST_F(KubeDriverHint, AChangeByHandIsSeenWhereverItFalls) {
  TryEverywhere({"a change by hand", [](StubCluster& cluster) {
                   if (cluster.Get(Path(Key("a"))) == nullptr) return;
                   cluster.Update(Path(Key("a")), Json(Key("a"), "by hand"), "kubectl-edit");
                 }});
}

TEST_F(KubeDriverHint, ADeletionIsSeenWhereverItFalls) {
  TryEverywhere({"a deletion", [](StubCluster& cluster) { cluster.Delete(Path(Key("a"))); }});
}

TEST_F(KubeDriverHint, AnObjectMadeAnewIsSeenWhereverItFalls) {
  TryEverywhere({"a replacement", [](StubCluster& cluster) {
                   if (cluster.Get(Path(Key("a"))) == nullptr) return;
                   cluster.Delete(Path(Key("a")));
                   cluster.Update(Path(Key("a")), Json(Key("a"), "by hand"), "kubectl-create");
                 }});
}

TEST_F(KubeDriverHint, AControllersWordIsSeenWhereverItFalls) {
  TryEverywhere({"a failed rollout", [](StubCluster& cluster) {
                   if (cluster.Get(WorkloadPath()) == nullptr) return;
                   cluster.SetStatus(WorkloadPath(),
                                     R"({"conditions":[{"type":"Progressing","status":"False",)"
                                     R"("reason":"ProgressDeadlineExceeded","message":"slow"}]})");
                 }});
}

}  // namespace
}  // namespace muster::agent
