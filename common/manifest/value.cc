#include "common/manifest/value.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"
#include "common/manifest/number.h"

namespace muster {
namespace {

constexpr size_t kIndexedFrom = 17;  // below, a walk is faster than a hash
constexpr size_t kAbsent = static_cast<size_t>(-1);

// Whether `a` comes before `b` by UTF-16 code units. Bytes of UTF-8 sort by code point, which is
// the same except that surrogates (code points from U+10000, lead bytes from F0) come before U+E000
// to U+FFFF (lead bytes EE and EF).
bool Utf16Less(absl::string_view a, absl::string_view b) {
  const auto [at, bt] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (bt == b.end()) return false;
  if (at == a.end()) return true;
  const uint8_t x = static_cast<uint8_t>(*at);
  const uint8_t y = static_cast<uint8_t>(*bt);
  if (x >= 0xF0 && (y == 0xEE || y == 0xEF)) return true;
  if (y >= 0xF0 && (x == 0xEE || x == 0xEF)) return false;
  return x < y;
}

// An index into a list of `size` elements (RFC 6901: no sign, no leading zero).
std::optional<size_t> ParseIndex(absl::string_view step, size_t size) {
  if (step.empty() || step.size() > 9 || (step.size() > 1 && step[0] == '0')) return std::nullopt;
  size_t index = 0;
  for (const char c : step) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + (c - '0');
  }
  if (index >= size) return std::nullopt;
  return index;
}

// One step down; null when it leads nowhere.
const Value* Step(const Value& value, absl::string_view step) {
  if (value.is_map()) return value.map().Get(step);
  if (!value.is_list()) return nullptr;
  const std::optional<size_t> index = ParseIndex(step, value.list().size());
  return index.has_value() ? &value.list()[*index] : nullptr;
}

const Value* Walk(const Value& root, const std::vector<std::string>& steps, size_t count) {
  const Value* at = &root;
  for (size_t i = 0; i < count && at != nullptr; ++i) at = Step(*at, steps[i]);
  return at;
}

}  // namespace

// ---------------------------------------------------------------- ValueMap

ValueMap::ValueMap() = default;
ValueMap::ValueMap(ValueMap&& other) noexcept = default;
ValueMap& ValueMap::operator=(ValueMap&& other) noexcept = default;
ValueMap::~ValueMap() = default;

ValueMap::ValueMap(std::initializer_list<Member> members) {
  members_.reserve(members.size());
  for (const Member& member : members) {
    CHECK(Insert(member.key, member.value)) << "key twice: " << member.key;
  }
}

ValueMap::ValueMap(const ValueMap& other)
    : members_(other.members_),
      slots_(other.slots_ == nullptr ? nullptr
                                     : std::make_unique<std::vector<uint32_t>>(*other.slots_)) {}

ValueMap& ValueMap::operator=(const ValueMap& other) {
  if (this != &other) *this = ValueMap(other);
  return *this;
}

void ValueMap::reserve(size_t size) { members_.reserve(size); }

size_t ValueMap::Position(absl::string_view key) const {
  if (slots_ == nullptr) {
    for (size_t i = 0; i < members_.size(); ++i) {
      if (members_[i].key == key) return i;
    }
    return kAbsent;
  }
  const size_t mask = slots_->size() - 1;
  for (size_t slot = absl::HashOf(key) & mask;; slot = (slot + 1) & mask) {
    const uint32_t taken = (*slots_)[slot];
    if (taken == 0) return kAbsent;
    if (members_[taken - 1].key == key) return taken - 1;
  }
}

void ValueMap::IndexMember(size_t position) {
  const size_t mask = slots_->size() - 1;
  size_t slot = absl::HashOf(absl::string_view(members_[position].key)) & mask;
  while ((*slots_)[slot] != 0) slot = (slot + 1) & mask;
  (*slots_)[slot] = static_cast<uint32_t>(position + 1);
}

void ValueMap::Reindex() {
  if (members_.size() < kIndexedFrom) {
    slots_.reset();
    return;
  }
  size_t size = 64;
  while (size < members_.size() * 4) size *= 2;  // between a quarter and a half full
  slots_ = std::make_unique<std::vector<uint32_t>>(size, 0);
  for (size_t i = 0; i < members_.size(); ++i) IndexMember(i);
}

Value& ValueMap::Append(std::string key, Value value) {
  members_.push_back(Member{std::move(key), std::move(value)});
  if (slots_ == nullptr ? members_.size() >= kIndexedFrom : members_.size() * 2 > slots_->size()) {
    Reindex();
  } else if (slots_ != nullptr) {
    IndexMember(members_.size() - 1);
  }
  return members_.back().value;
}

const Value* ValueMap::Get(absl::string_view key) const {
  const size_t position = Position(key);
  return position == kAbsent ? nullptr : &members_[position].value;
}

Value* ValueMap::Get(absl::string_view key) {
  return const_cast<Value*>(std::as_const(*this).Get(key));
}

bool ValueMap::Insert(std::string key, Value value) {
  if (Position(key) != kAbsent) return false;
  Append(std::move(key), std::move(value));
  return true;
}

Value& ValueMap::Set(std::string key, Value value) {
  const size_t position = Position(key);
  if (position == kAbsent) return Append(std::move(key), std::move(value));
  return members_[position].value = std::move(value);
}

bool ValueMap::Erase(absl::string_view key) {
  const size_t position = Position(key);
  if (position == kAbsent) return false;
  members_.erase(members_.begin() + position);
  if (slots_ != nullptr) Reindex();
  return true;
}

ValueMap::SortedMembers ValueMap::Sorted() const {
  SortedMembers sorted;
  sorted.reserve(members_.size());
  for (const Member& member : members_) sorted.push_back(&member);
  const auto less = [](const Member* a, const Member* b) { return Utf16Less(a->key, b->key); };
  if (!std::is_sorted(sorted.begin(), sorted.end(), less)) {
    std::sort(sorted.begin(), sorted.end(), less);
  }
  return sorted;
}

// ---------------------------------------------------------------- Value

Value Value::Number(absl::string_view literal) {
  CHECK(IsNumber(literal)) << literal;
  Value value;
  value.node_ = Literal{std::string(literal)};
  return value;
}

bool Value::boolean() const {
  CHECK(is_bool());
  return *std::get_if<bool>(&node_);
}

const std::string& Value::number() const {
  CHECK(is_number());
  return std::get_if<Literal>(&node_)->text;
}

const std::string& Value::string() const {
  CHECK(is_string());
  return *std::get_if<std::string>(&node_);
}

const Value::List& Value::list() const {
  CHECK(is_list());
  return *std::get_if<List>(&node_);
}

Value::List& Value::list() {
  CHECK(is_list());
  return *std::get_if<List>(&node_);
}

const Value::Map& Value::map() const {
  CHECK(is_map());
  return *std::get_if<Map>(&node_);
}

Value::Map& Value::map() {
  CHECK(is_map());
  return *std::get_if<Map>(&node_);
}

std::optional<int64_t> Value::AsInt64() const {
  if (!is_number()) return std::nullopt;
  int64_t integer = 0;
  if (!absl::SimpleAtoi(CanonicalNumber(number()), &integer)) return std::nullopt;
  return integer;
}

const Value* Value::Get(absl::string_view key) const { return is_map() ? map().Get(key) : nullptr; }

Value* Value::Get(absl::string_view key) { return is_map() ? map().Get(key) : nullptr; }

const Value* Value::Find(absl::string_view pointer) const {
  const std::optional<std::vector<std::string>> steps = SplitPointer(pointer);
  return steps.has_value() ? Walk(*this, *steps, steps->size()) : nullptr;
}

Value* Value::Find(absl::string_view pointer) {
  return const_cast<Value*>(std::as_const(*this).Find(pointer));
}

bool Value::Set(absl::string_view pointer, Value value) {
  const std::optional<std::vector<std::string>> steps = SplitPointer(pointer);
  if (!steps.has_value()) return false;

  // As far as things exist; null counts as not yet there.
  Value* at = this;
  size_t depth = 0;
  for (; depth < steps->size(); ++depth) {
    Value* next = const_cast<Value*>(Step(*at, (*steps)[depth]));
    if (next == nullptr) break;
    at = next;
    if (at->is_null()) {
      ++depth;
      break;
    }
  }
  if (depth == steps->size()) {
    *at = std::move(value);
    return true;
  }
  // The rest is made bottom-up, so that a refusal has changed nothing.
  if (!at->is_map() && !at->is_null() && !(at->is_list() && (*steps)[depth] == "-")) return false;
  for (size_t i = steps->size() - 1; i > depth; --i) {
    Map parent;
    parent.Set((*steps)[i], std::move(value));
    value = std::move(parent);
  }
  if (at->is_list()) {
    at->list().push_back(std::move(value));
    return true;
  }
  if (at->is_null()) *at = Map();
  at->map().Set((*steps)[depth], std::move(value));
  return true;
}

bool Value::Remove(absl::string_view pointer) {
  const std::optional<std::vector<std::string>> steps = SplitPointer(pointer);
  if (!steps.has_value() || steps->empty()) return false;
  Value* parent = const_cast<Value*>(Walk(*this, *steps, steps->size() - 1));
  if (parent == nullptr) return false;
  if (parent->is_map()) return parent->map().Erase(steps->back());
  if (!parent->is_list()) return false;
  const std::optional<size_t> index = ParseIndex(steps->back(), parent->list().size());
  if (!index.has_value()) return false;
  parent->list().erase(parent->list().begin() + *index);
  return true;
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::kNull:
      return true;
    case Value::Kind::kBool:
      return a.boolean() == b.boolean();
    case Value::Kind::kNumber:
      return a.number() == b.number() || CanonicalNumber(a.number()) == CanonicalNumber(b.number());
    case Value::Kind::kString:
      return a.string() == b.string();
    case Value::Kind::kList:
      return a.list() == b.list();
    case Value::Kind::kMap:
      break;
  }
  if (a.map().size() != b.map().size()) return false;
  for (const Member& member : a.map()) {
    const Value* other = b.map().Get(member.key);
    if (other == nullptr || !(member.value == *other)) return false;
  }
  return true;
}

absl::string_view KindName(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "null";
    case Value::Kind::kBool:
      return "bool";
    case Value::Kind::kNumber:
      return "number";
    case Value::Kind::kString:
      return "string";
    case Value::Kind::kList:
      return "list";
    case Value::Kind::kMap:
      break;
  }
  return "map";
}

// ---------------------------------------------------------------- JSON pointers

std::string JoinPointer(absl::string_view pointer, absl::string_view step) {
  return absl::StrCat(pointer, "/", absl::StrReplaceAll(step, {{"~", "~0"}, {"/", "~1"}}));
}

std::optional<std::vector<std::string>> SplitPointer(absl::string_view pointer) {
  std::vector<std::string> steps;
  if (pointer.empty()) return steps;
  if (pointer[0] != '/') return std::nullopt;
  for (absl::string_view part : absl::StrSplit(pointer.substr(1), '/')) {
    std::string step;
    step.reserve(part.size());
    for (size_t i = 0; i < part.size(); ++i) {
      if (part[i] != '~') {
        step.push_back(part[i]);
        continue;
      }
      ++i;
      if (i == part.size() || (part[i] != '0' && part[i] != '1')) return std::nullopt;
      step.push_back(part[i] == '0' ? '~' : '/');
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace muster
