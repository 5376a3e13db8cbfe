#include "common/helm/helm_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/render/file_tree.h"
#include "common/sandbox/program.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr absl::string_view kDigestPrefix = "sha256:";

// Helm starts in another directory than we.
HelmProgram::Options Absolute(HelmProgram::Options options) {
  std::error_code error;
  for (std::string* path : {&options.path, &options.scratch}) {
    const fs::path absolute = fs::absolute(*path, error);
    if (!error) *path = absolute.string();
  }
  return options;
}

// A private directory that goes with its owner.
class WorkDirectory {
 public:
  static absl::StatusOr<WorkDirectory> Make(const std::string& scratch) {
    std::error_code error;
    fs::create_directories(scratch, error);
    std::string path = absl::StrCat(scratch, "/run.XXXXXX");
    if (mkdtemp(path.data()) == nullptr) {
      return absl::UnavailableError(
          absl::StrCat("make a directory in ", scratch, ": ", std::strerror(errno)));
    }
    return WorkDirectory(std::move(path));
  }
  WorkDirectory(WorkDirectory&& other) : path_(std::exchange(other.path_, "")) {}
  ~WorkDirectory() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }

 private:
  explicit WorkDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

absl::Status WriteFiles(const v1::HelmCall& call, const std::string& directory) {
  for (const v1::HelmFile& file : call.files()) {
    ASSIGN_OR_RETURN(const std::string relative, NormalizePath(file.path()));
    const fs::path path = fs::path(directory) / relative;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(file.content().data(), static_cast<std::streamsize>(file.content().size()));
    out.close();
    if (!out) {
      return absl::UnavailableError(
          absl::StrCat("lay out a chart for Helm: write ", relative, " failed; is the disk full?"));
    }
  }
  return absl::OkStatus();
}

// Whoever asks may be another process, which has read what strangers wrote: Helm is pointed at
// nothing but the files that came along.
absl::Status CheckCall(const v1::HelmCall& call) {
  std::set<std::string> files;
  bool has_chart = false;
  for (const v1::HelmFile& file : call.files()) {
    ASSIGN_OR_RETURN(const std::string path, NormalizePath(file.path()));
    if (path.empty() || !files.insert(path).second) {
      return absl::InvalidArgumentError("lay out a chart for Helm: two files have one path");
    }
    has_chart = has_chart || absl::StartsWith(path, absl::StrCat(call.chart(), "/"));
  }
  if (call.chart().empty() || !has_chart) {
    return absl::InvalidArgumentError("run Helm: the chart is not among the files");
  }
  for (const std::string& path : call.values_files()) {
    if (files.count(path) == 0) {
      return absl::InvalidArgumentError("run Helm: a values file is not among the files");
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> EnvironmentIn(const std::string& home) {
  std::vector<std::string> environment = {"LC_ALL=C.UTF-8", "TZ=UTC", "NO_COLOR=1", "PATH=",
                                          // Go collects before the kernel refuses.
                                          absl::StrCat("GOMEMLIMIT=", limits::kHelmBytesMax / 2),
                                          "GOMAXPROCS=2", absl::StrCat("HOME=", home)};
  for (const char* name : {"HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME", "HELM_PLUGINS",
                           "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"}) {
    environment.push_back(absl::StrCat(name, "=", home));
  }
  return environment;
}

absl::Status Ended(const ProgramEnd& end, const HelmProgram::Options& options) {
  switch (end.cause) {
    case ProgramEnd::Cause::kExit:
      if (end.code == 0) return absl::OkStatus();
      // A Go program that gets no memory ends itself.
      if (absl::StrContains(end.errors, "out of memory") ||
          absl::StrContains(end.errors, "cannot allocate memory")) {
        break;
      }
      return absl::InvalidArgumentError(end.errors);
    case ProgramEnd::Cause::kTime:
      return absl::ResourceExhaustedError(absl::StrCat(
          "Helm had not rendered the chart after ", absl::FormatDuration(options.time_max),
          " and was stopped; look for a loop in its templates"));
    case ProgramEnd::Cause::kOutput:
      return absl::ResourceExhaustedError(
          absl::StrCat("the chart prints more than ", options.output_bytes_max >> 20,
                       " MiB, and Helm was stopped; look for a loop in its templates"));
    case ProgramEnd::Cause::kSignal:
      if (end.code == SIGKILL || end.code == SIGXCPU) {
        return absl::ResourceExhaustedError(
            "Helm used up its time on the processor and was stopped; look for a loop in the "
            "chart's templates");
      }
      break;
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("Helm needed more than the ", limits::kHelmBytesMax >> 20,
                   " MiB of memory that it may have, or failed by itself; look for a loop in the "
                   "chart's templates"));
}

}  // namespace

// The program, open; as it was when it was hashed.
struct HelmProgram::File {
  int fd = -1;
  struct stat info = {};
  std::string digest;

  ~File() {
    if (fd >= 0) close(fd);
  }
};

HelmProgram::HelmProgram(Options options) : options_(Absolute(std::move(options))) {}
HelmProgram::~HelmProgram() = default;

absl::Status HelmProgram::Open() {
  struct stat now = {};
  if (file_ != nullptr && stat(options_.path.c_str(), &now) == 0 &&
      now.st_ino == file_->info.st_ino && now.st_dev == file_->info.st_dev &&
      now.st_size == file_->info.st_size && now.st_mtim.tv_sec == file_->info.st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == file_->info.st_mtim.tv_nsec &&
      now.st_ctim.tv_sec == file_->info.st_ctim.tv_sec &&
      now.st_ctim.tv_nsec == file_->info.st_ctim.tv_nsec) {
    return absl::OkStatus();
  }
  identity_.reset();
  file_.reset();
  auto file = std::make_unique<File>();
  file->fd = open(options_.path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd < 0 || fstat(file->fd, &file->info) != 0 || !S_ISREG(file->info.st_mode)) {
    return absl::FailedPreconditionError(absl::StrCat("Helm's program '", options_.path,
                                                      "' cannot be read: ", std::strerror(errno),
                                                      "; give another one with --helm PATH"));
  }
  const size_t size = static_cast<size_t>(file->info.st_size);
  void* const bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->fd, 0);
  if (bytes == MAP_FAILED) {
    return absl::FailedPreconditionError(
        absl::StrCat("Helm's program '", options_.path, "' cannot be read"));
  }
  file->digest = absl::StrCat(kDigestPrefix,
                              Digest::Of(absl::string_view(static_cast<char*>(bytes), size)).hex());
  munmap(bytes, size);
  if (!options_.digest.empty() && file->digest != options_.digest) {
    return absl::FailedPreconditionError(
        absl::StrCat("Helm's program '", options_.path, "' is not the one that is meant: it has ",
                     file->digest, ", and --helm-digest says ", options_.digest));
  }
  file_ = std::move(file);
  return absl::OkStatus();
}

absl::Status HelmProgram::Check() { return Open(); }

absl::StatusOr<std::string> HelmProgram::Run(std::vector<std::string> arguments,
                                             const std::string& directory) {
  const std::string home = absl::StrCat(directory, "/home");
  std::error_code error;
  fs::create_directories(home, error);
  ProgramCall call;
  call.program = file_->fd;
  call.arguments = std::move(arguments);
  call.environment = EnvironmentIn(home);
  call.directory = directory;
  call.sandbox.memory_bytes_max = limits::kHelmBytesMax;
  call.sandbox.readable = {directory, "/dev/null"};
  call.sandbox.executables = {options_.path};
  call.sandbox.open_files_max = 512;
  call.time_max = options_.time_max;
  call.cpu_max = options_.time_max;
  call.output_bytes_max = options_.output_bytes_max;
  ASSIGN_OR_RETURN(ProgramEnd end, RunProgram(call));
  RETURN_IF_ERROR(Ended(end, options_));
  return std::move(end.output);
}

absl::StatusOr<HelmIdentity> HelmProgram::Identity() {
  RETURN_IF_ERROR(Open());
  if (identity_.has_value()) return *identity_;
  ASSIGN_OR_RETURN(const WorkDirectory work, WorkDirectory::Make(options_.scratch));
  const absl::StatusOr<std::string> printed =
      Run({"helm", "version", "--template", "{{.Version}}"}, work.path());
  if (!printed.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "ask Helm's program '", options_.path, "' for its version: ", printed.status().message()));
  }
  const absl::string_view version = absl::StripPrefix(absl::StripAsciiWhitespace(*printed), "v");
  identity_ = HelmIdentity{std::string(version), file_->digest};
  return *identity_;
}

absl::StatusOr<HelmOutput> HelmProgram::Template(const v1::HelmCall& call) {
  RETURN_IF_ERROR(CheckCall(call));
  RETURN_IF_ERROR(Open());
  ASSIGN_OR_RETURN(const WorkDirectory work, WorkDirectory::Make(options_.scratch));
  RETURN_IF_ERROR(WriteFiles(call, work.path()));
  const std::vector<std::string> arguments = TemplateArguments(call);
  HelmOutput output;
  ASSIGN_OR_RETURN(output.first, Run(arguments, work.path()));
  ASSIGN_OR_RETURN(output.second, Run(arguments, work.path()));
  if (output.second == output.first) output.second.clear();
  return output;
}

std::vector<std::string> TemplateArguments(const v1::HelmCall& call) {
  std::vector<std::string> arguments = {"helm", "template",
                                        absl::StrCat("--namespace=", call.namespace_()),
                                        call.skip_crds() ? "--skip-crds" : "--include-crds"};
  if (call.skip_hooks()) arguments.push_back("--no-hooks");
  if (call.skip_tests()) arguments.push_back("--skip-tests");
  if (!call.kubernetes_version().empty()) {
    arguments.push_back(absl::StrCat("--kube-version=", call.kubernetes_version()));
  }
  for (const std::string& version : call.api_versions()) {
    arguments.push_back(absl::StrCat("--api-versions=", version));
  }
  for (const std::string& file : call.values_files()) {
    arguments.push_back(absl::StrCat("--values=", file));
  }
  // After this nothing is a flag.
  arguments.insert(arguments.end(), {"--", call.release_name(), absl::StrCat("./", call.chart())});
  return arguments;
}

bool IsProgramDigest(absl::string_view text) {
  return absl::ConsumePrefix(&text, kDigestPrefix) && Digest::FromHex(text).ok();
}

}  // namespace muster
