#include "hub/child/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/base/log.h"

namespace muster::hub {
namespace {

constexpr char kFlag[] = "--child=";
constexpr int kLowestOwnDescriptor = 10;  // above all that the child gets
constexpr size_t kLogLineBytesMax = 2'000;

// Descriptors that close themselves; moved out of the way of 0 to 3.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  static Descriptor Raised(int fd) {
    const Descriptor original(fd);
    return Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, kLowestOwnDescriptor));
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Between fork and exec only calls that are safe in a copy of a process with threads.
[[noreturn]] void BecomeChild(pid_t parent, int null, int errors, int channel, char** arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(errors, 2) < 0 ||
      dup2(channel, kChildChannel) < 0) {
    _exit(127);
  }
  if (syscall(SYS_close_range, kChildChannel + 1, ~0u, 0) != 0) {
    for (int fd = kChildChannel + 1; fd < 65'536; ++fd) close(fd);
  }
  char locale[] = "LC_ALL=C.UTF-8";
  char* environment[] = {locale, nullptr};
  // The binary that runs, even if another one has taken its place on disk by now.
  execve("/proc/self/exe", arguments, environment);
  _exit(127);
}

// Copies what the child writes on stderr into the log, line by line, until it has ended.
void LogErrors(const std::string& name, pid_t pid, int pipe) {
  const Descriptor owned(pipe);
  std::string pending;
  const auto flush = [&] {
    if (!pending.empty()) {
      log::Warning("child says", {{"child", name}, {"pid", absl::StrCat(pid)}, {"line", pending}});
    }
    pending.clear();
  };
  char buffer[4096];
  while (true) {
    const ssize_t count = read(pipe, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    for (const char c : absl::string_view(buffer, static_cast<size_t>(count))) {
      if (c != '\n') pending.push_back(c);
      if (c == '\n' || pending.size() >= kLogLineBytesMax) flush();
    }
  }
  flush();
}

std::string DescribeEnd(int status) {
  if (WIFEXITED(status)) return absl::StrCat("exited with status ", WEXITSTATUS(status));
  return absl::StrCat("killed by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)),
                      ")");
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Options& options) {
  int sockets[2], pipes[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return absl::ErrnoToStatus(errno, "make a channel to a child");
  }
  Descriptor ours = Descriptor::Raised(sockets[0]);
  const Descriptor theirs = Descriptor::Raised(sockets[1]);
  if (pipe2(pipes, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "make a pipe to a child");
  Descriptor errors = Descriptor::Raised(pipes[0]);
  const Descriptor errors_end = Descriptor::Raised(pipes[1]);
  const Descriptor null = Descriptor::Raised(open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int fd : {ours.get(), theirs.get(), errors.get(), errors_end.get(), null.get()}) {
    if (fd < 0) return absl::ResourceExhaustedError("too many open files to start a child");
  }

  std::vector<std::string> arguments = {absl::StrCat("muster-", options.name),
                                        absl::StrCat(kFlag, options.name)};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "start a child");
  if (pid == 0) {
    BecomeChild(parent, null.get(), errors_end.get(), theirs.get(), pointers.data());
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(options.name, pid, ours.release(), errors.release()));
}

ChildProcess::ChildProcess(std::string name, pid_t pid, int channel, int errors)
    : name_(std::move(name)),
      pid_(pid),
      channel_(channel, limits::kChildMessageBytesMax),
      error_reader_([name = name_, pid, errors] { LogErrors(name, pid, errors); }) {}

ChildProcess::~ChildProcess() {
  End(absl::ZeroDuration());
  error_reader_.join();
}

std::string ChildProcess::End(absl::Duration grace) {
  if (end_.has_value()) return *end_;
  if (grace > absl::ZeroDuration()) {
    const Descriptor watch(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    pollfd ended = {watch.get(), POLLIN, 0};  // readable once it has ended
    if (watch.get() >= 0) poll(&ended, 1, static_cast<int>(absl::ToInt64Milliseconds(grace)));
  }
  kill(pid_, SIGKILL);  // does nothing to one that has ended: it keeps its own reason
  int status = 0;
  pid_t reaped;
  do {
    reaped = waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  end_ = reaped == pid_ ? DescribeEnd(status) : "ended";
  return *end_;
}

std::optional<int> RunAsChild(int argc, char** argv,
                              const std::map<std::string, ChildMain>& programs) {
  if (argc < 2 || !absl::StartsWith(argv[1], kFlag)) return std::nullopt;
  // By hand there is no channel, and nothing useful to do.
  if (fcntl(kChildChannel, F_GETFD) < 0) return 2;
  const auto program = programs.find(std::string(absl::StripPrefix(argv[1], kFlag)));
  if (program == programs.end()) return 2;
  return program->second(std::vector<std::string>(argv + 2, argv + argc));
}

}  // namespace muster::hub
