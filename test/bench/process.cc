#include "test/bench/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"

namespace muster::bench {
namespace {

std::vector<char*> Arguments(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<pid_t> Family(pid_t pid) {
  std::vector<pid_t> family = {pid};
  for (size_t i = 0; i < family.size(); ++i) {
    const std::string children =
        ReadFile(absl::StrCat("/proc/", family[i], "/task/", family[i], "/children"));
    for (absl::string_view word : absl::StrSplit(children, ' ', absl::SkipWhitespace())) {
      int child = 0;
      if (absl::SimpleAtoi(word, &child)) family.push_back(child);
    }
  }
  return family;
}

}  // namespace

absl::StatusOr<Process> Process::Start(const std::vector<std::string>& command,
                                       const std::string& log, bool talk) {
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  if (talk) CHECK(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
  Process process;
  process.pid_ = fork();
  CHECK(process.pid_ >= 0);
  if (process.pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (talk) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
    }
    const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(file, STDERR_FILENO);
    if (!talk) dup2(file, STDOUT_FILENO);
    execv(command[0].c_str(), Arguments(command).data());
    _exit(127);
  }
  if (talk) {
    close(in[0]);
    close(out[1]);
    process.to_ = in[1];
    process.from_ = out[0];
  }
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(to_, other.to_);
  std::swap(from_, other.from_);
  std::swap(heard_, other.heard_);
  return *this;
}

Process::~Process() {
  Kill();
  if (to_ >= 0) close(to_);
  if (from_ >= 0) close(from_);
}

void Process::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Process::Terminate() {
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Process::Say(const std::string& line) {
  const std::string text = line + "\n";
  CHECK(write(to_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

absl::StatusOr<std::string> Process::Hear() {
  for (;;) {
    if (const size_t end = heard_.find('\n'); end != heard_.npos) {
      std::string line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    char buffer[4096];
    const ssize_t got = read(from_, buffer, sizeof(buffer));
    if (got <= 0) return absl::UnavailableError("the process has ended; see its log");
    heard_.append(buffer, got);
  }
}

absl::Status RunCommand(const std::vector<std::string>& command) {
  int out[2];
  CHECK(pipe2(out, O_CLOEXEC) == 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    dup2(out[1], STDOUT_FILENO);
    dup2(out[1], STDERR_FILENO);
    execvp(command[0].c_str(), Arguments(command).data());
    _exit(127);
  }
  close(out[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(out[0], buffer, sizeof(buffer))) > 0;) text.append(buffer, got);
  close(out[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status == 0) return absl::OkStatus();
  if (text.size() > 2'000) text.erase(0, text.size() - 2'000);
  return absl::InternalError(absl::StrCat(absl::StrJoin(command, " "), ": ", text));
}

double CpuSeconds(pid_t pid) {
  int64_t ticks = 0;
  for (const pid_t member : Family(pid)) {
    const std::string stat = ReadFile(absl::StrCat("/proc/", member, "/stat"));
    const size_t name_end = stat.rfind(')');
    if (name_end == stat.npos) continue;
    const std::vector<std::string> fields = absl::StrSplit(stat.substr(name_end + 2), ' ');
    int64_t user = 0, system = 0;
    if (fields.size() > 12 && absl::SimpleAtoi(fields[11], &user) &&
        absl::SimpleAtoi(fields[12], &system)) {
      ticks += user + system;
    }
  }
  return static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int64_t RssBytes(pid_t pid) {
  int64_t bytes = 0;
  for (const pid_t member : Family(pid)) {
    const std::vector<std::string> fields =
        absl::StrSplit(ReadFile(absl::StrCat("/proc/", member, "/statm")), ' ');
    int64_t pages = 0;
    if (fields.size() > 1 && absl::SimpleAtoi(fields[1], &pages)) {
      bytes += pages * sysconf(_SC_PAGESIZE);
    }
  }
  return bytes;
}

int64_t OwnTcpBytes() {
  int64_t bytes = 0;
  DIR* folder = opendir("/proc/self/fd");
  CHECK(folder != nullptr);
  while (const dirent* entry = readdir(folder)) {
    int fd = 0;
    if (!absl::SimpleAtoi(entry->d_name, &fd)) continue;
    tcp_info info = {};
    socklen_t size = sizeof(info);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
      bytes += static_cast<int64_t>(info.tcpi_bytes_received + info.tcpi_bytes_acked);
    }
  }
  closedir(folder);
  return bytes;
}

}  // namespace muster::bench
