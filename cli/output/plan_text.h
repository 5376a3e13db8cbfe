// PlanText: a plan as people read it, in a terminal and in a pull request.
//
// What is deleted stands first, what a rail would stop stands beside it. Text from outside is made
// harmless, for a terminal and for Markdown. Pure; any thread.
#pragma once

#include <string>

#include "cli/output/style.h"
#include "proto/plan.pb.h"

namespace muster::cli {

// With `wide`, every cluster is named.
std::string PlanText(const v1::FleetPlan& plan, const Style& style, bool wide);

// A comment for GitHub and GitLab, of at most kPlanMarkdownBytes: what does not fit is counted. Its
// first line is a mark by which a CI step finds the comment that it made before.
std::string PlanMarkdown(const v1::FleetPlan& plan);
inline constexpr size_t kPlanMarkdownBytes = 60'000;  // GitHub takes 65,536 characters

}  // namespace muster::cli
