#include "hub/idle_memory.h"

#include <malloc.h>

#include <cstddef>

namespace muster::hub {
namespace {

constexpr size_t kFreeMin = 4u << 20;
constexpr size_t kFreeShare = 16;  // one part in so many of the heap

}  // namespace

void ReturnIdleMemory() {
  const struct mallinfo2 heap = mallinfo2();
  const size_t heap_bytes = heap.uordblks + heap.fordblks;
  if (heap.fordblks > kFreeMin && heap.fordblks > heap_bytes / kFreeShare) malloc_trim(0);
}

}  // namespace muster::hub
