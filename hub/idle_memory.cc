#include "hub/idle_memory.h"

#include <jemalloc/jemalloc.h>

#include <string>

#include "absl/strings/str_cat.h"

// Read by jemalloc at its start. Few arenas, because the hub's threads are few and what one arena
// has free another cannot use; free pages go after three seconds.
const char* malloc_conf = "narenas:4,dirty_decay_ms:3000,muzzy_decay_ms:0";

namespace muster::hub {

void ReturnIdleMemory() {
  static const std::string all = absl::StrCat("arena.", MALLCTL_ARENAS_ALL, ".decay");
  mallctl(all.c_str(), nullptr, nullptr, nullptr, 0);
}

}  // namespace muster::hub
