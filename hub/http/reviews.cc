#include "hub/http/reviews.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/document/document.h"
#include "hub/core/snowflakes.h"
#include "hub/http/openapi.h"

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
}

void AddReviewSchemas(Value::Map& schemas) { AddSchemas(*pb::Snowflakes::descriptor(), schemas); }

}  // namespace muster::hub
