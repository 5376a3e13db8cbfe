#include "agent/core/download.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agent/core/blob.h"
#include "agent/core/patch.h"
#include "common/base/check.h"
#include "common/base/compression.h"
#include "common/base/limits.h"
#include "common/manifest/bundle.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// Bundles that rule nothing are kept for going back to, until there are so many; then only the
// newest few stay.
constexpr size_t kSpareBundlesMax = 64;
constexpr size_t kSpareBundlesKept = 4;

// The content of an inlined blob; nothing when it is not what its digest says.
std::optional<std::string> Inlined(const pb::InlineBlob& blob, const Digest& digest) {
  if (blob.size() > limits::kObjectBytesMax) return std::nullopt;
  absl::StatusOr<std::string> content = Decompress(blob.zstd(), blob.size());
  if (!content.ok() || Digest::Of(*content) != digest) return std::nullopt;
  return *std::move(content);
}

void Request(FetchBlobsJob& job, const Digest& digest, const Digest& base = Digest()) {
  pb::BlobRequest& blob = *job.request.add_blobs();
  blob.set_digest(digest.bytes());
  if (!base.empty()) blob.set_base_digest(base.bytes());
}

}  // namespace

// ---------------------------------------------------------------- beginning and ending

void Download::Begin(Candidate candidate, pb::Push push, absl::Time now, Outbox& outbox) {
  Reset();
  candidate_ = std::move(candidate);
  hints_ = std::move(push);
  hints_.clear_desired_state();
  retry_ = now;
  const std::set<Digest> wanted = WantedBundles();
  if (wanted.empty()) {
    stage_ = Stage::kReady;
    return;
  }
  if (!candidate_->recall) NoteBundles(wanted, outbox);
  TakePatches(outbox);
  if (WantedBundles().empty()) return WithManifests(outbox);
  ReadLocal(outbox);
}

std::optional<Refusal> Download::Compare(const Verdict& verdict) const {
  if (!candidate_.has_value() || candidate_->recall) return std::nullopt;
  const uint64_t coming = candidate_->desired.generation();
  if (verdict.desired.generation() > coming) return std::nullopt;
  const bool same = verdict.desired.generation() == coming;
  return Refusal{.reason = std::string(same ? kReasonEquivocation : kReasonOlderGeneration),
                 .message = absl::StrCat("generation ", verdict.desired.generation(),
                                         ", on its way already is ", coming,
                                         same ? " with another content" : "")};
}

void Download::Recall(absl::Time now, Outbox& outbox) {
  if (recall_refused_ || candidate_.has_value()) return;
  const bool wanted = std::any_of(state_.packages.begin(), state_.packages.end(),
                                  [](const auto& entry) { return !entry.second.targets_known(); });
  if (!wanted) return;
  Candidate candidate{.envelope = state_.accepted.envelope(), .desired = state_.desired};
  candidate.digest = *Digest::FromBytes(state_.accepted.payload_digest());
  candidate.recall = true;
  Begin(std::move(candidate), pb::Push(), now, outbox);
}

void Download::Mend(const std::vector<Digest>& blobs, absl::Time now) {
  if (blobs.empty()) return;
  mending_.insert(blobs.begin(), blobs.end());
  if (!candidate_.has_value()) retry_ = std::min(retry_, now);
}

void Download::ForgetUnneeded() {
  if (mending_.empty()) return;
  std::set<Digest> needed;
  for (const auto& [name, package] : state_.packages) {
    for (const Item& item : package.items) {
      if (mending_.contains(item.desired)) needed.insert(item.desired);
    }
  }
  mending_ = std::move(needed);
  if (mending_.empty() && stage_ == Stage::kIdle) retry_ = absl::InfiniteFuture();
}

Candidate Download::Take() {
  CHECK(ready());
  Candidate candidate = *std::move(candidate_);
  Reset();
  return candidate;
}

void Download::Refuse(Refusal refusal) {
  recall_refused_ = candidate_->recall;
  Reset();
  refusal_ = std::move(refusal);
}

void Download::Reset() {
  stage_ = Stage::kIdle;
  candidate_.reset();
  hints_.Clear();
  objects_.clear();
  job_ = 0;
  failure_ = absl::OkStatus();
  backoff_.Reset();
  retry_ = mending_.empty() ? absl::InfiniteFuture() : absl::InfinitePast();
}

// ---------------------------------------------------------------- what is wanted

bool Download::Changes(const pb::DesiredPackage& package) const {
  const auto found = state_.packages.find(package.name());
  return found == state_.packages.end() || found->second.target.view() != package.bundle_digest();
}

std::set<Digest> Download::WantedBundles() const {
  std::set<Digest> wanted;
  for (const pb::DesiredPackage& package : candidate_->desired.packages()) {
    const Digest bundle = *Digest::FromBytes(package.bundle_digest());
    if (Changes(package) && !candidate_->manifests.contains(bundle) &&
        !candidate_->patches.contains(package.name())) {
      wanted.insert(bundle);
    }
  }
  return wanted;
}

// Objects of the bundles that rule now are in the store (A3); what else the manifests name is not
// known to be.
void Download::FindWantedObjects() {
  for (const pb::DesiredPackage& package : candidate_->desired.packages()) {
    if (!Changes(package)) continue;
    const auto current = state_.packages.find(package.name());
    const auto patch = candidate_->patches.find(package.name());
    const auto& entries =
        patch != candidate_->patches.end()
            ? patch->second.changed()
            : candidate_->manifests.at(*Digest::FromBytes(package.bundle_digest())).entries();
    for (const pb::ManifestEntry& entry : entries) {
      const Digest digest = *Digest::FromBytes(entry.digest());
      if (current != state_.packages.end()) {
        const Item* item = current->second.Find(KeyOf(entry));
        if (item != nullptr && item->desired == digest) continue;
      }
      objects_.insert(digest);
    }
  }
}

void Download::NoteBundles(const std::set<Digest>& wanted, Outbox& outbox) {
  std::erase_if(state_.bundles, [&](const Digest& digest) { return wanted.contains(digest); });
  state_.bundles.insert(state_.bundles.end(), wanted.begin(), wanted.end());
  PutBundles(state_, outbox.batch);
}

// ---------------------------------------------------------------- stages

void Download::StartJob(Stage stage, FetchBlobsJob job, Outbox& outbox) {
  stage_ = stage;
  retry_ = absl::InfiniteFuture();
  job_ = job.job = ++next_job_;
  outbox.jobs.emplace_back(std::move(job));
}

void Download::ReadLocal(Outbox& outbox) {
  FetchBlobsJob job{.contents = true, .local_only = true};
  const std::set<Digest> wanted = WantedBundles();
  std::set<Digest> asked = wanted;
  for (const pb::ManifestDelta& delta : hints_.manifests()) {
    const absl::StatusOr<Digest> base = Digest::FromBytes(delta.base_digest());
    const absl::StatusOr<Digest> target = Digest::FromBytes(delta.target_digest());
    if (base.ok() && target.ok() && wanted.contains(*target)) asked.insert(*base);
  }
  for (const Digest& digest : asked) Request(job, digest);
  StartJob(Stage::kLocal, std::move(job), outbox);
}

void Download::FetchManifests(Outbox& outbox) {
  FetchBlobsJob job{.contents = true};
  const std::set<Digest> wanted = WantedBundles();
  std::set<Digest> asked;
  for (const pb::DesiredPackage& package : candidate_->desired.packages()) {
    const Digest bundle = *Digest::FromBytes(package.bundle_digest());
    if (!wanted.contains(bundle) || !asked.insert(bundle).second) continue;
    const auto current = state_.packages.find(package.name());
    Request(job, bundle, current == state_.packages.end() ? Digest() : current->second.target);
  }
  StartJob(Stage::kManifests, std::move(job), outbox);
}

void Download::FetchObjects(Outbox& outbox) {
  FetchBlobsJob job;
  for (const Digest& digest : objects_) {
    if (job.request.blobs_size() == limits::kBlobsPerFetchMax) break;
    Request(job, digest);
  }
  StartJob(Stage::kObjects, std::move(job), outbox);
}

void Download::WithManifests(Outbox& outbox) {
  if (!candidate_.has_value()) return;  // refused
  if (!WantedBundles().empty()) return FetchManifests(outbox);
  // What rules already has its objects; one that was lost is mended when it is needed.
  if (!candidate_->recall) {
    FindWantedObjects();
    TakeHintedObjects(outbox);
  }
  if (!objects_.empty()) return FetchObjects(outbox);
  stage_ = Stage::kReady;
}

void Download::OnFetched(absl::Time now, const BlobsFetched& event, Outbox& outbox) {
  if (event.job != job_) return;
  job_ = 0;
  if (stage_ == Stage::kGarbage) return DropGarbage(event, outbox);
  if (stage_ == Stage::kLocal) {
    // Whatever the store does not give is asked of the hub.
    TakeManifests(event, outbox);
    return WithManifests(outbox);
  }
  if (!event.status.ok()) {
    failure_ = event.status;
    retry_ = now + backoff_.NextAtLeastHalf(random_);
    return;
  }
  failure_ = absl::OkStatus();
  backoff_.Reset();
  if (stage_ == Stage::kMending) {
    mending_.clear();
    return Reset();
  }
  if (stage_ == Stage::kManifests) {
    TakeManifests(event, outbox);
    if (candidate_.has_value() && !WantedBundles().empty()) {
      failure_ = absl::NotFoundError("the hub did not send every manifest that was asked for");
      retry_ = now + backoff_.NextAtLeastHalf(random_);
      return;
    }
    return WithManifests(outbox);
  }
  // The job asked for the first of the set.
  const size_t asked = std::min<size_t>(objects_.size(), limits::kBlobsPerFetchMax);
  objects_.erase(objects_.begin(), std::next(objects_.begin(), asked));
  if (!objects_.empty()) return FetchObjects(outbox);
  stage_ = Stage::kReady;
}

void Download::OnLink(bool up, absl::Time now) {
  link_up_ = up;
  if (up && retry_ != absl::InfiniteFuture()) retry_ = now;
}

void Download::Advance(absl::Time now, Outbox& outbox) {
  if (busy() || ready()) return;
  if (stage_ == Stage::kIdle && Garbage().size() > kSpareBundlesMax) {
    FetchBlobsJob job{.contents = true, .local_only = true};
    for (const Digest& digest : state_.bundles) Request(job, digest);
    return StartJob(Stage::kGarbage, std::move(job), outbox);
  }
  if (!link_up_ || retry_ > now) return;
  if (stage_ == Stage::kManifests) return FetchManifests(outbox);
  if (stage_ == Stage::kObjects) return FetchObjects(outbox);
  if (mending_.empty()) return;
  FetchBlobsJob job;
  for (const Digest& digest : mending_) {
    if (job.request.blobs_size() < limits::kBlobsPerFetchMax) Request(job, digest);
  }
  StartJob(Stage::kMending, std::move(job), outbox);
}

absl::Time Download::NextWake() const {
  return busy() || ready() || !link_up_ ? absl::InfiniteFuture() : retry_;
}

// ---------------------------------------------------------------- what came

void Download::TakeManifests(const BlobsFetched& event, Outbox& outbox) {
  std::map<Digest, const std::string*> local;
  for (const BlobContent& blob : event.contents) local[blob.digest] = &blob.content;
  std::set<Digest> wanted = WantedBundles();
  for (const auto& [digest, content] : local) {
    if (wanted.erase(digest) > 0) TakeManifest(digest, *content, /*stored=*/true, outbox);
  }
  for (const pb::ManifestDelta& delta : hints_.manifests()) {
    const absl::StatusOr<Digest> base = Digest::FromBytes(delta.base_digest());
    const absl::StatusOr<Digest> target = Digest::FromBytes(delta.target_digest());
    if (!base.ok() || !target.ok() || !local.contains(*base) || !wanted.contains(*target)) continue;
    const absl::StatusOr<std::string> bytes = ApplyManifestDelta(*local.at(*base), delta);
    if (!bytes.ok() || Digest::Of(*bytes) != *target) continue;  // A hint; ask the hub instead.
    wanted.erase(*target);
    TakeManifest(*target, *bytes, /*stored=*/false, outbox);
  }
  for (const pb::InlineBlob& blob : hints_.blobs()) {
    const absl::StatusOr<Digest> digest = Digest::FromBytes(blob.digest());
    if (!digest.ok() || !wanted.contains(*digest)) continue;
    const std::optional<std::string> content = Inlined(blob, *digest);
    if (!content.has_value()) continue;
    wanted.erase(*digest);
    TakeManifest(*digest, *content, /*stored=*/false, outbox);
  }
}

void Download::TakeManifest(const Digest& bundle, const std::string& bytes, bool stored,
                            Outbox& outbox) {
  if (!candidate_.has_value()) return;  // refused for another manifest
  pb::Manifest manifest;
  for (const pb::DesiredPackage& package : candidate_->desired.packages()) {
    if (package.bundle_digest() != bundle.view()) continue;
    ManifestVerdict verdict = ExamineManifest(bytes, package);
    if (verdict.refusal.has_value()) return Refuse(*std::move(verdict.refusal));
    manifest = std::move(verdict.manifest);
  }
  if (!stored) outbox.batch.Put(BlobKey(bundle), BlobRecordOf(bytes));
  candidate_->manifests[bundle] = std::move(manifest);
}

// The short way to a manifest: by what changed, against what the items were taken from.
void Download::TakePatches(Outbox& outbox) {
  for (const pb::DesiredPackage& package : candidate_->desired.packages()) {
    const auto current = state_.packages.find(package.name());
    if (current == state_.packages.end() || !Changes(package)) continue;
    for (const pb::ManifestDelta& delta : hints_.manifests()) {
      if (delta.target_digest() != package.bundle_digest()) continue;
      const std::optional<std::string> bytes = PatchedManifest(current->second, delta, package);
      if (!bytes.has_value()) continue;
      const Digest bundle = *Digest::FromBytes(package.bundle_digest());
      if (++current->second.deltas > PackageState::kDeltasMax) {
        current->second.deltas = 0;
        outbox.batch.Put(BlobKey(bundle), BlobRecordOf(*bytes));
      } else {
        outbox.batch.Put(DeltaKey(bundle), delta.SerializeAsString());
      }
      candidate_->patches[package.name()] = delta;
      break;
    }
  }
}

void Download::TakeHintedObjects(Outbox& outbox) {
  for (const pb::InlineBlob& blob : hints_.blobs()) {
    const absl::StatusOr<Digest> digest = Digest::FromBytes(blob.digest());
    if (!digest.ok() || !objects_.contains(*digest)) continue;
    if (!Inlined(blob, *digest).has_value()) continue;
    outbox.batch.Put(BlobKey(*digest), BlobRecordOf(blob.size(), blob.zstd()));
    objects_.erase(*digest);
  }
}

// ---------------------------------------------------------------- garbage

// Bundles that rule nothing, those least recently needed first.
std::vector<Digest> Download::Garbage() const {
  if (state_.bundles.size() <= kSpareBundlesMax) return {};
  std::set<Digest> ruling;
  for (const auto& [name, package] : state_.packages) {
    ruling.insert(package.target);
    if (const auto bundle = Digest::FromBytes(package.record.applied().bundle_digest());
        bundle.ok()) {
      ruling.insert(*bundle);
    }
    if (package.removing()) continue;
    if (const auto bundle = Digest::FromBytes(package.desired->bundle_digest()); bundle.ok()) {
      ruling.insert(*bundle);
    }
  }
  std::vector<Digest> spare;
  for (const Digest& digest : state_.bundles) {
    if (!ruling.contains(digest)) spare.push_back(digest);
  }
  return spare;
}

void Download::DropGarbage(const BlobsFetched& event, Outbox& outbox) {
  stage_ = Stage::kIdle;
  std::vector<Digest> spare = Garbage();
  if (spare.size() <= kSpareBundlesKept) return;
  spare.resize(spare.size() - kSpareBundlesKept);
  const std::set<Digest> dropped(spare.begin(), spare.end());
  std::set<Digest> reachable;
  for (const auto& [name, package] : state_.packages) {
    for (const Item& item : package.items) {
      reachable.insert(item.desired);
      reachable.insert(item.written);
    }
  }
  std::set<Digest> candidates = dropped;
  for (const BlobContent& blob : event.contents) {
    const absl::StatusOr<pb::Manifest> manifest = ParseManifest(blob.content);
    if (!manifest.ok()) continue;
    if (!dropped.contains(blob.digest)) {  // It must not lean on one that goes.
      outbox.batch.Put(BlobKey(blob.digest), BlobRecordOf(blob.content));
      outbox.batch.Delete(DeltaKey(blob.digest));
    }
    auto& digests = dropped.contains(blob.digest) ? candidates : reachable;
    for (const pb::ManifestEntry& entry : manifest->entries()) {
      if (const auto digest = Digest::FromBytes(entry.digest()); digest.ok()) {
        digests.insert(*digest);
      }
    }
  }
  for (const Digest& digest : candidates) {
    if (!reachable.contains(digest)) outbox.batch.Delete(BlobKey(digest));
  }
  for (const Digest& digest : dropped) outbox.batch.Delete(DeltaKey(digest));
  std::erase_if(state_.bundles, [&](const Digest& digest) { return dropped.contains(digest); });
  PutBundles(state_, outbox.batch);
}

}  // namespace muster::agent
