#include "agent/kube/live_cache.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "agent/health/health.h"
#include "agent/kube/managed_fields.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

std::string Text(const Value& object, absl::string_view pointer) {
  const Value* value = object.Find(pointer);
  return value != nullptr && value->is_string() ? value->string() : "";
}

bool SameRules(const std::shared_ptr<const Terms>& a, const std::shared_ptr<const Terms>& b) {
  const HealthRules* left = a == nullptr ? nullptr : a->health.get();
  const HealthRules* right = b == nullptr ? nullptr : b->health.get();
  return left == right;
}

// What the agent acts on, in one number; never zero. Two that are equal by accident cost no more
// than a wait for the next look at everything.
uint64_t Gist(const LiveObject* live) {
  if (live == nullptr) return 1;
  const size_t gist =
      absl::HashOf(live->uid, live->digest.bytes(), static_cast<int>(live->health.word),
                   live->health.message, live->terminating, live->kept);
  return std::max<uint64_t>(gist, 2);
}

}  // namespace

LiveObject Describe(const ObjectKey& key, const Value& object, const Terms* terms) {
  const Value* fields = AppliedFields(object, kFieldManager);
  static const auto& none = *new Value(Value::Map());
  LastChange last = LastChangeOf(object, kFieldManager);
  return LiveObject{
      .key = key,
      .uid = Text(object, "/metadata/uid"),
      .version = VersionOf(object),
      .digest = Digest::Of(CanonicalJson(Project(object, fields == nullptr ? none : *fields))),
      .health = HealthOf(key, object, terms == nullptr ? nullptr : terms->health.get()),
      .ours = fields != nullptr,
      .terminating = object.Find("/metadata/deletionTimestamp") != nullptr,
      .kept = AsksToBeKept(object),
      .changed_by = std::move(last.manager),
      .changed_at = last.time,
  };
}

bool LiveCache::IsNews(const Entry& entry) {
  if (entry.told == 0 || entry.presence == Presence::kUnknown) return false;
  return entry.told != Gist(entry.presence == Presence::kPresent ? &entry.live : nullptr);
}

void LiveCache::MarkAbsent(Entry& entry, uint64_t version) {
  entry.presence = Presence::kAbsent;
  entry.gone_at = std::max(entry.gone_at, version);
  entry.ours = false;
  entry.live = {};
}

void LiveCache::Add(const ObjectKey& key, const std::shared_ptr<const Terms>& terms) {
  const auto [at, is_new] = entries_.try_emplace(key);
  Entry& entry = at->second;
  if (is_new || !SameRules(entry.terms, terms)) {
    entry = Entry{.wanted_at = now_, .told = entry.told};
  }
  entry.terms = terms;
}

void LiveCache::Want(const std::vector<Query>& queries) {
  MutexLock lock(mutex_);
  ++now_;
  std::map<ObjectKey, Entry> before = std::move(entries_);
  entries_.clear();
  for (const Query& query : queries) {
    if (auto node = before.extract(query.key); !node.empty()) entries_.insert(std::move(node));
    Add(query.key, query.terms);
  }
}

void LiveCache::WantAlso(const ObjectKey& key, const std::shared_ptr<const Terms>& terms) {
  MutexLock lock(mutex_);
  ++now_;
  Add(key, terms);
}

LiveCache::Known LiveCache::Find(const ObjectKey& key) const {
  MutexLock lock(mutex_);
  const auto at = entries_.find(key);
  if (at == entries_.end()) return {};
  const Entry& entry = at->second;
  Known known{.presence = entry.presence, .ours = entry.ours};
  if (entry.presence == Presence::kPresent) {
    known.live = entry.live;
    known.live.key = key;
  }
  return known;
}

void LiveCache::Told(const ObjectKey& key, const LiveObject* live) {
  bool news;
  {
    MutexLock lock(mutex_);
    const auto at = entries_.find(key);
    if (at == entries_.end()) return;
    at->second.told = Gist(live);
    news = IsNews(at->second);
  }
  if (news) changed_();
}

void LiveCache::Saw(const ObjectKey& key, const Value& object) {
  bool news;
  {
    MutexLock lock(mutex_);
    const auto at = entries_.find(key);
    if (at == entries_.end()) return;
    Entry& entry = at->second;
    entry.seen_at = ++now_;
    const uint64_t version = VersionOf(object);
    const bool same = entry.presence == Presence::kPresent && version != 0;
    if (same && version <= entry.live.version) return;
    // An answer to our own write may come after the news that somebody has deleted it since.
    if (entry.presence == Presence::kAbsent && version != 0 && version <= entry.gone_at) return;
    LiveObject live = Describe(key, object, entry.terms.get());
    live.key = {};
    // The newest manager is who changed something; only where a field of ours did is it of
    // interest, and what it was then stays the answer while nobody changes more of ours.
    if (entry.presence == Presence::kPresent && live.digest == entry.live.digest &&
        live.uid == entry.live.uid) {
      live.changed_by = entry.live.changed_by;
      live.changed_at = entry.live.changed_at;
    }
    entry.presence = Presence::kPresent;
    entry.ours = AppliedFields(object, kFieldManager) != nullptr;
    entry.live = std::move(live);
    news = IsNews(entry);
  }
  if (news) changed_();
}

void LiveCache::Doubt(const ObjectKey& key) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(key);
  if (at == entries_.end()) return;
  at->second.presence = Presence::kUnknown;
  at->second.wanted_at = ++now_;
}

void LiveCache::SawGone(const ObjectKey& key, uint64_t version) {
  bool news;
  {
    MutexLock lock(mutex_);
    const auto at = entries_.find(key);
    if (at == entries_.end()) return;
    Entry& entry = at->second;
    entry.seen_at = ++now_;
    // It was made anew since.
    if (version != 0 && entry.presence == Presence::kPresent && entry.live.version > version) {
      return;
    }
    MarkAbsent(entry, version);
    news = IsNews(entry);
  }
  if (news) changed_();
}

uint64_t LiveCache::BeginList() {
  MutexLock lock(mutex_);
  return ++now_;
}

void LiveCache::EndList(const View& view, uint64_t mark, uint64_t version) {
  bool news = false;
  {
    MutexLock lock(mutex_);
    ++now_;
    const ObjectKey first{.api_version = view.api_version, .kind = view.kind};
    for (auto at = entries_.lower_bound(first); at != entries_.end(); ++at) {
      if (at->first.api_version != view.api_version || at->first.kind != view.kind) break;
      Entry& entry = at->second;
      if (!view.Sees(at->first) || entry.wanted_at > mark || entry.seen_at > mark) continue;
      if (entry.presence == Presence::kPresent && entry.live.version > version) continue;
      MarkAbsent(entry, version);
      news = news || IsNews(entry);
    }
  }
  if (news) changed_();
}

}  // namespace muster::agent
