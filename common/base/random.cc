#include "common/base/random.h"

#include <sys/random.h>

#include "common/base/check.h"

namespace muster {

std::string Random::Bytes(size_t size) {
  std::string bytes;
  bytes.reserve(size + 8);
  while (bytes.size() < size) {
    uint64_t word = Next();
    for (int i = 0; i < 8; ++i, word >>= 8) bytes.push_back(static_cast<char>(word & 0xff));
  }
  bytes.resize(size);
  return bytes;
}

uint64_t SystemRandom::Next() {
  uint64_t word = 0;
  CHECK(getrandom(&word, sizeof(word), 0) == sizeof(word));
  return word;
}

}  // namespace muster
