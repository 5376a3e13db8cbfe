#include "common/store/rocksdb_store.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/mutex.h"
#include "common/base/status_macros.h"
#include "common/store/directory_lock.h"
#include "common/store/witness.h"

namespace muster {
namespace {

// A stored value: one byte of version, eight of checksum, then the value.
constexpr char kVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kHeaderBytes = 1 + kChecksumBytes;
// RocksDB's own guard over keys and values on their way to the log.
constexpr size_t kProtectionBytesPerKey = 8;

rocksdb::Slice ToSlice(absl::string_view text) { return {text.data(), text.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Binds the value to its key: a record that turned up under another key is found out too.
std::string Checksum(absl::string_view key, absl::string_view value) {
  return Digest::Of(absl::StrCat(Digest::Of(value).view(), key)).bytes().substr(0, kChecksumBytes);
}

std::string Wrap(absl::string_view key, absl::string_view value) {
  return absl::StrCat(absl::string_view(&kVersion, 1), Checksum(key, value), value);
}

absl::StatusOr<absl::string_view> Unwrap(absl::string_view key, absl::string_view stored) {
  if (stored.size() < kHeaderBytes || stored.front() != kVersion ||
      stored.substr(1, kChecksumBytes) != Checksum(key, stored.substr(kHeaderBytes))) {
    return absl::DataLossError(
        absl::StrCat("record '", absl::CHexEscape(key), "' is damaged on disk; restore a backup"));
  }
  return stored.substr(kHeaderBytes);
}

// Never kResourceExhausted, which promises that nothing was written.
absl::Status ToStatus(const rocksdb::Status& status, absl::string_view what) {
  if (status.ok()) return absl::OkStatus();
  std::string message = absl::StrCat(what, ": ", status.ToString());
  if (status.IsNoSpace())
    absl::StrAppend(&message, "; free some space on its disk and start again");
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsIOError()) return absl::UnavailableError(message);
  return absl::InternalError(message);
}

// RocksDB's warnings and errors become lines of our log. Its own log file is not wanted: on a full
// disk a failed write to it ends the process.
class ForwardingLogger final : public rocksdb::Logger {
 public:
  ForwardingLogger() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char text[1024];
    vsnprintf(text, sizeof(text), format, arguments);
    log::Warning("rocksdb", {{"text", std::string(absl::StripTrailingAsciiWhitespace(text))}});
  }
};

// The reason of each setting: docs/storage.md.
rocksdb::Options MakeOptions(const RocksdbStoreOptions& options) {
  rocksdb::Options made;
  made.create_if_missing = true;
  // Durability and recovery.
  made.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  made.paranoid_checks = true;
  made.force_consistency_checks = true;
  made.track_and_verify_wals_in_manifest = false;
  made.recycle_log_file_num = 0;
  made.wal_compression = rocksdb::kNoCompression;
  made.max_bgerror_resume_count = 0;
  // Background work: one flush at a time.
  made.max_background_flushes = 1;
  made.max_background_compactions = 1;
  made.max_background_jobs = 2;
  // Memory and files.
  made.write_buffer_size = options.write_buffer_bytes;
  made.db_write_buffer_size = options.write_buffer_bytes;
  made.max_write_buffer_number = 2;
  made.max_open_files = 256;
  made.info_log = std::make_shared<ForwardingLogger>();
  made.stats_dump_period_sec = 0;
  made.stats_persist_period_sec = 0;
  const std::vector<rocksdb::CompressionType> compressions = rocksdb::GetSupportedCompressions();
  const bool zstd =
      std::find(compressions.begin(), compressions.end(), rocksdb::kZSTD) != compressions.end();
  made.compression = zstd ? rocksdb::kZSTD : rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  made.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return made;
}

absl::StatusOr<uint64_t> FreeBytes(const std::string& directory) {
  struct statvfs facts;
  if (statvfs(directory.c_str(), &facts) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("ask for the free space of '", directory, "'"));
  }
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

// The directory's own name must survive a power cut before anything in it is acknowledged.
absl::Status MakeDirectory(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0) {
    if (errno == EEXIST) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("make directory '", directory, "'"));
  }
  const std::string parent = absl::StrCat(directory, "/..");
  const int file = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = file >= 0 && fsync(file) == 0;
  const absl::Status status =
      synced ? absl::OkStatus()
             : absl::ErrnoToStatus(errno, absl::StrCat("sync the parent of '", directory, "'"));
  if (file >= 0) close(file);
  return status;
}

class RocksdbStore final : public Store {
 public:
  RocksdbStore(RocksdbStoreOptions options, DirectoryLock lock, Witness witness,
               std::unique_ptr<rocksdb::DB> db)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        witness_(std::move(witness)),
        db_(std::move(db)) {}

  ~RocksdbStore() override;

  absl::StatusOr<std::string> Get(absl::string_view key) const override;
  absl::Status Visit(const Range& range, Visitor visitor) const override;
  absl::Status Commit(const Batch& batch) override;

 private:
  absl::Status CheckSpace(const Batch& batch) const;
  absl::Status Write(const Batch& batch);

  // Constant after construction. The lock outlives the database.
  const RocksdbStoreOptions options_;
  const DirectoryLock lock_;
  Witness witness_;
  const std::unique_ptr<rocksdb::DB> db_;

  Mutex mutex_;
  absl::Status broken_ GUARDED_BY(mutex_);  // the first failure of a commit, for ever
};

RocksdbStore::~RocksdbStore() {
  const rocksdb::Status closed = db_->Close();
  const absl::Status synced = witness_.Sync();
  if (!closed.ok() || !synced.ok()) {
    log::Warning("store closed with an error",
                 {{"directory", options_.directory},
                  {"error", closed.ok() ? synced.ToString() : closed.ToString()}});
  }
}

absl::StatusOr<std::string> RocksdbStore::Get(absl::string_view key) const {
  rocksdb::PinnableSlice stored;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), ToSlice(key), &stored);
  if (status.IsNotFound()) {
    return absl::NotFoundError(absl::StrCat("no record '", absl::CHexEscape(key), "'"));
  }
  RETURN_IF_ERROR(ToStatus(status, absl::StrCat("read record '", absl::CHexEscape(key), "'")));
  ASSIGN_OR_RETURN(const absl::string_view value, Unwrap(key, ToView(stored)));
  return std::string(value);
}

absl::Status RocksdbStore::Visit(const Range& range, Visitor visitor) const {
  const std::string end = PrefixEnd(range.prefix);
  const rocksdb::Slice lower = range.prefix;
  const rocksdb::Slice upper = end;
  rocksdb::ReadOptions read;
  read.fill_cache = range.limit != 0;  // a whole scan would push everything else out
  if (!range.prefix.empty()) read.iterate_lower_bound = &lower;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(read));
  const std::string& after = range.start_after;
  if (!range.reverse) {
    at->Seek(std::max(range.prefix, after));
    if (at->Valid() && !after.empty() && at->key() == after) at->Next();
  } else if (after.empty() || (!end.empty() && after >= end)) {
    at->SeekToLast();
  } else {
    at->SeekForPrev(after);
    if (at->Valid() && at->key() == after) at->Prev();
  }
  for (size_t shown = 0; at->Valid() && (range.limit == 0 || shown < range.limit); ++shown) {
    const absl::string_view key = ToView(at->key());
    ASSIGN_OR_RETURN(const absl::string_view value, Unwrap(key, ToView(at->value())));
    if (!visitor(key, value)) break;
    range.reverse ? at->Prev() : at->Next();
  }
  return ToStatus(at->status(), absl::StrCat("scan '", absl::CHexEscape(range.prefix), "'"));
}

absl::Status RocksdbStore::CheckSpace(const Batch& batch) const {
  if (batch.essential() || options_.free_bytes_min == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t free,
                   options_.free_bytes ? options_.free_bytes() : FreeBytes(options_.directory));
  if (free >= options_.free_bytes_min) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("commit to store '", options_.directory, "': ", free >> 20,
                   " MiB are free on its disk, less than the ", options_.free_bytes_min >> 20,
                   " MiB that it keeps in reserve; free some space on it"));
}

absl::Status RocksdbStore::Write(const Batch& batch) {
  rocksdb::WriteBatch writes(0, 0, kProtectionBytesPerKey, 0);
  rocksdb::Status built;
  for (const Batch::Operation& operation : batch.operations()) {
    if (operation.kind == Batch::Kind::kPut) {
      built = writes.Put(operation.key, Wrap(operation.key, operation.value));
    } else if (operation.kind == Batch::Kind::kDelete) {
      built = writes.Delete(operation.key);
    } else {
      // Without an end, the prefix is all greatest bytes. No key of ours is as long as this one.
      std::string end = PrefixEnd(operation.key);
      if (end.empty()) end.assign(4096, '\xff');
      built = writes.DeleteRange(operation.key, end);
    }
    if (!built.ok()) break;
  }
  const std::string what = absl::StrCat("commit to store '", options_.directory, "'");
  RETURN_IF_ERROR(ToStatus(built, what));
  rocksdb::WriteOptions write;
  write.sync = true;
  RETURN_IF_ERROR(ToStatus(db_->Write(write, &writes), what));
  return Annotate(witness_.Record(db_->GetLatestSequenceNumber()), what);
}

absl::Status RocksdbStore::Commit(const Batch& batch) {
  {
    MutexLock lock(mutex_);
    if (!broken_.ok()) return broken_;
  }
  if (batch.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckSpace(batch));
  absl::Status status = Write(batch);  // without the lock: RocksDB joins threads into one sync
  if (status.ok()) return status;
  MutexLock lock(mutex_);
  if (broken_.ok()) broken_ = std::move(status);
  return broken_;
}

// Looks how far the data reaches without changing a byte of it, so that a refused directory stays
// as it was found. Zero when there is no database yet.
absl::StatusOr<uint64_t> RecoverableNumber(const rocksdb::Options& options,
                                           const std::string& path) {
  if (access(absl::StrCat(path, "/CURRENT").c_str(), F_OK) != 0) return 0;
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::OpenForReadOnly(options, path, &db), "recover"));
  const std::unique_ptr<rocksdb::DB> owner(db);
  return owner->GetLatestSequenceNumber();
}

absl::StatusOr<std::unique_ptr<Store>> Open(RocksdbStoreOptions options) {
  RETURN_IF_ERROR(MakeDirectory(options.directory));
  ASSIGN_OR_RETURN(DirectoryLock lock, DirectoryLock::Take(options.directory));
  const std::string witness_path = absl::StrCat(options.directory, "/witness");
  ASSIGN_OR_RETURN(Witness witness, Witness::Open(witness_path));
  const rocksdb::Options database = MakeOptions(options);
  const std::string path = absl::StrCat(options.directory, "/db");
  RETURN_IF_ERROR(MakeDirectory(path));
  ASSIGN_OR_RETURN(const uint64_t recoverable, RecoverableNumber(database, path));
  if (recoverable < witness.number()) {
    return absl::DataLossError(absl::StrCat(
        "its data ends at change ", recoverable, ", but changes up to ", witness.number(),
        " were acknowledged; restore a backup, or accept the loss by removing '", witness_path,
        "'"));
  }
  rocksdb::DB* db = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::Open(database, path, &db), "recover"));
  std::unique_ptr<rocksdb::DB> owner(db);
  RETURN_IF_ERROR(witness.Record(owner->GetLatestSequenceNumber()));
  RETURN_IF_ERROR(witness.Sync());
  return std::make_unique<RocksdbStore>(std::move(options), std::move(lock), std::move(witness),
                                        std::move(owner));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(RocksdbStoreOptions options) {
  const std::string what = absl::StrCat("open store '", options.directory, "'");
  absl::StatusOr<std::unique_ptr<Store>> store = Open(std::move(options));
  if (!store.ok()) return Annotate(store.status(), what);
  return store;
}

}  // namespace muster
