#include "test/bench/peer.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "common/base/check.h"

extern char** environ;

namespace muster::bench {

absl::StatusOr<Taken> TimeCommand(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const absl::Time start = absl::Now();
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return absl::InternalError(absl::StrCat("start ", command[0]));
  int status = 0;
  rusage used = {};
  CHECK(wait4(child, &status, 0, &used) == child);
  const Taken taken{absl::Now() - start, absl::DurationFromTimeval(used.ru_utime) +
                                             absl::DurationFromTimeval(used.ru_stime)};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::InternalError(absl::StrCat(command[0], " failed"));
  }
  return taken;
}

absl::StatusOr<std::string> FirstLineOf(const std::string& command) {
  FILE* pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  CHECK(pipe != nullptr);
  std::string out;
  char block[4096];
  while (const size_t size = fread(block, 1, sizeof(block), pipe)) out.append(block, size);
  const bool good = pclose(pipe) == 0;
  const std::vector<std::string> lines = absl::StrSplit(out, '\n', absl::SkipEmpty());
  if (!good || lines.empty()) {
    return absl::UnavailableError(lines.empty() ? command : lines.back());
  }
  return lines.front();
}

FolderOnDisk::FolderOnDisk(const FileTree& files) {
  std::string name =
      (std::filesystem::temp_directory_path() / "muster-render-bench.XXXXXX").string();
  CHECK(mkdtemp(name.data()) != nullptr);
  root_ = name;
  // The root of a working tree, so that nobody looks further up.
  std::filesystem::create_directory(root_ + "/.git");
  for (const auto& [path, bytes] : files) {
    const std::filesystem::path file = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
  }
}

FolderOnDisk::~FolderOnDisk() {
  std::error_code error;
  std::filesystem::remove_all(root_, error);
}

}  // namespace muster::bench
