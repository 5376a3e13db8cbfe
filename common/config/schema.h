// The declarations of a fleet repository as tables: every kind, every field, of what type, whether
// it is required and whether this version has built it.
//
// The one source of three things: what the parser accepts (structure.h), the published JSON Schemas
// (schema_json.h, docs/schemas) and the suggestions in messages. A field that the tables know but
// this version has not built is refused by name, never ignored. Constant data; any thread.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace muster {

inline constexpr absl::string_view kApiVersion = "muster.dev/v1alpha1";

enum class FieldType {
  kText,  // any string but ""
  kName,  // CheckName (names.h)
  kBoolean,
  kDuration,   // of Go: "1m30s"; more than nothing
  kBudget,     // "10%" or 3
  kChoice,     // one of `choices`
  kLabels,     // label keys and values
  kVariables,  // variable names and texts
  kNotes,      // annotations: any map of texts
  kValues,     // any map at all
  kObject,     // `object`
};

struct Choice {
  absl::string_view value;
  bool built = true;
};

struct ObjectSpec;

struct FieldSpec {
  absl::string_view name;
  FieldType type = FieldType::kText;
  absl::string_view about;  // one sentence, for the schema
  bool required = false;
  bool list = false;  // a list of that type
  bool built = true;
  const ObjectSpec* object = nullptr;  // for kObject
  absl::Span<const Choice> choices;    // for kChoice
};

struct ObjectSpec {
  absl::Span<const FieldSpec> fields;
  absl::Span<const absl::string_view> exactly_one_of;  // of these fields; empty for no such rule
};

struct KindSpec {
  absl::string_view kind;
  absl::string_view about;
  bool built = true;
  const ObjectSpec* document = nullptr;  // null when not built
};

// All kinds, sorted.
absl::Span<const KindSpec> Kinds();

// Null when there is no such kind or field.
const KindSpec* FindKind(absl::string_view kind);
const FieldSpec* FindField(const ObjectSpec& object, absl::string_view name);

}  // namespace muster
