// Reviews: the API for those who look for the odd one out and who want proof: snowflakes.
//
// Plain functions of a snapshot; for worker threads.
#pragma once

#include "absl/status/statusor.h"
#include "common/manifest/value.h"
#include "hub/http/message.h"
#include "hub/rpc/views.h"

namespace muster::hub {

// GET /api/v1/snowflakes. kInvalidArgument for a parameter that it does not know or cannot read.
absl::StatusOr<Value::Map> AnswerSnowflakes(const Reading& reading, const HttpRequest& request);

// Their part of the OpenAPI document.
void AddReviewPaths(Value::Map& paths);
void AddReviewSchemas(Value::Map& schemas);

}  // namespace muster::hub
