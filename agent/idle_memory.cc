#include "agent/idle_memory.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace muster::agent {
namespace {

constexpr int64_t kWorthIt = 4 << 20;

// Resident pages that belong to files, in bytes.
int64_t MappedBytes() {
  int64_t size = 0, resident = 0, shared = 0;
  std::ifstream("/proc/self/statm") >> size >> resident >> shared;
  return shared * sysconf(_SC_PAGESIZE);
}

struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

// Mappings of files that nobody may write and nobody has written: each of their pages is the
// file's. Those with pages of our own (what the loader has relocated) are left alone.
std::vector<Range> CleanMappings() {
  std::vector<Range> clean;
  Range at;
  bool candidate = false;
  std::ifstream smaps("/proc/self/smaps");
  for (std::string line; std::getline(smaps, line);) {
    if (absl::StartsWith(line, "Anonymous:")) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
      if (candidate && words.size() > 1 && words[1] == "0") clean.push_back(at);
      continue;
    }
    // 7f00-7f10 r-xp 00000000 fe:00 1234    /usr/lib/x.so
    const std::vector<absl::string_view> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (words.size() < 5 || words[1].size() != 4) continue;
    const std::pair<absl::string_view, absl::string_view> range =
        absl::StrSplit(words[0], absl::MaxSplits('-', 1));
    candidate = words.size() > 5 && absl::StartsWith(words[5], "/") && words[1][1] != 'w' &&
                words[1][3] == 'p' && absl::SimpleHexAtoi(range.first, &at.begin) &&
                absl::SimpleHexAtoi(range.second, &at.end);
  }
  return clean;
}

}  // namespace

void ReturnIdleMemory() {
  malloc_trim(0);
  for (const Range& range : CleanMappings()) {
    // An error would only mean that the pages stay.
    (void)madvise(reinterpret_cast<void*>(range.begin), range.end - range.begin, MADV_DONTNEED);
  }
}

bool RestingMemory::IsWorthIt(int64_t mapped) {
  const int64_t growth = mapped - after_;
  if (!asked_) {
    asked_ = true;
    // Less of two times, because one of them may have been busy.
    needed_ = std::min(first_, growth);
    first_ = growth;
  }
  return growth > needed_ + kWorthIt;
}

void RestingMemory::Returned(int64_t mapped) {
  after_ = mapped;
  asked_ = false;
}

bool IdleMemory::Look() {
  if (!resting_.IsWorthIt(MappedBytes())) return false;
  ReturnIdleMemory();
  resting_.Returned(MappedBytes());
  return true;
}

}  // namespace muster::agent
