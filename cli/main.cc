// The program `muster`: the real environment around RunMuster.
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/app.h"
#include "common/base/clock.h"
#include "common/net/tls.h"

extern char** environ;

namespace muster::cli {
namespace {

int TerminalWidth() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::map<std::string, std::string> Variables() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t sign = text.find('=');
    if (sign != std::string::npos) variables[text.substr(0, sign)] = text.substr(sign + 1);
  }
  return variables;
}

// The program beside this one, as in an installation or beside the build's; else by its name, to be
// looked for on PATH.
std::string Locate(const std::string& program) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    const auto folder = self.parent_path();
    for (const auto& place : {folder / program, folder.parent_path() / "hub" / program}) {
      if (access(place.c_str(), X_OK) == 0) return place.string();
    }
  }
  return program;
}

absl::StatusOr<int> RunProgram(const std::string& program,
                               const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const std::string path = Locate(program);
  const int error = posix_spawnp(&child, path.c_str(), nullptr, nullptr, argv.data(), environ);
  if (error != 0) {
    return absl::NotFoundError(absl::StrCat("start ", program, ": ", std::strerror(error),
                                            "; it must stand beside muster or on PATH"));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::InternalError(absl::StrCat("wait for ", program));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int Main(int argc, char** argv) {
  // A reader that went away ("| head") ends us quietly; Ctrl-C ends us at once, as exit code 130.
  signal(SIGPIPE, SIG_DFL);
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  PrepareGrpc();
  const RealClock clock;
  Environment env{.in = std::cin,
                  .out = std::cout,
                  .err = std::cerr,
                  .in_terminal = isatty(STDIN_FILENO) != 0,
                  .out_terminal = isatty(STDOUT_FILENO) != 0,
                  .err_terminal = isatty(STDERR_FILENO) != 0,
                  .width = TerminalWidth(),
                  .variables = Variables(),
                  .clock = clock,
                  .connect = ConnectHub,
                  .sleep = [](absl::Duration time) { absl::SleepFor(time); },
                  .run = RunProgram,
                  .capture = CaptureProgram};
  return RunMuster(env, std::vector<std::string>(argv + 1, argv + argc));
}

}  // namespace
}  // namespace muster::cli

int main(int argc, char** argv) { return muster::cli::Main(argc, argv); }
