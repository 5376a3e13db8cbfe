// JSON Patch (RFC 6902): a list of operations on a document, with JSON pointers (RFC 6901).
//
// Used for patches that are lists. All six operations: add, remove, replace, move, copy, test.
// Pure; any thread. Promises: all or nothing, and the document never gets deeper than
// kYamlDepthMax or, through copy, boundlessly larger.
#pragma once

#include "absl/status/status.h"
#include "common/manifest/value.h"

namespace muster {

// Applies `operations` to `document`. On an error the document is as it was: kInvalidArgument, or
// kFailedPrecondition when a "test" fails or a path leads nowhere, each naming the operation
// ("operation 2 (replace /spec/replicas): ..."), kResourceExhausted for a limit.
absl::Status ApplyJsonPatch(const Value& operations, Value& document);

}  // namespace muster
