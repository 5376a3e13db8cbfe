#include "common/render/kustomize/merge.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/merge_elements.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kDirective = "$patch";

enum class Directive { kMerge, kReplace, kDelete };

bool IsMissingOrNull(const Value* value) { return value == nullptr || value->is_null(); }

absl::StatusOr<Directive> DirectiveOf(const Value& value) {
  const std::string text = ScalarText(value);
  if (text == "merge") return Directive::kMerge;
  if (text == "replace") return Directive::kReplace;
  if (text == "delete") return Directive::kDelete;
  return absl::InvalidArgumentError(
      absl::StrCat("'$patch: ", text, "' is unknown; it is merge, replace or delete"));
}

// Whether an element says what happens to its list: a map with nothing but the directive.
bool IsListDirective(const Value& element) {
  return element.is_map() && element.map().size() == 1 && element.Get(kDirective) != nullptr;
}

void RemoveListDirectives(Value& list) {
  Value::List& elements = list.list();
  elements.erase(std::remove_if(elements.begin(), elements.end(), IsListDirective), elements.end());
}

class Merger {
 public:
  explicit Merger(const MergeSchema& schema) : schema_(schema) {}

  using Merged = absl::StatusOr<std::optional<Value>>;

  // Merges `patch` into `object`; either may be missing. nullopt: there is nothing in the end.
  // A null comes back only where the object has one that stays. The depth is limited by that of
  // the two documents.
  Merged Merge(Value* object, const Value* patch, MergeSchema::Type type,
               const MergeSchema::Field* field) {
    const Value* first = !IsMissingOrNull(object) ? object : patch;
    if (IsMissingOrNull(first)) {
      if (patch == nullptr && object != nullptr) return std::optional<Value>(Value());
      return std::optional<Value>();
    }
    if (!IsMissingOrNull(patch) && Shape(*patch) != Shape(*first)) {
      return absl::InvalidArgumentError(absl::StrCat("the patch has a ", KindName(patch->kind()),
                                                     " where the object has a ",
                                                     KindName(first->kind())));
    }
    if (first->is_map()) return MergeMap(object, patch, TypeFor(type, object, patch));
    if (first->is_list() && field != nullptr && field->merges) {
      return MergeList(object, patch, *field);
    }
    if (patch == nullptr) return std::optional<Value>(std::move(*object));
    if (patch->is_null()) return std::optional<Value>();
    return std::optional<Value>(*patch);
  }

 private:
  enum class ShapeKind { kMap, kList, kScalar };
  static ShapeKind Shape(const Value& value) {
    return value.is_map()    ? ShapeKind::kMap
           : value.is_list() ? ShapeKind::kList
                             : ShapeKind::kScalar;
  }

  // Objects within others have their own kind's schema.
  MergeSchema::Type TypeFor(MergeSchema::Type type, const Value* object, const Value* patch) const {
    if (type != 0) return type;
    for (const Value* value : {object, patch}) {
      if (IsMissingOrNull(value) || value->Get("apiVersion") == nullptr) continue;
      const Gvk gvk = Gvk::OfObject(*value);
      if (gvk.kind.empty()) continue;
      if (const MergeSchema::Type found = schema_.TypeOf(gvk.api_version(), gvk.kind); found != 0) {
        return found;
      }
    }
    return 0;
  }

  Merged MergeMap(Value* object, const Value* patch, MergeSchema::Type type) {
    if (patch != nullptr && patch->is_null()) return std::optional<Value>();
    Value merged;
    const Value* directive = patch == nullptr ? nullptr : patch->Get(kDirective);
    bool replaces = IsMissingOrNull(object);
    if (directive != nullptr) {
      ASSIGN_OR_RETURN(const Directive what, DirectiveOf(*directive));
      if (what == Directive::kDelete) return std::optional<Value>();
      replaces = replaces || what == Directive::kReplace;
    }
    // What replaces or is new is merged with itself, so that its own directives work.
    merged = replaces ? *patch : std::move(*object);
    if (directive != nullptr) merged.map().Erase(kDirective);
    RETURN_IF_ERROR(MergeMembers(patch, type, merged));
    return std::optional<Value>(std::move(merged));
  }

  absl::Status MergeMembers(const Value* patch, MergeSchema::Type type, Value& merged) {
    std::vector<std::string> gone;
    for (const auto& [key, value] : merged.map()) {
      const Value* of_patch = patch == nullptr ? nullptr : patch->Get(key);
      // Nothing below would change: not walked, and not copied.
      if (of_patch == nullptr && !value.is_map() && !value.is_list()) continue;
      ASSIGN_OR_RETURN(std::optional<Value> member, MergeMember(key, &value, of_patch, type));
      if (member.has_value()) {
        value = *std::move(member);
      } else {
        gone.push_back(key);
      }
    }
    for (const std::string& key : gone) merged.map().Erase(key);
    if (patch == nullptr) return absl::OkStatus();
    const std::set<std::string> erased(gone.begin(), gone.end());
    for (const Member& member : patch->map()) {
      if (member.key == kDirective || erased.count(member.key) > 0 ||
          merged.Get(member.key) != nullptr) {
        continue;
      }
      ASSIGN_OR_RETURN(std::optional<Value> added,
                       MergeMember(member.key, nullptr, &member.value, type));
      if (added.has_value()) merged.map().Set(member.key, *std::move(added));
    }
    return absl::OkStatus();
  }

  Merged MergeMember(const std::string& key, Value* value, const Value* patch,
                     MergeSchema::Type type) {
    const MergeSchema::Field* field = schema_.FieldOf(type, key);
    Merged merged = Merge(value, patch, field == nullptr ? 0 : field->type, field);
    if (!merged.ok()) return Annotate(merged.status(), key);
    return merged;
  }

  Merged MergeList(Value* object, const Value* patch, const MergeSchema::Field& field) {
    if (patch != nullptr && patch->is_null()) return std::optional<Value>();
    bool replaces = IsMissingOrNull(object);
    Value merged, cleaned;
    if (patch != nullptr) {
      const auto directive =
          std::find_if(patch->list().begin(), patch->list().end(), IsListDirective);
      if (directive != patch->list().end()) {
        ASSIGN_OR_RETURN(const Directive what, DirectiveOf(*directive->Get(kDirective)));
        if (what == Directive::kDelete) return std::optional<Value>();
        replaces = replaces || what == Directive::kReplace;
        cleaned = *patch;
        RemoveListDirectives(cleaned);
        patch = &cleaned;
      }
    }
    merged = replaces ? *patch : std::move(*object);
    static const Value* const none = new Value(Value::List());
    const Value& other = patch == nullptr ? *none : *patch;
    if (field.keys.empty()) return MergeTexts(merged.list(), other.list());
    return MergeElements(std::move(merged.list()), other.list(), field);
  }

  // Lists of scalars: those of the patch, then the others.
  static Merged MergeTexts(const Value::List& old, const Value::List& patch) {
    Value::List merged;
    std::set<std::string> seen;
    for (const Value::List* list : {&patch, &old}) {
      for (const Value& value : *list) {
        if (seen.insert(ScalarText(value)).second) merged.push_back(value);
      }
    }
    return std::optional<Value>(Value(std::move(merged)));
  }

  Merged MergeElements(Value::List old, const Value::List& patch, const MergeSchema::Field& field) {
    std::vector<Texts> rows;
    for (const Value::List* list : {&patch, static_cast<const Value::List*>(&old)}) {
      for (const Value& element : *list) {
        Texts row = KeyTexts(element, field.keys);
        if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
      }
    }
    if (field.keys.size() > 1) FillRows(rows);
    Elements elements, made;
    for (Value& element : old) elements.push_back(std::make_shared<Value>(std::move(element)));
    ValidKeys valid;
    for (const Texts& row : rows) {
      valid = FindValidKeys(rows, row, field.keys);
      RETURN_IF_ERROR(MergeElement(valid, patch, field, elements, made));
    }
    if (!rows.empty()) {
      AppendElements(elements, valid.keys, made);
      elements = std::move(made);
    }
    Value::List merged;
    for (const SharedElement& element : elements) merged.push_back(*element);
    return std::optional<Value>(Value(std::move(merged)));
  }

  absl::Status MergeElement(const ValidKeys& valid, const Value::List& patch,
                            const MergeSchema::Field& field, Elements& elements, Elements& made) {
    const ValidKeys wanted = FindValidKeys({valid.texts}, valid.texts, valid.keys);
    const SharedElement old = FindElement(elements, wanted);
    const Value* of_patch = FindElement(patch, wanted);
    const Value* directive = of_patch == nullptr ? nullptr : of_patch->Get(kDirective);
    std::optional<Value> merged;
    if (old != nullptr || of_patch != nullptr) {
      // An element that the patch does not name cannot vanish, so it need not be kept for that.
      Value copy;
      if (old != nullptr) copy = of_patch == nullptr ? std::move(*old) : *old;
      Merged result = Merge(old == nullptr ? nullptr : &copy, of_patch, field.type, nullptr);
      if (!result.ok()) {
        return Annotate(result.status(),
                        absl::StrCat("[", wanted.keys[0], "=", wanted.texts[0], "]"));
      }
      merged = *std::move(result);
    }
    if (!merged.has_value() || merged->is_null() || (merged->is_map() && merged->map().empty())) {
      SetElement(nullptr, valid.keys, valid.texts, elements);
      return absl::OkStatus();
    }
    for (size_t i = 0; i < valid.keys.size(); ++i) {
      if (merged->is_map() && merged->Get(valid.keys[i]) == nullptr && !valid.texts[i].empty()) {
        merged->map().Set(valid.keys[i], Value(valid.texts[i]));
      }
    }
    // A replaced element is a new one; the old one stays in its list and wins in the end.
    const bool is_new =
        old == nullptr || (directive != nullptr && ScalarText(*directive) == "replace");
    SharedElement element = is_new ? std::make_shared<Value>() : old;
    *element = *std::move(merged);
    SetElement(element, valid.keys, valid.texts, made);
    return absl::OkStatus();
  }

  const MergeSchema& schema_;
};

}  // namespace

absl::StatusOr<std::optional<Value>> MergeStrategic(const Value& patch, const MergeSchema& schema,
                                                    Value object) {
  return Merger(schema).Merge(&object, &patch, 0, nullptr);
}

void RemoveBareNulls(const std::vector<std::string>& pointers, const MergeSchema& schema,
                     Value& object) {
  const Gvk gvk = Gvk::OfObject(object);
  for (const std::string& pointer : pointers) {
    MergeSchema::Type type = schema.TypeOf(gvk.api_version(), gvk.kind);
    const Value* at = &object;
    bool merges = false, is_walked = true;
    for (const std::string& step : SplitPointer(pointer).value_or(Texts())) {
      if (at == nullptr) break;
      if (at->is_list()) {
        is_walked = is_walked && merges;
        at = at->Find(absl::StrCat("/", step));
        continue;
      }
      const MergeSchema::Field* field = schema.FieldOf(type, step);
      merges = field != nullptr && field->merges;
      type = field == nullptr ? 0 : field->type;
      at = at->Get(step);
    }
    if (is_walked && at != nullptr && at->is_null()) object.Remove(pointer);
  }
}

}  // namespace muster::kustomize
