#include "hub/http/openapi.h"

#include "absl/strings/str_cat.h"
#include "common/document/document.h"
#include "google/protobuf/descriptor.h"

namespace muster::hub {

Value Parameter(absl::string_view name, absl::string_view place, absl::string_view what) {
  return Value::Map{{"name", name},
                    {"in", place},
                    {"required", place == "path"},
                    {"description", what},
                    {"schema", Value::Map{{"type", "string"}}}};
}

Value Content(absl::string_view type, Value schema) {
  Value::Map content;
  content.Set(std::string(type), Value::Map{{"schema", std::move(schema)}});
  return Value::Map{{"description", "as asked for"}, {"content", std::move(content)}};
}

Value Ref(absl::string_view name) {
  return Value::Map{{"$ref", absl::StrCat("#/components/schemas/", name)}};
}

Value Operation(absl::string_view id, absl::string_view what, Value::List parameters, Value good) {
  Value::Map responses;
  responses.Set("200", std::move(good));
  responses.Set("default", Content("application/problem+json", Ref("Problem")));
  return Value::Map{{"get", Value::Map{{"operationId", id},
                                       {"summary", what},
                                       {"parameters", std::move(parameters)},
                                       {"responses", std::move(responses)}}}};
}

void AddSchemas(const google::protobuf::Descriptor& type, Value::Map& schemas) {
  if (schemas.Contains(type.name())) return;
  schemas.Set(type.name(), DocumentSchema(type));
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->message_type() != nullptr)
      AddSchemas(*type.field(i)->message_type(), schemas);
  }
}

}  // namespace muster::hub
