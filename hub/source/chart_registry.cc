#include "hub/source/chart_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/charts/semver.h"
#include "hub/source/oci_registry.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr size_t kVersionsNamed = 5;

// The highest first, those that are versions at all.
std::vector<std::string> Newest(const std::vector<std::string>& versions) {
  std::vector<std::pair<SemVer, std::string>> parsed;
  for (const std::string& text : versions) {
    absl::StatusOr<SemVer> version = ParseSemVer(text);
    if (version.ok()) parsed.emplace_back(*std::move(version), text);
  }
  std::stable_sort(parsed.begin(), parsed.end(),
                   [](const auto& a, const auto& b) { return Compare(a.first, b.first) > 0; });
  std::vector<std::string> newest;
  for (auto& [version, text] : parsed) newest.push_back(std::move(text));
  return newest;
}

absl::Status NoSuchVersion(const pb::ChartWant& want, const std::vector<std::string>& versions) {
  std::vector<std::string> newest = Newest(versions);
  const size_t all = newest.size();
  newest.resize(std::min(all, kVersionsNamed));
  return absl::NotFoundError(absl::StrCat(
      IsExactVersion(want.version()) ? "there is no such version" : "no version fits", "; there ",
      newest.empty() ? "is none"
                     : absl::StrCat(all == 1 ? "is " : "are ", absl::StrJoin(newest, ", ")),
      all > kVersionsNamed ? absl::StrCat(" and ", all - kVersionsNamed, " older ones") : ""));
}

// index.yaml over https.
class HelmRegistry final : public ChartRegistry {
 public:
  HelmRegistry(const pb::FetchRequest& request, Https& https)
      : credential_(request.credential()),
        base_(absl::StrCat(absl::StripSuffix(request.url(), "/"), "/")),
        https_(https) {}

  absl::Status Open() override {
    const HttpsRequest request = RequestFor(absl::StrCat(base_, "index.yaml"), kIndexBytesMax);
    ASSIGN_OR_RETURN(HttpsAnswer answer, GetFollowing(https_, request));
    RETURN_IF_ERROR(Annotate(StatusOfAnswer(answer, request, HasCredential()), "index.yaml"));
    text_ = std::move(answer.body);
    ASSIGN_OR_RETURN(index_, ChartIndex::Parse(text_));
    return absl::OkStatus();
  }

  absl::StatusOr<ChartOffer> Look(const pb::ChartWant& want) override {
    ASSIGN_OR_RETURN(std::vector<IndexedChart> charts, index_->Versions(want.chart()));
    std::vector<std::string> versions;
    for (const IndexedChart& chart : charts) versions.push_back(chart.version);
    ASSIGN_OR_RETURN(const int chosen, ChooseVersion(want, versions));
    IndexedChart& chart = charts[chosen];
    ChartOffer offer{chart.version, chart.digest, "", std::move(chart.urls)};
    if (!want.digest().empty() && !offer.archive_digest.empty() &&
        want.digest() != offer.archive_digest) {
      return absl::InvalidArgumentError(absl::StrCat("the index says ", offer.archive_digest,
                                                     ", and ", want.digest(), " is declared"));
    }
    if (offer.urls.empty()) {
      return absl::InvalidArgumentError("the index does not say where its archive is");
    }
    return offer;
  }

  absl::StatusOr<std::string> Download(const pb::ChartWant& want, ChartOffer& offer) override {
    ASSIGN_OR_RETURN(const std::string url, ResolveUrl(base_, offer.urls.front()));
    const HttpsRequest request = RequestFor(url, kArchiveBytesMax);
    ASSIGN_OR_RETURN(HttpsAnswer answer, GetFollowing(https_, request));
    RETURN_IF_ERROR(Annotate(StatusOfAnswer(answer, request, HasCredential()), url));
    const std::string digest = absl::StrCat("sha256:", Digest::Of(answer.body).hex());
    for (const std::string* expected : {&std::as_const(offer).archive_digest, &want.digest()}) {
      if (expected->empty() || *expected == digest) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(url, " is ", digest, ", and it should be ", *expected, "; it is not used"));
    }
    offer.archive_digest = digest;
    return std::move(answer.body);
  }

 private:
  bool HasCredential() const { return !credential_.password().empty(); }

  // An index may lead to any host; the credential is for its own.
  HttpsRequest RequestFor(std::string url, size_t bytes_max) const {
    HttpsRequest request;
    if (HostOf(url) == HostOf(base_)) request.authorization = BasicAuthorization(credential_);
    request.url = std::move(url);
    request.bytes_max = bytes_max;
    return request;
  }

  const pb::GitCredential& credential_;
  const std::string base_;
  Https& https_;
  std::string text_;  // that the index points into
  std::optional<ChartIndex> index_;
};

}  // namespace

absl::StatusOr<int> ChooseVersion(const pb::ChartWant& want,
                                  const std::vector<std::string>& versions) {
  // As it is written, build metadata and all; then by meaning.
  const auto same = std::find(versions.begin(), versions.end(), want.version());
  if (same != versions.end()) return static_cast<int>(same - versions.begin());
  ASSIGN_OR_RETURN(const SemVerRange range, SemVerRange::Parse(want.version()));
  const int chosen = HighestIn(range, versions);
  if (chosen < 0) return NoSuchVersion(want, versions);
  return chosen;
}

std::string WantText(const pb::ChartWant& want) {
  return absl::StrCat("chart '", want.chart(), "' version '", want.version(), "'");
}

absl::Status StatusOfAnswer(const HttpsAnswer& answer, const HttpsRequest& request,
                            bool has_credential) {
  const std::string host = HostOf(answer.url);
  if (const std::string asked = HostOf(request.url); answer.status == 401 && host != asked) {
    return absl::UnauthenticatedError(
        absl::StrCat(host, ", to which ", asked,
                     " redirects, asks for a user name and a password; ", "those of ", asked,
                     " are not given to it; let ", asked, " redirect to where everybody may read"));
  }
  switch (answer.status) {
    case 200:
      return absl::OkStatus();
    case 401:
      return absl::UnauthenticatedError(
          has_credential ? absl::StrCat(host,
                                        " refused the credential; check its user name, and "
                                        "whether its password or token has expired")
                         : absl::StrCat(host,
                                        " asks for a user name and a password or token; name "
                                        "a credential in spec.credentials"));
    case 403:
      return absl::PermissionDeniedError(
          absl::StrCat(host, " does not allow it; check what the credential may read"));
    case 404:
      return absl::NotFoundError(absl::StrCat(host, " has no such page (404)"));
    default:
      return absl::UnavailableError(absl::StrCat(host, " answers ", answer.status));
  }
}

absl::StatusOr<std::unique_ptr<ChartRegistry>> MakeChartRegistry(const pb::FetchRequest& request,
                                                                 Https& https) {
  if (request.type() == pb::REPOSITORY_TYPE_OCI) return MakeOciRegistry(request, https);
  if (HostOf(request.url()).empty()) {
    return absl::InvalidArgumentError("the URL of a Helm repository begins with https://");
  }
  return std::make_unique<HelmRegistry>(request, https);
}

}  // namespace muster::hub
