// Process: a program that a bench starts, watches from outside and kills.
//
// One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::bench {

class Process {
 public:
  // Starts `command`; its stderr goes to `log` (appended). With `talk`, its stdin and stdout are
  // pipes for Say and Hear.
  static absl::StatusOr<Process> Start(const std::vector<std::string>& command,
                                       const std::string& log, bool talk);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // kills

  pid_t pid() const { return pid_; }
  void Kill();       // -9, and waits
  void Terminate();  // asks, and waits

  void Say(const std::string& line);
  // The next line; kUnavailable when the process has ended.
  absl::StatusOr<std::string> Hear();

 private:
  Process() = default;

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string heard_;
};

// Runs `command` to its end; kInternal with the end of its output when it fails.
absl::Status RunCommand(const std::vector<std::string>& command);

// Of `pid` and its children, as the kernel counts.
double CpuSeconds(pid_t pid);
int64_t RssBytes(pid_t pid);

// Bytes received and sent on this process's own TCP sockets, TLS included.
int64_t OwnTcpBytes();

}  // namespace muster::bench
