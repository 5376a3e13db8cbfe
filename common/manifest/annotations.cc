#include "common/manifest/annotations.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace muster {
namespace {

constexpr int32_t kWaveMax = 1'000;

bool IsWave(absl::string_view text) {
  int32_t wave = 0;
  return absl::SimpleAtoi(text, &wave) && wave >= -kWaveMax && wave <= kWaveMax;
}

absl::Status CheckWords(const Value& object, absl::string_view name,
                        absl::Span<const absl::string_view> words) {
  const absl::string_view text = AnnotationOf(object, name);
  if (text.empty()) return absl::OkStatus();
  for (const absl::string_view word : words) {
    if (text == word) return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("annotation ", name, ": '", text,
                                                 "' is not one of: ", absl::StrJoin(words, ", ")));
}

}  // namespace

absl::string_view AnnotationOf(const Value& object, absl::string_view name) {
  const Value* annotations = object.Find("/metadata/annotations");
  const Value* value = annotations == nullptr ? nullptr : annotations->Get(name);
  return value != nullptr && value->is_string() ? absl::string_view(value->string()) : "";
}

bool AsksToBeKept(const Value& object) { return AnnotationOf(object, kPruneAnnotation) == "never"; }

absl::Status CheckAnnotations(const Value& object) {
  const absl::string_view wave = AnnotationOf(object, kWaveAnnotation);
  if (!wave.empty() && !IsWave(wave)) {
    return absl::InvalidArgumentError(absl::StrCat("annotation ", kWaveAnnotation, ": '", wave,
                                                   "' is no whole number from -", kWaveMax, " to ",
                                                   kWaveMax));
  }
  for (const absl::Status& status :
       {CheckWords(object, kPruneAnnotation, {"never", "always"}),
        CheckWords(object, kForceAnnotation, {"true", "false"}),
        CheckWords(object, kReplaceAnnotation, {"true", "false"}),
        CheckWords(object, kAdoptAnnotation, {"never", "if-equal", "always"})}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

int32_t WaveOf(const Value& object) {
  int32_t wave = 0;
  return absl::SimpleAtoi(AnnotationOf(object, kWaveAnnotation), &wave) ? wave : 0;
}

}  // namespace muster
