// Rows: a sorted map whose copies are cheap, for snapshots that many threads read while the core
// goes on changing its own.
//
//   Rows<ClusterRow> rows;
//   rows.Set("prod-1", std::make_shared<const ClusterRow>(...));
//   Rows<ClusterRow> snapshot = rows;   // copies one pointer for some hundred rows
//
// Rows stand in chunks that are never changed once a copy exists: a change copies one chunk of
// pointers. A copy may be read on any thread; changes are made by one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace muster::hub {

template <typename T>
class Rows {
 public:
  struct Entry {
    std::string key;
    std::shared_ptr<const T> row;
  };

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Null when there is no such row.
  std::shared_ptr<const T> Find(absl::string_view key) const {
    const size_t at = ChunkFor(key);
    if (at == chunks_.size()) return nullptr;
    const auto found = LowerBound(*chunks_[at], key);
    return found != chunks_[at]->end() && found->key == key ? found->row : nullptr;
  }

  // Adds or replaces.
  void Set(absl::string_view key, std::shared_ptr<const T> row) {
    if (chunks_.empty()) {
      chunks_.push_back(
          std::make_shared<const Chunk>(Chunk{Entry{std::string(key), std::move(row)}}));
      size_ = 1;
      return;
    }
    const size_t at = std::min(ChunkFor(key), chunks_.size() - 1);
    auto chunk = std::make_shared<Chunk>(*chunks_[at]);
    const auto found = LowerBound(*chunk, key);
    if (found != chunk->end() && found->key == key) {
      (*chunk)[found - chunk->begin()].row = std::move(row);
    } else {
      chunk->insert(found, Entry{std::string(key), std::move(row)});
      ++size_;
    }
    if (chunk->size() <= kChunkMax) {
      chunks_[at] = std::move(chunk);
      return;
    }
    const auto middle = chunk->begin() + kChunkMax / 2;
    chunks_[at] = std::make_shared<Chunk>(chunk->begin(), middle);
    chunks_.insert(chunks_.begin() + at + 1, std::make_shared<Chunk>(middle, chunk->end()));
  }

  // An absent row is no error.
  void Erase(absl::string_view key) {
    const size_t at = ChunkFor(key);
    if (at == chunks_.size()) return;
    const auto found = LowerBound(*chunks_[at], key);
    if (found == chunks_[at]->end() || found->key != key) return;
    const size_t index = found - chunks_[at]->begin();
    auto chunk = std::make_shared<Chunk>(*chunks_[at]);
    chunk->erase(chunk->begin() + index);
    --size_;
    if (chunk->empty()) {
      chunks_.erase(chunks_.begin() + at);
    } else {
      chunks_[at] = std::move(chunk);
    }
  }

  // Shows the rows with keys greater than `after` ("" for all) in order, until `visitor` returns
  // false. `visitor` takes (const std::string& key, const T& row).
  template <typename Visitor>
  void Visit(absl::string_view after, Visitor visitor) const {
    for (size_t at = ChunkFor(after); at < chunks_.size(); ++at) {
      const Chunk& chunk = *chunks_[at];
      for (auto entry = LowerBound(chunk, after); entry != chunk.end(); ++entry) {
        if (!after.empty() && entry->key == after) continue;
        if (!visitor(entry->key, *entry->row)) return;
      }
    }
  }

  template <typename Visitor>
  void VisitAll(Visitor visitor) const {
    Visit("", [&](const std::string& key, const T& row) {
      visitor(key, row);
      return true;
    });
  }

 private:
  using Chunk = std::vector<Entry>;
  static constexpr size_t kChunkMax = 256;

  // The first chunk whose last key is not less than `key`; one past the end when there is none.
  size_t ChunkFor(absl::string_view key) const {
    const auto found = std::partition_point(
        chunks_.begin(), chunks_.end(),
        [key](const std::shared_ptr<const Chunk>& chunk) { return chunk->back().key < key; });
    return found - chunks_.begin();
  }

  static typename Chunk::const_iterator LowerBound(const Chunk& chunk, absl::string_view key) {
    return std::partition_point(chunk.begin(), chunk.end(),
                                [key](const Entry& entry) { return entry.key < key; });
  }

  std::vector<std::shared_ptr<const Chunk>> chunks_;  // none is empty
  size_t size_ = 0;
};

}  // namespace muster::hub
