#include "common/manifest/string_data.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace muster {
namespace {

absl::Status Invalid(absl::string_view why) { return absl::InvalidArgumentError(why); }

}  // namespace

absl::Status FoldStringData(Value& object) {
  if (!object.is_map()) return absl::OkStatus();
  const Value* clear = object.Get("stringData");
  const Value* kind = object.Get("kind");
  const Value* version = object.Get("apiVersion");
  const bool is_secret =
      kind != nullptr && *kind == Value("Secret") && version != nullptr && *version == Value("v1");
  if (!is_secret || clear == nullptr) return absl::OkStatus();
  const Value texts = *clear;
  object.map().Erase("stringData");
  if (texts.is_null()) return absl::OkStatus();
  Value* data = object.Get("data");
  if (data == nullptr || data->is_null()) data = &object.map().Set("data", Value::Map());
  if (!texts.is_map() || !data->is_map()) return Invalid("`data` or `stringData` is no map");
  for (const Member& text : texts.map()) {
    if (!text.value.is_string()) {
      return Invalid(absl::StrCat("`stringData` has '", text.key, "', which is no text"));
    }
    data->map().Set(text.key, absl::Base64Escape(text.value.string()));
  }
  return absl::OkStatus();
}

}  // namespace muster
