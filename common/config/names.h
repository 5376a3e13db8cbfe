// Names and labels as Kubernetes has them, so that what Git declares is refused here, with file and
// line, and not later by an API server. Pure; any thread.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster {

// A namespace's name, and that of a Repository, Package, Cluster or project: at most 63 of a-z, 0-9
// and '-', starting and ending with a letter or digit (RFC 1123 label). kInvalidArgument, saying
// what is wrong, without naming the field.
absl::Status CheckName(absl::string_view name);

// A label's key: an optional DNS prefix and '/', then at most 63 of letters, digits, '-', '_', '.',
// starting and ending with a letter or digit.
absl::Status CheckLabelKey(absl::string_view key);

// A label's value: empty, or like the part of a key after its prefix.
absl::Status CheckLabelValue(absl::string_view value);

}  // namespace muster
