#include "hub/source/oci_registry.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/charts/semver.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr char kAcceptManifest[] =
    "Accept: application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json";
constexpr size_t kManifestBytesMax = 4u << 20;
constexpr size_t kTagsBytesMax = 4u << 20;  // of one page
constexpr size_t kTokenBytesMax = 256u << 10;
constexpr int kTagPagesMax = 50;

std::string DigestOf(absl::string_view bytes) {
  return absl::StrCat("sha256:", Digest::Of(bytes).hex());
}

// What goes into a query.
std::string Escape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("-._~", c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppend(&escaped, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return escaped;
}

// </v2/x/tags/list?last=b&n=50>; rel="next"
std::string NextPage(const HttpsAnswer& answer) {
  for (const std::string& link : answer.Header("link")) {
    const size_t open = link.find('<'), close = link.find('>');
    if (open == link.npos || close == link.npos || close < open) continue;
    if (absl::StrContains(link.substr(close), "next")) {
      return link.substr(open + 1, close - open - 1);
    }
  }
  return "";
}

class OciRegistry final : public ChartRegistry {
 public:
  OciRegistry(const pb::FetchRequest& request, OciPlace place, Https& https)
      : credential_(request.credential()), place_(std::move(place)), https_(https) {}

  // Registries let in by repository: without a chart only its presence can be told.
  absl::Status Open() override {
    HttpsRequest request;
    request.url = absl::StrCat("https://", place_.host, "/v2/");
    request.bytes_max = kTokenBytesMax;
    ASSIGN_OR_RETURN(const HttpsAnswer answer, GetFollowing(https_, request));
    if (answer.status == 401 || answer.status == 403) return absl::OkStatus();
    if (answer.status == 404) {
      return absl::NotFoundError(
          absl::StrCat(place_.host,
                       " is no OCI registry: it has no /v2/; for a Helm repository "
                       "use type helm and https://"));
    }
    return StatusOfAnswer(answer, request, HasCredential());
  }

  absl::StatusOr<ChartOffer> Look(const pb::ChartWant& want) override {
    const std::string name = NameOf(want);
    ChartOffer offer;
    offer.version = want.version();
    if (!IsExactVersion(want.version())) {
      ASSIGN_OR_RETURN(const std::vector<std::string> versions, Versions(name));
      ASSIGN_OR_RETURN(const int chosen, ChooseVersion(want, versions));
      offer.version = versions[chosen];
    }
    const std::string reference =
        want.digest().empty() ? TagOfVersion(offer.version) : want.digest();
    absl::StatusOr<std::string> manifest = Manifest(name, reference);
    if (absl::IsNotFound(manifest.status())) {
      // Say which versions there are, when the registry does.
      const absl::StatusOr<std::vector<std::string>> versions = Versions(name);
      if (!versions.ok()) return NoChart(name);
      if (want.digest().empty()) return ChooseVersion(want, *versions).status();
      return absl::NotFoundError(
          absl::StrCat(place_.host, " has no manifest ", want.digest(), " of '", name, "'"));
    }
    RETURN_IF_ERROR(manifest.status());
    offer.manifest_digest = DigestOf(*manifest);
    if (!want.digest().empty() && offer.manifest_digest != want.digest()) {
      return absl::InvalidArgumentError(absl::StrCat("the registry's manifest is ",
                                                     offer.manifest_digest, ", and ", want.digest(),
                                                     " is declared"));
    }
    ASSIGN_OR_RETURN(const ChartManifest chart, ParseChartManifest(*manifest));
    offer.archive_digest = chart.layer_digest;
    if (chart.layer_bytes > kArchiveBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the chart is larger than ", kArchiveBytesMax >> 20, " MiB"));
    }
    offer.urls = {UrlOf(name, absl::StrCat("blobs/", chart.layer_digest))};
    return offer;
  }

  absl::StatusOr<std::string> Download(const pb::ChartWant& want, ChartOffer& offer) override {
    ASSIGN_OR_RETURN(HttpsAnswer answer,
                     Get(NameOf(want), offer.urls.front(), "", kArchiveBytesMax));
    if (const std::string digest = DigestOf(answer.body); digest != offer.archive_digest) {
      return absl::InvalidArgumentError(absl::StrCat(offer.urls.front(), " is ", digest,
                                                     ", which is not what its name says; it is not "
                                                     "used"));
    }
    return std::move(answer.body);
  }

 private:
  bool HasCredential() const { return !credential_.password().empty(); }

  std::string NameOf(const pb::ChartWant& want) const {
    return absl::StrCat(place_.path, place_.path.empty() ? "" : "/", want.chart());
  }

  std::string UrlOf(const std::string& name, absl::string_view rest) const {
    return absl::StrCat("https://", place_.host, "/v2/", name, "/", rest);
  }

  absl::Status NoChart(const std::string& name) const {
    return absl::NotFoundError(absl::StrCat(
        place_.host, " has no '", name, "'", HasCredential() ? "" : ", or none for everybody",
        "; check the chart's name and the path in the Repository's url"));
  }

  absl::StatusOr<std::string> Manifest(const std::string& name, const std::string& reference) {
    ASSIGN_OR_RETURN(HttpsAnswer answer,
                     Get(name, UrlOf(name, absl::StrCat("manifests/", reference)), kAcceptManifest,
                         kManifestBytesMax));
    return std::move(answer.body);
  }

  // Newest pages last, as registries give them.
  absl::StatusOr<std::vector<std::string>> Versions(const std::string& name) {
    std::vector<std::string> versions;
    std::string url = UrlOf(name, "tags/list?n=1000");
    for (int page = 0; page < kTagPagesMax; ++page) {
      absl::StatusOr<HttpsAnswer> answer = Get(name, url, "", kTagsBytesMax);
      if (absl::IsNotFound(answer.status())) return NoChart(name);
      RETURN_IF_ERROR(answer.status());
      ASSIGN_OR_RETURN(const std::vector<std::string> tags, ParseTags(answer->body));
      for (const std::string& tag : tags) versions.push_back(VersionOfTag(tag));
      const std::string next = NextPage(*answer);
      if (next.empty()) return versions;
      ASSIGN_OR_RETURN(std::string resolved, ResolveUrl(url, next));
      if (HostOf(resolved) != HostOf(url)) break;
      url = std::move(resolved);
    }
    return absl::ResourceExhaustedError(
        absl::StrCat(place_.host, " has more tags of '", name, "' than are read; name a version"));
  }

  // With the identity that the registry asks for, once it has asked.
  absl::StatusOr<HttpsAnswer> Get(const std::string& name, const std::string& url,
                                  const std::string& header, size_t bytes_max) {
    HttpsRequest request;
    request.url = url;
    if (!header.empty()) request.headers.push_back(header);
    request.bytes_max = bytes_max;
    if (const auto known = authorizations_.find(name); known != authorizations_.end()) {
      request.authorization = known->second;
    }
    ASSIGN_OR_RETURN(HttpsAnswer answer, GetFollowing(https_, request));
    // Only the registry itself says where its passwords go, and no host that it redirects to.
    if (answer.status == 401 && HostOf(answer.url) == HostOf(url)) {
      ASSIGN_OR_RETURN(request.authorization, Authorize(name, answer));
      authorizations_[name] = request.authorization;
      ASSIGN_OR_RETURN(answer, GetFollowing(https_, request));
    }
    RETURN_IF_ERROR(StatusOfAnswer(answer, request, HasCredential()));
    return answer;
  }

  absl::StatusOr<std::string> Authorize(const std::string& name, const HttpsAnswer& refused) {
    ASSIGN_OR_RETURN(const Challenge challenge, ParseChallenge(refused.Header("www-authenticate")));
    const std::string basic = BasicAuthorization(credential_);
    if (!challenge.bearer) {
      if (!basic.empty()) return basic;
      return absl::UnauthenticatedError(
          absl::StrCat(place_.host,
                       " asks for a user name and a password; name a credential in "
                       "spec.credentials"));
    }
    if (HostOf(challenge.realm).empty()) {
      return absl::PermissionDeniedError(
          absl::StrCat(place_.host,
                       " gives tokens at a place that is not https, where no "
                       "credential is sent"));
    }
    const std::string scope =
        challenge.scope.empty() ? absl::StrCat("repository:", name, ":pull") : challenge.scope;
    HttpsRequest request;
    request.url = absl::StrCat(challenge.realm, absl::StrContains(challenge.realm, '?') ? "&" : "?",
                               "service=", Escape(challenge.service), "&scope=", Escape(scope));
    request.bytes_max = kTokenBytesMax;
    request.authorization = basic;
    ASSIGN_OR_RETURN(const HttpsAnswer answer, GetFollowing(https_, request));
    RETURN_IF_ERROR(StatusOfAnswer(answer, request, HasCredential()));
    ASSIGN_OR_RETURN(const std::string token, ParseToken(answer.body));
    return absl::StrCat("Bearer ", token);
  }

  const pb::GitCredential& credential_;
  const OciPlace place_;
  Https& https_;
  std::map<std::string, std::string> authorizations_;  // by repository
};

}  // namespace

absl::StatusOr<std::unique_ptr<ChartRegistry>> MakeOciRegistry(const pb::FetchRequest& request,
                                                               Https& https) {
  absl::StatusOr<OciPlace> place = ParseOciUrl(request.url());
  if (!place.ok()) return Annotate(place.status(), absl::StrCat("'", request.url(), "'"));
  return std::make_unique<OciRegistry>(request, *std::move(place), https);
}

}  // namespace muster::hub
