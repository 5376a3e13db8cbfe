// Which names a clone's directory may have. Pure; any thread.
#pragma once

#include "absl/strings/string_view.h"

namespace muster::hub {

// Letters, digits, '.', '_' and '-', at most 253, and neither "." nor "..".
bool IsRepositoryName(absl::string_view name);

}  // namespace muster::hub
