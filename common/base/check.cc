#include "common/base/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace muster::check_internal {

Failure::Failure(const char* file, int line, const char* condition) {
  stream_ << file << ':' << line << ": check failed: " << condition << ' ';
}

Failure::~Failure() {
  std::fprintf(stderr, "%s\n", stream_.str().c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace muster::check_internal
