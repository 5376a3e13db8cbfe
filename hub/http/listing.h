// Listing: one answer of a list of the HTTP API: filtered, sorted, grouped, counted and paged, over
// the same views as the command line's lists (hub/rpc/views.h).
//
//   ASSIGN_OR_RETURN(const ListQuery query, ParseListQuery(kind, request.query));
//   ASSIGN_OR_RETURN(const Value document, List(kind, reading, query));
//
// Any scalar field of a kind can be asked for by its name in the document:
// ?sync=OutOfSync&sort=-name &groupBy=labels.env. What is asked for without filter, order or group
// is read a page at a time; else the rows are looked at, the newest kScanRowsMax of a journal. Any
// thread; blocks on the store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"
#include "hub/rpc/views.h"
#include "proto/operator_service.pb.h"

namespace google::protobuf {
class Descriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace muster::hub {

inline constexpr int kScanRowsMax = 20'000;

// One of the things that can be listed.
struct ListKind {
  std::string path;                                    // "clusters"
  std::string kind;                                    // "Cluster"
  std::string what;                                    // for the OpenAPI document
  const google::protobuf::Descriptor* type = nullptr;  // of a row
  // One page: a response with the rows in field 1, the token in 2 and the total in 3.
  std::function<absl::StatusOr<std::shared_ptr<google::protobuf::Message>>(const Reading&,
                                                                           const v1::ListRequest&)>
      list;
  std::vector<std::string> identity;  // fields that tell a row from all others, in the list's order
  bool newest_first = false;          // and whether that order is descending
  std::vector<std::string> scopes;    // of selector, cluster, package, repository
};

const std::vector<ListKind>& ListKinds();

// A field of a row, through the messages on the way: "entry.kind", "labels.env".
struct FieldPath {
  std::string name;
  std::vector<const google::protobuf::FieldDescriptor*> steps;
  std::string label;  // when the last step is labels
};

struct ListFilter {
  FieldPath field;
  std::vector<std::string> values;  // any of these
};

struct ListQuery {
  v1::ListRequest request;
  std::vector<ListFilter> filters;  // all of these
  std::string text;                 // in any text of the row; "" for all
  std::vector<FieldPath> sort;      // none or one
  bool descending = false;
  std::vector<FieldPath> group;  // none or one
};

// kInvalidArgument, naming the parameter, for one that the kind does not know, and for a bad value.
absl::StatusOr<ListQuery> ParseListQuery(
    const ListKind& kind, const std::vector<std::pair<std::string, std::string>>& parameters);

// {"apiVersion", "kind": "<kind>List", "items", "nextPageToken", "total", "groups"}.
absl::StatusOr<Value> List(const ListKind& kind, const Reading& reading, const ListQuery& query);

}  // namespace muster::hub
