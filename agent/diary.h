// Diary: what happens to the cluster, as lines of the agent's log: applied, healed, failed, held,
// well again. Each change of what is observed is told once; what stays as it is is not repeated.
//
//   Diary diary;
//   diary.Look(core.observed(), core.observed_digest());   // after every turn
//
// One thread. The same facts are Events in the cluster (core/story.h) and conditions at the hub.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "proto/fleet.pb.h"

namespace muster::agent {

struct DiaryLine {
  bool warning = false;
  std::string text;   // "object failed"
  std::string about;  // "v1/ConfigMap/web/a"; empty: the cluster as a whole
  std::string why;    // may be empty

  friend bool operator==(const DiaryLine&, const DiaryLine&) = default;
};

// What is new in `after`, worst first. Pure.
std::vector<DiaryLine> DiaryLinesBetween(const v1::ObservedState& before,
                                         const v1::ObservedState& after);

class Diary {
 public:
  // `digest` is that of `observed`, by which it is known to be new.
  void Look(const v1::ObservedState& observed, const Digest& digest);

 private:
  v1::ObservedState seen_;
  Digest seen_digest_;
};

}  // namespace muster::agent
