// Reviews: the API for those who look for the odd one out and who want proof:
// snowflakes, rollouts, plans, the audit log.
//
// Plain functions of a snapshot; for worker threads.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/manifest/value.h"
#include "common/store/store.h"
#include "hub/http/message.h"
#include "hub/rpc/audit_seal.h"
#include "hub/rpc/views.h"
#include "proto/plan.pb.h"

namespace muster::hub {

// GET /api/v1/snowflakes. kInvalidArgument for a parameter that it does not know or cannot read.
absl::StatusOr<Value::Map> AnswerSnowflakes(const Reading& reading, const HttpRequest& request);

// GET /api/v1/audit-lines: the very lines and where the log ends, with the hub's signature.
absl::StatusOr<std::string> AnswerAuditLines(const Reading& reading, const AuditSeal& seal,
                                             const HttpRequest& request);

// GET /api/v1/plan?repository=&revision=: what is asked, and the answer out of what the core gave.
absl::StatusOr<v1::PlanRequest> ParsePlanRequest(const HttpRequest& request);
absl::StatusOr<std::string> PlanJson(const Store& store, const v1::PlanComparisons& comparisons);

// Rollouts, of one package or all; for the lists.
absl::StatusOr<v1::ListRolloutsResponse> ListRollouts(const Reading& reading,
                                                      const v1::ListRequest& request);

// Their part of the OpenAPI document.
void AddReviewPaths(Value::Map& paths);
void AddReviewSchemas(Value::Map& schemas);

}  // namespace muster::hub
