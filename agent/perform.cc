#include "agent/perform.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/cluster/fields.h"
#include "agent/core/blob.h"
#include "common/base/compression.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/bundle.h"
#include "common/manifest/json.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// A broken stream is taken up again where it broke so many times in one job.
constexpr int kFetchAttempts = 3;

// Blobs are committed in batches of about so many bytes.
constexpr size_t kCommitBytes = 4u << 20;

// More deltas in a row than the core ever writes, so that a damaged store ends no loop.
constexpr size_t kDeltasInARowMax = 64;

// kNotFound when it is not there; kDataLoss when it is not what its digest says.
absl::StatusOr<std::string> ReadBlob(const Store& store, const Digest& digest) {
  ASSIGN_OR_RETURN(const std::string record, store.Get(BlobKey(digest)));
  return BlobContentOf(record, digest);
}

// ---------------------------------------------------------------- blobs

// One job's blobs on their way from the hub into the store.
class BlobFetch {
 public:
  BlobFetch(const FetchBlobsJob& job, const Tools& tools) : job_(job), tools_(tools) {}

  BlobsFetched Run() {
    BlobsFetched result{.job = job_.job};
    result.status = FindMissing();
    if (result.status.ok() && !job_.local_only && !missing_.empty()) {
      result.status = FetchMissing();
      if (const absl::Status committed = Flush(); result.status.ok()) result.status = committed;
    }
    for (auto& [digest, content] : contents_) {
      result.contents.push_back(BlobContent{.digest = digest, .content = std::move(content)});
    }
    return result;
  }

 private:
  struct Missing {
    std::string base;   // digest of a manifest that a delta may be made against
    uint64_t size = 0;  // of the content
    uint64_t stored_size = 0;
    std::string received;  // of the zstd form
  };

  absl::Status FindMissing() {
    for (const pb::BlobRequest& request : job_.request.blobs()) {
      ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(request.digest()));
      absl::StatusOr<std::string> content = Resolve(digest);
      if (content.ok()) {
        if (job_.contents) contents_[digest] = *std::move(content);
      } else if (absl::IsNotFound(content.status()) || absl::IsDataLoss(content.status())) {
        missing_[digest].base = request.base_digest();
      } else {
        return content.status();
      }
    }
    return absl::OkStatus();
  }

  // Reads a blob, a manifest that is kept as a delta too. What was read before in this job is not
  // read again, so that a row of deltas costs each of them once.
  absl::StatusOr<std::string> Resolve(const Digest& wanted) {
    std::vector<std::pair<Digest, pb::ManifestDelta>> deltas;  // the last one first
    Digest at = wanted;
    absl::StatusOr<std::string> content = absl::NotFoundError("");
    while (true) {
      if (const auto read = contents_.find(at); read != contents_.end()) {
        content = read->second;
        break;
      }
      content = ReadBlob(tools_.store, at);
      if (!absl::IsNotFound(content.status()) || deltas.size() == kDeltasInARowMax) break;
      const absl::StatusOr<std::string> record = tools_.store.Get(DeltaKey(at));
      RETURN_IF_ERROR(record.status());
      pb::ManifestDelta delta;
      if (!delta.ParseFromString(*record)) return absl::DataLossError("not a manifest delta");
      const Digest target = at;
      ASSIGN_OR_RETURN(at, Digest::FromBytes(delta.base_digest()));
      deltas.emplace_back(target, std::move(delta));
    }
    for (auto step = deltas.rbegin(); content.ok() && step != deltas.rend(); ++step) {
      content = ApplyManifestDelta(*content, step->second);
      if (!content.ok() || Digest::Of(*content) != step->first) {
        return absl::DataLossError(
            absl::StrCat("read manifest ", step->first.hex(), ": its delta does not lead to it"));
      }
    }
    return content;
  }

  absl::Status FetchMissing() {
    absl::Status status;
    for (int attempt = 0; attempt < kFetchAttempts && !missing_.empty(); ++attempt) {
      pb::FetchBlobsRequest request;
      for (const auto& [digest, missing] : missing_) {
        pb::BlobRequest& blob = *request.add_blobs();
        blob.set_digest(digest.bytes());
        blob.set_offset(missing.received.size());
        blob.set_base_digest(missing.base);
      }
      const size_t before = progress_;
      status =
          tools_.fetcher.Fetch(request, [&](const pb::BlobChunk& chunk) { return Take(chunk); });
      // Again only where the last try got somewhere, or ended early without an error.
      if (!status.ok() && progress_ == before) break;
    }
    if (!missing_.empty() && status.ok()) {
      status = absl::NotFoundError(absl::StrCat("fetch blobs: the hub did not send ",
                                                missing_.size(), " of ", job_.request.blobs_size(),
                                                ", first ", missing_.begin()->first.hex()));
    }
    return status;
  }

  absl::Status Take(const pb::BlobChunk& chunk) {
    ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(chunk.digest()));
    const auto found = missing_.find(digest);
    if (found == missing_.end()) return absl::OkStatus();  // Not asked for, or complete already.
    Missing& missing = found->second;
    progress_ += chunk.ByteSizeLong();
    if (chunk.has_delta()) return TakeDelta(digest, missing, chunk.delta());
    if (chunk.size() > kBlobContentMax || chunk.stored_size() > chunk.size() + 4096) {
      return absl::InvalidArgumentError(
          absl::StrCat("fetch blob ", digest.hex(), ": ", chunk.size(), " bytes are too many"));
    }
    if (chunk.offset() == 0) missing.received.clear();
    if (chunk.offset() != missing.received.size() ||
        missing.received.size() + chunk.data().size() > chunk.stored_size()) {
      missing.received.clear();
      return absl::InvalidArgumentError(
          absl::StrCat("fetch blob ", digest.hex(), ": a chunk does not follow the one before"));
    }
    missing.received.append(chunk.data());
    if (missing.received.size() < chunk.stored_size()) return absl::OkStatus();
    absl::StatusOr<std::string> content = Decompress(missing.received, chunk.size());
    if (!content.ok() || Digest::Of(*content) != digest) {
      missing.received.clear();
      return absl::InvalidArgumentError(
          absl::StrCat("fetch blob ", digest.hex(), ": what came is not it"));
    }
    std::string record = BlobRecordOf(content->size(), missing.received);
    return Keep(digest, *std::move(content), record);
  }

  absl::Status TakeDelta(const Digest& digest, Missing& missing, const pb::ManifestDelta& delta) {
    absl::StatusOr<Digest> base = Digest::FromBytes(missing.base);
    missing.base.clear();  // If this fails, the next try asks for the whole.
    if (!base.ok()) return absl::OkStatus();
    const absl::StatusOr<std::string> base_bytes = Resolve(*base);
    if (!base_bytes.ok()) return absl::OkStatus();
    absl::StatusOr<std::string> content = ApplyManifestDelta(*base_bytes, delta);
    if (!content.ok() || Digest::Of(*content) != digest) return absl::OkStatus();
    std::string record = BlobRecordOf(*content);
    return Keep(digest, *std::move(content), record);
  }

  absl::Status Keep(const Digest& digest, std::string content, absl::string_view record) {
    batch_.Put(BlobKey(digest), record);
    if (job_.contents) contents_[digest] = std::move(content);
    missing_.erase(digest);
    return batch_.bytes() < kCommitBytes ? absl::OkStatus() : Flush();
  }

  absl::Status Flush() {
    const absl::Status status = tools_.store.Commit(batch_);
    batch_.Clear();
    return status;
  }

  const FetchBlobsJob& job_;
  const Tools& tools_;
  std::map<Digest, Missing> missing_;
  std::map<Digest, std::string> contents_;
  Batch batch_;
  size_t progress_ = 0;
};

// ---------------------------------------------------------------- sealed objects

// The object in a blob, opened if it is sealed. What is opened lives as long as the request.
absl::StatusOr<std::string> ReadObject(const ObjectKey& key, const Digest& blob, bool sealed,
                                       const Tools& tools) {
  ASSIGN_OR_RETURN(std::string json, ReadBlob(tools.store, blob));
  if (!sealed) return json;
  if (tools.unsealer == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("open sealed ", key.text(), ": this agent has no key"));
  }
  return tools.unsealer->Open(key, json);
}

// Nothing that was sealed leaves with a result, of whatever kind its object is.
void Hide(const ApplyRequest& request, DriverResult& result) {
  if (!result.status.ok()) result.status = HideValues(result.status, request.json);
  for (FieldChange& change : result.changes) {
    if (!change.live.empty()) change.live = std::string(kHiddenValue);
    if (!change.desired.empty()) change.desired = std::string(kHiddenValue);
  }
}

// ---------------------------------------------------------------- looking

// What an apply of each of these would change, asked of the driver: it alone knows what the cluster
// makes of an object. Comparing writes nothing.
void Compare(const Tools& tools, const std::map<ObjectKey, const Look*>& looks,
             std::vector<ListedObject*> differing) {
  std::vector<ApplyRequest> requests;
  std::vector<ListedObject*> asked;
  for (ListedObject* object : differing) {
    const Look& look = *looks.at(object->key);
    absl::StatusOr<std::string> json = ReadObject(object->key, look.object, look.sealed, tools);
    if (!json.ok()) {  // It stays different as a whole.
      object->compare_failure = json.status();
      continue;
    }
    asked.push_back(object);
    requests.push_back(ApplyRequest{.key = object->key,
                                    .json = *std::move(json),
                                    .ours = true,
                                    .force = true,
                                    .dry_run = true,
                                    .keep = look.ignore,
                                    .terms = look.terms});
  }
  if (requests.empty()) return;
  std::vector<DriverResult> results = tools.driver.Apply(requests);
  for (size_t i = 0; i < results.size(); ++i) {
    if (looks.at(asked[i]->key)->sealed) Hide(requests[i], results[i]);
    if (results[i].status.ok()) {
      asked[i]->changes = std::move(results[i].changes);
    } else {
      asked[i]->compare_failure = std::move(results[i].status);
    }
  }
}

absl::StatusOr<std::vector<ListedObject>> LookAtAll(const ListJob& job, const Tools& tools) {
  std::map<ObjectKey, const Look*> looks;
  std::vector<Query> queries;
  for (const Look& look : job.looks) {
    if (looks.emplace(look.key, &look).second) queries.emplace_back(look.key, look.terms);
  }
  ASSIGN_OR_RETURN(std::vector<LiveObject> live, tools.driver.List(queries, /*contents=*/false));
  std::vector<ListedObject> listed;
  listed.reserve(live.size());
  std::vector<ListedObject*> differing;
  for (LiveObject& object : live) {
    const Look& look = *looks.at(object.key);
    ListedObject& one = listed.emplace_back(ListedObject{.live = std::move(object)});
    one.key = one.live.key;
    if (!one.live.unreadable.ok()) continue;
    if (look.object.empty() || one.live.digest == look.expected || one.live.digest == look.object) {
      continue;
    }
    one.known = look.compared != 0 && one.live.version == look.compared;
    if (one.known) continue;
    one.changes = {WholeObject()};
    differing.push_back(&one);
  }
  Compare(tools, looks, std::move(differing));
  return listed;
}

Listed LookAround(const ListJob& job, const Tools& tools) {
  Listed listed{.job = job.job, .objects = LookAtAll(job, tools)};
  if (!listed.objects.ok()) return listed;
  if (tools.noticeboard != nullptr) {
    absl::StatusOr<std::string> suspended = tools.noticeboard->Suspended();
    if (!suspended.ok()) {
      listed.objects = suspended.status();
      return listed;
    }
    listed.suspended = *std::move(suspended);
  }
  if (job.unmanaged.has_value()) {
    absl::StatusOr<Unmanaged> unmanaged = tools.driver.ListUnmanaged(*job.unmanaged);
    // Not to know strangers is no reason not to know one's own.
    if (unmanaged.ok()) listed.unmanaged = *std::move(unmanaged);
  }
  return listed;
}

// ---------------------------------------------------------------- acting

// The object's own word on how it is written wins over its package's.
ApplyRequest FollowAnnotations(ApplyRequest request, bool may_replace) {
  // Few objects have one, and reading JSON costs more than looking for a word.
  if (!absl::StrContains(request.json, "\"muster.dev/")) return request;
  const absl::StatusOr<Value> object = ParseJson(request.json);
  if (!object.ok()) return request;
  request.force = request.force || AnnotationOf(*object, kForceAnnotation) == "true";
  request.may_replace = may_replace && AnnotationOf(*object, kReplaceAnnotation) == "true";
  const absl::string_view adopt = AnnotationOf(*object, kAdoptAnnotation);
  if (adopt == "never") request.adopt = AdoptRule::kNever;
  if (adopt == "if-equal") request.adopt = AdoptRule::kIfEqual;
  if (adopt == "always") request.adopt = AdoptRule::kAlways;
  return request;
}

absl::StatusOr<ApplyRequest> RequestOf(const ApplyAction& action, const Tools& tools) {
  ApplyRequest request{.key = action.key,
                       .json = action.json,
                       .ours = action.ours,
                       .adopt = action.adopt,
                       .force = action.force,
                       .keep = action.keep,
                       .terms = action.terms};
  if (!request.json.empty()) return request;
  absl::StatusOr<std::string> blob = ReadObject(action.key, action.object, action.sealed, tools);
  if (absl::IsNotFound(blob.status())) {
    return absl::DataLossError(
        absl::StrCat("apply ", action.key.text(), ": its blob is not in the store"));
  }
  ASSIGN_OR_RETURN(request.json, std::move(blob));
  return FollowAnnotations(std::move(request), action.may_replace);
}

// Every request of the job failed.
Acted Unable(const ActJob& job, const absl::Status& status) {
  Acted acted{.job = job.job};
  for (const ApplyAction& action : job.apply) {
    acted.applied.push_back(DriverResult{.key = action.key, .status = status});
  }
  for (const RemoveRequest& request : job.remove) {
    acted.removed.push_back(DriverResult{.key = request.key, .status = status});
  }
  return acted;
}

Acted Act(const ActJob& job, const Tools& tools) {
  Acted acted{.job = job.job};
  if (tools.noticeboard != nullptr) {
    // Whoever suspends the agent in the cluster is heard before the next write, always. When the
    // board cannot be read, neither can the cluster be written.
    const absl::StatusOr<std::string> suspended = tools.noticeboard->Suspended();
    if (!suspended.ok()) return Unable(job, suspended.status());
    acted.suspended = *suspended;
    if (!acted.suspended.empty()) return acted;
  }
  std::vector<ApplyRequest> requests;
  std::vector<size_t> places;  // of the requests in the job
  acted.applied.resize(job.apply.size());
  for (size_t i = 0; i < job.apply.size(); ++i) {
    absl::StatusOr<ApplyRequest> request = RequestOf(job.apply[i], tools);
    if (!request.ok()) {
      acted.applied[i] = DriverResult{.key = job.apply[i].key, .status = request.status()};
      continue;
    }
    places.push_back(i);
    requests.push_back(*std::move(request));
  }
  std::vector<DriverResult> results = tools.driver.Apply(requests);
  for (size_t i = 0; i < places.size(); ++i) {
    if (job.apply[places[i]].sealed) Hide(requests[i], results[i]);
    acted.applied[places[i]] = std::move(results[i]);
  }
  if (!job.remove.empty()) acted.removed = tools.driver.Remove(job.remove);
  return acted;
}

}  // namespace

Event Perform(const Job& job, const Tools& tools) {
  if (const auto* fetch = std::get_if<FetchBlobsJob>(&job)) return BlobFetch(*fetch, tools).Run();
  if (const auto* list = std::get_if<ListJob>(&job)) {
    return LookAround(*list, tools);
  }
  if (const auto* tell = std::get_if<TellJob>(&job)) {
    if (tools.noticeboard == nullptr) return Told{.job = tell->job};
    return Told{.job = tell->job,
                .status = tools.noticeboard->Post(tell->status, tell->happenings)};
  }
  return Act(std::get<ActJob>(job), tools);
}

}  // namespace muster::agent
