// OpenAPI: parts of the document that describes the API, for the files that answer. Pure; any
// thread.
#pragma once

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace google::protobuf {
class Descriptor;
}  // namespace google::protobuf

namespace muster::hub {

// A parameter that is a text; `place` is "query" or "path".
Value Parameter(absl::string_view name, absl::string_view place, absl::string_view what);

// What is answered, of the type `type`.
Value Content(absl::string_view type, Value schema);

// Names a schema of the document.
Value Ref(absl::string_view name);

// What GET does.
Value Operation(absl::string_view id, absl::string_view what, Value::List parameters, Value good);

// Adds the schemas of documents made of `type` and of what is inside.
void AddSchemas(const google::protobuf::Descriptor& type, Value::Map& schemas);

}  // namespace muster::hub
