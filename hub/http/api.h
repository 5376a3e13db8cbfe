// Api: the read-only HTTP API below /api/v1: the command line's views as JSON, and the OpenAPI
// document that says so. Who may ask was checked before.
//
// Plain functions of a snapshot; they read the store: for worker threads.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "hub/http/message.h"
#include "hub/rpc/views.h"

namespace muster::hub {

inline constexpr absl::string_view kApiPrefix = "/api/v1/";

// The JSON for GET `request.path`. kNotFound for a path that there is not, kInvalidArgument for a
// parameter that it does not know.
absl::StatusOr<std::string> AnswerApi(const Reading& reading, const HubPlace& place,
                                      const HttpRequest& request);

// The OpenAPI 3.1 document, made of the same tables and messages that answer.
std::string OpenApiJson();

// "application/problem+json" (RFC 9457) for a failure: its status code and the text.
int HttpStatusOf(const absl::Status& status);
std::string ProblemJson(const absl::Status& status);

}  // namespace muster::hub
