// FetchCharts: one look at a registry: what is wanted is found, fetched where it is new, and made a
// commit. What was found once stays until the registry has a newer version that fits:
//   a version whose content changes is a rewrite: `descends` is false, and an operator decides;
//   a version that is withdrawn, or a chart that cannot be read any more, stays what it was, and
//   the answer says so among `problems`.
// A registry that cannot be reached is an error, and changes nothing. A chart that never could be
// had is in the lock with its error, for whoever renders it.
//
// There is an end to its patience: once `late` says so, what is known is kept unseen, and what is
// new is left for the next look, so that many charts come in several looks.
//
// Pure but for registry, store and `late`; one thread.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "hub/source/chart_registry.h"
#include "hub/source/chart_store.h"
#include "proto/child.pb.h"

namespace muster::hub {

// Of one repository.
inline constexpr int kChartsMax = 200;

absl::StatusOr<v1::FetchResponse> FetchCharts(const v1::FetchRequest& request,
                                              ChartRegistry& registry, ChartStore& store,
                                              int64_t now_s, absl::FunctionRef<bool()> late);

}  // namespace muster::hub
