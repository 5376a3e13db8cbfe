// WantedRef: which of branch, tag and commit a FetchRequest asks for. Pure; shared by the real
// source and its twin.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/child.pb.h"

namespace muster::hub {

struct WantedRef {
  std::string name;    // "refs/heads/main" or "refs/tags/v1"; empty when a commit is wanted
  std::string commit;  // 40 hexadecimal digits; empty when a ref is wanted

  // For people: "branch 'main'".
  std::string text() const;
};

// Returns kInvalidArgument unless exactly one is set and it is well formed.
absl::StatusOr<WantedRef> ParseWantedRef(const v1::FetchRequest& request);

// Text of a commit for people and protobuf strings: valid UTF-8, no control characters, at most
// `bytes_max`. What is not UTF-8 becomes U+FFFD.
std::string CommitText(absl::string_view text, size_t bytes_max);

}  // namespace muster::hub
