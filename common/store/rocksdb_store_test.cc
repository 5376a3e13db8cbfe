#include "common/store/rocksdb_store.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "common/base/random.h"
#include "common/store/store_conformance.h"

namespace muster {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A directory that goes away with the test.
class Directory {
 public:
  Directory() {
    std::string pattern = testing::TempDir() + "/store.XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~Directory() { fs::remove_all(path_); }
  std::string path(absl::string_view name = "data") const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

RocksdbStoreOptions At(const std::string& directory) {
  return {.directory = directory, .free_bytes_min = 0, .write_buffer_bytes = 1u << 20};
}

std::unique_ptr<Store> MustOpen(RocksdbStoreOptions options) {
  auto store = OpenRocksdbStore(std::move(options));
  CHECK_OK(store);
  return *std::move(store);
}

Batch One(absl::string_view key, absl::string_view value = "x") {
  Batch batch;
  batch.Put(key, value);
  return batch;
}

class RocksdbHarness final : public StoreHarness {
 public:
  Store& store() override { return *store_; }
  void Restart() override {
    store_.reset();
    store_ = MustOpen(At(directory_.path()));
  }

 private:
  Directory directory_;
  std::unique_ptr<Store> store_ = MustOpen(At(directory_.path()));
};

std::unique_ptr<StoreHarness> MakeHarness() { return std::make_unique<RocksdbHarness>(); }

INSTANTIATE_TEST_SUITE_P(Rocksdb, StoreConformance, testing::Values(&MakeHarness));

TEST(RocksdbStore, RefusesADirectoryInUseAndNamesTheProcess) {
  const Directory directory;
  std::unique_ptr<Store> first = MustOpen(At(directory.path()));
  const auto second = OpenRocksdbStore(At(directory.path()));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(second.status().message(),
              HasSubstr(absl::StrCat("another hub or agent (process ", getpid(), ") uses")));
  ASSERT_TRUE(first->Commit(One("a")).ok());
  first.reset();
  EXPECT_EQ(*MustOpen(At(directory.path()))->Get("a"), "x");
}

TEST(RocksdbStore, RefusesADirectoryThatCannotBeMade) {
  const Directory directory;
  EXPECT_EQ(OpenRocksdbStore(At(directory.path("absent/data"))).status().code(),
            absl::StatusCode::kNotFound);
  std::ofstream(directory.path("file")) << "x";
  EXPECT_FALSE(OpenRocksdbStore(At(directory.path("file"))).ok());
}

TEST(RocksdbStore, KeepsItsDataToItself) {
  const Directory directory;
  MustOpen(At(directory.path("made")));
  EXPECT_EQ(fs::status(directory.path("made")).permissions(), fs::perms::owner_all);
  // A directory that was made for it may be open to others; the data in it is not.
  fs::create_directory(directory.path("given"));
  fs::permissions(directory.path("given"), fs::perms(0755));
  MustOpen(At(directory.path("given")));
  EXPECT_EQ(fs::status(directory.path("given/db")).permissions(), fs::perms::owner_all);
}

// ---------------------------------------------------------------- a full disk

TEST(RocksdbStore, TakesOnlyWhatIsEssentialWhenTheDiskIsNearlyFull) {
  const Directory directory;
  uint64_t free = 600;
  RocksdbStoreOptions options = At(directory.path());
  options.free_bytes_min = 500;
  options.free_bytes = [&free] { return free; };
  const std::unique_ptr<Store> store = MustOpen(options);
  EXPECT_TRUE(store->Commit(One("before")).ok());

  free = 499;
  const absl::Status refused = store->Commit(One("refused"));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("free some space"));
  Batch essential = One("essential");
  essential.MarkEssential();
  EXPECT_TRUE(store->Commit(essential).ok());

  free = 500;
  EXPECT_TRUE(store->Commit(One("after")).ok());
  const auto records = store->Scan("");
  ASSERT_EQ(records->size(), 3u);
  EXPECT_FALSE(store->Get("refused").ok());
}

TEST(RocksdbStore, AsksTheFileSystemWhenNobodyElseAnswers) {
  const Directory directory;
  RocksdbStoreOptions options = At(directory.path());
  options.free_bytes_min = uint64_t{1} << 62;
  EXPECT_EQ(MustOpen(options)->Commit(One("a")).code(), absl::StatusCode::kResourceExhausted);
}

// ---------------------------------------------------------------- damage

void CopyTo(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

std::vector<fs::path> FilesOf(const std::string& directory) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(directory + "/db")) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void FlipBit(const fs::path& path, uint64_t bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(bit / 8));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(bit / 8));
  file.put(static_cast<char>(byte ^ (1 << (bit % 8))));
  CHECK(file.good());
}

// Records in a table file and in the log: a large batch is flushed when the store opens again.
void Fill(const std::string& directory, int records) {
  for (const char* part : {"flushed", "logged"}) {
    const std::unique_ptr<Store> store = MustOpen(At(directory));
    for (int i = 0; i < records; ++i) {
      CHECK_OK(store->Commit(One(absl::StrFormat("%s/%03d", part, i), absl::StrCat("value ", i))));
    }
  }
}

std::string WriteAheadLog(const std::string& directory) {
  for (const fs::path& file : FilesOf(directory)) {
    if (file.extension() == ".log") return file.string();
  }
  CHECK(false) << "no log";
  return "";
}

TEST(RocksdbStore, RefusesALogThatLostItsTail) {
  const Directory directory;
  Fill(directory.path(), 20);
  const std::string log = WriteAheadLog(directory.path());
  const auto before = fs::file_size(log);
  fs::resize_file(log, before - 1);
  // It stays refused, and untouched, until a person decides.
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto store = OpenRocksdbStore(At(directory.path()));
    ASSERT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
    EXPECT_THAT(store.status().message(), HasSubstr("/witness'"));
    EXPECT_EQ(fs::file_size(log), before - 1);
  }
  fs::remove(directory.path() + "/witness");
  const std::unique_ptr<Store> store = MustOpen(At(directory.path()));
  EXPECT_TRUE(store->Get("logged/018").ok());
  EXPECT_FALSE(store->Get("logged/019").ok());
}

TEST(RocksdbStore, RefusesAnOlderCopyOfItsData) {
  const Directory directory;
  Fill(directory.path(), 5);
  CopyTo(directory.path("data/db"), directory.path("copy"));
  ASSERT_TRUE(MustOpen(At(directory.path()))->Commit(One("newer")).ok());
  CopyTo(directory.path("copy"), directory.path("data/db"));
  EXPECT_EQ(OpenRocksdbStore(At(directory.path())).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksdbStore, RefusesDataThatIsGoneAltogether) {
  const Directory directory;
  Fill(directory.path(), 5);
  fs::remove_all(directory.path("data/db"));
  EXPECT_EQ(OpenRocksdbStore(At(directory.path())).status().code(), absl::StatusCode::kDataLoss);
}

TEST(RocksdbStore, OpensWithATornWitness) {
  const Directory directory;
  Fill(directory.path(), 5);
  FlipBit(directory.path("data/witness"), 3);
  EXPECT_EQ(*MustOpen(At(directory.path()))->Get("logged/004"), "value 4");
}

// A flipped bit anywhere is found out or does no harm; no read ever returns what was not written,
// and nothing acknowledged is ever missing.
TEST(RocksdbBitFlip, IsRefusedOrHarmless) {
  constexpr int kRecords = 40, kFlips = 80;
  const Directory directory;
  Fill(directory.path("good"), kRecords);
  SeededRandom random(20261121);
  int refused = 0, damaged = 0, harmless = 0;
  for (int flip = 0; flip < kFlips; ++flip) {
    CopyTo(directory.path("good"), directory.path("bad"));
    const std::vector<fs::path> files = FilesOf(directory.path("bad"));
    // Logs and tables hold the data; the others are few and small.
    const fs::path& file = files[random.Below(files.size())];
    if (file.filename() == "LOCK") continue;
    const uint64_t bit = random.Below(fs::file_size(file) * 8);
    FlipBit(file, bit);
    SCOPED_TRACE(absl::StrCat("flip ", flip, ": bit ", bit, " of ", file.filename().string()));
    const auto store = OpenRocksdbStore(At(directory.path("bad")));
    if (!store.ok()) {
      ++refused;
      continue;
    }
    bool whole = true;
    for (int i = 0; i < kRecords; ++i) {
      for (const char* part : {"flushed", "logged"}) {
        const auto value = (*store)->Get(absl::StrFormat("%s/%03d", part, i));
        if (value.ok()) {
          EXPECT_EQ(*value, absl::StrCat("value ", i));
        } else {
          EXPECT_EQ(value.status().code(), absl::StatusCode::kDataLoss) << value.status();
          whole = false;
        }
      }
    }
    ++(whole ? harmless : damaged);
  }
  // Without hits the test would prove nothing.
  EXPECT_GT(refused, 10);
  EXPECT_GT(refused + damaged + harmless, kFlips / 2);
}

}  // namespace
}  // namespace muster
