#include <sys/statvfs.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "hub/rpc/views.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

uint64_t DirectoryBytes(const std::string& directory) {
  uint64_t bytes = 0;
  // Files and folders of the store come and go: nothing here may throw.
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(directory, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code gone;
    const uintmax_t size = entry->is_regular_file(gone) ? entry->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

uint64_t DiskFreeBytes(const std::string& directory) {
  struct statvfs figures = {};
  if (statvfs(directory.c_str(), &figures) != 0) return 0;
  return uint64_t{figures.f_bavail} * figures.f_frsize;
}

}  // namespace

pb::HubView GetHub(const Reading& reading, const HubPlace& place) {
  pb::HubView view = MakeHubView(reading.fleet);
  view.set_now_ms(absl::ToUnixMillis(reading.now));
  view.set_store_bytes(DirectoryBytes(absl::StrCat(place.data_directory, "/store")));
  view.set_disk_free_bytes(DiskFreeBytes(place.data_directory));
  if (const absl::Status obstacle = place.obstacle(); !obstacle.ok()) {
    pb::Finding& finding = *view.add_findings();
    finding.set_severity("error");
    finding.set_subject("disk");
    finding.set_message(absl::StrCat("the hub takes no change: ", obstacle.message()));
    finding.set_next(absl::StrCat("df -h ", place.data_directory));
  }
  return view;
}

}  // namespace muster::hub
