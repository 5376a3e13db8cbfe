#include "common/render/kustomize/field_specs.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster::kustomize {
namespace {

// A step of a path: its field, and whether the path says that a list stands there.
struct Step {
  explicit Step(absl::string_view text) : field(text) {
    is_list = absl::ConsumeSuffix(&field, "[]");
  }
  absl::string_view field;
  bool is_list = false;
};

// Whether anything is to be done at or below `value`: without copying it.
bool Leads(const FieldSpec& spec, size_t depth, CreateAs create, const Value& value) {
  if (depth == spec.steps.size()) return true;
  if (value.is_list()) {
    for (const Value& element : value.list()) {
      if (Leads(spec, depth, create, element)) return true;
    }
    return false;
  }
  // A null is left alone; a scalar is an error that the walk finds.
  if (!value.is_map()) return !value.is_null();
  const Step step(spec.steps[depth]);
  const Value* next = value.Get(step.field);
  const bool creates = spec.create && create != CreateAs::kNothing && !step.is_list;
  if (next == nullptr) return creates;
  if (next->is_null()) return creates || step.is_list || depth + 1 == spec.steps.size();
  return Leads(spec, depth + 1, create, *next);
}

using EditAt = absl::FunctionRef<absl::Status(Value&, const std::string&)>;

class FieldWalk {
 public:
  FieldWalk(const FieldSpec& spec, CreateAs create, EditAt edit)
      : spec_(spec), create_(create), edit_(edit) {}

  // The depth is limited by that of the document.
  absl::Status Visit(size_t depth, Value& value) {
    if (depth == spec_.steps.size()) return edit_(value, pointer_);
    if (value.is_null()) return absl::OkStatus();
    if (value.is_list()) {
      for (size_t i = 0; i < value.list().size(); ++i) {
        RETURN_IF_ERROR(VisitBelow(depth, absl::StrCat(i), value.list()[i]));
      }
      return absl::OkStatus();
    }
    if (!value.is_map()) {
      return absl::InvalidArgumentError(absl::StrCat("a map or a list is expected above '",
                                                     spec_.steps[depth], "', and there is a ",
                                                     KindName(value.kind())));
    }
    const Step step(spec_.steps[depth]);
    const bool last = depth + 1 == spec_.steps.size();
    const bool creates = spec_.create && create_ != CreateAs::kNothing && !step.is_list;
    Value* next = value.Get(step.field);
    if (next == nullptr) {
      if (!creates) return absl::OkStatus();
      next = &value.map().Set(std::string(step.field), Value());
    }
    if (next->is_null()) {
      if (step.is_list) {
        *next = Value(Value::List());
      } else if (creates) {
        *next = last && create_ == CreateAs::kText ? Value("") : Value(Value::Map());
      }
    }
    return VisitBelow(depth + 1, step.field, *next);
  }

 private:
  absl::Status VisitBelow(size_t depth, absl::string_view step, Value& value) {
    const size_t size = pointer_.size();
    pointer_ = JoinPointer(pointer_, step);
    const absl::Status status = Visit(depth, value);
    pointer_.resize(size);
    return status;
  }

  const FieldSpec& spec_;
  const CreateAs create_;
  const EditAt edit_;
  std::string pointer_;  // to the value that is visited
};

}  // namespace

bool LeadsAnywhere(const FieldSpec& spec, const Value& object) {
  return Leads(spec, 0, CreateAs::kNothing, object);
}

namespace {

absl::Status EditSelected(const FieldSpec& spec, CreateAs create, Resource& resource, EditAt edit) {
  if (!Leads(spec, 0, create, resource.value())) return absl::OkStatus();
  const absl::Status status = FieldWalk(spec, create, edit).Visit(0, resource.Mutable());
  if (status.ok()) return status;
  return Annotate(status, absl::StrCat(resource.place.text(), ": field '", spec.path, "' of ",
                                       resource.CurrentId().text()));
}

}  // namespace

absl::Status EditFields(const FieldSpec& spec, CreateAs create, Resource& resource,
                        absl::FunctionRef<absl::Status(Value&)> edit) {
  if (!Gvk::OfObject(resource.value()).IsSelectedBy(spec.gvk)) return absl::OkStatus();
  return EditSelected(spec, create, resource,
                      [edit](Value& value, const std::string&) { return edit(value); });
}

absl::Status EditFields(const FieldSpecs& specs, CreateAs create, Resource& resource, EditAt edit) {
  const Gvk gvk = Gvk::OfObject(resource.value());
  for (const FieldSpec& spec : specs) {
    if (!gvk.IsSelectedBy(spec.gvk)) continue;
    RETURN_IF_ERROR(EditSelected(spec, create, resource, edit));
  }
  return absl::OkStatus();
}

}  // namespace muster::kustomize
