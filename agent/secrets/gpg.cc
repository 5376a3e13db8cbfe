#include "agent/secrets/gpg.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace muster::agent {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr size_t kAnswerBytesMax = 4'096;

struct Pipe {
  int read = -1;
  int write = -1;
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
  void CloseRead() {
    if (read >= 0) close(read);
    read = -1;
  }
  void CloseWrite() {
    if (write >= 0) close(write);
    write = -1;
  }
};

absl::Status Failed(absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("run gpg: ", why));
}

absl::StatusOr<pid_t> Spawn(const std::string& home, const Pipe& in, const Pipe& out) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  const auto cleanup = absl::MakeCleanup([&] { posix_spawn_file_actions_destroy(&files); });
  posix_spawn_file_actions_adddup2(&files, in.read, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.write, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words = {"gpg", "--batch",         "--no-tty", "--quiet",  "--homedir",
                                    home,  "--pinentry-mode", "error",    "--decrypt"};
  std::vector<std::string> settings = {absl::StrCat("HOME=", home), "LC_ALL=C",
                                       "PATH=/usr/local/bin:/usr/bin:/bin"};
  std::vector<char*> args, environment;
  for (std::string& word : words) args.push_back(word.data());
  for (std::string& setting : settings) environment.push_back(setting.data());
  args.push_back(nullptr);
  environment.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gpg", &files, nullptr, args.data(), environment.data());
  if (error != 0) return Failed(absl::StrCat(std::strerror(error), "; install gnupg"));
  return child;
}

// Reads until the end; false when it does not come in time or is too much.
bool ReadAll(int file, std::string& text) {
  const absl::Time deadline = absl::Now() + kPatience;
  char buffer[1'024];
  while (text.size() <= kAnswerBytesMax) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    pollfd waits{.fd = file, .events = POLLIN, .revents = 0};
    if (left <= 0 || (poll(&waits, 1, static_cast<int>(left)) < 0 && errno != EINTR)) return false;
    if (waits.revents == 0) continue;
    const ssize_t got = read(file, buffer, sizeof buffer);
    if (got == 0) return true;
    if (got > 0) text.append(buffer, got);
    if (got < 0 && errno != EINTR) return false;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::string> GpgDecrypt(const std::string& home, absl::string_view message) {
  Pipe in, out;
  if (!in.Open() || !out.Open()) return Failed(std::strerror(errno));
  absl::StatusOr<pid_t> child = Spawn(home, in, out);
  if (!child.ok()) return child.status();
  in.CloseRead();
  out.CloseWrite();
  // The message fits into a pipe (64 KiB), so this never waits; a child that has gone is seen
  // below.
  fcntl(in.write, F_SETFL, O_NONBLOCK);
  sigset_t broken_pipe, before;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t written = write(in.write, message.data(), message.size());
  const timespec none{};
  if (written < 0) sigtimedwait(&broken_pipe, nullptr, &none);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  in.CloseWrite();
  std::string plain;
  const bool answered = ReadAll(out.read, plain);
  if (!answered) kill(*child, SIGKILL);
  int ended = 0;
  while (waitpid(*child, &ended, 0) < 0 && errno == EINTR) {
  }
  if (!answered) return Failed("it does not answer");
  if (WIFEXITED(ended) && WEXITSTATUS(ended) == 127) return Failed("it is not there");
  if (WIFEXITED(ended) && WEXITSTATUS(ended) == 0) return plain;
  return absl::NotFoundError("gpg has no key that opens it");
}

}  // namespace muster::agent
