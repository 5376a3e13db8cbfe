#include "hub/clones.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;

constexpr char kMark[] = "/.written-since";  // a boot id, or kClosed
constexpr char kClosed[] = "closed";
constexpr char kSuffix[] = ".git";
constexpr char kGone[] = "/.gone";

std::string FirstLine(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

void SyncFileSystem(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  syncfs(fd);
  close(fd);
}

// The mark reaches the disk before anything that it speaks of is written.
absl::Status WriteMark(const std::string& directory, absl::string_view mark) {
  std::ofstream file(directory + kMark, std::ios::trunc);
  file << mark << '\n';
  file.close();
  if (!file.good()) return absl::UnavailableError(absl::StrCat("write ", directory, kMark));
  SyncFileSystem(directory);
  return absl::OkStatus();
}

}  // namespace

std::string BootId() { return FirstLine("/proc/sys/kernel/random/boot_id"); }

absl::Status OpenClones(const std::string& directory, absl::string_view boot_id) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (!error) fs::permissions(directory, fs::perms::owner_all, error);
  const std::string mark = FirstLine(directory + kMark);
  const bool believed = mark == kClosed || (!mark.empty() && mark == boot_id);
  if (!error && !believed && !fs::is_empty(directory, error)) {
    log::Warning("clones are fetched anew: the machine stopped while they were written",
                 {{"directory", directory}});
    for (const auto& entry : fs::directory_iterator(directory, error)) {
      if (!error) fs::remove_all(entry.path(), error);
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("open the directory of the clones, ", directory, ": ", error.message()));
  }
  return WriteMark(directory, boot_id);
}

std::vector<std::string> ClonedRepositories(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    const std::string file = entry.path().filename().string();
    if (absl::EndsWith(file, kSuffix)) names.push_back(file.substr(0, file.size() - 4));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool RemoveClone(const std::string& directory, absl::string_view repository) {
  const std::string gone = directory + kGone;
  std::error_code error;
  fs::remove_all(gone, error);  // of a removal that a kill cut short
  fs::rename(absl::StrCat(directory, "/", repository, kSuffix), gone, error);
  if (error) return false;
  fs::remove_all(gone, error);
  return true;
}

void CloseClones(const std::string& directory) {
  SyncFileSystem(directory);
  const absl::Status status = WriteMark(directory, kClosed);
  if (!status.ok()) log::Warning("clones not closed", {{"reason", status.ToString()}});
}

}  // namespace muster::hub
