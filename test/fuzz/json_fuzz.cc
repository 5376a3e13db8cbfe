// JSON from anywhere: never a crash or memory without end; and what was read has one canonical
// form, which reads back. Run: bazel run --config=fuzz //test/fuzz:json_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/manifest/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = muster::ParseJson(text);
  if (!value.ok()) {
    CHECK(value.status().message().substr(0, 6) == "json: ") << value.status();
    return 0;
  }
  const std::string canonical = muster::CanonicalJson(*value);
  const auto again = muster::ParseJson(canonical);
  CHECK_OK(again);
  CHECK(*again == *value) << canonical;
  CHECK_EQ(muster::CanonicalJson(*again), canonical);
  CHECK_EQ(muster::CanonicalJson(*muster::ParseJson(muster::PrettyJson(*value))), canonical);
  return 0;
}
