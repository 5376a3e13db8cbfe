// DirectoryWatch: says soon when something below a folder changed, through inotify.
//
// A hint only: where the kernel gives no watch (its limit is reached, a network file system), the
// agent's resync finds changes later. Bursts are one hint. Its own thread, joined by the
// destructor.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "agent/cluster/folder.h"

namespace muster::agent {

class DirectoryWatch {
 public:
  // `matters` is asked, on the watch's thread, whether a change of the file at this path (relative
  // to `root`) is news; `changed` is called on it when one was.
  DirectoryWatch(std::string root, std::function<bool(const std::string& path)> matters,
                 std::function<void()> changed);
  ~DirectoryWatch();
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

 private:
  void Run();
  // Watches the folder at `path` and all below; false when a folder could not be watched.
  bool Add(const std::string& path, int depth);
  // Reads what waits. Returns whether any of it is news.
  bool Drain();

  const std::string root_;
  const std::function<bool(const std::string&)> matters_;
  const std::function<void()> changed_;
  Descriptor inotify_;
  Descriptor stop_;
  std::map<int, std::string> paths_;  // by watch; the watch's thread only
  std::thread thread_;
};

}  // namespace muster::agent
