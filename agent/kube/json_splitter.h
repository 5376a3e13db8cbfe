// JsonSplitter: cuts JSON text into objects as it arrives, so that a list of a thousand objects or
// an endless watch never stands in memory as a whole.
//
//   JsonSplitter splitter(JsonSplitter::Of::kSequence, [&](absl::string_view text) { ... });
//   RETURN_IF_ERROR(splitter.Feed(bytes));    // as often as bytes come
//
// It knows strings and brackets and nothing else: what it hands out is read by ParseJson. One
// thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster::agent {

class JsonSplitter {
 public:
  enum class Of {
    kSequence,  // objects one after another: a watch
    kItems,     // the elements of the member "items" of one object: a list
  };
  using Part = std::function<void(absl::string_view)>;

  JsonSplitter(Of of, Part part) : of_(of), part_(std::move(part)) {}

  // kResourceExhausted when a part is larger than any object may be; kInvalidArgument for brackets
  // that do not match.
  absl::Status Feed(absl::string_view bytes);

  // Of kItems: the object around, with an empty "items", once all of it was fed.
  const std::string& rest() const { return rest_; }
  // Whether no part is begun and not ended.
  bool whole() const { return depth_ == 0; }

 private:
  int part_depth() const { return of_ == Of::kItems ? 3 : 1; }
  void Open(char bracket);
  absl::Status Close();

  const Of of_;
  const Part part_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  std::string last_string_;  // of kItems, at depth 1: the latest key or value
  std::string text_;         // of the part that is being read
  std::string rest_;
};

}  // namespace muster::agent
