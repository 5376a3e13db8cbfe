// Gzip (RFC 1952), for answers and files. Pure; any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::hub {

// Smaller is slower: 1 to 9.
std::string Gzip(absl::string_view bytes, int level);

}  // namespace muster::hub
