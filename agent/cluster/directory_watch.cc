#include "agent/cluster/directory_watch.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/log.h"

namespace muster::agent {
namespace {

constexpr uint32_t kMask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE |
                           IN_DONT_FOLLOW | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr int kDepthMax = 4;      // the tree layout has three levels
constexpr int kQuietMs = 50;      // a burst has ended when nothing came for so long
constexpr int kBurstRounds = 20;  // but a burst without end is told all the same

}  // namespace

DirectoryWatch::DirectoryWatch(std::string root, std::function<bool(const std::string&)> matters,
                               std::function<void()> changed)
    : root_(std::move(root)),
      matters_(std::move(matters)),
      changed_(std::move(changed)),
      inotify_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  if (!inotify_.ok() || !stop_.ok() || !Add("", 0)) {
    log::Warning("cluster folder cannot be watched; changes are found at the resync",
                 {{"folder", root_}, {"error", std::strerror(errno)}});
  }
  if (stop_.ok()) thread_ = std::thread([this] { Run(); });
}

DirectoryWatch::~DirectoryWatch() {
  if (!thread_.joinable()) return;
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

bool DirectoryWatch::Add(const std::string& path, int depth) {
  const std::string full = path.empty() ? root_ : absl::StrCat(root_, "/", path);
  const int watch = inotify_add_watch(inotify_.get(), full.c_str(), kMask);
  if (watch < 0) return errno == ENOENT || errno == ENOTDIR;  // gone already, or a link
  paths_[watch] = path;
  if (depth == kDepthMax) return true;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(full.c_str()), closedir);
  if (directory == nullptr) return true;
  bool all = true;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] == '.' || entry->d_type != DT_DIR) continue;
    all = Add(absl::StrCat(path, path.empty() ? "" : "/", entry->d_name), depth + 1) && all;
  }
  return all;
}

void DirectoryWatch::Run() {
  pollfd waits[2] = {{.fd = stop_.get(), .events = POLLIN, .revents = 0},
                     {.fd = inotify_.get(), .events = POLLIN, .revents = 0}};
  while (true) {
    if (poll(waits, 2, -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) return;
    bool news = Drain();
    for (int round = 0; round < kBurstRounds && poll(waits, 2, kQuietMs) > 0; ++round) {
      if (waits[0].revents != 0) return;
      news = Drain() || news;
    }
    if (news) changed_();
  }
}

bool DirectoryWatch::Drain() {
  bool news = false;
  alignas(inotify_event) char buffer[16 << 10];
  while (true) {
    const ssize_t size = read(inotify_.get(), buffer, sizeof(buffer));
    if (size <= 0) return news;
    const inotify_event* event = nullptr;
    for (const char* at = buffer; at < buffer + size; at += sizeof(*event) + event->len) {
      event = reinterpret_cast<const inotify_event*>(at);
      if ((event->mask & IN_Q_OVERFLOW) != 0) news = true;
      if ((event->mask & IN_IGNORED) != 0) paths_.erase(event->wd);
      const auto found = paths_.find(event->wd);
      if (found == paths_.end() || event->len == 0 || event->name[0] == '.') continue;
      const std::string path =
          absl::StrCat(found->second, found->second.empty() ? "" : "/", event->name);
      if ((event->mask & IN_ISDIR) == 0) {
        news = matters_(path) || news;
      } else if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
        Add(path, 1);
        news = news || (event->mask & IN_MOVED_TO) != 0;
      } else {
        news = news || (event->mask & IN_MOVED_FROM) != 0;
      }
    }
  }
}

}  // namespace muster::agent
