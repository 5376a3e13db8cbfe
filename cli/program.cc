#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/status_macros.h"

extern char** environ;

namespace muster::cli {
namespace {

constexpr size_t kOutputBytesMax = 64u << 20;

// One end of a pipe.
class End {
 public:
  End() = default;
  explicit End(int descriptor) : descriptor_(descriptor) {}
  End(End&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  End& operator=(End&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~End() { Close(); }

  int get() const { return descriptor_; }
  void Close() {
    if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
  }

 private:
  int descriptor_ = -1;
};

struct Pipe {
  End read;
  End write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(absl::StrCat("make a pipe: ", std::strerror(errno)));
  }
  return Pipe{End(ends[0]), End(ends[1])};
}

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& words, int in, int out, int err) {
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t child = 0;
  const int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat("start ", words[0], ": ", std::strerror(error)));
  }
  return child;
}

// Reads what there is; false at the end.
bool ReadSome(int descriptor, std::string& text) {
  std::array<char, 16384> buffer;
  const ssize_t count = read(descriptor, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

// Writes some of `rest`; false when all is written or nobody reads.
bool WriteSome(int descriptor, absl::string_view& rest) {
  const ssize_t count = write(descriptor, rest.data(), rest.size());
  if (count > 0) rest.remove_prefix(static_cast<size_t>(count));
  return count < 0 ? errno == EINTR || errno == EAGAIN : !rest.empty();
}

// Carries bytes both ways until the program has closed its ends.
absl::Status Converse(absl::string_view input, End in, End out, End err, ProgramResult& result) {
  fcntl(in.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) in.Close();
  while (out.get() >= 0 || err.get() >= 0) {
    std::array<pollfd, 3> waiting = {pollfd{in.get(), POLLOUT, 0}, pollfd{out.get(), POLLIN, 0},
                                     pollfd{err.get(), POLLIN, 0}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return absl::InternalError(absl::StrCat("wait for output: ", std::strerror(errno)));
    }
    if (waiting[0].revents != 0 && !WriteSome(in.get(), input)) in.Close();
    if (waiting[1].revents != 0 && !ReadSome(out.get(), result.out)) out.Close();
    if (waiting[2].revents != 0 && !ReadSome(err.get(), result.err)) err.Close();
    if (result.out.size() + result.err.size() > kOutputBytesMax) {
      return absl::ResourceExhaustedError("it prints without end");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ProgramResult> CaptureProgram(const std::vector<std::string>& words,
                                             const std::string& input) {
  ASSIGN_OR_RETURN(Pipe in, MakePipe());
  ASSIGN_OR_RETURN(Pipe out, MakePipe());
  ASSIGN_OR_RETURN(Pipe err, MakePipe());
  ASSIGN_OR_RETURN(const pid_t child,
                   Spawn(words, in.read.get(), out.write.get(), err.write.get()));
  in.read.Close();
  out.write.Close();
  err.write.Close();
  // A program that ends before it has read everything must not end us.
  void (*const before)(int) = signal(SIGPIPE, SIG_IGN);
  ProgramResult result;
  const absl::Status talked =
      Converse(input, std::move(in.write), std::move(out.read), std::move(err.read), result);
  signal(SIGPIPE, before);
  if (!talked.ok()) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  RETURN_IF_ERROR(Annotate(talked, absl::StrCat("run ", words[0])));
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace muster::cli
