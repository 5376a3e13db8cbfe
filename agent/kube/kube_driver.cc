#include "agent/kube/kube_driver.h"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/apply_operation.h"
#include "agent/kube/discovery.h"
#include "agent/kube/event_loop.h"
#include "agent/kube/get_operation.h"
#include "agent/kube/kube_noticeboard.h"
#include "agent/kube/live_cache.h"
#include "agent/kube/open_api.h"
#include "agent/kube/operation.h"
#include "agent/kube/remove_operation.h"
#include "agent/kube/unmanaged_scan.h"
#include "agent/kube/watch_set.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr size_t kGetsRatherThanAList = 32;
constexpr size_t kLargeBatch = 100;
constexpr absl::Duration kBetweenKindPolls = absl::Milliseconds(250);

LiveObject Unreadable(const absl::Status& why) {
  std::string message(why.message());
  if (absl::IsPermissionDenied(why)) {
    absl::StrAppend(&message,
                    ": give the agent's service account the right to get, list and watch ",
                    "it, or take it out of its package");
  }
  return LiveObject{
      .health = {.word = HealthWord::kUnknown, .message = std::move(message)},
      .unreadable = why,
  };
}

// Whether nothing at all is known, for a reason that is not rights: then it is not this object or
// that which cannot be read, it is the cluster. The reason, or OK.
absl::Status TroubleOfAll(const std::vector<std::optional<LiveObject>>& found) {
  absl::Status trouble;
  for (const std::optional<LiveObject>& one : found) {
    if (!one.has_value() || one->unreadable.ok()) return absl::OkStatus();
    if (!absl::IsPermissionDenied(one->unreadable)) trouble.Update(one->unreadable);
  }
  return trouble;
}

}  // namespace

class KubeDriver::Impl {
 public:
  Impl(KubeDriverOptions options, Random& random)
      : options_(std::move(options)),
        cache_([this] { Hint(); }),
        loop_("kube"),
        client_(std::make_unique<ApiClient>(loop_, random, options_.client)),
        discovery_(loop_, *client_),
        open_api_(loop_, *client_),
        noticeboard_({.loop = loop_,
                      .client = *client_,
                      .clock = clock_,
                      .namespace_ = options_.agent_namespace,
                      .uid_of = [this](const ObjectKey& key) { return cache_.Find(key).live.uid; },
                      .changed = [this] { Hint(); }}) {
    loop_.Call(
        [this] { watches_ = std::make_unique<WatchSet>(*client_, cache_, [this] { Settled(); }); });
  }

  ~Impl() {
    loop_.Call([this] {
      watches_.reset();
      noticeboard_.StopWatching();
      client_.reset();
    });
    loop_.Stop();
  }

  absl::StatusOr<std::vector<LiveObject>> List(const std::vector<Query>& queries, bool contents);
  template <typename AnOperation, typename Request>
  std::vector<DriverResult> Write(const std::vector<Request>& requests);
  absl::StatusOr<Unmanaged> ListUnmanaged(const UnmanagedQuery& query);
  void Watch(std::function<void()> changed);
  absl::StatusOr<std::string> ServerVersion(absl::Duration patience);
  Noticeboard& noticeboard() { return noticeboard_; }
  uint64_t requests_sent();

 private:
  using Kind = std::pair<std::string, std::string>;  // version and kind
  using Needs = std::map<Kind, WatchSet::Need>;

  // A query and where its object is, or why that cannot be told.
  struct Asked {
    const Query* query;
    ServedObject served;
    Kind kind;
    absl::Status away;
  };

  absl::StatusOr<ServedObject> Serve(const ObjectKey& key);
  absl::StatusOr<std::vector<Asked>> Ask(const std::vector<Query>& queries, Needs& needs);
  absl::StatusOr<std::map<Kind, WatchSet::Coverage>> AwaitCoverage(const Needs& needs);
  void AwaitKinds(absl::Span<const ObjectKey> keys, absl::Time deadline);
  void RelistWhereMuchIsUnknown(const std::vector<Asked>& asked, const Needs& needs);
  void Settled();
  void Hint();

  const KubeDriverOptions options_;
  LiveCache cache_;
  EventLoop loop_;
  std::unique_ptr<ApiClient> client_;  // the loop's thread
  std::unique_ptr<WatchSet> watches_;  // likewise
  Discovery discovery_;                // the caller's
  OpenApi open_api_;                   // likewise
  const RealClock clock_;
  KubeNoticeboard noticeboard_;  // likewise
  std::atomic<bool> hinted_{false};

  Mutex mutex_;
  CondVar settled_;
  uint64_t settlements_ GUARDED_BY(mutex_) = 0;
  std::function<void()> changed_ GUARDED_BY(mutex_);
};

// ---------------------------------------------------------------- signals

void KubeDriver::Impl::Settled() {
  {
    MutexLock lock(mutex_);
    ++settlements_;
  }
  settled_.SignalAll();
  Hint();
}

// Many changes in a row are one hint.
void KubeDriver::Impl::Hint() {
  if (hinted_.exchange(true)) return;
  loop_.Post([this] {
    hinted_ = false;
    std::function<void()> changed;
    {
      MutexLock lock(mutex_);
      changed = changed_;
    }
    if (changed) changed();
  });
}

void KubeDriver::Impl::Watch(std::function<void()> changed) {
  MutexLock lock(mutex_);
  changed_ = std::move(changed);
}

// ---------------------------------------------------------------- looking

absl::StatusOr<ServedObject> KubeDriver::Impl::Serve(const ObjectKey& key) {
  RETURN_IF_ERROR(CheckKey(key));
  ASSIGN_OR_RETURN(const ApiKind* kind, discovery_.Find(key.api_version, key.kind));
  if (kind == nullptr) {
    return absl::NotFoundError(absl::StrCat(
        "the cluster does not know kind ", key.kind, " of ", key.api_version,
        "; it is written once its definition (CustomResourceDefinition or APIService) is there"));
  }
  ServedObject served{.key = key};
  if (!kind->namespaced) {
    served.key.namespace_.clear();
  } else if (key.namespace_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kind ", key.kind, " lives in namespaces and the object names none; give it one, or the ",
        "package a namespace"));
  }
  served.path = ApiCatalog::Path(*kind, served.key);
  served.may_probe = [this, key] { return open_api_.MayProbe(key.api_version, key.kind); };
  return served;
}

absl::StatusOr<std::vector<KubeDriver::Impl::Asked>> KubeDriver::Impl::Ask(
    const std::vector<Query>& queries, Needs& needs) {
  std::vector<Asked> asked;
  std::vector<Query> wanted;
  for (const Query& query : queries) {
    absl::StatusOr<ServedObject> served = Serve(query.key);
    // Such an object cannot be there; Apply says why. Another error is one of the server's.
    if (absl::IsNotFound(served.status()) || absl::IsInvalidArgument(served.status())) continue;
    if (!served.ok() && discovery_.IsAway(query.key.api_version)) {
      asked.push_back(Asked{.query = &query, .away = served.status()});
      continue;
    }
    RETURN_IF_ERROR(served.status());
    const Kind kind{query.key.api_version, query.key.kind};
    const auto [at, is_new] = needs.try_emplace(kind);
    if (is_new) {
      ASSIGN_OR_RETURN(const ApiKind* api, discovery_.Find(kind.first, kind.second));
      at->second = {.api_version = kind.first, .kind = kind.second, .api = *api};
    }
    at->second.namespaces.insert(served->key.namespace_);
    wanted.emplace_back(served->key, query.terms);
    asked.push_back(Asked{.query = &query, .served = *std::move(served), .kind = kind});
  }
  cache_.Want(wanted);
  return asked;
}

absl::StatusOr<std::map<KubeDriver::Impl::Kind, WatchSet::Coverage>>
KubeDriver::Impl::AwaitCoverage(const Needs& needs) {
  std::vector<WatchSet::Need> list;
  for (const auto& [kind, need] : needs) list.push_back(need);
  const absl::Time deadline = EventLoop::Now() + options_.list_patience;
  bool hurried = false;
  while (true) {
    uint64_t before;
    {
      MutexLock lock(mutex_);
      before = settlements_;
    }
    std::vector<WatchSet::Coverage> coverage;
    if (!loop_.Call([&] {
          if (!std::exchange(hurried, true)) watches_->Hurry();
          coverage = watches_->Cover(list);
        })) {
      return absl::CancelledError("the agent stops");
    }
    std::map<Kind, WatchSet::Coverage> by_kind;
    const WatchSet::Need* pending = nullptr;
    for (size_t i = 0; i < list.size(); ++i) {
      if (coverage[i].state == WatchSet::Coverage::State::kFailed && !coverage[i].answered) {
        return Annotate(coverage[i].why,
                        absl::StrCat("list ", list[i].api_version, " ", list[i].kind));
      }
      if (coverage[i].state == WatchSet::Coverage::State::kPending) pending = &list[i];
      by_kind[{list[i].api_version, list[i].kind}] = coverage[i];
    }
    if (pending == nullptr) return by_kind;
    MutexLock lock(mutex_);
    while (settlements_ == before) {
      const absl::Duration left = deadline - EventLoop::Now();
      if (left <= absl::ZeroDuration()) {
        return absl::DeadlineExceededError(
            absl::StrCat("list ", pending->api_version, " ", pending->kind, ": the API server at ",
                         options_.client.endpoint.Url(), " did not answer within ",
                         absl::FormatDuration(options_.list_patience)));
      }
      settled_.WaitFor(mutex_, left);
    }
  }
}

// Many new objects of a kind are learned of by one more list rather than one by one.
void KubeDriver::Impl::RelistWhereMuchIsUnknown(const std::vector<Asked>& asked,
                                                const Needs& needs) {
  std::map<Kind, size_t> unknown;
  for (const Asked& each : asked) {
    if (!each.away.ok()) continue;
    const LiveCache::Known known = cache_.Find(each.served.key);
    if (known.presence == LiveCache::Presence::kUnknown) ++unknown[each.kind];
  }
  for (const auto& [kind, count] : unknown) {
    if (count <= kGetsRatherThanAList) continue;
    loop_.Call([&, kind = kind] { watches_->Relist(needs.at(kind)); });
  }
}

absl::StatusOr<std::vector<LiveObject>> KubeDriver::Impl::List(const std::vector<Query>& queries,
                                                               bool contents) {
  using State = WatchSet::Coverage::State;
  Needs needs;
  ASSIGN_OR_RETURN(const std::vector<Asked> asked, Ask(queries, needs));
  RelistWhereMuchIsUnknown(asked, needs);
  ASSIGN_OR_RETURN(const auto coverage, AwaitCoverage(needs));
  std::vector<std::optional<LiveObject>> found(asked.size());
  std::vector<std::unique_ptr<GetOperation>> gets(asked.size());
  std::vector<Operation*> operations;
  for (size_t i = 0; i < asked.size(); ++i) {
    if (!asked[i].away.ok()) {
      found[i] = Unreadable(asked[i].away);
      continue;
    }
    const auto& [state, why, answered] = coverage.at(asked[i].kind);
    if (state == State::kFailed) {
      found[i] = Unreadable(why);
      continue;
    }
    if (state == State::kGone) {
      discovery_.Forget();
      continue;
    }
    LiveCache::Known known = cache_.Find(asked[i].served.key);
    const bool sure = state == State::kLive && known.presence != LiveCache::Presence::kUnknown;
    if (sure && known.presence == LiveCache::Presence::kAbsent) continue;
    if (sure && !contents) {
      found[i] = std::move(known.live);
      continue;
    }
    gets[i] = std::make_unique<GetOperation>(asked[i].served, asked[i].query->terms, contents,
                                             EventLoop::Now() + options_.list_patience, cache_);
    operations.push_back(gets[i].get());
  }
  RunAll(loop_, *client_, operations);
  std::vector<LiveObject> listed;
  for (size_t i = 0; i < asked.size(); ++i) {
    if (gets[i] != nullptr) {
      auto got = std::move(*gets[i]).result();
      // What the server says of one object is that object's trouble; it is neither there nor
      // absent.
      if (!got.ok() && gets[i]->answered()) got = Unreadable(got.status());
      ASSIGN_OR_RETURN(found[i], std::move(got));
    }
  }
  RETURN_IF_ERROR(TroubleOfAll(found));
  for (size_t i = 0; i < asked.size(); ++i) {
    const LiveObject* told = found[i].has_value() ? &*found[i] : nullptr;
    if (told == nullptr || told->unreadable.ok()) cache_.Told(asked[i].served.key, told);
    if (told == nullptr) continue;
    found[i]->key = asked[i].query->key;
    listed.push_back(*std::move(found[i]));
  }
  return listed;
}

// ---------------------------------------------------------------- writing

// Definitions that were written a moment ago are served a moment later.
void KubeDriver::Impl::AwaitKinds(absl::Span<const ObjectKey> keys, absl::Time deadline) {
  for (const ObjectKey& key : keys) {
    while (EventLoop::Now() < deadline) {
      discovery_.Expire();
      const absl::StatusOr<const ApiKind*> kind = discovery_.Find(key.api_version, key.kind);
      if (!kind.ok() || *kind != nullptr) break;
      // A pause, made by the loop's timer so that nothing here sleeps.
      auto gone_by = std::make_shared<bool>(false);
      loop_.Post([this, gone_by] {
        loop_.After(kBetweenKindPolls, [this, gone_by] {
          MutexLock lock(mutex_);
          *gone_by = true;
          settled_.SignalAll();
        });
      });
      MutexLock lock(mutex_);
      while (!*gone_by && EventLoop::Now() < deadline) {
        settled_.WaitFor(mutex_, deadline - EventLoop::Now());
      }
    }
  }
}

template <typename AnOperation, typename Request>
std::vector<DriverResult> KubeDriver::Impl::Write(const std::vector<Request>& requests) {
  const absl::Time deadline = EventLoop::Now() + options_.batch_patience;
  std::vector<DriverResult> results(requests.size());
  bool defined = false;  // a kind, in this batch
  for (size_t begin = 0; begin < requests.size();) {
    // What has the same place in the order goes together.
    const auto order = [&](size_t i) {
      return ApplyOrder(requests[i].key.group(), requests[i].key.kind);
    };
    size_t end = begin;
    while (end < requests.size() && order(end) == order(begin)) ++end;
    if (std::exchange(defined, false)) {
      std::vector<ObjectKey> keys;
      for (size_t i = begin; i < end; ++i) keys.push_back(requests[i].key);
      AwaitKinds(keys, std::min(deadline, EventLoop::Now() + options_.kind_patience));
    }
    std::vector<std::unique_ptr<AnOperation>> own(end - begin);
    std::vector<Operation*> operations;
    for (size_t i = begin; i < end; ++i) {
      results[i].key = requests[i].key;
      absl::StatusOr<ServedObject> served = Serve(requests[i].key);
      if (!served.ok()) {
        results[i].status = Annotate(served.status(),
                                     absl::StrCat(AnOperation::kVerb, " ", requests[i].key.text()));
        continue;
      }
      defined = defined || requests[i].key.kind == "CustomResourceDefinition";
      own[i - begin] =
          std::make_unique<AnOperation>(requests[i], *std::move(served), deadline, cache_);
      operations.push_back(own[i - begin].get());
    }
    RunAll(loop_, *client_, operations);
    for (size_t i = begin; i < end; ++i) {
      if (own[i - begin] != nullptr) results[i] = std::move(*own[i - begin]).result();
    }
    begin = end;
  }
  // What a large batch needed is given back: an agent is idle most of its life.
  if (requests.size() >= kLargeBatch) malloc_trim(0);
  return results;
}

// ---------------------------------------------------------------- the rest

absl::StatusOr<Unmanaged> KubeDriver::Impl::ListUnmanaged(const UnmanagedQuery& query) {
  ASSIGN_OR_RETURN(const ApiCatalog* catalog, discovery_.Catalog());
  UnmanagedScan scan(query, *catalog, EventLoop::Now() + options_.batch_patience);
  RunAll(loop_, *client_, scan.operations());
  return std::move(scan).result();
}

absl::StatusOr<std::string> KubeDriver::Impl::ServerVersion(absl::Duration patience) {
  ApiRequest request;
  request.path = "/version";
  request.deadline = EventLoop::Now() + patience;
  ASSIGN_OR_RETURN(const ApiResponse response, CallOne(loop_, *client_, std::move(request)));
  const absl::StatusOr<Value> document = ParseJson(response.body);
  const Value* version = document.ok() ? document->Get("gitVersion") : nullptr;
  if (!response.ok() || version == nullptr || !version->is_string()) {
    return absl::UnavailableError(
        absl::StrCat("ask ", options_.client.endpoint.Url(), "/version: HTTP ", response.status));
  }
  return version->string();
}

uint64_t KubeDriver::Impl::requests_sent() {
  uint64_t sent = 0;
  loop_.Call([&] { sent = client_->sent(); });
  return sent;
}

KubeDriver::KubeDriver(KubeDriverOptions options, Random& random)
    : impl_(std::make_unique<Impl>(std::move(options), random)) {}

KubeDriver::~KubeDriver() = default;

absl::StatusOr<std::vector<LiveObject>> KubeDriver::List(const std::vector<Query>& queries,
                                                         bool contents) {
  return impl_->List(queries, contents);
}

std::vector<DriverResult> KubeDriver::Apply(const std::vector<ApplyRequest>& requests) {
  return impl_->Write<ApplyOperation>(requests);
}

std::vector<DriverResult> KubeDriver::Remove(const std::vector<RemoveRequest>& requests) {
  return impl_->Write<RemoveOperation>(requests);
}

absl::StatusOr<Unmanaged> KubeDriver::ListUnmanaged(const UnmanagedQuery& query) {
  return impl_->ListUnmanaged(query);
}

void KubeDriver::Watch(std::function<void()> changed) { impl_->Watch(std::move(changed)); }

Noticeboard& KubeDriver::noticeboard() { return impl_->noticeboard(); }

absl::StatusOr<std::string> KubeDriver::ServerVersion(absl::Duration patience) {
  return impl_->ServerVersion(patience);
}

uint64_t KubeDriver::requests_sent() { return impl_->requests_sent(); }

}  // namespace muster::agent
