#include "common/secrets/wipe.h"

#include <string.h>

namespace muster {

void WipeSecret(std::string& secret) {
  explicit_bzero(secret.data(), secret.size());
  secret.clear();
}

}  // namespace muster
