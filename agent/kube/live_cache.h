// LiveCache: what is known of the objects that the agent looks at, fed by watches and by the
// answers to our own requests. What the driver answers from when nothing changed, without a
// request.
//
// Level-triggered: it remembers what the agent was told last of each object, and hints whenever
// what it knows is something else, whichever way and in whichever order the news came.
//
// Holds of each object what ClusterDriver tells of it and nothing else: a few hundred bytes. Any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/cluster/cluster_driver.h"
#include "agent/kube/view.h"
#include "common/base/mutex.h"
#include "common/manifest/value.h"

namespace muster::agent {

// What ClusterDriver tells of `object`, which has `key`, without its JSON.
LiveObject Describe(const ObjectKey& key, const Value& object, const Terms* terms);

class LiveCache final : public ViewSink {
 public:
  enum class Presence : uint8_t {
    kUnknown,  // nobody looked yet
    kAbsent,
    kPresent,
  };
  struct Known {
    Presence presence = Presence::kUnknown;
    LiveObject live;    // when present
    bool ours = false;  // it has fields that we applied
  };

  // `changed` is called, under no lock, when an object is known to be other than the agent was
  // told.
  explicit LiveCache(std::function<void()> changed) : changed_(std::move(changed)) {}

  // From now on these objects are kept and no others. One that is new, or whose health is judged by
  // other rules than before, is unknown at first.
  void Want(const std::vector<Query>& queries);
  // Keeps these too.
  void WantAlso(const ObjectKey& key, const std::shared_ptr<const Terms>& terms);

  Known Find(const ObjectKey& key) const;

  // The agent was told that this is how the object is; null: that there is none.
  void Told(const ObjectKey& key, const LiveObject* live);

  void Saw(const ObjectKey& key, const Value& object) override;
  void SawGone(const ObjectKey& key, uint64_t version) override;
  // It may be gone or not: the next look is at the object itself.
  void Doubt(const ObjectKey& key);

  // What was not wanted yet at the beginning may be there all the same.
  uint64_t BeginList() override;
  void EndList(const View& view, uint64_t mark, uint64_t version) override;

 private:
  struct Entry {
    Presence presence = Presence::kUnknown;
    bool ours = false;
    uint64_t wanted_at = 0;  // on the clock of marks
    uint64_t seen_at = 0;
    uint64_t gone_at = 0;  // version at which it was known to be gone; zero: not known
    uint64_t told = 0;     // a gist; zero: nothing yet
    std::shared_ptr<const Terms> terms;
    LiveObject live;  // its key and JSON stay empty
  };

  static bool IsNews(const Entry& entry);
  static void MarkAbsent(Entry& entry, uint64_t version);
  void Add(const ObjectKey& key, const std::shared_ptr<const Terms>& terms)
      EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::function<void()> changed_;

  mutable Mutex mutex_;
  uint64_t now_ GUARDED_BY(mutex_) = 1;
  std::map<ObjectKey, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace muster::agent
