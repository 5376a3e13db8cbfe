// Children that behave and children that do not. The test's own binary is the child: see main
// below.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "common/sandbox/sandbox.h"
#include "hub/child/child_process.h"
#include "hub/child/supervised_child.h"

namespace muster::hub {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);  // a failure, never a measure

// Answers "pid <n>" to "who", does what it is told to other words, and echoes the rest.
int Obedient(const std::vector<std::string>&) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  while (true) {
    const auto request = channel.Receive(kNoDeadline);
    if (!request.ok()) return 0;
    if (*request == "crash") abort();
    if (*request == "exit") return 7;
    if (*request == "hang") pause();
    std::string answer = *request;
    if (*request == "who") answer = absl::StrCat("pid ", getpid());
    if (*request == "parent") answer = absl::StrCat(getppid());
    if (*request == "environment") {
      answer.clear();
      for (char** each = environ; *each != nullptr; ++each) absl::StrAppend(&answer, *each, ";");
    }
    if (*request == "files") {
      answer.clear();
      for (int fd = 0; fd < 1'000; ++fd) {
        if (fcntl(fd, F_GETFD) >= 0) absl::StrAppend(&answer, fd, " ");
      }
    }
    if (!channel.Send(answer, kNoDeadline).ok()) return 0;
  }
}

// Takes 16 MiB at a time and touches it, until it has 1 GiB or is refused.
int Glutton(const std::vector<std::string>&) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  SandboxOptions options;
  options.memory_bytes_max = 128u << 20;
  if (!EnterSandbox(options).ok() || !channel.Receive(kNoDeadline).ok()) return 1;
  size_t taken = 0;
  for (; taken < 1024; taken += 16) {
    char* memory = static_cast<char*>(malloc(16u << 20));
    if (memory == nullptr) break;
    memset(memory, 1, 16u << 20);
  }
  return channel.Send(absl::StrCat(taken), kNoDeadline).ok() ? 0 : 1;
}

// One attempt of each kind; arguments: a writable, a readable and a foreign directory. The answer
// is a list of "name=0" (it worked) or "name=<errno>".
int Prober(const std::vector<std::string>& arguments) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  SandboxOptions options;
  options.network = arguments[0] == "connect" ? Network::kConnect : Network::kNone;
  options.writable = {arguments[1]};
  options.readable = {arguments[2]};
  options.file_bytes_max = 1u << 20;
  const auto missing = EnterSandbox(options);
  if (!missing.ok() || !channel.Receive(kNoDeadline).ok()) return 1;
  std::vector<std::string> results = {absl::StrCat("missing=", missing->size())};
  const auto record = [&](const char* name, long code) {
    results.push_back(absl::StrCat(name, "=", code < 0 ? errno : 0));
  };
  const auto try_open = [&](const std::string& path, int flags) {
    return open(path.c_str(), flags | O_CLOEXEC, 0600);
  };
  record("read_readable", try_open(arguments[2] + "/file", O_RDONLY));
  record("write_readable", try_open(arguments[2] + "/new", O_WRONLY | O_CREAT));
  record("read_foreign", try_open(arguments[3] + "/file", O_RDONLY));
  record("list_foreign", try_open(arguments[3], O_RDONLY | O_DIRECTORY));
  record("read_etc", try_open("/etc/passwd", O_RDONLY));
  const int own = try_open(arguments[1] + "/new", O_RDWR | O_CREAT);
  record("write_writable", own);
  record("grow_past_limit", pwrite(own, "x", 1, 1u << 20));
  char* no_arguments[] = {nullptr};
  record("execve", execve("/proc/self/exe", no_arguments, no_arguments));
  record("fork", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  record("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
  record("mount", mount("none", "/tmp", "tmpfs", 0, ""));
  record("unshare", unshare(CLONE_NEWUSER));
  record("signal_parent", kill(getppid(), 0));
  record("signal_self", kill(getpid(), 0));
  record("io_uring", syscall(SYS_io_uring_setup, 1, nullptr));
  record("bpf", syscall(SYS_bpf, 0, nullptr, 0));
  record("socket_inet", socket(AF_INET, SOCK_STREAM, 0));
  record("socket_unix", socket(AF_UNIX, SOCK_STREAM, 0));
  record("socket_packet", socket(AF_PACKET, SOCK_RAW, 0));
  record("listen", listen(kChildChannel, 1));
  std::thread([&] { results.push_back("thread=0"); }).join();
  return channel.Send(absl::StrJoin(results, " "), kNoDeadline).ok() ? 0 : 1;
}

// Starts a child of its own, tells its pid, and waits to be killed.
int Parent(const std::vector<std::string>&) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  auto child = ChildProcess::Start({"obedient", {}});
  if (!child.ok() || !channel.Send(absl::StrCat((*child)->pid()), kNoDeadline).ok()) return 1;
  pause();
  return 0;
}

class ChildTest : public testing::Test {
 protected:
  SeededRandom random_{1};
};

TEST_F(ChildTest, AnswersOneRequestAfterAnother) {
  SupervisedChild child({"obedient", {}}, &random_);
  const auto first = child.Call("who", kLong);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(*child.Call("hello", kLong), "hello");
  EXPECT_EQ(*child.Call("who", kLong), *first);
  EXPECT_EQ(*child.Call("parent", kLong), absl::StrCat(getpid()));
}

TEST_F(ChildTest, InheritsNothing) {
  setenv("MUSTER_SECRET", "x", 1);
  const int leaked = open("/dev/null", O_RDONLY);  // not close-on-exec
  SupervisedChild child({"obedient", {}}, &random_);
  EXPECT_EQ(*child.Call("environment", kLong), "LC_ALL=C.UTF-8;");
  EXPECT_EQ(*child.Call("files", kLong), "0 1 2 3 ");
  close(leaked);
}

TEST_F(ChildTest, ACrashCostsOneRequest) {
  SupervisedChild child({"obedient", {}}, &random_);
  const std::string first = *child.Call("who", kLong);

  const auto crashed = child.Call("crash", kLong);

  EXPECT_EQ(crashed.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(crashed.status().message(), "signal 6")) << crashed.status();
  const auto next = child.Call("who", kLong);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_NE(*next, first);
}

TEST_F(ChildTest, AnExitCostsOneRequest) {
  SupervisedChild child({"obedient", {}}, &random_);
  const auto exited = child.Call("exit", kLong);
  EXPECT_EQ(exited.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(exited.status().message(), "status 7")) << exited.status();
  EXPECT_TRUE(child.Call("hello", kLong).ok());
}

// Killed from outside while nobody asked it anything: the next request is none the worse.
TEST_F(ChildTest, ADeathBetweenTwoRequestsCostsNone) {
  SupervisedChild child({"obedient", {}}, &random_);
  const std::string first = *child.Call("who", kLong);
  const pid_t pid = std::stoi(first.substr(first.find(' ')));
  kill(pid, SIGKILL);
  siginfo_t ended;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT), 0);

  const auto next = child.Call("who", kLong);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_NE(*next, first);
}

TEST_F(ChildTest, AHangEndsAtTheDeadline) {
  SupervisedChild child({"obedient", {}}, &random_);
  ASSERT_TRUE(child.Call("hello", kLong).ok());
  EXPECT_EQ(child.Call("hang", absl::Milliseconds(50)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(*child.Call("hello", kLong), "hello");
}

TEST_F(ChildTest, StopEndsACallAndRefusesMore) {
  SupervisedChild child({"obedient", {}}, &random_);
  ASSERT_TRUE(child.Call("hello", kLong).ok());
  std::thread stopper([&] { child.Stop(); });
  EXPECT_EQ(child.Call("hang", kLong).status().code(), absl::StatusCode::kCancelled);
  stopper.join();
  EXPECT_EQ(child.Call("hello", kLong).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ChildTest, RenewGivesANewChild) {
  SupervisedChild child({"obedient", {}}, &random_);
  const std::string first = *child.Call("who", kLong);
  child.Renew();
  EXPECT_NE(*child.Call("who", kLong), first);
}

TEST_F(ChildTest, AnUnknownProgramIsAnErrorAndNoHang) {
  SupervisedChild child({"nobody", {}}, &random_);
  EXPECT_EQ(child.Call("hello", kLong).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ChildTest, DiesWithItsParent) {
  auto parent = ChildProcess::Start({"parent", {}});
  ASSERT_TRUE(parent.ok()) << parent.status();
  const auto grandchild = (*parent)->channel().Receive(DeadlineIn(kLong));
  ASSERT_TRUE(grandchild.ok()) << grandchild.status();
  const int watch = static_cast<int>(syscall(SYS_pidfd_open, std::stoi(*grandchild), 0));
  ASSERT_GE(watch, 0);

  EXPECT_TRUE(absl::StrContains((*parent)->End(absl::ZeroDuration()), "signal 9"));

  pollfd ended = {watch, POLLIN, 0};  // readable once the process has ended
  EXPECT_EQ(poll(&ended, 1, 60'000), 1);
  close(watch);
}

TEST_F(ChildTest, MemoryIsLimited) {
  SupervisedChild child({"glutton", {}}, &random_);
  const auto taken = child.Call("eat", kLong);
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_LE(std::stoi(*taken), 128);
  EXPECT_GE(std::stoi(*taken), 64);
}

class SandboxTest : public ChildTest {
 protected:
  SandboxTest() {
    std::string name = absl::StrCat(testing::TempDir(), "/sandbox.XXXXXX");
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    for (const char* below : {"writable", "readable", "foreign"}) {
      std::filesystem::create_directory(absl::StrCat(directory_, "/", below));
      std::ofstream(absl::StrCat(directory_, "/", below, "/file")) << "x";
    }
  }
  ~SandboxTest() override { std::filesystem::remove_all(directory_); }

  std::string Probe(const std::string& network) {
    SupervisedChild child(
        {"prober",
         {network, directory_ + "/writable", directory_ + "/readable", directory_ + "/foreign"}},
        &random_);
    const auto results = child.Call("go", kLong);
    EXPECT_TRUE(results.ok()) << results.status();
    return absl::StrCat(" ", results.value_or(""), " ");
  }

  std::string directory_;
};

TEST_F(SandboxTest, TakesAwayWhatAChildDoesNotNeed) {
  const std::string results = Probe("none");
  for (const char* name :
       {"execve", "fork", "ptrace", "mount", "unshare", "signal_parent", "io_uring", "bpf",
        "socket_inet", "socket_unix", "socket_packet", "listen"}) {
    EXPECT_TRUE(absl::StrContains(results, absl::StrCat(" ", name, "=", EPERM, " ")))
        << name << " in" << results;
  }
  EXPECT_TRUE(absl::StrContains(results, absl::StrCat(" grow_past_limit=", EFBIG, " "))) << results;
  for (const char* name : {"write_writable", "read_readable", "signal_self", "thread"}) {
    EXPECT_TRUE(absl::StrContains(results, absl::StrCat(" ", name, "=0 ")))
        << name << " in" << results;
  }
}

TEST_F(SandboxTest, FilesAreThoseItWasGiven) {
  const std::string results = Probe("none");
  if (!absl::StrContains(results, " missing=0 ")) {
    GTEST_SKIP() << "this kernel has no Landlock, so files are not restricted";
  }
  for (const char* name : {"write_readable", "read_foreign", "list_foreign", "read_etc"}) {
    EXPECT_TRUE(absl::StrContains(results, absl::StrCat(" ", name, "=", EACCES, " ")))
        << name << " in" << results;
  }
}

TEST_F(SandboxTest, AFetcherMayConnectAndNoMore) {
  const std::string results = Probe("connect");
  EXPECT_TRUE(absl::StrContains(results, " socket_inet=0 ")) << results;
  for (const char* name : {"socket_unix", "socket_packet", "listen", "execve"}) {
    EXPECT_TRUE(absl::StrContains(results, absl::StrCat(" ", name, "=", EPERM, " ")))
        << name << " in" << results;
  }
}

}  // namespace
}  // namespace muster::hub

int main(int argc, char** argv) {
  using namespace muster::hub;  // the programs above
  if (auto code = RunAsChild(argc, argv,
                             {{"obedient", &Obedient},
                              {"glutton", &Glutton},
                              {"prober", &Prober},
                              {"parent", &Parent}})) {
    return *code;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
