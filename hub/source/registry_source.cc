#include "hub/source/registry_source.h"

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "hub/source/chart_fetch.h"
#include "hub/source/chart_registry.h"
#include "hub/source/chart_store.h"
#include "hub/source/repository_name.h"

namespace muster::hub {
namespace {

// Well within the time after which the hub gives a fetch up.
constexpr int64_t kPatienceSeconds = 30;

}  // namespace

absl::StatusOr<v1::FetchResponse> RegistrySource::Fetch(const v1::FetchRequest& request) {
  if (request.type() != v1::REPOSITORY_TYPE_HELM && request.type() != v1::REPOSITORY_TYPE_OCI) {
    return git_.Fetch(request);
  }
  if (!IsRepositoryName(request.repository())) {
    return absl::InvalidArgumentError("its name cannot name a repository");
  }
  const std::unique_ptr<Https> https = options_.connect(request.credential().ca_pem());
  ASSIGN_OR_RETURN(const std::unique_ptr<ChartRegistry> registry,
                   MakeChartRegistry(request, *https));
  GitChartStore store(absl::StrCat(options_.directory, "/", request.repository(), ".git"));
  const int64_t start = options_.now_s();
  return FetchCharts(request, *registry, store, start,
                     [&] { return options_.now_s() - start > kPatienceSeconds; });
}

absl::StatusOr<std::string> RegistrySource::TreeId(const std::string& repository,
                                                   const std::string& commit,
                                                   const std::string& path) {
  return git_.TreeId(repository, commit, path);
}

absl::StatusOr<FileTree> RegistrySource::Read(const std::string& repository,
                                              const std::string& commit, const std::string& path) {
  return git_.Read(repository, commit, path);
}

}  // namespace muster::hub
