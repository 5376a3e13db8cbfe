#include "hub/http/reviews.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/document/document.h"
#include "common/manifest/json.h"
#include "common/plan/fleet_plan.h"
#include "hub/core/snowflakes.h"
#include "hub/http/openapi.h"
#include "hub/rpc/blob_access.h"

namespace muster::hub {

namespace pb = muster::v1;

absl::StatusOr<Value::Map> AnswerSnowflakes(const Reading& reading, const HttpRequest& request) {
  pb::SnowflakesRequest asked;
  for (const auto& [name, value] : request.query) {
    int32_t limit = 0;
    if (name == "selector") {
      asked.set_selector(value);
    } else if (name == "by") {
      for (const absl::string_view key : absl::StrSplit(value, ',')) asked.add_by(std::string(key));
    } else if (name == "limit" && absl::SimpleAtoi(value, &limit)) {
      asked.set_limit(limit);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat(request.path, ": '", name, "=", value,
                       "' is not understood; it takes selector, by, limit"));
    }
  }
  ASSIGN_OR_RETURN(const SnowflakeQuery query, ParseSnowflakeQuery(asked));
  return DocumentOf(FindSnowflakes(reading.fleet.clusters(), query));
}

absl::StatusOr<std::string> AnswerAuditLines(const Reading& reading, const AuditSeal& seal,
                                             const HttpRequest& request) {
  uint64_t after = 0;
  int32_t limit = 0;
  for (const auto& [name, value] : request.query) {
    if (name == "after" && absl::SimpleAtoi(value, &after)) continue;
    if (name == "limit" && absl::SimpleAtoi(value, &limit)) continue;
    return absl::InvalidArgumentError(absl::StrCat(request.path, ": '", name, "=", value,
                                                   "' is not understood; it takes after, limit"));
  }
  ASSIGN_OR_RETURN(pb::AuditLines lines, ReadAuditLines(reading, after, limit));
  RETURN_IF_ERROR(seal.Add(reading.now, lines));
  return absl::StrCat(CanonicalJson(Typed("AuditLines", DocumentOf(lines))), "\n");
}

absl::StatusOr<pb::PlanRequest> ParsePlanRequest(const HttpRequest& request) {
  pb::PlanRequest plan;
  for (const auto& [name, value] : request.query) {
    if (name == "repository") {
      plan.set_repository(value);
    } else if (name == "revision") {
      plan.set_revision(value);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(request.path, ": there is no parameter '",
                                                     name, "'; it takes repository, revision"));
    }
  }
  if (plan.repository().empty() || plan.revision().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(request.path, ": say of which repository and revision"));
  }
  return plan;
}

absl::StatusOr<std::string> PlanJson(const Store& store, const pb::PlanComparisons& comparisons) {
  ASSIGN_OR_RETURN(const pb::FleetPlan plan,
                   MakeFleetPlan(comparisons, [&store](const Digest& digest) {
                     return ReadBlobContent(store, digest);
                   }));
  return absl::StrCat(CanonicalJson(Typed("FleetPlan", DocumentOf(plan))), "\n");
}

absl::StatusOr<pb::ListRolloutsResponse> ListRollouts(const Reading& reading,
                                                      const pb::ListRequest& request) {
  if (reading.rollouts == nullptr) {
    return absl::UnavailableError("rollouts cannot be asked for here");
  }
  pb::ListRolloutsRequest asked;
  asked.set_package(request.package());
  return reading.rollouts(asked);
}

void AddReviewPaths(Value::Map& paths) {
  paths.Set(
      "/api/v1/snowflakes",
      Operation("get-snowflakes", "Clusters that should be equal and are not, the oddest first",
                {Parameter("selector", "query", "labels, as after kubectl's -l"),
                 Parameter("by", "query",
                           "keys of labels, with commas between: who has the same values "
                           "should be equal; without, those for whom Git says the same"),
                 Parameter("limit", "query", "at most so many, 100 at most")},
                Content("application/json", Ref("Snowflakes"))));
  paths.Set("/api/v1/audit-lines",
            Operation("get-audit-lines",
                      "The audit log's very lines, oldest first, and where it ends, signed",
                      {Parameter("after", "query", "only lines behind this number"),
                       Parameter("limit", "query", "at most so many, 2000 at most")},
                      Content("application/json", Ref("AuditLines"))));
  paths.Set("/api/v1/plan",
            Operation("get-plan", "What a commit would change; may take as long as a fetch",
                      {Parameter("repository", "query", "whose packages; required"),
                       Parameter("revision", "query", "a branch, tag or commit; required")},
                      Content("application/json", Ref("FleetPlan"))));
}

void AddReviewSchemas(Value::Map& schemas) {
  AddSchemas(*pb::Snowflakes::descriptor(), schemas);
  AddSchemas(*pb::AuditLines::descriptor(), schemas);
  AddSchemas(*pb::FleetPlan::descriptor(), schemas);
}

}  // namespace muster::hub
