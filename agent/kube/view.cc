#include "agent/kube/view.h"

#include "absl/strings/numbers.h"

namespace muster::agent {

uint64_t VersionOf(const Value& object) {
  uint64_t version = 0;
  const Value* text = object.Find("/metadata/resourceVersion");
  if (text != nullptr && text->is_string()) (void)absl::SimpleAtoi(text->string(), &version);
  return version;
}

}  // namespace muster::agent
