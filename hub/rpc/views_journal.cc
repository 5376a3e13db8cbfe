#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "hub/core/keys.h"
#include "hub/rpc/page.h"
#include "hub/rpc/views.h"
#include "proto/storage.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

absl::Status Damaged(absl::string_view key) {
  return absl::DataLossError(absl::StrCat("record '", key, "' is damaged"));
}

// What the cluster signed for that generation; of several the first. Nothing: no receipt came.
std::optional<pb::ApplyReceipt> ReceiptOf(const Store& store, const ClusterId& cluster,
                                          uint64_t generation) {
  std::optional<pb::ApplyReceipt> receipt;
  Range range;
  range.prefix = keys::ReceiptsOf(cluster, generation);
  const absl::Status visited = store.Visit(range, [&](absl::string_view, absl::string_view value) {
    pb::ReceiptRecord record;
    pb::ApplyReceipt content;
    if (record.ParseFromArray(value.data(), static_cast<int>(value.size())) &&
        content.ParseFromString(record.envelope().payload())) {
      receipt = std::move(content);
    }
    return !receipt.has_value();
  });
  return visited.ok() ? receipt : std::nullopt;
}

// The commit in the receipt, for a bundle that was no longer wanted when it was reported.
std::string CommitIn(const pb::ApplyReceipt& receipt, absl::string_view package,
                     const std::string& bundle) {
  for (const pb::ReceiptPackage& one : receipt.packages()) {
    if (one.name() == package && one.bundle_digest() == bundle) return one.commit();
  }
  return "";
}

// Visits the records under `prefix`, parsed. `visit` takes (key, record).
template <typename T, typename Visit>
absl::Status VisitRecords(const Store& store, absl::string_view prefix, bool newest_first,
                          Visit visit) {
  absl::Status status;
  Range range;
  range.prefix = std::string(prefix);
  range.reverse = newest_first;
  RETURN_IF_ERROR(store.Visit(range, [&](absl::string_view key, absl::string_view value) {
    T record;
    if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      status = Damaged(key);
      return false;
    }
    visit(key, record);
    return true;
  }));
  return status;
}

// Whether a record under `key` comes on this page or a later one, when read backwards.
bool IsBefore(const Page& page, absl::string_view key) {
  return page.after().empty() || key < page.after();
}

pb::CommitView MakeCommitView(const FleetView& fleet, const std::string& repository,
                              pb::CommitRecord record) {
  pb::CommitView view;
  view.set_repository(repository);
  view.set_seen_ms(record.seen_ms());
  view.set_result(std::move(*record.mutable_result()));
  view.set_message(std::move(*record.mutable_message()));
  const CommitCount count = CountCommit(fleet, repository, record.commit().id());
  view.set_clusters_desired(count.clusters_desired);
  view.set_clusters_applied(count.clusters_applied);
  view.set_clusters_healthy(count.clusters_healthy);
  *view.mutable_commit() = std::move(*record.mutable_commit());
  return view;
}

struct CommitRow {
  std::string order;  // time and key: the page's key
  std::string repository;
  pb::CommitRecord record;
};

std::string TokenState(const pb::TokenRecord& record, absl::Time now) {
  switch (record.state()) {
    case pb::TokenRecord::STATE_USED:
      return "Used";
    case pb::TokenRecord::STATE_BURNED:
      return "Burned";
    case pb::TokenRecord::STATE_REVOKED:
      return "Revoked";
    default:
      return record.expires_ms() <= absl::ToUnixMillis(now) ? "Expired" : "Valid";
  }
}

// Author and subject of commits, looked up once a repository.
class CommitBook {
 public:
  explicit CommitBook(const Store& store) : store_(store) {}

  // Null for a commit that is not in the journal.
  const pb::Commit* Find(const std::string& repository, const std::string& commit) {
    const auto [book, added] = books_.try_emplace(repository);
    if (added) {
      const absl::Status status =
          VisitRecords<pb::CommitRecord>(store_, keys::CommitsOf(RepositoryName(repository)), false,
                                         [&](absl::string_view, pb::CommitRecord& record) {
                                           const std::string id = record.commit().id();
                                           book->second[id] = std::move(*record.mutable_commit());
                                         });
      if (!status.ok()) book->second.clear();
    }
    const auto found = book->second.find(commit);
    return found == book->second.end() ? nullptr : &found->second;
  }

 private:
  const Store& store_;
  std::map<std::string, std::map<std::string, pb::Commit>> books_;
};

}  // namespace

absl::StatusOr<pb::ListCommitsResponse> ListCommits(const Reading& reading,
                                                    const pb::ListRequest& request) {
  if (!request.repository().empty() &&
      reading.fleet.repositories().Find(request.repository()) == nullptr) {
    return absl::NotFoundError(absl::StrCat("no repository is named '", request.repository(), "'"));
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  std::vector<CommitRow> rows;
  const std::string prefix = request.repository().empty()
                                 ? std::string(keys::kCommits)
                                 : keys::CommitsOf(RepositoryName(request.repository()));
  RETURN_IF_ERROR(VisitRecords<pb::CommitRecord>(
      reading.store, prefix, false, [&](absl::string_view key, pb::CommitRecord& record) {
        if (!absl::StartsWith(record.commit().id(), request.name())) return;
        const absl::string_view rest = *keys::After(keys::kCommits, key);
        rows.push_back(CommitRow{absl::StrCat(keys::Number(record.seen_ms()), "/", key),
                                 std::string(rest.substr(0, rest.rfind('/'))), std::move(record)});
      }));
  if (rows.empty() && !request.name().empty()) {
    return absl::NotFoundError(absl::StrCat("no commit '", request.name(), "' was seen"));
  }
  std::sort(rows.begin(), rows.end(),
            [](const CommitRow& a, const CommitRow& b) { return a.order > b.order; });
  pb::ListCommitsResponse response;
  response.set_total(static_cast<int32_t>(rows.size()));
  for (CommitRow& row : rows) {
    if (IsBefore(page, row.order) && page.Take(row.order)) {
      *response.add_commits() =
          MakeCommitView(reading.fleet, row.repository, std::move(row.record));
    }
  }
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::ListTokensResponse> ListTokens(const Reading& reading,
                                                  const pb::ListRequest& request) {
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  pb::ListTokensResponse response;
  int total = 0;
  RETURN_IF_ERROR(VisitRecords<pb::TokenRecord>(
      reading.store, keys::kTokens, false, [&](absl::string_view key, pb::TokenRecord& record) {
        if (!request.name().empty() && record.id() != request.name()) return;
        ++total;
        if (key <= page.after() || !page.Take(key)) return;
        pb::TokenView& view = *response.add_tokens();
        view.set_state(TokenState(record, reading.now));
        view.set_id(record.id());
        view.set_cluster_name(record.cluster_name());
        view.mutable_labels()->Swap(record.mutable_labels());
        view.set_created_ms(record.created_ms());
        view.set_expires_ms(record.expires_ms());
        view.set_created_by(record.created_by());
        view.set_needs_accept(record.needs_accept());
        view.set_used_by(record.cluster_id());
      }));
  if (total == 0 && !request.name().empty()) {
    return absl::NotFoundError(absl::StrCat("no token has the id '", request.name(), "'"));
  }
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::ListEventsResponse> ListEvents(const Reading& reading,
                                                  const pb::ListRequest& request) {
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  std::string subject;
  if (!request.cluster().empty()) subject = absl::StrCat("cluster/", request.cluster());
  if (!request.package().empty()) subject = absl::StrCat("package/", request.package());
  if (!request.repository().empty()) subject = absl::StrCat("repository/", request.repository());
  pb::ListEventsResponse response;
  int total = 0;
  RETURN_IF_ERROR(VisitRecords<pb::EventRecord>(
      reading.store, keys::kEvents, true, [&](absl::string_view key, pb::EventRecord& record) {
        if (!subject.empty() && record.subject() != subject) return;
        ++total;
        if (!IsBefore(page, key) || !page.Take(key)) return;
        pb::EventView& view = *response.add_events();
        view.set_number(keys::ParseNumber(*keys::After(keys::kEvents, key)).value_or(0));
        view.set_time_ms(record.time_ms());
        view.set_type(record.type());
        view.set_reason(record.reason());
        view.set_subject(record.subject());
        view.set_message(record.message());
        view.set_actor(record.actor());
      }));
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::ListHistoryResponse> ListHistory(const Reading& reading,
                                                    const pb::ListRequest& request) {
  if (request.cluster().empty()) {
    return absl::InvalidArgumentError("history: say of which cluster");
  }
  const std::shared_ptr<const ClusterRow> row = reading.fleet.clusters().Find(request.cluster());
  if (row == nullptr) {
    return absl::NotFoundError(absl::StrCat("no cluster is named '", request.cluster(), "'"));
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  pb::ListHistoryResponse response;
  if (row->id.empty()) return response;
  CommitBook commits(reading.store);
  const std::string prefix = keys::HistoryOf(row->id);
  int total = 0;
  RETURN_IF_ERROR(VisitRecords<pb::HistoryRecord>(
      reading.store, prefix, true, [&](absl::string_view key, pb::HistoryRecord& record) {
        const absl::string_view rest = *keys::After(prefix, key);  // "<20 digits>/<package>"
        const absl::string_view package = rest.substr(rest.find('/') + 1);
        if (!request.package().empty() && package != request.package()) return;
        ++total;
        if (!IsBefore(page, key) || !page.Take(key)) return;
        pb::HistoryView& view = *response.add_entries();
        view.set_cluster(request.cluster());
        view.set_time_ms(
            static_cast<int64_t>(keys::ParseNumber(rest.substr(0, rest.find('/'))).value_or(0)));
        view.set_generation(record.generation());
        view.set_package(std::string(package));
        view.set_bundle_digest(record.bundle_digest());
        const std::optional<pb::ApplyReceipt> receipt =
            ReceiptOf(reading.store, row->id, record.generation());
        view.set_receipt(receipt.has_value());
        view.set_commit(record.commit().empty() && receipt.has_value()
                            ? CommitIn(*receipt, package, record.bundle_digest())
                            : record.commit());
        if (const pb::Commit* commit = commits.Find(record.repository(), view.commit())) {
          view.set_subject(commit->subject());
          view.set_author(commit->author());
        }
      }));
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

}  // namespace muster::hub
