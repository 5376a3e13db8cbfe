// Download: brings a desired state's bundles into the store before it may rule, and after a restart
// the manifests of what rules already.
//
// What came with the push is used first, then what the store has, then deltas, then the hub is
// asked; each blob is checked by its digest whatever its way, and each manifest against what the
// signed state promises. At most one job runs. Pure; the core's thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/core/acceptance.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/core/state.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/base/random.h"

namespace muster::agent {

// A desired state on its way to rule.
struct Candidate {
  v1::Envelope envelope;
  v1::DesiredState desired;
  Digest digest;
  bool recall = false;  // rules already; only its manifests are wanted
  // Of the packages that change: by bundle, or what leads there from the package's present target.
  std::map<Digest, v1::Manifest> manifests;
  std::map<std::string, v1::ManifestDelta> patches;  // by package
};

class Download {
 public:
  // All must outlive it. `next_job` numbers the jobs of the whole core.
  Download(State& state, Random& random, uint64_t& next_job)
      : state_(state), random_(random), next_job_(next_job) {}

  // Starts with a state that passed Examine; an older one that was on its way is given up. `push`
  // brought it, with its hints.
  void Begin(Candidate candidate, v1::Push push, absl::Time now, Outbox& outbox);

  // Why a state that passed Examine may not take the place of the one on its way; nothing when it
  // may: a replay must not win against what is merely not here yet.
  std::optional<Refusal> Compare(const Verdict& verdict) const;

  // Reads again the manifests of packages whose targets are not known, if there are any.
  void Recall(absl::Time now, Outbox& outbox);

  // Blobs that turned out to be missing from the store.
  void Mend(const std::vector<Digest>& blobs, absl::Time now);

  // After other bundles came to rule: what none of them has is not mended any more.
  void ForgetUnneeded();

  void OnFetched(absl::Time now, const BlobsFetched& event, Outbox& outbox);

  // With a link, what failed is tried again at once; without one, it waits.
  void OnLink(bool up, absl::Time now);

  // Starts what is due.
  void Advance(absl::Time now, Outbox& outbox);

  bool has_candidate() const { return candidate_.has_value(); }
  bool IsOnItsWay(const Digest& digest) const {
    return candidate_.has_value() && candidate_->digest == digest;
  }
  bool ready() const { return stage_ == Stage::kReady; }
  bool busy() const { return job_ != 0; }
  absl::Time NextWake() const;

  // Requires: ready().
  Candidate Take();

  // Why the state on its way cannot rule; the caller takes it.
  std::optional<Refusal> TakeRefusal() { return std::exchange(refusal_, std::nullopt); }

  // The last failure of the fetch that is being retried; OK when there is none.
  const absl::Status& failure() const { return failure_; }

 private:
  enum class Stage {
    kIdle,
    kLocal,      // reading the store for manifests and the bases of deltas
    kManifests,  // asking the hub for manifests
    kObjects,    // asking the hub for objects
    kReady,      // everything is in the store or in the batch
    kGarbage,    // reading manifests to find what nobody needs
    kMending,
  };

  // Whether the package's items do not have the bundle that the candidate has for it.
  bool Changes(const v1::DesiredPackage& package) const;
  std::set<Digest> WantedBundles() const;
  void FindWantedObjects();
  void StartJob(Stage stage, FetchBlobsJob job, Outbox& outbox);
  void ReadLocal(Outbox& outbox);
  void FetchManifests(Outbox& outbox);
  void FetchObjects(Outbox& outbox);
  // After the manifests came: what else is missing.
  void WithManifests(Outbox& outbox);
  void TakeManifests(const BlobsFetched& event, Outbox& outbox);
  void TakeManifest(const Digest& bundle, const std::string& bytes, bool stored, Outbox& outbox);
  void TakePatches(Outbox& outbox);
  void TakeHintedObjects(Outbox& outbox);
  void NoteBundles(const std::set<Digest>& wanted, Outbox& outbox);
  std::vector<Digest> Garbage() const;
  void DropGarbage(const BlobsFetched& event, Outbox& outbox);
  void Refuse(Refusal refusal);
  void Reset();

  State& state_;
  Random& random_;
  uint64_t& next_job_;

  Stage stage_ = Stage::kIdle;
  std::optional<Candidate> candidate_;
  v1::Push hints_;
  std::set<Digest> objects_;  // that the candidate needs and the store may lack
  std::set<Digest> mending_;
  bool link_up_ = false;
  bool recall_refused_ = false;  // what rules cannot be read again: no use in trying for ever
  uint64_t job_ = 0;
  std::optional<Refusal> refusal_;
  absl::Status failure_;
  Backoff backoff_{absl::Seconds(1), absl::Minutes(5)};
  absl::Time retry_ = absl::InfiniteFuture();
};

}  // namespace muster::agent
