#include "common/config/findings.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

constexpr size_t kErrorsPerDocumentMax = 20;

bool IsPlainKey(absl::string_view key) {
  for (const char c : key) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') return false;
  }
  return !key.empty();
}

std::string StringAt(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  return found != nullptr && found->is_string() ? found->string() : std::string();
}

}  // namespace

Findings::Findings(const Document& document)
    : document_(document),
      kind_(StringAt(document.value, "/kind")),
      name_(StringAt(document.value, "/metadata/name")) {}

void Findings::Add(absl::string_view pointer, absl::string_view why) {
  if (errors_.size() >= kErrorsPerDocumentMax) return;
  v1::ConfigError error;
  error.set_file(document_.file);
  error.set_line(document_.positions.Find(pointer).line);
  const std::string field = FieldText(document_.value, pointer);
  error.set_message(field.empty() ? std::string(why) : absl::StrCat(field, ": ", why));
  error.set_kind(kind_);
  error.set_name(name_);
  errors_.push_back(std::move(error));
}

std::string FieldText(const Value& document, absl::string_view pointer) {
  std::string text;
  const Value* at = &document;
  for (const std::string& step : SplitPointer(pointer).value_or(std::vector<std::string>())) {
    if (at != nullptr && at->is_list()) {
      absl::StrAppend(&text, "[", step, "]");
    } else if (IsPlainKey(step)) {
      absl::StrAppend(&text, text.empty() ? "" : ".", step);
    } else {
      absl::StrAppend(&text, "[\"", absl::CHexEscape(step), "\"]");
    }
    if (at != nullptr) at = at->Find(JoinPointer("", step));
  }
  return text;
}

std::string ConfigErrorText(const v1::ConfigError& error) {
  if (error.line() <= 0) return absl::StrCat(error.file(), ": ", error.message());
  return absl::StrCat(error.file(), ":", error.line(), ": ", error.message());
}

}  // namespace muster
