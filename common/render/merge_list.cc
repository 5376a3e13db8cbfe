#include "common/render/merge_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

// The order of elements of which the first `old_size` were there before; `ranks` are the places in
// the patch of those that it names.
std::vector<size_t> OrderOf(const std::vector<std::optional<size_t>>& ranks, size_t old_size) {
  std::vector<size_t> named, others, order;
  for (size_t i = 0; i < ranks.size(); ++i) (ranks[i] ? named : others).push_back(i);
  std::sort(named.begin(), named.end(),
            [&ranks](size_t a, size_t b) { return *ranks[a] < *ranks[b]; });
  auto other = others.begin();
  for (const size_t next : named) {
    while (other != others.end() && next < old_size && *other < next) order.push_back(*other++);
    order.push_back(next);
  }
  order.insert(order.end(), other, others.end());
  return order;
}

Value::List InOrder(Value::List elements, const std::vector<size_t>& order) {
  Value::List list;
  list.reserve(order.size());
  for (const size_t position : order) list.push_back(std::move(elements[position]));
  return list;
}

}  // namespace

KeyedList::KeyedList(Value::List elements, const MergeField& field)
    : field_(field),
      first_only_(field),
      elements_(std::move(elements)),
      old_size_(elements_.size()),
      deleted_(elements_.size(), false),
      ranks_(elements_.size()) {
  first_only_.second_key = "";
  for (size_t position = 0; position < elements_.size(); ++position) Index(position);
}

std::optional<std::string> KeyedList::KeyOf(const Value& element, const MergeField& field) {
  const Value* key = element.Get(field.key);
  if (key == nullptr || key->is_list() || key->is_map() || key->is_null()) return std::nullopt;
  std::string text = CanonicalJson(*key);
  if (field.second_key.empty()) return text;
  const Value* second = element.Get(field.second_key);
  const Value assumed = field.assumed;
  return absl::StrCat(text, " ", CanonicalJson(second == nullptr ? assumed : *second));
}

void KeyedList::Index(size_t position) {
  const Value& element = elements_[position];
  if (const auto key = KeyOf(element, field_)) positions_.emplace(*key, position);
  if (const auto key = KeyOf(element, first_only_)) by_first_key_.emplace(*key, position);
}

std::optional<size_t> KeyedList::PositionOf(const Value& patch_element) const {
  const auto found = positions_.find(*KeyOf(patch_element, field_));
  if (found != positions_.end()) return found->second;
  if (field_.second_key.empty() || patch_element.Get(field_.second_key) != nullptr) {
    return std::nullopt;
  }
  const auto [from, to] = by_first_key_.equal_range(*KeyOf(patch_element, first_only_));
  if (from == to || std::next(from) != to) return std::nullopt;
  return from->second;
}

Value* KeyedList::Find(const Value& patch_element) {
  const std::optional<size_t> position = PositionOf(patch_element);
  return position && !deleted_[*position] ? &elements_[*position] : nullptr;
}

void KeyedList::Delete(const Value& patch_element) {
  if (const auto position = PositionOf(patch_element)) deleted_[*position] = true;
}

void KeyedList::Put(const Value& patch_element, Value value) {
  if (const auto position = PositionOf(patch_element)) {
    elements_[*position] = std::move(value);
    deleted_[*position] = false;
    return;
  }
  elements_.push_back(std::move(value));
  deleted_.push_back(false);
  ranks_.emplace_back();
  Index(elements_.size() - 1);
}

void KeyedList::Name(const Value& patch_element) {
  const std::optional<size_t> position = PositionOf(patch_element);
  if (position && !ranks_[*position]) ranks_[*position] = named_++;
}

Value::List KeyedList::Take() {
  std::vector<size_t> order = OrderOf(ranks_, old_size_);
  std::erase_if(order, [this](size_t position) { return deleted_[position]; });
  return InOrder(std::move(elements_), order);
}

Value::List MergeSet(const Value::List& old_list, const Value::List& patch) {
  Value::List elements;
  std::map<std::string, size_t> positions;
  const auto add = [&](const Value& element) {
    const auto [at, added] = positions.emplace(CanonicalJson(element), elements.size());
    if (added) elements.push_back(element);
    return at->second;
  };
  for (const Value& element : old_list) add(element);
  const size_t old_size = elements.size();
  std::vector<std::optional<size_t>> ranks(old_size);
  size_t named = 0;
  for (const Value& element : patch) {
    const size_t position = add(element);
    ranks.resize(elements.size());
    if (!ranks[position]) ranks[position] = named++;
  }
  return InOrder(std::move(elements), OrderOf(ranks, old_size));
}

}  // namespace muster
