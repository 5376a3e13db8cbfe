// SharedTexts: texts of an object that Kustomize keeps once and shows in several fields.
//
// A label or an annotation that is added to several fields of an object is one node of Kustomize's
// in all of them. Whoever sets one of these fields in place later, as an overlay's `labels` that
// reach metadata alone, a strategic merge or a replacement do, changes the others with it. What
// takes a field apart and writes it anew ends that: JSON patches, and renames for
// metadata.annotations. Fields are named by JSON pointers. A value; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster::kustomize {

class SharedTexts {
 public:
  // The fields at these pointers are one from now on. Fewer than two do nothing.
  void Add(std::vector<std::string> pointers);
  // Call after `field`, which is a part of `object`, got another text in place.
  void Spread(const Value& field, Value& object) const;
  // The same after `patch` was merged into `object`: of several texts the last in the order of
  // their fields counts.
  void SpreadMerged(const Value& patch, Value& object);
  // Fields below `pointer` were written anew, each for itself.
  void Forget(absl::string_view pointer);

  bool empty() const { return groups_.empty(); }

 private:
  void DropSmallGroups();

  std::vector<std::vector<std::string>> groups_;  // each sorted
};

}  // namespace muster::kustomize
