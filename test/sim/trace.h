// Trace: what happened in a run, as one digest that two runs of a seed must share, and as lines
// for a person when something went wrong.
//
// One thread.
#pragma once

#include <deque>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/digest.h"

namespace muster::sim {

class Trace {
 public:
  void Note(absl::Time now, absl::string_view who, absl::string_view what) {
    std::string line = absl::StrCat(absl::ToUnixMillis(now), " ", who, " ", what);
    digest_ = Digest::Of(absl::StrCat(digest_.view(), line));
    ++size_;
    lines_.push_back(std::move(line));
    if (lines_.size() > kKept) lines_.pop_front();
  }

  const Digest& digest() const { return digest_; }
  int64_t size() const { return size_; }

  // The newest lines, oldest first.
  std::string Tail(size_t count) const {
    std::string text;
    const size_t first = lines_.size() > count ? lines_.size() - count : 0;
    for (size_t i = first; i < lines_.size(); ++i) absl::StrAppend(&text, lines_[i], "\n");
    return text;
  }

 private:
  static constexpr size_t kKept = 400;

  Digest digest_;
  int64_t size_ = 0;
  std::deque<std::string> lines_;
};

}  // namespace muster::sim
