#include "agent/cluster/fields.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace {

constexpr size_t kValueBytesMax = 120;

std::string Shortened(const Value* value) {
  if (value == nullptr) return "";
  std::string text = CanonicalJson(*value);
  if (text.size() <= kValueBytesMax) return text;
  size_t end = kValueBytesMax;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not within a character
  return absl::StrCat(text.substr(0, end), "...");
}

class Comparison {
 public:
  Comparison(const ObjectKey& key, absl::Span<const std::string> ignore)
      : is_secret_(key.kind == "Secret" && key.group().empty()), ignore_(ignore) {}

  // The depth is bounded by the readers of JSON and YAML (limits::kYamlDepthMax).
  void Compare(const Value& desired, const Value& live, const std::string& pointer) {
    if (full() || desired == live || IsIgnored(pointer)) return;
    if (desired.is_map() && live.is_map()) {
      CompareMaps(desired, live, pointer);
    } else if (desired.is_list() && live.is_list() && desired.list().size() == live.list().size()) {
      for (size_t i = 0; i < desired.list().size(); ++i) {
        Compare(desired.list()[i], live.list()[i], absl::StrCat(pointer, "/", i));
      }
    } else {
      Add(pointer, &desired, &live);
    }
  }

  std::vector<FieldChange> Take() { return std::move(found_); }

 private:
  bool full() const { return found_.size() >= static_cast<size_t>(limits::kFieldsPerProblemMax); }

  void CompareMaps(const Value& desired, const Value& live, const std::string& pointer) {
    std::set<std::string> keys;
    for (const auto& member : desired.map()) keys.insert(member.key);
    for (const auto& member : live.map()) keys.insert(member.key);
    for (const std::string& key : keys) {
      const std::string below = JoinPointer(pointer, key);
      const Value* a = desired.Get(key);
      const Value* b = live.Get(key);
      if (a != nullptr && b != nullptr) {
        Compare(*a, *b, below);
      } else if (!full() && !IsIgnored(below) && !OnlyHoldsIgnored(a != nullptr ? *a : *b, below)) {
        Add(below, a, b);
      }
    }
  }

  void Add(const std::string& pointer, const Value* desired, const Value* live) {
    FieldChange change{.pointer = pointer};
    if (pointer.empty()) {  // The whole says nothing that can be read.
    } else if (is_secret_ && pointer != "/type" && !absl::StartsWith(pointer, "/metadata/labels")) {
      if (live != nullptr) change.live = std::string(kHiddenValue);
      if (desired != nullptr) change.desired = std::string(kHiddenValue);
    } else {
      change.live = Shortened(live);
      change.desired = Shortened(desired);
    }
    found_.push_back(std::move(change));
  }

  bool IsIgnored(const std::string& pointer) const {
    return std::any_of(ignore_.begin(), ignore_.end(), [&](const std::string& rule) {
      return pointer == rule || absl::StartsWith(pointer, absl::StrCat(rule, "/"));
    });
  }

  // Whether a map that only one side has consists of nothing but ignored members: a rule for
  // /metadata/annotations/x covers an `annotations` that was made for x alone.
  bool OnlyHoldsIgnored(const Value& value, const std::string& pointer) const {
    if (!value.is_map() || value.map().empty()) return false;
    for (const auto& member : value.map()) {
      const std::string below = JoinPointer(pointer, member.key);
      if (!IsIgnored(below) && !OnlyHoldsIgnored(member.value, below)) return false;
    }
    return true;
  }

  const bool is_secret_;
  const absl::Span<const std::string> ignore_;
  std::vector<FieldChange> found_;
};

}  // namespace

std::vector<FieldChange> DifferentFields(const ObjectKey& key, const Value& desired,
                                         const Value& live, absl::Span<const std::string> ignore) {
  Comparison comparison(key, ignore);
  comparison.Compare(desired, live, "");
  return comparison.Take();
}

FieldChange WholeObject() { return FieldChange{}; }

Value KeepFields(Value desired, const Value& live, absl::Span<const std::string> keep) {
  for (const std::string& pointer : keep) {
    if (const Value* value = live.Find(pointer); value != nullptr && !pointer.empty()) {
      desired.Set(pointer, *value);
    }
  }
  return desired;
}

}  // namespace muster::agent
