#include "hub/http/listing.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/document/document.h"
#include "common/document/time_text.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "hub/http/reviews.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using Rows = std::vector<const Message*>;

constexpr size_t kParametersMax = 32;
constexpr size_t kValueBytesMax = 4'096;
constexpr absl::string_view kCursorPrefix = "s1:";
constexpr int kGroupsMax = 1'000;

template <typename Response>
auto Lister(absl::StatusOr<Response> (*list)(const Reading&, const pb::ListRequest&)) {
  return [list](const Reading& reading,
                const pb::ListRequest& request) -> absl::StatusOr<std::shared_ptr<Message>> {
    ASSIGN_OR_RETURN(Response response, list(reading, request));
    return std::make_shared<Response>(std::move(response));
  };
}

bool IsLabels(const FieldDescriptor& field) {
  return field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
         field.message_type()->full_name() == "muster.v1.Label";
}

absl::StatusOr<FieldPath> FindField(const ListKind& kind, const std::string& name) {
  FieldPath path{.name = name, .steps = {}, .label = ""};
  const Descriptor* type = kind.type;
  absl::string_view rest = name;
  while (type != nullptr && !rest.empty()) {
    const absl::string_view part = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const FieldDescriptor* found = nullptr;
    for (int i = 0; i < type->field_count(); ++i) {
      if (DocumentKey(*type->field(i)) == part) found = type->field(i);
    }
    if (found == nullptr) break;
    path.steps.push_back(found);
    if (IsLabels(*found) && !rest.empty()) {
      path.label = std::string(rest);
      return path;
    }
    if (found->is_repeated()) break;
    if (found->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      if (rest.empty()) return path;
      break;
    }
    type = found->message_type();
  }
  return absl::InvalidArgumentError(absl::StrCat("list of ", kind.path,
                                                 ": there is no field or parameter '", name,
                                                 "'; /openapi.json names them"));
}

// What the field says, in the words of the document, and as something to sort by.
struct FieldValue {
  std::string text;
  std::string order;
};

FieldValue NumberValue(const FieldDescriptor& field, int64_t number) {
  const bool time = absl::EndsWith(field.name(), "_ms");
  return {time ? (number == 0 ? "" : TimeText(number)) : absl::StrCat(number),
          absl::StrFormat("%020u", static_cast<uint64_t>(number) + (uint64_t{1} << 63))};
}

FieldValue TextValue(std::string text) { return {text, text}; }

FieldValue ValueOf(const Message& row, const FieldPath& path) {
  const Message* at = &row;
  for (const FieldDescriptor* field : path.steps) {
    const Reflection& reflection = *at->GetReflection();
    if (IsLabels(*field)) {
      for (int i = 0; i < reflection.FieldSize(*at, field); ++i) {
        const auto& label =
            static_cast<const pb::Label&>(reflection.GetRepeatedMessage(*at, field, i));
        if (label.key() == path.label) return TextValue(label.value());
      }
      return {};
    }
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        at = &reflection.GetMessage(*at, field);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        return TextValue(reflection.GetBool(*at, field) ? "true" : "false");
      case FieldDescriptor::CPPTYPE_ENUM: {
        const int number = reflection.GetEnumValue(*at, field);
        return {EnumWord(*field->enum_type(), number), absl::StrFormat("%04d", number)};
      }
      case FieldDescriptor::CPPTYPE_INT32:
        return NumberValue(*field, reflection.GetInt32(*at, field));
      case FieldDescriptor::CPPTYPE_INT64:
        return NumberValue(*field, reflection.GetInt64(*at, field));
      case FieldDescriptor::CPPTYPE_UINT32:
        return NumberValue(*field, reflection.GetUInt32(*at, field));
      case FieldDescriptor::CPPTYPE_UINT64:
        return NumberValue(*field, static_cast<int64_t>(reflection.GetUInt64(*at, field)));
      default: {
        const std::string text = reflection.GetString(*at, field);
        return TextValue(field->type() == FieldDescriptor::TYPE_BYTES ? absl::BytesToHexString(text)
                                                                      : text);
      }
    }
  }
  return {};
}

// Whether `text` (in lower case) is in any text of the row, those of inner messages too.
bool Mentions(const Message& row, const std::string& text, int depth = 0) {
  const Descriptor& type = *row.GetDescriptor();
  const Reflection& reflection = *row.GetReflection();
  const auto has = [&](const std::string& value) {
    return absl::StrContains(absl::AsciiStrToLower(value), text);
  };
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const int size = field->is_repeated() ? reflection.FieldSize(row, field) : 1;
    for (int j = 0; j < size; ++j) {
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        if (has(field->is_repeated() ? reflection.GetRepeatedString(row, field, j)
                                     : reflection.GetString(row, field))) {
          return true;
        }
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth < 2) {
        if (!field->is_repeated() && !reflection.HasField(row, field)) continue;
        if (Mentions(field->is_repeated() ? reflection.GetRepeatedMessage(row, field, j)
                                          : reflection.GetMessage(row, field),
                     text, depth + 1)) {
          return true;
        }
      }
    }
  }
  return false;
}

bool Passes(const Message& row, const ListQuery& query) {
  for (const ListFilter& filter : query.filters) {
    const std::string text = ValueOf(row, filter.field).text;
    if (std::find(filter.values.begin(), filter.values.end(), text) == filter.values.end()) {
      return false;
    }
  }
  return query.text.empty() || Mentions(row, query.text);
}

// ---------------------------------------------------------------- order and pages

// Where a row stands: by the field that was asked for, then by what the kind is sorted by.
struct Place {
  std::string asked;
  std::string own;
  friend bool operator==(const Place&, const Place&) = default;
};

class Order {
 public:
  static absl::StatusOr<Order> Of(const ListKind& kind, const ListQuery& query) {
    Order order(kind, query);
    for (const std::string& name : kind.identity) {
      ASSIGN_OR_RETURN(order.identity_.emplace_back(), FindField(kind, name));
    }
    return order;
  }

  Place PlaceOf(const Message& row) const {
    Place place;
    if (!query_->sort.empty()) place.asked = ValueOf(row, query_->sort.front()).order;
    for (const FieldPath& field : identity_) {
      absl::StrAppend(&place.own, ValueOf(row, field).order, "\n");
    }
    return place;
  }

  bool Before(const Place& a, const Place& b) const {
    if (a.asked != b.asked) return query_->descending ? a.asked > b.asked : a.asked < b.asked;
    return kind_->newest_first ? a.own > b.own : a.own < b.own;
  }

 private:
  Order(const ListKind& kind, const ListQuery& query) : kind_(&kind), query_(&query) {}

  const ListKind* kind_;
  const ListQuery* query_;
  std::vector<FieldPath> identity_;
};

std::string CursorOf(const Place& place) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(kCursorPrefix, place.asked.size(), ":", place.asked, place.own));
}

absl::StatusOr<Place> ParseCursor(const std::string& token) {
  std::string text;
  size_t size = 0;
  if (absl::WebSafeBase64Unescape(token, &text) && absl::StartsWith(text, kCursorPrefix)) {
    absl::string_view rest = absl::string_view(text).substr(kCursorPrefix.size());
    const size_t colon = rest.find(':');
    if (colon != absl::string_view::npos && absl::SimpleAtoi(rest.substr(0, colon), &size)) {
      rest.remove_prefix(colon + 1);
      if (size <= rest.size()) {
        return Place{std::string(rest.substr(0, size)), std::string(rest.substr(size))};
      }
    }
  }
  return absl::InvalidArgumentError(
      "list: the page token is not one that this list gave; ask without it");
}

// The rows of one response, and what they say of the next page.
struct Page {
  std::shared_ptr<Message> response;
  Rows rows;
  std::string next;
  int total = 0;
};

absl::StatusOr<Page> ReadPage(const ListKind& kind, const Reading& reading,
                              const pb::ListRequest& request) {
  Page page;
  ASSIGN_OR_RETURN(page.response, kind.list(reading, request));
  const Descriptor& type = *page.response->GetDescriptor();
  const Reflection& reflection = *page.response->GetReflection();
  const FieldDescriptor* rows = type.FindFieldByNumber(1);
  for (int i = 0; i < reflection.FieldSize(*page.response, rows); ++i) {
    page.rows.push_back(&reflection.GetRepeatedMessage(*page.response, rows, i));
  }
  page.next = reflection.GetString(*page.response, type.FindFieldByNumber(2));
  page.total = reflection.GetInt32(*page.response, type.FindFieldByNumber(3));
  return page;
}

Value Document(const ListKind& kind, const Rows& rows, const std::string& next, int total,
               Value groups) {
  std::vector<Value> items;
  items.reserve(rows.size());
  for (const Message* row : rows) items.push_back(DocumentOf(*row));
  Value::Map body;
  body.Set("items", Value::List(std::move(items)));
  body.Set("nextPageToken", next);
  body.Set("total", total);
  body.Set("groups", std::move(groups));
  return Typed(absl::StrCat(kind.kind, "List"), std::move(body));
}

Value GroupsOf(const Rows& rows, const FieldPath& field) {
  std::map<std::string, int> counts;
  for (const Message* row : rows) ++counts[ValueOf(*row, field).text];
  Value::List groups;
  for (const auto& [value, count] : counts) {
    if (groups.size() == kGroupsMax) break;
    groups.push_back(Value::Map{{"value", value}, {"count", count}});
  }
  return groups;
}

absl::StatusOr<Value> ListSorted(const ListKind& kind, const Reading& reading,
                                 const ListQuery& query) {
  pb::ListRequest request = query.request;
  request.clear_limit();
  request.clear_page_token();
  std::vector<Page> pages;
  Rows rows;
  int seen = 0;
  do {
    ASSIGN_OR_RETURN(Page page, ReadPage(kind, reading, request));
    seen += static_cast<int>(page.rows.size());
    for (const Message* row : page.rows) {
      if (Passes(*row, query)) rows.push_back(row);
    }
    request.set_page_token(page.next);
    pages.push_back(std::move(page));
  } while (!request.page_token().empty() && seen < kScanRowsMax);

  ASSIGN_OR_RETURN(const Order order, Order::Of(kind, query));
  std::vector<std::pair<Place, const Message*>> sorted;
  sorted.reserve(rows.size());
  for (const Message* row : rows) sorted.emplace_back(order.PlaceOf(*row), row);
  const auto before = [&](const auto& a, const auto& b) { return order.Before(a.first, b.first); };
  std::sort(sorted.begin(), sorted.end(), before);
  auto first = sorted.begin();
  if (!query.request.page_token().empty()) {
    ASSIGN_OR_RETURN(const Place last, ParseCursor(query.request.page_token()));
    first = std::upper_bound(sorted.begin(), sorted.end(),
                             std::pair<Place, const Message*>(last, nullptr), before);
  }
  const int limit = query.request.limit() == 0
                        ? limits::kPageRowsMax
                        : std::min(query.request.limit(), limits::kPageRowsMax);
  const auto end = sorted.end() - first > limit ? first + limit : sorted.end();
  Rows shown;
  for (auto row = first; row != end; ++row) shown.push_back(row->second);
  const std::string next = end == sorted.end() ? "" : CursorOf((end - 1)->first);
  return Document(kind, shown, next, static_cast<int>(rows.size()),
                  query.group.empty() ? Value() : GroupsOf(rows, query.group.front()));
}

absl::Status TakeScope(const ListKind& kind, const std::string& name, const std::string& value,
                       bool* taken, pb::ListRequest* request) {
  *taken = std::find(kind.scopes.begin(), kind.scopes.end(), name) != kind.scopes.end();
  if (!*taken) return absl::OkStatus();
  const auto* field = request->GetDescriptor()->FindFieldByName(name);
  request->GetReflection()->SetString(request, field, value);
  return absl::OkStatus();
}

// What the fleet is.
std::vector<ListKind> KindsOfFleet() {
  return {{"clusters",
           "Cluster",
           "Clusters that are declared, pending, enrolled or revoked, by name",
           pb::ClusterView::descriptor(),
           Lister(&ListClusters),
           {"name"},
           false,
           {"selector"}},
          {"packages",
           "Package",
           "Packages, by name",
           pb::PackageView::descriptor(),
           Lister(&ListPackages),
           {"name"},
           false,
           {"repository"}},
          {"repositories",
           "Repository",
           "Repositories, by name",
           pb::RepositoryView::descriptor(),
           Lister(&ListRepositories),
           {"name"},
           false,
           {}}};
}

// What happened in it.
std::vector<ListKind> KindsOfJournal() {
  return {{"commits",
           "Commit",
           "Commits that were seen, newest first",
           pb::CommitView::descriptor(),
           Lister(&ListCommits),
           {"seenAt", "repository", "commit.id"},
           true,
           {"repository"}},
          {"objects",
           "Object",
           "What one cluster should have; `cluster` is required",
           pb::ObjectView::descriptor(),
           Lister(&ListObjects),
           {"package", "entry.apiVersion", "entry.kind", "entry.namespace", "entry.name"},
           false,
           {"cluster", "package"}},
          {"events",
           "Event",
           "What happened, newest first",
           pb::EventView::descriptor(),
           Lister(&ListEvents),
           {"number"},
           true,
           {"cluster", "package", "repository"}},
          {"audit",
           "Audit",
           "What was done, newest first",
           pb::AuditView::descriptor(),
           Lister(&ListAudit),
           {"number"},
           true,
           {}},
          {"rollouts",
           "Rollout",
           "How packages go through their waves, by package",
           pb::RolloutView::descriptor(),
           Lister(&ListRollouts),
           {"package"},
           false,
           {"package"}},
          {"history",
           "History",
           "What one cluster ran, newest first; `cluster` is required",
           pb::HistoryView::descriptor(),
           Lister(&ListHistory),
           {"time", "package"},
           true,
           {"cluster", "package"}},
          {"tokens",
           "Token",
           "Join tokens, without their secrets",
           pb::TokenView::descriptor(),
           Lister(&ListTokens),
           {"id"},
           false,
           {}}};
}

}  // namespace

const std::vector<ListKind>& ListKinds() {
  static const auto* const kinds = [] {
    auto* all = new std::vector<ListKind>(KindsOfFleet());
    std::vector<ListKind> journal = KindsOfJournal();
    std::move(journal.begin(), journal.end(), std::back_inserter(*all));
    return all;
  }();
  return *kinds;
}

absl::StatusOr<ListQuery> ParseListQuery(
    const ListKind& kind, const std::vector<std::pair<std::string, std::string>>& parameters) {
  ListQuery query;
  if (parameters.size() > kParametersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("list of ", kind.path, ": more than ", kParametersMax, " parameters"));
  }
  for (const auto& [name, value] : parameters) {
    if (value.size() > kValueBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat(
          "list of ", kind.path, ": '", name, "' is longer than ", kValueBytesMax, " bytes"));
    }
    bool scope = false;
    RETURN_IF_ERROR(TakeScope(kind, name, value, &scope, &query.request));
    if (scope) continue;
    if (name == "limit") {
      int32_t limit = 0;
      if (!absl::SimpleAtoi(value, &limit) || limit < 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("list of ", kind.path, ": limit '", value, "' is no number above zero"));
      }
      query.request.set_limit(limit);
    } else if (name == "pageToken") {
      query.request.set_page_token(value);
    } else if (name == "q") {
      query.text = absl::AsciiStrToLower(value);
    } else if (name == "sort") {
      query.descending = absl::StartsWith(value, "-");
      query.sort.clear();
      ASSIGN_OR_RETURN(query.sort.emplace_back(),
                       FindField(kind, value.substr(query.descending ? 1 : 0)));
    } else if (name == "groupBy") {
      query.group.clear();
      ASSIGN_OR_RETURN(query.group.emplace_back(), FindField(kind, value));
    } else {
      ListFilter filter;
      ASSIGN_OR_RETURN(filter.field, FindField(kind, name));
      filter.values = absl::StrSplit(value, ',');
      query.filters.push_back(std::move(filter));
    }
  }
  return query;
}

absl::StatusOr<Value> List(const ListKind& kind, const Reading& reading, const ListQuery& query) {
  if (!query.filters.empty() || !query.text.empty() || !query.sort.empty() ||
      !query.group.empty()) {
    return ListSorted(kind, reading, query);
  }
  ASSIGN_OR_RETURN(const Page page, ReadPage(kind, reading, query.request));
  return Document(kind, page.rows, page.next, page.total, Value());
}

}  // namespace muster::hub
