// Problems: the objects of a package that are not as they should be, for the report.
//
// Pure; the core's thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/core/settings.h"
#include "agent/core/state.h"
#include "common/base/limits.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

// What is left in a report, which is one message.
struct ReportRoom {
  int problems = limits::kProblemObjectsPerReportMax;
  size_t detail_bytes = limits::kReportDetailBytesMax;  // after that, problems are told in short
};

// Adds the package's problems, worst first, as many as one package may have and as there is room
// for.
void AddProblems(const State& state, const PackageState& package, const AgentSettings& settings,
                 absl::Time now, ReportRoom& room, v1::ObservedPackage& out);

// At most so much of a text as a report may hold of one, cut between characters.
std::string Shortened(absl::string_view text);

}  // namespace muster::agent
