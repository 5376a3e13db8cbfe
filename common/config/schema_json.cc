#include "common/config/schema_json.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/check.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

constexpr char kNamePattern[] = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
constexpr char kDurationPattern[] = "^([0-9]+(\\.[0-9]*)?(ns|us|ms|s|m|h))+$";
constexpr char kBudgetPattern[] = "^[0-9]+%?$";
constexpr char kVariablePattern[] = "^[A-Za-z_][A-Za-z0-9_]*$";
constexpr char kLabelKeyPattern[] =
    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
constexpr char kLabelValuePattern[] = "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$";

Value ObjectSchema(const ObjectSpec& object);

Value Texts(Value value_schema, const char* key_pattern) {
  Value::Map schema{{"type", "object"}, {"additionalProperties", std::move(value_schema)}};
  if (key_pattern != nullptr) {
    schema.Set("propertyNames", Value::Map{{"pattern", key_pattern}});
  }
  return schema;
}

Value Choices(const FieldSpec& field) {
  Value::List values;
  for (const Choice& choice : field.choices) {
    if (choice.built) values.push_back(choice.value);
  }
  return Value::Map{{"enum", std::move(values)}};
}

Value TypeSchema(const FieldSpec& field) {
  switch (field.type) {
    case FieldType::kText:
      return Value::Map{{"type", "string"}, {"minLength", 1}};
    case FieldType::kName:
      return Value::Map{{"type", "string"}, {"maxLength", 63}, {"pattern", kNamePattern}};
    case FieldType::kBoolean:
      return Value::Map{{"type", "boolean"}};
    case FieldType::kDuration:
      return Value::Map{{"type", "string"}, {"pattern", kDurationPattern}};
    case FieldType::kBudget:
      return Value::Map{
          {"type", Value::List{"integer", "string"}}, {"minimum", 0}, {"pattern", kBudgetPattern}};
    case FieldType::kChoice:
      return Choices(field);
    case FieldType::kLabels:
      return Texts(Value::Map{{"type", "string"}, {"pattern", kLabelValuePattern}},
                   kLabelKeyPattern);
    case FieldType::kVariables:
      return Texts(Value::Map{{"type", "string"}}, kVariablePattern);
    case FieldType::kNotes:
      return Texts(Value::Map{{"type", "string"}}, nullptr);
    case FieldType::kValues:
      return Value::Map{{"type", "object"}};
    case FieldType::kObject:
      return ObjectSchema(*field.object);
  }
  CHECK(false) << "no such type";
  return Value();
}

std::string About(const FieldSpec& field) {
  std::vector<absl::string_view> later;
  for (const Choice& choice : field.choices) {
    if (!choice.built) later.push_back(choice.value);
  }
  if (!field.built) return absl::StrCat(field.about, " Not built yet in this version.");
  if (later.empty()) return std::string(field.about);
  return absl::StrCat(field.about, " Not built yet in this version: ", absl::StrJoin(later, ", "),
                      ".");
}

Value FieldSchema(const FieldSpec& field) {
  Value::Map schema{{"description", About(field)}};
  if (!field.built) {
    schema.Set("not", Value::Map{});
    return schema;
  }
  Value type = TypeSchema(field);
  if (field.list) {
    schema.Set("type", "array");
    schema.Set("items", std::move(type));
    return schema;
  }
  for (const Member& member : std::as_const(type).map()) schema.Set(member.key, member.value);
  return schema;
}

Value ObjectSchema(const ObjectSpec& object) {
  Value::Map properties;
  Value::List required;
  for (const FieldSpec& field : object.fields) {
    properties.Set(std::string(field.name), FieldSchema(field));
    if (field.required) required.push_back(field.name);
  }
  Value::Map schema{
      {"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) schema.Set("required", std::move(required));
  if (!object.exactly_one_of.empty()) {
    Value::List one_of;
    for (const absl::string_view name : object.exactly_one_of) {
      one_of.push_back(Value::Map{{"required", Value::List{name}}});
    }
    schema.Set("oneOf", std::move(one_of));
  }
  return schema;
}

}  // namespace

Value KindSchema(const KindSpec& kind) {
  CHECK(kind.document != nullptr) << kind.kind << " is not built";
  Value schema = Value::Map{
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"$id", absl::StrCat("https://muster.dev/schemas/v1alpha1/", absl::AsciiStrToLower(kind.kind),
                           ".json")},
      {"title", kind.kind},
      {"description", kind.about},
  };
  const Value object = ObjectSchema(*kind.document);
  for (const Member& member : object.map()) schema.map().Set(member.key, member.value);
  schema.Set("/properties/apiVersion",
             Value::Map{{"description", "The version of these words."}, {"const", kApiVersion}});
  schema.Set("/properties/kind",
             Value::Map{{"description", "The kind of declaration."}, {"const", kind.kind}});
  return schema;
}

std::string KindSchemaText(const KindSpec& kind) { return PrettyJson(KindSchema(kind)); }

}  // namespace muster
