// Output: what `helm template` printed, read. Pure; any thread.
//
// Hooks become waves, because an agent applies all of a package and waits wave by wave:
//   crds/ of the chart                      wave -20000
//   pre-install, pre-upgrade                wave -10000 + weight
//   everything else                         as annotated, else 0
//   post-install, post-upgrade              wave  10000 + weight
// Tests (test, test-success, test-failure) are left out. Every other hook is refused by name: an
// agent has no moment at which it would run.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/render/helm/chart.h"
#include "common/render/patch.h"

namespace muster {

enum class Hooks {
  kAsWaves,
  kAsTheyAre,  // plain objects, tests and all, and nothing gets an annotation
};

// The objects, each with the template that made it; in the order printed. Objects that Helm would
// not delete (helm.sh/resource-policy: keep) get `muster.dev/prune: never`, hooks that Helm would
// make anew (before-hook-creation, its default) `muster.dev/replace: "true"`. Errors name the
// template: kInvalidArgument for what is no object, kUnimplemented for hooks as above.
absl::StatusOr<std::vector<RenderedObject>> ReadChartOutput(absl::string_view output,
                                                            const Chart& chart, Hooks hooks);

// kInvalidArgument, naming the object and the first field that differs, when two runs of one chart
// did not print the same. Values are not named.
absl::Status CompareRuns(const std::vector<RenderedObject>& first,
                         const std::vector<RenderedObject>& second);

// Helm's words for people who know the repository and not Helm's temporary directory: the place
// first, in the repository; no text of `secrets`.
std::string ExplainFailure(absl::string_view words, const Chart& chart,
                           const std::vector<std::string>& secrets);

}  // namespace muster
