// EditFields: does something at every place of an object that a FieldSpec leads to. Pure.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "common/render/kustomize/resource.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

// What a missing last field is created as, where the spec says `create`.
enum class CreateAs { kNothing, kText, kMap };

// Calls `edit` with each value that the spec leads to in `resource`, whose kind the spec must
// select; otherwise nothing happens. The resource becomes its own copy only when something is
// there to edit. kInvalidArgument, naming the field, when the path leads through a scalar.
absl::Status EditFields(const FieldSpec& spec, CreateAs create, Resource& resource,
                        absl::FunctionRef<absl::Status(Value&)> edit);

// For each spec in turn; `edit` also gets the value's JSON pointer.
absl::Status EditFields(const FieldSpecs& specs, CreateAs create, Resource& resource,
                        absl::FunctionRef<absl::Status(Value&, const std::string&)> edit);

// Whether the spec leads anywhere, creation aside.
bool LeadsAnywhere(const FieldSpec& spec, const Value& object);

}  // namespace muster::kustomize
