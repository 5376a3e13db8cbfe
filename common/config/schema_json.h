// JSON Schemas (2020-12) of the declarations, made from the tables of schema.h.
//
// For editors and CI; docs/schemas holds them as files, which a test compares with these. They are
// as strict as the tables; what fields mean together only the parser judges. Pure; any thread.
#pragma once

#include <string>

#include "common/config/schema.h"
#include "common/manifest/value.h"

namespace muster {

// The schema of a kind that is built. Fields that are not built stand in it, and nothing fits them.
Value KindSchema(const KindSpec& kind);

// The same as text, as in docs/schemas/KIND.json.
std::string KindSchemaText(const KindSpec& kind);

}  // namespace muster
