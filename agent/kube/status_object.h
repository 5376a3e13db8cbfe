// StatusObject: what a watch tells of the agent's own status object: whether somebody suspends the
// agent by an annotation, and the object's uid.
//
// Level-triggered, as LiveCache is: it remembers what the agent was told last, and hints whenever
// what it knows is something else. Any thread.
#pragma once

#include <functional>
#include <string>

#include "agent/kube/view.h"
#include "common/base/mutex.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// What the object's annotation says; empty: the agent is not suspended.
std::string SuspensionIn(const Value& object);

class StatusObject final : public ViewSink {
 public:
  // `changed` is called, under no lock, when the agent was told something else than is so.
  StatusObject(std::string name, std::function<void()> changed)
      : name_(std::move(name)), changed_(std::move(changed)) {}

  // What the watch knows, as of now. From then on the agent was told this.
  std::string TellSuspension();
  // It was told this, by another way.
  void Told(const std::string& suspended);

  std::string uid() const;  // empty: there is none, or nobody looked

  void Saw(const ObjectKey& key, const Value& object) override;
  void SawGone(const ObjectKey& key, uint64_t version) override;
  uint64_t BeginList() override;
  void EndList(const View& view, uint64_t mark, uint64_t version) override;

 private:
  // Takes in what is so now, and hints if that is news.
  void Set(std::string suspended, std::string uid, uint64_t version);

  const std::string name_;
  const std::function<void()> changed_;

  mutable Mutex mutex_;
  std::string suspended_ GUARDED_BY(mutex_);
  std::string told_ GUARDED_BY(mutex_);
  std::string uid_ GUARDED_BY(mutex_);
  uint64_t version_ GUARDED_BY(mutex_) = 0;
  bool seen_ GUARDED_BY(mutex_) = false;  // since the list began
};

}  // namespace muster::agent
