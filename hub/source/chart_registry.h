// ChartRegistry: where charts come from: a Helm repository (index.yaml over https) or an OCI
// registry.
//
// In the fetch child only; blocks; one thread. A registry is asked anew by every object of these
// classes, and one object is for one look. Errors of all calls: kNotFound (the chart or version is
// not there, with what is), kInvalidArgument (what is there is no chart, or not the declared one),
// kUnauthenticated, kPermissionDenied, kResourceExhausted; kUnavailable when asking again may help.
// Messages name chart, version and registry.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/charts/chart_index.h"
#include "common/charts/oci.h"
#include "hub/source/https.h"
#include "proto/charts.pb.h"
#include "proto/child.pb.h"

namespace muster::hub {

inline constexpr size_t kIndexBytesMax = 64u << 20;
inline constexpr size_t kArchiveBytesMax = 20u << 20;

// What a registry has for a want.
struct ChartOffer {
  std::string version;
  std::string archive_digest;     // of the .tgz; empty: the registry does not say
  std::string manifest_digest;    // OCI
  std::vector<std::string> urls;  // of the archive
};

class ChartRegistry {
 public:
  virtual ~ChartRegistry() = default;

  // That the registry is there, and lets us in as far as can be told without a chart.
  virtual absl::Status Open() = 0;

  // The highest version that fits, and what it is there.
  virtual absl::StatusOr<ChartOffer> Look(const v1::ChartWant& want) = 0;

  // The archive, which has the offer's digest. Sets it in the offer where it was not known.
  virtual absl::StatusOr<std::string> Download(const v1::ChartWant& want, ChartOffer& offer) = 0;
};

// For the type of the request. `https` and `request` must outlive it.
absl::StatusOr<std::unique_ptr<ChartRegistry>> MakeChartRegistry(const v1::FetchRequest& request,
                                                                 Https& https);

// "chart 'web' version '^1.2'", for messages.
std::string WantText(const v1::ChartWant& want);

// The error that a status of an answer of GetFollowing is.
absl::Status StatusOfAnswer(const HttpsAnswer& answer, const HttpsRequest& request,
                            bool has_credential);

// Which of `versions` a want means: its index. kNotFound names the newest that there are.
absl::StatusOr<int> ChooseVersion(const v1::ChartWant& want,
                                  const std::vector<std::string>& versions);

}  // namespace muster::hub
