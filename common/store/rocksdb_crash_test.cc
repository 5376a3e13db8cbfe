// Kills a writing process at random and looks whether anything that it acknowledged is gone.
//
// The test runs its own binary again as the writer, because RocksDB's threads do not survive a
// fork.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/base/random.h"
#include "common/store/rocksdb_store.h"

extern char** environ;

namespace muster {
namespace {

constexpr int kCycles = 30;
constexpr char kUntilKilled[] = "--write-until-killed";
constexpr char kUntilFull[] = "--write-until-full";

RocksdbStoreOptions At(const std::string& directory) {
  // A small buffer, so that flushes and compactions are among what is interrupted.
  return {.directory = directory, .free_bytes_min = 0, .write_buffer_bytes = 64u << 10};
}

std::string NumberKey(int64_t number) { return absl::StrFormat("number/%012d", number); }

// The n-th value is as long as n says, so that it can be checked.
std::string NumberValue(int64_t number) {
  return std::string(number * 7919 % 6000, static_cast<char>('a' + number % 26));
}

int64_t LastNumber(const Store& store) {
  const auto last = store.Get("last");
  if (absl::IsNotFound(last.status())) return 0;
  CHECK_OK(last);
  int64_t number = 0;
  CHECK(absl::SimpleAtoi(*last, &number));
  return number;
}

// Commits 1, 2, 3, ... and says each on standard output once it was acknowledged.
[[noreturn]] void WriteUntilKilled(const std::string& directory) {
  auto store = OpenRocksdbStore(At(directory));
  CHECK_OK(store);
  for (int64_t number = LastNumber(**store) + 1;; ++number) {
    Batch batch;
    batch.Put("last", absl::StrCat(number));
    batch.Put(NumberKey(number), NumberValue(number));
    CHECK_OK((*store)->Commit(batch));
    CHECK(write(STDOUT_FILENO, &number, sizeof(number)) == sizeof(number));
  }
}

// The kernel refuses to let a file grow, as it does when the disk is really full. Exits with 0 when
// the store took that as it should.
[[noreturn]] void WriteUntilFull(const std::string& directory) {
  auto store = OpenRocksdbStore(At(directory));
  CHECK_OK(store);
  Batch small;
  small.Put("acknowledged", "x");
  CHECK_OK((*store)->Commit(small));

  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit narrow{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  CHECK(setrlimit(RLIMIT_FSIZE, &narrow) == 0);
  Batch large;
  large.Put("large", std::string(100'000, 'x'));
  const absl::Status failed = (*store)->Commit(large);
  CHECK(!failed.ok() && !absl::IsResourceExhausted(failed)) << failed;

  // There is room again, but what the log holds is unknown until it is read.
  CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
  Batch later;
  later.Put("later", "x");
  CHECK((*store)->Commit(later) == failed);
  CHECK(*(*store)->Get("acknowledged") == "x");
  store->reset();
  std::exit(0);
}

struct Writer {
  pid_t pid;
  int acknowledgements;  // the reading end of its standard output
};

Writer StartWriter(const char* flag, const std::string& directory) {
  int ends[2];
  CHECK(pipe2(ends, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  CHECK(posix_spawn_file_actions_init(&actions) == 0);
  CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) == 0);
  std::string program = "/proc/self/exe", mode = flag, argument = directory;
  char* arguments[] = {program.data(), mode.data(), argument.data(), nullptr};
  Writer writer{.pid = 0, .acknowledgements = ends[0]};
  CHECK(posix_spawn(&writer.pid, program.c_str(), &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  return writer;
}

// Kills `writer` once it has acknowledged `commits` more. Returns the last acknowledged number,
// which may be greater: it goes on writing until the signal arrives.
int64_t KillAfter(const Writer& writer, uint64_t commits) {
  int64_t last = 0, number = 0;
  for (uint64_t seen = 0; read(writer.acknowledgements, &number, sizeof(number)) == sizeof(number);
       ++seen) {
    CHECK(last == 0 || number == last + 1);
    last = number;
    if (seen == commits) CHECK(kill(writer.pid, SIGKILL) == 0);
  }
  close(writer.acknowledgements);
  int state = 0;
  CHECK(waitpid(writer.pid, &state, 0) == writer.pid);
  CHECK(WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL) << "the writer ended by itself";
  return last;
}

// The store holds exactly the effect of commits 1 to n.
void ExpectPrefix(const Store& store, int64_t n) {
  int64_t expected = 0;
  ASSERT_TRUE(store
                  .Visit({.prefix = "number/"},
                         [&](absl::string_view key, absl::string_view value) {
                           ++expected;
                           EXPECT_EQ(key, NumberKey(expected));
                           EXPECT_TRUE(value == NumberValue(expected)) << key;
                           return !testing::Test::HasFailure();
                         })
                  .ok());
  EXPECT_EQ(expected, n);
}

std::string NewDirectory() {
  std::string pattern = testing::TempDir() + "/crash.XXXXXX";
  return mkdtemp(pattern.data());
}

TEST(RocksdbKill, LosesNothingThatWasAcknowledged) {
  const std::string directory = NewDirectory();
  SeededRandom random(7);
  int64_t acknowledged = 0;
  for (int cycle = 0; cycle < kCycles; ++cycle) {
    SCOPED_TRACE(absl::StrCat("cycle ", cycle));
    acknowledged = KillAfter(StartWriter(kUntilKilled, directory), random.Below(60));
    const auto store = OpenRocksdbStore(At(directory));
    ASSERT_TRUE(store.ok()) << store.status();
    const int64_t last = LastNumber(**store);
    ASSERT_GE(last, acknowledged);
    ASSERT_LE(last, acknowledged + 1);  // at most the one whose acknowledgement was cut off
    ExpectPrefix(**store, last);
    if (HasFailure()) return;
  }
  EXPECT_GT(acknowledged, 10 * kCycles) << "too little traffic to prove anything";
  std::filesystem::remove_all(directory);
}

TEST(RocksdbFailedWrite, BreaksTheStoreUntilItIsOpenedAgain) {
  const std::string directory = NewDirectory();
  const Writer writer = StartWriter(kUntilFull, directory);
  int state = 0;
  ASSERT_EQ(waitpid(writer.pid, &state, 0), writer.pid);
  close(writer.acknowledgements);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << state;

  const auto store = OpenRocksdbStore(At(directory));
  ASSERT_TRUE(store.ok()) << store.status();
  EXPECT_EQ(*(*store)->Get("acknowledged"), "x");
  EXPECT_FALSE((*store)->Get("later").ok());
  Batch again;
  again.Put("again", "x");
  EXPECT_TRUE((*store)->Commit(again).ok());
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace muster

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], muster::kUntilKilled) == 0) {
    muster::WriteUntilKilled(argv[2]);
  }
  if (argc == 3 && std::strcmp(argv[1], muster::kUntilFull) == 0) muster::WriteUntilFull(argv[2]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
