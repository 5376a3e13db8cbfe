// ChildProcess: another life of this very binary, which talks to us over a socket and dies with us.
//
// The hub keeps what touches outside bytes in children: a crash or a hang there costs one request.
// A child has no open files but the channel, no environment, and writes its stderr into our log.
// What it may do is its own first act: see common/sandbox/sandbox.h.
//
//   int main(int argc, char** argv) {
//     if (auto code = RunAsChild(argc, argv, {{"fetch", &FetchChildMain}})) return *code;
//
// One thread, which must live as long as the child: the kernel kills the child when the thread
// that started it ends.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hub/child/frame.h"

namespace muster::hub {

class ChildProcess {
 public:
  struct Options {
    std::string name;                    // which of RunAsChild's programs
    std::vector<std::string> arguments;  // no secrets: anybody can read them
  };

  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Options& options);

  // Kills it, if it still lives.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  FrameChannel& channel() { return channel_; }
  pid_t pid() const { return pid_; }

  // Makes sure that it has ended, and says how: "exited with status 1", "killed by signal 9". Gives
  // it `grace` to end by itself; one that closed its channel is about to.
  std::string End(absl::Duration grace);

 private:
  ChildProcess(std::string name, pid_t pid, int channel, int errors);

  const std::string name_;
  const pid_t pid_;
  FrameChannel channel_;
  std::optional<std::string> end_;
  std::thread error_reader_;
};

// The channel's descriptor in the child, and the name of the argument that makes one.
inline constexpr int kChildChannel = 3;

// A child's program: its exit status.
using ChildMain = int (*)(const std::vector<std::string>& arguments);

// When this process was started as a child, runs its program and returns its exit status; nullopt
// otherwise. The first thing in main: no thread, no file, no flag before it.
std::optional<int> RunAsChild(int argc, char** argv,
                              const std::map<std::string, ChildMain>& programs);

}  // namespace muster::hub
