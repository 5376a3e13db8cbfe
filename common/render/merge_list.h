// Lists that merge: which element a patch's element means, and the order of what comes out.
//
// The order is the API server's: elements of the patch keep the order that they have there, the
// others the one that they had, and where the two are woven together the old order decides; what is
// new stands before old elements that the patch does not name. Pure; one thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/manifest/value.h"
#include "common/render/merge_keys.h"

namespace muster {

// The elements of a list of maps on their way through a merge by key.
class KeyedList {
 public:
  KeyedList(Value::List elements, const MergeField& field);

  // Whether an element of a patch has the key.
  bool HasKey(const Value& element) const { return KeyOf(element, field_).has_value(); }

  // The element that a patch's element means: the one with the same keys; without the second key,
  // the only one with the first. Requires: HasKey. Null when there is none.
  Value* Find(const Value& patch_element);

  // What Find gives no longer counts.
  void Delete(const Value& patch_element);

  // Puts a value where the patch's element means, or adds it.
  void Put(const Value& patch_element, Value value);

  // Notes that the patch names the element, for the order.
  void Name(const Value& patch_element);

  // The list as merged.
  Value::List Take();

 private:
  static std::optional<std::string> KeyOf(const Value& element, const MergeField& field);
  std::optional<size_t> PositionOf(const Value& patch_element) const;
  void Index(size_t position);

  const MergeField field_;
  MergeField first_only_;  // the field without its second key
  Value::List elements_;
  const size_t old_size_;
  std::vector<bool> deleted_;
  std::vector<std::optional<size_t>> ranks_;  // place in the patch of those that it names
  size_t named_ = 0;
  std::map<std::string, size_t> positions_;  // by the whole key
  std::multimap<std::string, size_t> by_first_key_;
};

// `old_list` and what of `patch` it does not hold, for lists of scalars.
Value::List MergeSet(const Value::List& old_list, const Value::List& patch);

}  // namespace muster
