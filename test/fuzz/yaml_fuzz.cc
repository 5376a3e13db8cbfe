// YAML from anywhere: never a crash, a hang or memory without end; what was read can be written and
// read again; and what the plain reader confirms the slow one confirms too.
// Run: bazel run --config=fuzz //test/fuzz:yaml_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/manifest/json.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_plain_reader.h"
#include "common/manifest/yaml_second_reader.h"
#include "common/manifest/yaml_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = muster::ParseYaml(text, "fuzz.yaml", muster::YamlReaders::kOne);
  if (first.ok() && muster::ReadsPlainlyAs(text, *first)) {
    CHECK_OK(muster::CheckSecondReading(text, *first, "fuzz.yaml", muster::YamlKeys::kUnique));
  }
  auto documents = muster::ParseYaml(text, "fuzz.yaml");
  if (!documents.ok()) {
    CHECK(documents.status().message().substr(0, 10) == "fuzz.yaml:") << documents.status();
    return 0;
  }
  for (muster::Document& document : *documents) {
    const std::string written = muster::WriteYaml(document.value);
    const std::string json = muster::CanonicalJson(document.value);
    // With aliases expanded it may be more than is read in one piece.
    if (written.size() > muster::limits::kYamlFileBytesMax) continue;
    if (json.size() > muster::limits::kObjectBytesMax) continue;
    const auto again = muster::ParseYaml(written, "written");
    CHECK_OK(again);
    CHECK_EQ(again->size(), 1u);
    CHECK((*again)[0].value == document.value) << written;

    const auto from_json = muster::ParseJson(json);
    CHECK_OK(from_json);
    CHECK(*from_json == document.value) << json;

    auto items = muster::ExpandLists(std::move(document.value));
    if (!items.ok()) continue;
    for (muster::ListItem& item : *items) {
      CHECK(document.positions.Find(item.pointer).line >= 1);
      const auto object = muster::MakeObject(std::move(item.value));
      if (!object.ok()) continue;
      const auto key = muster::ObjectKey::FromText(object->key.text());
      CHECK_OK(key);
      CHECK(*key == object->key) << object->key.text();
    }
  }
  return 0;
}
