#include "agent/cluster/directory_driver.h"

#include <unistd.h>

#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "agent/cluster/directory_watch.h"
#include "agent/cluster/fields.h"
#include "agent/cluster/folder.h"
#include "agent/cluster/yaml_text.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

constexpr absl::string_view kHeader = "# Written by Muster, uid ";
constexpr absl::string_view kHeaderRest = "; edits are put right or reported.\n";
constexpr size_t kUidSize = 32;

// A file that was read so soon after it was written may have been written again within the tick of
// the file system's clock: it is read once more.
constexpr int64_t kFreshNs = 100'000'000;

// What a file says, and by what it is known again without reading.
struct Seen {
  FileStamp stamp;
  int64_t read_at_ns = 0;
  std::string uid;
  bool ours = false;  // it carries our header
  bool kept = false;  // it is annotated never to be removed
  Digest digest;
  std::string json;  // not kept in the cache
};

// The uid in the header of a file of ours; empty for another file.
absl::string_view UidIn(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, kHeader)) return "";
  const absl::string_view uid = text.substr(0, kUidSize);
  for (const char c : uid) {
    if (!absl::ascii_isdigit(c) && !(c >= 'a' && c <= 'f')) return "";
  }
  return uid.size() == kUidSize ? uid : "";
}

Seen Interpret(const Folder::Content& content) {
  Seen seen{.stamp = content.stamp};
  const absl::StatusOr<std::vector<Document>> documents =
      ParseYaml(content.text, "", YamlReaders::kOne);
  if (documents.ok() && documents->size() == 1) {
    seen.json = CanonicalJson((*documents)[0].value);
    seen.kept = AsksToBeKept((*documents)[0].value);
    seen.digest = Digest::Of(seen.json);
  } else {
    // Not an object: equal to nothing that was ever written.
    seen.digest = Digest::Of(absl::StrCat("unreadable\n", content.text));
  }
  seen.uid = std::string(UidIn(content.text));
  seen.ours = !seen.uid.empty();
  if (!seen.ours) seen.uid = absl::StrCat("file-", seen.digest.hex().substr(0, kUidSize));
  return seen;
}

// A number that changes with the file: of its stamp.
uint64_t VersionOf(const Seen& seen) {
  const FileStamp& stamp = seen.stamp;
  return absl::Hash<std::tuple<uint64_t, int64_t, int64_t, int64_t>>()(
      {stamp.inode, stamp.size, stamp.modified_ns, stamp.changed_ns});
}

class DirectoryDriver final : public ClusterDriver {
 public:
  DirectoryDriver(std::unique_ptr<Folder> folder, DirectoryLayout layout, Random& random)
      : layout_(layout), random_(random), folder_(std::move(folder)) {}

  std::string Name() const override { return "directory"; }

  absl::StatusOr<std::vector<LiveObject>> List(const std::vector<Query>& queries,
                                               bool contents) override {
    folder_->Refresh();
    std::vector<LiveObject> found;
    for (const Query& query : queries) {
      const ObjectKey& key = query.key;
      const absl::StatusOr<std::string> path = DirectoryPath(key, layout_);
      if (!path.ok()) continue;  // Such a file cannot be; Apply says why.
      ASSIGN_OR_RETURN(std::optional<Seen> seen, Look(*path, contents));
      if (!seen.has_value()) continue;
      LiveObject object{.key = key, .uid = seen->uid, .digest = seen->digest};
      object.version = VersionOf(*seen);
      object.ours = seen->ours;
      object.kept = seen->kept;
      if (contents) object.json = std::move(seen->json);
      if (seen->stamp.owner != geteuid()) {
        object.changed_by = absl::StrCat("uid ", seen->stamp.owner);
      }
      object.changed_at = absl::FromUnixNanos(seen->stamp.modified_ns);
      found.push_back(std::move(object));
    }
    return found;
  }

  std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) override {
    folder_->Refresh();
    std::vector<DriverResult> results;
    for (const ApplyRequest& request : requests) results.push_back(ApplyOne(request));
    if (const absl::Status synced = folder_->Sync(); !synced.ok()) {
      for (DriverResult& result : results) {
        if (result.status.ok()) result.status = synced;
      }
    }
    return results;
  }

  std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) override {
    folder_->Refresh();
    std::vector<DriverResult> results;
    for (const RemoveRequest& request : requests) {
      results.push_back(DriverResult{.key = request.key, .status = RemoveOne(request)});
    }
    return results;
  }

  absl::StatusOr<Unmanaged> ListUnmanaged(const UnmanagedQuery&) override {
    return absl::UnimplementedError("a folder does not tell what others keep in it");
  }

  void Watch(std::function<void()> changed) override {
    watch_ = std::make_unique<DirectoryWatch>(
        folder_->root(), [this](const std::string& path) { return IsNews(path); },
        std::move(changed));
  }

 private:
  // What is at `path`; nothing when there is nothing. From the cache when the file is as it was and
  // its content is not asked for.
  absl::StatusOr<std::optional<Seen>> Look(const std::string& path, bool contents) {
    ASSIGN_OR_RETURN(const FileStamp stamp, folder_->Stamp(path));
    if (!stamp.exists) {
      Forget(path);
      return std::nullopt;
    }
    if (!stamp.is_file) {
      Forget(path);
      Seen seen{.stamp = stamp, .uid = "no-file"};
      seen.digest = Digest::Of("no file");
      return seen;
    }
    if (!contents) {
      if (std::optional<Seen> known = Known(path, stamp)) return known;
    }
    const int64_t now_ns = absl::GetCurrentTimeNanos();
    const absl::StatusOr<Folder::Content> content = folder_->Read(path);
    if (absl::IsNotFound(content.status())) return std::nullopt;
    RETURN_IF_ERROR(content.status());
    Seen seen = Interpret(*content);
    seen.read_at_ns = now_ns;
    Remember(path, seen);
    return seen;
  }

  DriverResult ApplyOne(const ApplyRequest& request) {
    DriverResult result{.key = request.key};
    result.status = Write(request, result);
    return result;
  }

  // What is to be written: the request's object, with what is left to others as it stands.
  absl::StatusOr<Value> Wanted(const ApplyRequest& request, const Seen* seen,
                               DriverResult& result) {
    ASSIGN_OR_RETURN(Value desired, ParseJson(request.json));
    if (seen == nullptr) {
      result.changes = {WholeObject()};
      return desired;
    }
    const absl::StatusOr<Value> live = ParseJson(seen->json);
    if (!live.ok()) {  // It cannot be read: nothing of it is kept.
      result.changes = {WholeObject()};
      return desired;
    }
    Value wanted = KeepFields(std::move(desired), *live, request.keep);
    result.changes = DifferentFields(request.key, wanted, *live, request.keep);
    return wanted;
  }

  absl::Status Write(const ApplyRequest& request, DriverResult& result) {
    ASSIGN_OR_RETURN(const std::string path, DirectoryPath(request.key, layout_));
    const bool compare = request.dry_run || !request.keep.empty();
    ASSIGN_OR_RETURN(const std::optional<Seen> seen, Look(path, compare));
    ASSIGN_OR_RETURN(const Value value,
                     Wanted(request, compare && seen.has_value() ? &*seen : nullptr, result));
    result.digest = Digest::Of(request.keep.empty() ? request.json : CanonicalJson(value));
    if (request.dry_run) return absl::OkStatus();
    result.changes.clear();
    const bool equal = seen.has_value() && seen->digest == result.digest;
    if (seen.has_value() && !seen->ours && !request.ours && request.adopt != AdoptRule::kAlways &&
        (!equal || request.adopt == AdoptRule::kNever)) {
      return absl::AlreadyExistsError(absl::StrCat(
          "write ", folder_->root(), "/", path, ": a file that Muster did not write stands there",
          equal ? "" : " and differs"));
    }
    if (equal) {
      result.uid = seen->uid;
      return absl::OkStatus();
    }
    return Replace(path, value, seen.has_value() && seen->ours ? seen->uid : "", result);
  }

  absl::Status Replace(const std::string& path, const Value& value, std::string uid,
                       DriverResult& result) {
    result.uid = uid.empty() ? absl::BytesToHexString(random_.Bytes(kUidSize / 2)) : std::move(uid);
    // The watch must know our own change when it sees it: forgotten paths are no news.
    Forget(path);
    RETURN_IF_ERROR(
        folder_->Write(path, absl::StrCat(kHeader, result.uid, kHeaderRest, YamlText(value))));
    ASSIGN_OR_RETURN(const FileStamp stamp, folder_->Stamp(path));
    Remember(path, Seen{.stamp = stamp,
                        .read_at_ns = stamp.modified_ns,
                        .uid = result.uid,
                        .ours = true,
                        .kept = AsksToBeKept(value),
                        .digest = result.digest});
    return absl::OkStatus();
  }

  absl::Status RemoveOne(const RemoveRequest& request) {
    ASSIGN_OR_RETURN(const std::string path, DirectoryPath(request.key, layout_));
    ASSIGN_OR_RETURN(const std::optional<Seen> seen, Look(path, /*contents=*/false));
    if (!seen.has_value()) return absl::OkStatus();
    if (seen->uid != request.uid) {
      return absl::AbortedError(absl::StrCat("remove ", folder_->root(), "/", path,
                                             ": it is another file than Muster wrote"));
    }
    if (seen->kept) {
      return absl::FailedPreconditionError(absl::StrCat("remove ", folder_->root(), "/", path,
                                                        ": it is annotated never to be removed"));
    }
    Forget(path);
    return folder_->Remove(path);
  }

  // ---- what was seen last, shared with the watch's thread

  std::optional<Seen> Known(const std::string& path, const FileStamp& stamp) {
    MutexLock lock(mutex_);
    const auto found = seen_.find(path);
    if (found == seen_.end() || found->second.stamp != stamp) return std::nullopt;
    if (found->second.read_at_ns - stamp.modified_ns < kFreshNs) return std::nullopt;
    return found->second;
  }

  void Remember(const std::string& path, Seen seen) {
    seen.json.clear();
    MutexLock lock(mutex_);
    seen_[path] = std::move(seen);
  }

  void Forget(const std::string& path) {
    MutexLock lock(mutex_);
    seen_.erase(path);
  }

  // On the watch's thread: whether a file that we know is not any more as we know it.
  bool IsNews(const std::string& path) {
    const std::string full = absl::StrCat(folder_->root(), "/", path);
    MutexLock lock(mutex_);
    const auto found = seen_.find(path);
    return found != seen_.end() && StampOfPath(full) != found->second.stamp;
  }

  const DirectoryLayout layout_;
  Random& random_;
  std::unique_ptr<Folder> folder_;

  Mutex mutex_;
  std::map<std::string, Seen> seen_ GUARDED_BY(mutex_);  // by path

  std::unique_ptr<DirectoryWatch> watch_;  // last, so that its thread ends first
};

}  // namespace

absl::StatusOr<std::unique_ptr<ClusterDriver>> OpenDirectoryDriver(DirectoryOptions options,
                                                                   Random& random) {
  while (options.root.size() > 1 && absl::EndsWith(options.root, "/")) options.root.pop_back();
  ASSIGN_OR_RETURN(std::unique_ptr<Folder> folder, Folder::Open(options.root));
  return std::make_unique<DirectoryDriver>(std::move(folder), options.layout, random);
}

}  // namespace muster::agent
