// Sandbox: gives up, for the rest of this process's life, what a child does not need. What comes
// from outside may take the child over; then this is all that it can do. It holds for programs that
// the child becomes or starts, too.
//
// Call it first thing in a child, before threads. Enforced, in this order:
//   rlimits     memory (data segments and private writable mappings), files, file size, no core
//   identity    no new privileges, every capability dropped (all but binding low ports for a
//               listener), not traceable
//   Landlock    files: only the given directories; from Linux 6.7 no TCP listening, from 6.12 no
//               abstract sockets or signals to others. Skipped by kernels without it
//   seccomp     no programs and no new processes unless asked for, no ptrace, mounts, namespaces,
//   modules, bpf,
//               io_uring, keys, clocks; sockets only of the kinds below
//
// Not enforced: which hosts the fetch child connects to, how much disk it fills below a file's
// limit, and CPU time between requests; the parent's deadline bounds the time of a request.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace muster {

enum class Network {
  kNone,     // no socket at all but the channel
  kConnect,  // outgoing connections over IP
  kListen,   // incoming ones too
};

enum class Programs {
  kNone,
  kBecome,  // this process may become `executables` by an open file (execveat), and start threads
  kStart,   // it may start processes, end them, and run `executables` in them
};

struct SandboxOptions {
  size_t memory_bytes_max = 0;
  Network network = Network::kNone;
  std::vector<std::string>
      readable;  // files and directories with all below; absent ones are skipped
  std::vector<std::string> writable;  // directories with all below; must exist
  Programs programs = Programs::kNone;
  std::vector<std::string> executables;  // files; must exist
  int open_files_max = 1'024;
  size_t file_bytes_max = 0;  // of one file that it writes; zero for none at all
};

// What a program needs for names, addresses and authorities when it connects out.
std::vector<std::string> FilesForConnecting();

// Returns what the kernel did not let us enforce, for the log; empty is best. Any error means that
// the child must not go on.
absl::StatusOr<std::vector<std::string>> EnterSandbox(const SandboxOptions& options);

// From now on this process may use `duration` of CPU time, and is killed after.
void LimitCpuTime(absl::Duration duration);

}  // namespace muster
