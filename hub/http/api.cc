#include "hub/http/api.h"

#include <map>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/document/document.h"
#include "common/manifest/json.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "hub/http/fleet_tiles.h"
#include "hub/http/listing.h"
#include "hub/http/openapi.h"
#include "hub/http/reviews.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

std::string Text(const Value& document) { return absl::StrCat(CanonicalJson(document), "\n"); }

absl::Status NoSuchPath(const HttpRequest& request) {
  return absl::NotFoundError(
      absl::StrCat("nothing is at ", request.path, "; /openapi.json names what there is"));
}

absl::Status RefuseParameters(const HttpRequest& request) {
  if (request.query.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(request.path, ": there is no parameter '", request.query.front().first, "'"));
}

absl::StatusOr<std::string> AnswerTiles(const Reading& reading, const HttpRequest& request) {
  TilesQuery query;
  const std::map<std::string, std::string*> known = {{"selector", &query.selector},
                                                     {"q", &query.text},
                                                     {"groupBy", &query.group_by},
                                                     {"package", &query.package}};
  for (const auto& [name, value] : request.query) {
    const auto found = known.find(name);
    if (found == known.end()) {
      return absl::InvalidArgumentError(absl::StrCat(request.path, ": there is no parameter '",
                                                     name,
                                                     "'; it takes selector, q, groupBy, package"));
    }
    *found->second = value;
  }
  query.text = absl::AsciiStrToLower(query.text);
  return TilesJson(reading.fleet, query);
}

// One by its name, with details.
absl::StatusOr<std::string> AnswerOne(const ListKind& kind, const Reading& reading,
                                      const std::string& name, const HttpRequest& request) {
  RETURN_IF_ERROR(RefuseParameters(request));
  // An empty name would be a list of all.
  if (name.empty() || kind.identity != std::vector<std::string>{"name"}) return NoSuchPath(request);
  pb::ListRequest list;
  list.set_name(name);
  list.set_detail(true);
  ASSIGN_OR_RETURN(const std::shared_ptr<google::protobuf::Message> response,
                   kind.list(reading, list));
  const auto* rows = response->GetDescriptor()->FindFieldByNumber(1);
  if (response->GetReflection()->FieldSize(*response, rows) == 0) return NoSuchPath(request);
  return Text(Typed(kind.kind,
                    DocumentOf(response->GetReflection()->GetRepeatedMessage(*response, rows, 0))));
}

absl::StatusOr<std::string> AnswerBlob(const Reading& reading, const std::string& hex,
                                       const HttpRequest& request) {
  RETURN_IF_ERROR(RefuseParameters(request));
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromHex(hex));
  pb::GetBlobRequest blob;
  blob.set_digest(digest.bytes());
  ASSIGN_OR_RETURN(pb::GetBlobResponse response, GetBlob(reading, blob));
  // Manifests of bundles stand there too, and are no JSON.
  if (!absl::StartsWith(response.content(), "{")) return NoSuchPath(request);
  return std::move(*response.mutable_content());
}

// ---------------------------------------------------------------- OpenAPI

// The fields of `type` and those in messages right below, which can be asked for.
std::string FieldsOf(const google::protobuf::Descriptor& type) {
  std::string names;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->is_repeated()) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", DocumentKey(*type.field(i)));
  }
  return names;
}

Value ListOperation(const ListKind& kind) {
  Value::List parameters;
  for (const std::string& scope : kind.scopes) {
    parameters.push_back(Parameter(
        scope, "query",
        scope == "selector" ? "labels, as after kubectl's -l" : absl::StrCat("of this ", scope)));
  }
  parameters.push_back(Parameter("q", "query", "only rows with this in any of their texts"));
  parameters.push_back(Parameter("sort", "query", "by this field; -field for the greatest first"));
  parameters.push_back(Parameter("groupBy", "query", "count the matching rows by this field"));
  parameters.push_back(Parameter("limit", "query", "at most so many items, 500 at most"));
  parameters.push_back(Parameter("pageToken", "query", "nextPageToken of the answer before"));
  return Operation(
      absl::StrCat("list-", kind.path),
      absl::StrCat(kind.what,
                   ". Each field is a parameter, too, that only lets through rows with "
                   "one of its comma-separated values: ",
                   FieldsOf(*kind.type)),
      std::move(parameters), Content("application/json", Ref(absl::StrCat(kind.kind, "List"))));
}

Value::Map ListSchema(const ListKind& kind) {
  const Value group =
      Value::Map{{"type", "object"},
                 {"required", Value::List{"count", "value"}},
                 {"properties", Value::Map{{"count", Value::Map{{"type", "integer"}}},
                                           {"value", Value::Map{{"type", "string"}}}}}};
  return Value::Map{
      {"type", "object"},
      {"required", Value::List{"apiVersion", "kind", "items", "nextPageToken", "total", "groups"}},
      {"properties",
       Value::Map{
           {"apiVersion", Value::Map{{"type", "string"}}},
           {"kind", Value::Map{{"type", "string"}}},
           {"items", Value::Map{{"type", "array"}, {"items", Ref(kind.type->name())}}},
           {"nextPageToken", Value::Map{{"type", "string"}}},
           {"total", Value::Map{{"type", "integer"}}},
           {"groups", Value::Map{{"type", Value::List{"array", "null"}}, {"items", group}}}}}};
}

Value::Map TilesSchema() {
  const Value text = Value::Map{{"type", "string"}};
  const Value number = Value::Map{{"type", "integer"}};
  const Value state = Value::Map{{"type", "object"},
                                 {"required", Value::List{"state", "count"}},
                                 {"properties", Value::Map{{"state", text}, {"count", number}}}};
  return Value::Map{
      {"type", "object"},
      {"required", Value::List{"apiVersion", "kind", "total", "matching", "groupBy", "labelKeys",
                               "states", "clusters"}},
      {"properties",
       Value::Map{
           {"apiVersion", text},
           {"kind", text},
           {"total", number},
           {"matching", number},
           {"groupBy", text},
           {"labelKeys", Value::Map{{"type", "array"}, {"items", text}}},
           {"states", Value::Map{{"type", "array"}, {"items", state}}},
           {"clusters",
            Value::Map{{"type", "array"},
                       {"items", Value::Map{{"type", "array"},
                                            {"prefixItems",
                                             Value::List{text, text, text, number, text}}}}}}}}};
}

Value::Map PathsOf() {
  Value::Map paths;
  const auto schema = [](const char* type) { return Value(Value::Map{{"type", type}}); };
  paths.Set("/healthz", Operation("healthz", "Whether the hub runs", {},
                                  Content("text/plain", schema("string"))));
  paths.Set("/readyz", Operation("readyz", "Whether it can take changes", {},
                                 Content("text/plain", schema("string"))));
  paths.Set("/metrics",
            Operation("metrics", "For Prometheus", {}, Content("text/plain", schema("string"))));
  paths.Set("/api/v1/hub", Operation("get-hub", "The hub, its counts and its findings", {},
                                     Content("application/json", Ref("HubView"))));
  paths.Set("/api/v1/session", Operation("get-session", "Who asks, and how they are known", {},
                                         Content("application/json", schema("object"))));
  paths.Set("/api/v1/stream",
            Operation("stream", "Server-sent events: `change`, at most one a second", {},
                      Content("text/event-stream", schema("string"))));
  paths.Set("/api/v1/tiles",
            Operation("get-tiles", "The whole fleet in one answer: one word a cluster",
                      {Parameter("selector", "query", "labels, as after kubectl's -l"),
                       Parameter("q", "query", "only clusters with this in their name"),
                       Parameter("groupBy", "query", "a label's key"),
                       Parameter("package", "query", "as this package is in each cluster")},
                      Content("application/json", Ref("FleetTiles"))));
  paths.Set("/api/v1/blobs/{digest}",
            Operation("get-blob", "One object of a bundle, as it is applied",
                      {Parameter("digest", "path", "64 hexadecimal digits")},
                      Content("application/json", schema("object"))));
  AddReviewPaths(paths);
  for (const ListKind& kind : ListKinds()) {
    paths.Set(absl::StrCat(kApiPrefix, kind.path), ListOperation(kind));
    if (kind.identity != std::vector<std::string>{"name"}) continue;
    paths.Set(absl::StrCat(kApiPrefix, kind.path, "/{name}"),
              Operation(absl::StrCat("get-", absl::AsciiStrToLower(kind.kind)),
                        "One of them, with all that is known of it",
                        {Parameter("name", "path", "its name")},
                        Content("application/json", Ref(kind.type->name()))));
  }
  return paths;
}

}  // namespace

absl::StatusOr<std::string> AnswerApi(const Reading& reading, const HubPlace& place,
                                      const HttpRequest& request) {
  absl::string_view rest = request.path;
  absl::ConsumePrefix(&rest, kApiPrefix);
  const std::vector<std::string> parts = absl::StrSplit(rest, absl::MaxSplits('/', 1));
  if (rest == "tiles") return AnswerTiles(reading, request);
  if (rest == "snowflakes") {
    ASSIGN_OR_RETURN(Value::Map found, AnswerSnowflakes(reading, request));
    return Text(Typed("Snowflakes", std::move(found)));
  }
  if (rest == "hub") {
    RETURN_IF_ERROR(RefuseParameters(request));
    return Text(Typed("Hub", DocumentOf(GetHub(reading, place))));
  }
  if (parts[0] == "blobs" && parts.size() == 2) return AnswerBlob(reading, parts[1], request);
  for (const ListKind& kind : ListKinds()) {
    if (kind.path != parts[0]) continue;
    if (parts.size() == 2) return AnswerOne(kind, reading, parts[1], request);
    ASSIGN_OR_RETURN(const ListQuery query, ParseListQuery(kind, request.query));
    ASSIGN_OR_RETURN(const Value document, List(kind, reading, query));
    return Text(document);
  }
  return NoSuchPath(request);
}

std::string OpenApiJson() {
  Value::Map schemas;
  const Value text = Value::Map{{"type", "string"}};
  schemas.Set("Problem",
              Value::Map{{"type", "object"},
                         {"required", Value::List{"title", "status", "detail", "code"}},
                         {"properties", Value::Map{{"title", text},
                                                   {"status", Value::Map{{"type", "integer"}}},
                                                   {"detail", text},
                                                   {"code", text}}}});
  schemas.Set("FleetTiles", TilesSchema());
  AddSchemas(*pb::HubView::descriptor(), schemas);
  AddReviewSchemas(schemas);
  for (const ListKind& kind : ListKinds()) {
    AddSchemas(*kind.type, schemas);
    schemas.Set(absl::StrCat(kind.kind, "List"), ListSchema(kind));
  }
  return PrettyJson(Value::Map{
      {"openapi", "3.1.0"},
      {"info", Value::Map{{"title", "Muster"},
                          {"version", "v1"},
                          {"description",
                           "What the hub knows, read-only. By an operator's certificate, or by the "
                           "cookie of a session (docs/console.md)."}}},
      {"paths", PathsOf()},
      {"components", Value::Map{{"schemas", std::move(schemas)}}}});
}

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kUnimplemented:
      return 405;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

std::string ProblemJson(const absl::Status& status) {
  const std::string name = absl::StatusCodeToString(status.code());
  return Text(Value::Map{{"title", absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", " "}})},
                         {"status", HttpStatusOf(status)},
                         {"detail", status.message()},
                         {"code", name}});
}

}  // namespace muster::hub
