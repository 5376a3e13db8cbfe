// Rollout: how a release of one package goes from cluster to cluster: who moves now, what is waited
// for, when it stops.
//
//   Rollout rollout = StartRollout(former, release, now_ms);
//   const Step step = Advance(plan, clusters, now_ms, rollout);  // again, when anything changed
//
// Level-triggered: each call looks at everything anew, and the rollout holds only what cannot be
// seen: what was moved when and from where, which waves are passed, what was approved, for how long
// all was well. Waves are known by their names, because a plan may be changed on the way. A cluster
// counts only when its agent reports that very content applied and healthy. docs/rollouts.md has
// the table of what happens to clusters that join, leave or go offline on the way.
//
// Pure; one thread. Invariants, which the tests' world checks by these numbers:
//
//  R1. While a wave's clusters in flight are as many as maxConcurrency, none is moved in it.
//  R2. No cluster is moved before all earlier waves were passed: all that can be reached and run
//      the release are well, or failed as often as may be; soaked without a break; approved. That
//      holds for those too that got the same content from a rollout that did not end well.
//  R3. A rollout that is not progressing (paused, aborted, rolled back) moves nobody, and no
//  rollout
//      by itself takes back what it was once complete with.
//  R4. A cluster that is apart (offline, suspended) is not moved, does not fail and holds nobody
//      up, and its time begins anew when it is back; but no wave is passed before the release got
//      well somewhere.
//  R5. An approval counts for one release and one gate.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/config/selector.h"
#include "proto/fleet.pb.h"

namespace muster::hub {

// How a cluster does with what it is to run now, as its agent says of exactly that.
enum class Progress { kWorking, kHealthy, kFailed };

// A cluster that the package selects, as it is now.
struct RolloutCluster {
  std::string id;
  std::string name;
  Labels labels;
  Digest target;   // what the release gives it; empty: nothing yet, it could not be rendered
  Digest desired;  // what it is to run now; empty: nothing of the package
  Progress progress = Progress::kWorking;
  std::string apart;  // why it cannot move now: "offline", "suspended"; empty: it can
};

// What the rollout remembers of a cluster.
struct RolloutMember {
  std::string wave;  // the one that it is bound to: in which it was moved or, when a wave of few
                     // was passed, counted
  uint64_t rollout = 0;  // number of the rollout that bound it; zero: none, or it was sent back
  Digest from;           // what it ran when all was well last; empty: nothing of the package
  Digest to;             // what it was moved to, while no release was complete with it; empty: none
  int64_t moved_ms = 0;  // when; later, when it was apart or well meanwhile
  bool apart = false;    // at the last look
  bool healthy = false;  // likewise
  bool failed = false;   // likewise: degraded, or not healthy in time
  bool excused = false;  // it failed, and somebody resumed the rollout all the same
  // Of the desired state that first said so; older reports do not speak of it. Zero: none yet.
  uint64_t generation = 0;
  bool proved = false;    // it was healthy with it once
  bool done = false;      // the release was complete with it: what comes later is not its failure
  bool observes = false;  // it writes nothing, and is shown the release; `before` is what it ran
  Digest before;
};

enum class RolloutPhase {
  kProgressing,
  kPaused,      // by a person, or because too much failed
  kComplete,    // late clusters still follow, wave by wave as they come
  kAborted,     // what was moved stays, nothing else moves
  kRolledBack,  // what was moved went back
};

struct RolloutApproval {
  std::string wave;
  bool after = false;  // of the gate behind the wave
  std::string by;
  int64_t at_ms = 0;
  std::string reason;
};

struct Rollout {
  uint64_t number = 0;  // of the package's rollouts; zero: none yet
  Digest release;       // what goes out: names all of its targets
  RolloutPhase phase = RolloutPhase::kComplete;
  bool completed = false;  // it was complete once
  std::string message;     // why it is in this phase, or what it waits for
  std::string actor;       // who paused, aborted or rolled it back; empty: the hub itself
  int64_t started_ms = 0;
  int64_t ended_ms = 0;          // zero: it goes on
  std::set<std::string> passed;  // names of waves
  std::string open;              // the first wave of the plan that is not; empty: all are
  int64_t opened_ms = 0;         // when the first cluster of the open one was moved; zero: not yet
  int64_t healthy_ms = 0;        // since when all of the open one is well; zero: it is not
  std::string waits_for;         // "approval", "soak", "health", "clusters"; empty: nothing
  bool waits_after = false;      // for an approval: of the gate behind the open wave
  std::vector<RolloutApproval> approvals;
  std::map<std::string, RolloutMember> members;  // by id
};

// How a wave stands; made anew by each Advance.
struct WaveStatus {
  std::string name;
  int clusters = 0;
  int waiting = 0;    // to be moved
  int in_flight = 0;  // moved, within reach, neither healthy nor failed
  int healthy = 0;
  int failed = 0;
  int apart = 0;       // of all these, those that are offline or suspended
  int up_to_date = 0;  // had it already when the rollout began
  bool passed = false;
};

struct Step {
  std::vector<std::string> moves;       // ids that get their target now
  std::vector<std::string> returns;     // ids that get back what they came from
  std::optional<int64_t> wake_ms;       // look again then, if nothing happens before
  std::vector<WaveStatus> waves;        // in the plan's order
  std::vector<std::string> in_no_wave;  // names of clusters that no wave selects
  std::vector<std::string> failed;      // names
  std::vector<std::string> news;        // what happened, for the journal
};

// The rollout of a new release. When `former` had not ended well, what clusters came from when all
// was well is kept, and what they have now is not taken for good: where it is what the new release
// gives them, they have to get well with it first, and their time begins anew.
Rollout StartRollout(const Rollout& former, const Digest& release, int64_t now_ms);

// Moves it on as far as it may go now. `clusters` are sorted by name, each once. `still` says why
// the whole package stands still, empty when it does not: then nobody is moved, no time counts and
// what is known of health is forgotten; what is rolled back goes back all the same.
Step Advance(const v1::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters,
             int64_t now_ms, Rollout& rollout, const std::string& still = "");

// How things stand, with nothing looked at anew and nothing decided.
Step Survey(const v1::RolloutPlan& plan, const std::vector<RolloutCluster>& clusters,
            Rollout rollout);

// What Advance does for `still`, where there is no plan.
void StandStill(const std::string& why, Rollout& rollout);

// ---------------------------------------------------------------- people

// Each returns kFailedPrecondition, saying what to do instead, when it does not fit the phase.
absl::Status Pause(const std::string& actor, const std::string& reason, Rollout& rollout);
// Goes on; what has failed so far no longer counts.
absl::Status Resume(Rollout& rollout);
absl::Status Abort(const std::string& actor, const std::string& reason, int64_t now_ms,
                   Rollout& rollout);
// What was moved goes back at the next Advance.
absl::Status RollBack(const std::string& actor, const std::string& reason, int64_t now_ms,
                      Rollout& rollout);
// Begins the same release anew, from the first wave.
absl::Status Retry(int64_t now_ms, Rollout& rollout);
// Opens the gate that the rollout waits at. kFailedPrecondition when it waits at none, or `wave`
// (when not empty) is another's.
absl::Status Approve(RolloutApproval approval, Rollout& rollout);

// The share of `total`, rounded up; `otherwise` when it is absent.
int ShareOf(bool has, const v1::ClusterShare& share, int total, int otherwise);

// The shipped plan `standard`: one cluster, 5 %, 25 %, the rest, with soaks of ten minutes.
v1::RolloutPlan StandardPlan();
inline constexpr absl::string_view kStandardPlan = "standard";

// "Progressing", "Paused", ...
absl::string_view PhaseWord(RolloutPhase phase);

}  // namespace muster::hub
