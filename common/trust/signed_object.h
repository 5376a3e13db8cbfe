// SignedObject: the parts of a raw commit or annotated tag that its signature is about: what was
// signed, and with what. The reading is strict, because what two programs read differently is what
// somebody signs and something else that runs: headers in Git's order, each once, one signature,
// nothing after it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

struct SignedObject {
  std::string payload;    // the object without its signature: what was signed
  std::string signature;  // armoured; empty: there is none
  int64_t time_ms = 0;    // of the committer or tagger, as they say

  // Of a commit.
  std::vector<std::string> parents;
  std::string author_email;  // empty: it has no address in the usual form
  bool seal = false;         // its last paragraph has a line "Muster-Seal: why"

  // Of a tag.
  std::string target;  // 40 hexadecimal digits
  std::string target_type;
  std::string name;
};

// The bytes of a commit, without Git's own prefix. kInvalidArgument, saying what is wrong with it.
absl::StatusOr<SignedObject> ParseCommitObject(absl::string_view raw);

// Likewise, of an annotated tag.
absl::StatusOr<SignedObject> ParseTagObject(absl::string_view raw);

}  // namespace muster
