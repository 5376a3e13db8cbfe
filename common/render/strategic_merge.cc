#include "common/render/strategic_merge.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/render/merge_keys.h"
#include "common/render/merge_list.h"

namespace muster {
namespace {

constexpr absl::string_view kPatch = "$patch";
constexpr absl::string_view kRetainKeys = "$retainKeys";
constexpr absl::string_view kOrderPrefix = "$setElementOrder/";
constexpr absl::string_view kDeletePrefix = "$deleteFromPrimitiveList/";

enum class Directive { kMerge, kReplace, kDelete };

absl::Status Fail(absl::string_view at, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(at.empty() ? "/" : at, ": ", why));
}

absl::StatusOr<Directive> DirectiveOf(const Value& map, absl::string_view at) {
  const Value* directive = map.Get(kPatch);
  if (directive == nullptr) return Directive::kMerge;
  if (directive->is_string()) {
    if (directive->string() == "merge") return Directive::kMerge;
    if (directive->string() == "replace") return Directive::kReplace;
    if (directive->string() == "delete") return Directive::kDelete;
  }
  return Fail(at, "$patch must be merge, replace or delete");
}

// A field that speaks to us and is not part of the object.
bool IsDirective(absl::string_view key) {
  return key == kPatch || key == kRetainKeys || absl::StartsWith(key, kOrderPrefix) ||
         absl::StartsWith(key, kDeletePrefix);
}

// An element that stands for none: it says that the whole list is replaced.
bool IsReplaceDirective(const Value& element) {
  const Value* directive = element.Get(kPatch);
  return directive != nullptr && element.map().size() == 1 && *directive == Value("replace");
}

// The elements of a list, each as a text that equal values share.
std::set<std::string> TextsOf(const Value::List& list) {
  std::set<std::string> texts;
  for (const Value& element : list) texts.insert(CanonicalJson(element));
  return texts;
}

// What a patch's map becomes where there is nothing to merge it with: without directives and, as
// in RFC 7386, without nulls.
absl::StatusOr<Value> Fresh(const Value& patch, absl::string_view type, absl::string_view at);

class Merger {
 public:
  // Merges the map `patch` into the map `target`, both of `type`.
  absl::Status Map(const Value& patch, absl::string_view type, const std::string& at,
                   Value& target) {
    RETURN_IF_ERROR(RetainKeys(patch, at, target));
    for (const Member& member : patch.map()) {
      const std::string below = JoinPointer(at, member.key);
      if (absl::StartsWith(member.key, kDeletePrefix)) {
        RETURN_IF_ERROR(DeleteScalars(member, below, target));
      }
    }
    for (const Member& member : patch.map()) {
      if (IsDirective(member.key)) continue;
      if (absl::StartsWith(member.key, "$")) {
        return Fail(JoinPointer(at, member.key), "is no directive that is known");
      }
      RETURN_IF_ERROR(Field(member, type, at, target));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Field(const Member& member, absl::string_view type, const std::string& at,
                     Value& target) {
    const std::string below = JoinPointer(at, member.key);
    if (member.value.is_null()) {
      target.map().Erase(member.key);
      return absl::OkStatus();
    }
    const MergeField field = MergeFieldOf(type, member.key);
    Value* old = target.Get(member.key);
    if (member.value.is_map()) {
      ASSIGN_OR_RETURN(const Directive directive, DirectiveOf(member.value, below));
      if (directive == Directive::kDelete) {
        target.map().Erase(member.key);
        return absl::OkStatus();
      }
      if (directive == Directive::kReplace || field.whole || old == nullptr || !old->is_map()) {
        ASSIGN_OR_RETURN(Value fresh, Fresh(member.value, field.type, below));
        target.map().Set(member.key, std::move(fresh));
        return absl::OkStatus();
      }
      return Map(member.value, field.type, below, *old);
    }
    if (member.value.is_list() && field.list != ListMerge::kAtomic) {
      return MergedList(member, field, below, target);
    }
    return Replace(member, below, target);
  }

  // A scalar, or a list that does not merge. Directives for the elements of such a list would end
  // up in the object; one that asks for what happens anyway is left out.
  absl::Status Replace(const Member& member, const std::string& at, Value& target) {
    Value value = member.value;
    if (value.is_list()) {
      std::erase_if(value.list(), IsReplaceDirective);
      for (size_t i = 0; i < value.list().size(); ++i) {
        if (value.list()[i].Get(kPatch) == nullptr) continue;
        return Fail(absl::StrCat(at, "/", i),
                    "$patch has no meaning here: this list does not merge, it is replaced whole");
      }
    }
    target.map().Set(member.key, std::move(value));
    return absl::OkStatus();
  }

  absl::Status MergedList(const Member& member, const MergeField& field, const std::string& at,
                          Value& target) {
    Value* old = target.Get(member.key);
    if (old == nullptr || !old->is_list()) {
      old = &target.map().Set(member.key, Value(Value::List{}));
    }
    if (field.list == ListMerge::kSet) {
      old->list() = MergeSet(old->list(), member.value.list());
      return absl::OkStatus();
    }
    const Value::List& patch = member.value.list();
    if (std::any_of(patch.begin(), patch.end(), IsReplaceDirective)) old->list().clear();
    return ByKey(patch, field, at, old->list());
  }

  absl::Status ByKey(const Value::List& patch, const MergeField& field, const std::string& at,
                     Value::List& list) {
    KeyedList merged(std::move(list), field);
    for (size_t i = 0; i < patch.size(); ++i) {
      const Value& element = patch[i];
      const std::string below = absl::StrCat(at, "/", i);
      if (!merged.HasKey(element)) {
        if (IsReplaceDirective(element)) continue;
        return Fail(below, absl::StrCat("needs '", field.key,
                                        "', by which the elements of this list are told apart"));
      }
      ASSIGN_OR_RETURN(const Directive directive, DirectiveOf(element, below));
      if (directive == Directive::kDelete) {
        merged.Delete(element);
        continue;
      }
      Value* old = merged.Find(element);
      if (old != nullptr && directive == Directive::kMerge) {
        RETURN_IF_ERROR(Map(element, field.type, below, *old));
      } else {
        ASSIGN_OR_RETURN(Value fresh, Fresh(element, field.type, below));
        merged.Put(element, std::move(fresh));
      }
      merged.Name(element);
    }
    list = merged.Take();
    return absl::OkStatus();
  }

  static absl::Status DeleteScalars(const Member& member, const std::string& at, Value& target) {
    if (!member.value.is_list()) return Fail(at, "must be a list");
    Value* list = target.Get(absl::StripPrefix(member.key, kDeletePrefix));
    if (list == nullptr || !list->is_list()) return absl::OkStatus();
    const std::set<std::string> gone = TextsOf(member.value.list());
    std::erase_if(list->list(),
                  [&gone](const Value& element) { return gone.count(CanonicalJson(element)) > 0; });
    return absl::OkStatus();
  }

  static absl::Status RetainKeys(const Value& patch, const std::string& at, Value& target) {
    const Value* retained = patch.Get(kRetainKeys);
    if (retained == nullptr) return absl::OkStatus();
    if (!retained->is_list()) return Fail(at, "$retainKeys must be a list of field names");
    const std::set<std::string> named = TextsOf(retained->list());
    const auto names = [&named](const std::string& key) {
      return named.count(CanonicalJson(Value(key))) > 0;
    };
    std::vector<std::string> gone;
    for (const Member& member : patch.map()) {
      if (!IsDirective(member.key) && !member.value.is_null() && !names(member.key)) {
        return Fail(at, absl::StrCat("sets '", member.key, "', which its $retainKeys leaves out"));
      }
    }
    for (const Member& member : std::as_const(target).map()) {
      if (!names(member.key)) gone.push_back(member.key);
    }
    for (const std::string& key : gone) target.map().Erase(key);
    return absl::OkStatus();
  }
};

absl::StatusOr<Value> Fresh(const Value& patch, absl::string_view type, absl::string_view at) {
  Value target = Value::Map();
  RETURN_IF_ERROR(Merger().Map(patch, type, std::string(at), target));
  return target;
}

}  // namespace

absl::StatusOr<MergeResult> MergeStrategically(const Value& patch, absl::string_view group,
                                               absl::string_view kind, Value& object) {
  if (!patch.is_map()) return absl::InvalidArgumentError("a strategic merge patch is a map");
  ASSIGN_OR_RETURN(const Directive directive, DirectiveOf(patch, ""));
  if (directive == Directive::kDelete) return MergeResult::kDeleted;

  Value change = patch;
  for (const char* identity : {"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"}) {
    change.Remove(identity);
  }
  const absl::string_view type = MergeTypeOf(group, kind);
  Value merged = object;
  if (directive == Directive::kReplace) {
    merged = Value::Map();
    for (const char* identity : {"/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"}) {
      if (const Value* kept = std::as_const(object).Find(identity)) merged.Set(identity, *kept);
    }
  }
  RETURN_IF_ERROR(Merger().Map(change, type, "", merged));
  object = std::move(merged);
  return MergeResult::kMerged;
}

}  // namespace muster
