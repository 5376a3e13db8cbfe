#include "cli/output/document.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/output/text.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {

std::string JsonText(const Value& document) { return SafeJson(PrettyJson(document)); }

std::string YamlText(const Value& document) {
  std::string text = WriteYaml(document);
  if (!absl::EndsWith(text, "\n")) text += '\n';
  return text;
}

std::string JsonLine(const Value& document) {
  return absl::StrCat(SafeJson(CanonicalJson(document)), "\n");
}

}  // namespace muster::cli
