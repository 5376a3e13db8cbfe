#include "common/sandbox/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLowestOwnDescriptor = 10;  // above all that the program gets
constexpr int kProgramDescriptor = 3;     // closes itself when the program starts
constexpr int kStartFailed = 126;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // The same file under a number that is out of the program's way.
  static Descriptor Raised(int fd) {
    const Descriptor original(fd);
    return Descriptor(fcntl(fd, F_DUPFD_CLOEXEC, kLowestOwnDescriptor));
  }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read, write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::UnavailableError("make a pipe to a program");
  return Pipe{Descriptor::Raised(ends[0]), Descriptor::Raised(ends[1])};
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void GiveUp(absl::string_view why) {
  const std::string text = absl::StrCat("start: ", why, "\n");
  [[maybe_unused]] const ssize_t written = write(2, text.data(), text.size());
  _exit(kStartFailed);
}

// What the new process needs, made before there is one.
struct Start {
  const ProgramCall& call;
  SandboxOptions sandbox;
  char** arguments;
  char** environment;
  int null, output, errors;
  pid_t parent;
};

[[noreturn]] void BecomeProgram(const Start& start) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.parent) _exit(kStartFailed);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int program = fcntl(start.call.program, F_DUPFD_CLOEXEC, kLowestOwnDescriptor);
  if (dup2(start.null, 0) < 0 || dup2(start.output, 1) < 0 || dup2(start.errors, 2) < 0 ||
      dup3(program, kProgramDescriptor, O_CLOEXEC) < 0) {
    _exit(kStartFailed);
  }
  if (syscall(SYS_close_range, kProgramDescriptor + 1, ~0u, 0) != 0) {
    for (int fd = kProgramDescriptor + 1; fd < 65'536; ++fd) close(fd);
  }
  if (chdir(start.call.directory.c_str()) != 0) GiveUp("enter its directory");
  const auto seconds =
      static_cast<rlim_t>(std::max<int64_t>(absl::ToInt64Seconds(start.call.cpu_max), 1));
  const rlimit cpu = {seconds, seconds};
  setrlimit(RLIMIT_CPU, &cpu);
  if (const auto missing = EnterSandbox(start.sandbox); !missing.ok()) {
    GiveUp(missing.status().message());
  }
  syscall(SYS_execveat, kProgramDescriptor, "", start.arguments, start.environment, AT_EMPTY_PATH);
  GiveUp(absl::StrCat("run it: errno ", errno));
}

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left + 1, 0, 60'000));
}

// Takes what has come; false at the end of the pipe.
bool Take(int fd, std::string& text, size_t bytes_max) {
  char buffer[64 << 10];
  const ssize_t count = read(fd, buffer, sizeof(buffer));
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  const size_t room = text.size() > bytes_max ? 0 : bytes_max + 1 - text.size();
  text.append(buffer, std::min<size_t>(count, room));
  return count > 0;
}

// Reads both pipes to their ends, then waits for the process; false when we have to end it.
bool Attend(const ProgramCall& call, Pipe& output, Pipe& errors, int process, ProgramEnd& end) {
  const Clock::time_point deadline = Clock::now() + absl::ToChronoNanoseconds(call.time_max);
  pollfd watched[] = {{output.read.get(), POLLIN, 0}, {errors.read.get(), POLLIN, 0}};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    const int wait = MillisecondsUntil(deadline);
    if (wait == 0) {
      end.cause = ProgramEnd::Cause::kTime;
      return false;
    }
    if (poll(watched, 2, wait) <= 0) continue;
    if (watched[0].revents != 0 && !Take(watched[0].fd, end.output, call.output_bytes_max)) {
      watched[0].fd = -1;
    }
    if (watched[1].revents != 0 && !Take(watched[1].fd, end.errors, call.errors_bytes_max)) {
      watched[1].fd = -1;
    }
    if (end.output.size() > call.output_bytes_max) {
      end.cause = ProgramEnd::Cause::kOutput;
      return false;
    }
  }
  pollfd ended = {process, POLLIN, 0};
  while (process >= 0) {
    const int wait = MillisecondsUntil(deadline);
    if (poll(&ended, 1, wait) > 0) return true;
    if (wait > 0) continue;
    end.cause = ProgramEnd::Cause::kTime;
    return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<ProgramEnd> RunProgram(const ProgramCall& call) {
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(Pipe errors, MakePipe());
  const Descriptor null = Descriptor::Raised(open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<std::string> arguments = call.arguments;
  std::vector<std::string> environment = call.environment;
  std::vector<char*> argument_pointers = Pointers(arguments);
  std::vector<char*> environment_pointers = Pointers(environment);
  Start start = {
      call,       call.sandbox,       argument_pointers.data(), environment_pointers.data(),
      null.get(), output.write.get(), errors.write.get(),       getpid()};
  start.sandbox.programs = Programs::kBecome;
  start.sandbox.network = Network::kNone;
  const pid_t pid = fork();
  if (pid < 0) return absl::UnavailableError("start a program: no process is to be had");
  if (pid == 0) BecomeProgram(start);
  output.write.Close();
  errors.write.Close();
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ProgramEnd end;
  const bool ended = Attend(call, output, errors, process.get(), end);
  if (!ended) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  end.errors.resize(std::min(end.errors.size(), call.errors_bytes_max));
  if (!ended) return end;
  if (WIFSIGNALED(status)) {
    end.cause = ProgramEnd::Cause::kSignal;
    end.code = WTERMSIG(status);
    return end;
  }
  end.code = WEXITSTATUS(status);
  if (end.code == kStartFailed) return absl::UnavailableError(end.errors);
  return end;
}

}  // namespace muster
