// Planner: which renderings a plan needs, and which clusters share each; the part of a plan that
// comes before anything is compared.
//
//   Planner planner(fleet);
//   for (auto wanted = planner.Wanted(); !wanted.empty(); wanted = planner.Wanted())
//     for (const Planner::Input& input : wanted) planner.Take(input.params, Render(input));
//   MakeFleetPlan(planner.Comparisons(), read);
//
// It tells clusters apart as placement does: by the facts that a package's text was seen to use,
// and by more of them when a rendering turns out to use more. The hub runs it over its render
// workers, `muster plan --local` over a working tree. Pure; one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/digest.h"
#include "common/config/selector.h"
#include "proto/child.pb.h"
#include "proto/plan.pb.h"

namespace muster {

class Planner {
 public:
  struct Input {
    std::string package;
    Digest params;          // as placement has them: equal ones give equal renderings
    v1::RenderInput input;  // without known inputs
  };

  // What became of an input.
  struct Output {
    absl::Status status;
    Digest bundle;                  // when `status` is OK
    std::vector<std::string> uses;  // facts of the cluster that the text mentions
    bool uses_known = false;        // false: anything may have been used
  };

  explicit Planner(v1::PlanFleet fleet);

  // What is still to be rendered; all of it at once. Empty: nothing is left.
  std::vector<Input> Wanted() const;

  // The result for an input of `package`; one that is not wanted any more is dropped.
  void Take(const std::string& package, const Digest& params, Output output);

  // What every cluster has and would get. Requires: Wanted() is empty. The caller adds the commit.
  v1::PlanComparisons Comparisons() const;

  const v1::PlanFleet& fleet() const { return fleet_; }

 private:
  struct Group {
    v1::RenderInput input;
    std::vector<uint32_t> clusters;
    std::optional<Output> output;
  };
  struct Package {
    const v1::PlanPackage* facts = nullptr;
    std::set<std::string> uses;
    std::map<Digest, Group> groups;                           // by params
    std::map<std::string, std::vector<uint32_t>> unresolved;  // by error
  };

  void Divide(Package& package) const;

  const v1::PlanFleet fleet_;
  std::vector<Labels> labels_;               // of the clusters
  std::map<std::string, Package> packages_;  // by name
};

}  // namespace muster
