#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/config/selector.h"
#include "hub/rpc/page.h"
#include "hub/rpc/views.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

absl::Status NoSuch(absl::string_view kind, absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("no ", kind, " is named '", name, "'"));
}

Labels LabelsOfRow(const ClusterRow& row) {
  Labels labels;
  for (const pb::Label& label : row.labels) labels[label.key()] = label.value();
  return labels;
}

// Pages through rows by name; `matches` and `add` see each row that is asked for.
template <typename Row, typename Matches, typename Add>
absl::StatusOr<int> VisitPage(const Rows<Row>& rows, Page& page, Matches matches, Add add) {
  int total = 0;
  rows.VisitAll([&](const std::string& name, const Row& row) {
    if (!matches(row)) return;
    ++total;
    if (name > page.after() && page.Take(name)) add(row);
  });
  return total;
}

}  // namespace

absl::StatusOr<pb::ListClustersResponse> ListClusters(const Reading& reading,
                                                      const pb::ListRequest& request) {
  pb::ListClustersResponse response;
  if (!request.name().empty()) {
    const std::shared_ptr<const ClusterRow> row = reading.fleet.clusters().Find(request.name());
    if (row == nullptr) return NoSuch("cluster", request.name());
    *response.add_clusters() = MakeClusterView(reading.fleet, *row, request.detail());
    response.set_total(1);
    return response;
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  ASSIGN_OR_RETURN(const pb::LabelSelector selector, ParseSelector(request.selector()));
  const bool all = request.selector().empty();
  ASSIGN_OR_RETURN(
      const int total,
      VisitPage(
          reading.fleet.clusters(), page,
          [&](const ClusterRow& row) { return all || Matches(selector, LabelsOfRow(row)); },
          [&](const ClusterRow& row) {
            *response.add_clusters() = MakeClusterView(reading.fleet, row, request.detail());
          }));
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::ListPackagesResponse> ListPackages(const Reading& reading,
                                                      const pb::ListRequest& request) {
  pb::ListPackagesResponse response;
  if (!request.name().empty()) {
    const std::shared_ptr<const PackageRow> row = reading.fleet.packages().Find(request.name());
    if (row == nullptr) return NoSuch("package", request.name());
    *response.add_packages() = MakePackageView(reading.fleet, *row);
    response.set_total(1);
    return response;
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  int total = 0;
  for (pb::PackageView& view : MakePackageViews(reading.fleet)) {
    if (!request.repository().empty() && view.repository() != request.repository()) continue;
    ++total;
    if (view.name() > page.after() && page.Take(view.name())) {
      *response.add_packages() = std::move(view);
    }
  }
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

absl::StatusOr<pb::ListRepositoriesResponse> ListRepositories(const Reading& reading,
                                                              const pb::ListRequest& request) {
  pb::ListRepositoriesResponse response;
  if (!request.name().empty()) {
    const std::shared_ptr<const RepositoryRow> row =
        reading.fleet.repositories().Find(request.name());
    if (row == nullptr) return NoSuch("repository", request.name());
    *response.add_repositories() = row->view;
    response.set_total(1);
    return response;
  }
  ASSIGN_OR_RETURN(Page page, Page::Of(request));
  ASSIGN_OR_RETURN(
      const int total,
      VisitPage(
          reading.fleet.repositories(), page, [](const RepositoryRow&) { return true; },
          [&](const RepositoryRow& row) { *response.add_repositories() = row.view; }));
  response.set_total(total);
  response.set_next_page_token(page.next_token());
  return response;
}

}  // namespace muster::hub
