// Value: one node of a manifest, and with its children a whole document: null, bool, number,
// string, list or map.
//
// What YAML and JSON are read into, what rendering changes and what canonical JSON is made of.
// Value semantics: copies are deep, moves are cheap. A short key, string or number costs no
// allocation. Pure; like every value, any thread while nobody writes.
//
//   Value object = Value::Map{{"kind", "Job"}, {"spec", Value::Map{{"completions", 3}}}};
//   if (const Value* name = object.Find("/metadata/name"); name != nullptr && name->is_string())
//   ...
//
// Promises: a map has each key once and remembers the order of insertion; a number keeps its text
// (12345678901234567890 stays exact); equality is deep, asks neither for the order of a map's
// members nor for the spelling of a number (1e3 == 1000), and tells 1 from "1".
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"

namespace muster {

class Value;
struct Member;

using ValueList = std::vector<Value>;

// The members of a map, in the order of insertion. Small maps are searched from end to end, large
// ones through a hash index, so that no input makes a look-up slow.
class ValueMap {
 public:
  // What iteration gives over a map that may change: the key stays, the value may be changed.
  struct Entry {
    const std::string& key;
    Value& value;
  };
  class Iterator;
  using SortedMembers = absl::InlinedVector<const Member*, 16>;

  ValueMap();
  ValueMap(std::initializer_list<Member> members);  // Requires: no key twice.
  ValueMap(const ValueMap& other);
  ValueMap(ValueMap&& other) noexcept;
  ValueMap& operator=(const ValueMap& other);
  ValueMap& operator=(ValueMap&& other) noexcept;
  ~ValueMap();

  size_t size() const;
  bool empty() const { return size() == 0; }
  void reserve(size_t size);

  // Iterators and pointers to values live until the next Insert, Set of a new key, or Erase.
  const Member* begin() const;
  const Member* end() const;
  Iterator begin();
  Iterator end();

  // The value of `key`; null when there is none.
  const Value* Get(absl::string_view key) const;
  Value* Get(absl::string_view key);
  bool Contains(absl::string_view key) const { return Get(key) != nullptr; }

  // Adds a member at the end unless its key is there already. Returns whether it was added.
  bool Insert(std::string key, Value value);

  // Replaces the value of `key` in place, or adds a member at the end. Returns the value.
  Value& Set(std::string key, Value value);

  // Removes a member; the others keep their order. Returns whether it was there.
  bool Erase(absl::string_view key);

  // The members by key, in the order of canonical JSON (RFC 8785: by UTF-16 code units).
  SortedMembers Sorted() const;

 private:
  size_t Position(absl::string_view key) const;
  Value& Append(std::string key, Value value);
  void IndexMember(size_t position);
  void Reindex();

  std::vector<Member> members_;
  // An open-addressed table of positions + 1, zero meaning free; null while the map is small.
  // Derived from members_, and changed by writers only, so that readers may share the map.
  std::unique_ptr<std::vector<uint32_t>> slots_;
};

class Value {
 public:
  enum class Kind { kNull, kBool, kNumber, kString, kList, kMap };
  using List = ValueList;
  using Map = ValueMap;

  Value() = default;  // null
  // Implicit, so that nested Value::Map and Value::List read like the document that they make.
  template <std::same_as<bool> T>
  Value(T value) : node_(value) {}
  Value(int value) : Value(static_cast<int64_t>(value)) {}
  Value(int64_t value) : node_(Literal{std::to_string(value)}) {}
  Value(const char* value) : node_(std::string(value)) {}
  Value(absl::string_view value) : node_(std::string(value)) {}
  Value(std::string value) : node_(std::move(value)) {}
  Value(List value) : node_(std::move(value)) {}
  Value(Map value) : node_(std::move(value)) {}

  // The number with this spelling. Requires: IsNumber(literal) (number.h).
  static Value Number(absl::string_view literal);

  Kind kind() const { return static_cast<Kind>(node_.index()); }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_list() const { return kind() == Kind::kList; }
  bool is_map() const { return kind() == Kind::kMap; }

  // Each requires the kind that it names.
  bool boolean() const;
  const std::string& number() const;  // as it was spelled
  const std::string& string() const;
  const List& list() const;
  List& list();
  const Map& map() const;
  Map& map();

  // The number as an integer; nullopt when this is no number, has a fraction or does not fit.
  // 1e3 and 3.0 are integers.
  std::optional<int64_t> AsInt64() const;

  // The member `key` of a map; null when there is none or this is no map.
  const Value* Get(absl::string_view key) const;
  Value* Get(absl::string_view key);

  // What the JSON pointer (RFC 6901) leads to; null when it leads nowhere or is malformed. The
  // pointer "" leads to this value.
  const Value* Find(absl::string_view pointer) const;
  Value* Find(absl::string_view pointer);

  // Puts `value` where the pointer leads: adds or replaces the member of a map, replaces an element
  // of a list, appends to a list for "-". Maps that are missing on the way (or null) are made.
  // Returns false, and changes nothing, when the pointer is malformed or leads through a scalar or
  // past the end of a list.
  bool Set(absl::string_view pointer, Value value);

  // Removes what the pointer leads to. Returns whether it was there; "" is never removed.
  bool Remove(absl::string_view pointer);

  friend bool operator==(const Value& a, const Value& b);

 private:
  // A number: kept like a string, but not one.
  struct Literal {
    std::string text;
  };

  std::variant<std::monostate, bool, Literal, std::string, List, Map> node_;
};

// "null", "bool", "number", "string", "list" or "map": for messages.
absl::string_view KindName(Value::Kind kind);

// One member of a map.
struct Member {
  std::string key;
  Value value;

  friend bool operator==(const Member&, const Member&) = default;
};

class ValueMap::Iterator {
 public:
  explicit Iterator(Member* member) : member_(member) {}

  Entry operator*() const { return Entry{member_->key, member_->value}; }
  Iterator& operator++() {
    ++member_;
    return *this;
  }
  friend bool operator==(const Iterator&, const Iterator&) = default;

 private:
  Member* member_;
};

inline size_t ValueMap::size() const { return members_.size(); }
inline const Member* ValueMap::begin() const { return members_.data(); }
inline const Member* ValueMap::end() const { return members_.data() + members_.size(); }
inline ValueMap::Iterator ValueMap::begin() { return Iterator(members_.data()); }
inline ValueMap::Iterator ValueMap::end() { return Iterator(members_.data() + members_.size()); }

// ---------------------------------------------------------------- JSON pointers

// `pointer` with one more step, which is escaped ("a/b" becomes "a~1b").
std::string JoinPointer(absl::string_view pointer, absl::string_view step);

// The unescaped steps of a JSON pointer; nullopt when it is malformed (RFC 6901, 3).
std::optional<std::vector<std::string>> SplitPointer(absl::string_view pointer);

}  // namespace muster
