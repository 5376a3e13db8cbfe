// FairQueue: work that waits, one line for each key (a repository). Lines take turns, and of one
// line only one item is out at a time, so that one busy repository neither starves the others nor
// is worked on twice at once.
//
// Pure; one thread, or a lock around it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace muster::hub {

template <typename Item>
class FairQueue {
 public:
  void Push(const std::string& key, Item item) {
    std::deque<Item>& line = lines_[key];
    if (line.empty() && !out_.contains(key)) turns_.push_back(key);
    line.push_back(std::move(item));
  }

  // The next item and its key; nullopt when nothing waits whose key is free. Give Done(key) when
  // the work is over.
  std::optional<std::pair<std::string, Item>> Take() {
    if (turns_.empty()) return std::nullopt;
    const std::string key = std::move(turns_.front());
    turns_.pop_front();
    std::deque<Item>& line = lines_[key];
    std::pair<std::string, Item> next(key, std::move(line.front()));
    line.pop_front();
    out_.insert(key);
    return next;
  }

  // Requires: an item of `key` is out.
  void Done(const std::string& key) {
    CHECK(out_.erase(key) == 1) << key << " was not out";
    const auto line = lines_.find(key);
    if (line == lines_.end()) return;
    if (line->second.empty()) {
      lines_.erase(line);
    } else {
      turns_.push_back(key);
    }
  }

 private:
  std::map<std::string, std::deque<Item>> lines_;
  std::deque<std::string> turns_;  // keys with something waiting and nothing out
  std::set<std::string> out_;
};

}  // namespace muster::hub
