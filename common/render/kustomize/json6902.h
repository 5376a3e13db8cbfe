// ApplyJson6902: a JSON patch as Kustomize's library applies it.
//
// Not common/render/json_patch.h, which is RFC 6902 to the letter. Here `replace` of a member that
// is not there adds it, indexes may be negative (from the end), `add` and `replace` without a value
// put a null, and `test` for null holds for what is not there. Pure; any thread.
#pragma once

#include "absl/status/status.h"
#include "common/manifest/value.h"

namespace muster::kustomize {

// Applies `operations`, a list, to `document`. kInvalidArgument or kFailedPrecondition, naming the
// operation, leaves the document changed by those before it: the build has failed then.
absl::Status ApplyJson6902(const Value& operations, Value& document);

}  // namespace muster::kustomize
