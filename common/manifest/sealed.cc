#include "common/manifest/sealed.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/manifest/annotations.h"

namespace muster {
namespace {

constexpr absl::string_view kMember = "sealed";
constexpr absl::string_view kCiphertext = "ENC[AES256_GCM,";
constexpr absl::string_view kOperatorsGroup = "isindir.github.com";
constexpr int kDocumentsMax = 10'000;

std::string TextOf(const Value& map, absl::string_view key) {
  const Value* value = map.Get(key);
  return value != nullptr && value->is_string() ? value->string() : "";
}

bool IsWhole(const SealedText& text) { return text.format == "yaml" || text.format == "json"; }

bool HasCiphertext(const Value* map) {
  if (map == nullptr || !map->is_map()) return false;
  for (const Member& member : map->map()) {
    if (member.value.is_string() && absl::StartsWith(member.value.string(), kCiphertext)) {
      return true;
    }
  }
  return false;
}

// The line on which a SOPS file keeps what SOPS needs to open it; 0 for any other text.
int SopsLine(absl::string_view text) {
  if (!absl::StrContains(text, kCiphertext)) return 0;
  if (absl::StartsWith(text, "sops:") || absl::StartsWith(text, "sops_mac=")) return 1;
  for (const absl::string_view mark : {"\nsops:", "\"sops\":", "\nsops_mac=", "\n[sops]"}) {
    const size_t at = text.find(mark);
    if (at == text.npos) continue;
    const absl::string_view before = text.substr(0, at + (mark[0] == '\n' ? 1 : 0));
    return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  }
  return 0;
}

absl::StatusOr<SealedText> ReadText(const Value& value) {
  SealedText text{.file = TextOf(value, "file"),
                  .format = TextOf(value, "format"),
                  .text = TextOf(value, "text"),
                  .document = 0,
                  .key = TextOf(value, "key")};
  if (const Value* document = value.Get("document"); document != nullptr) {
    const std::optional<int64_t> number = document->AsInt64();
    if (!number.has_value() || *number < 0 || *number > kDocumentsMax) {
      return absl::InvalidArgumentError("sealed object: the number of a document is none");
    }
    text.document = static_cast<int>(*number);
  }
  const bool known = IsWhole(text) || text.format == "dotenv" || text.format == "binary";
  if (!known || text.text.empty()) {
    return absl::InvalidArgumentError("sealed object: a text of it has no known format");
  }
  return text;
}

}  // namespace

bool IsSopsDocument(const Value& document) {
  const Value* block = document.Get("sops");
  const Value* mac = block == nullptr ? nullptr : block->Get("mac");
  return mac != nullptr && mac->is_string() && !mac->string().empty();
}

bool IsToBeOpened(const Value& document) {
  if (!IsSopsDocument(document)) return false;
  const std::string version = TextOf(document, "apiVersion");
  return !absl::StartsWith(version, absl::StrCat(kOperatorsGroup, "/")) &&
         AnnotationOf(document, kDecryptAnnotation) != "disabled";
}

bool LooksLikeSops(absl::string_view text) { return SopsLine(text) > 0; }

bool HoldsOrphanedCiphertext(const Value& object) {
  return object.Get("sops") == nullptr && TextOf(object, "kind") == "Secret" &&
         TextOf(object, "apiVersion") == "v1" &&
         AnnotationOf(object, kDecryptAnnotation) != "disabled" &&
         (HasCiphertext(object.Get("data")) || HasCiphertext(object.Get("stringData")));
}

absl::Status RefuseSopsFile(absl::string_view text, absl::string_view file, absl::string_view use) {
  const int line = SopsLine(text);
  if (line == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      file, ":", line, ": the file is encrypted with SOPS and cannot be read for ", use,
      ", because only the cluster opens it; deliver it as an object of its own, a Secret that is "
      "sealed as a whole or one with the annotation ",
      kSopsFilesAnnotation, ", and refer to that by its name"));
}

Value SealedForm(const Value& shown, const std::vector<SealedText>& texts) {
  Value form = Value::Map();
  const bool whole = texts.size() == 1 && IsWhole(texts.front());
  for (const Member& member : shown.map()) {
    const bool is_clear =
        member.key == "apiVersion" || member.key == "kind" || member.key == "metadata";
    if (is_clear || !whole) form.map().Set(member.key, member.value);
  }
  Value::List list;
  for (const SealedText& text : texts) {
    Value::Map map{{"file", text.file}, {"format", text.format}, {"text", text.text}};
    if (text.document != 0) map.Set("document", text.document);
    if (!text.key.empty()) map.Set("key", text.key);
    list.push_back(std::move(map));
  }
  form.map().Set(std::string(kMember), std::move(list));
  return form;
}

absl::StatusOr<SealedObject> ReadSealedForm(const Value& object) {
  const Value* list = object.Get(kMember);
  if (list == nullptr || !list->is_list() || list->list().empty()) {
    return absl::InvalidArgumentError("sealed object: it has no sealed text");
  }
  SealedObject sealed{.shown = object, .texts = {}};
  sealed.shown.map().Erase(kMember);
  bool whole = false;
  for (const Value& value : list->list()) {
    absl::StatusOr<SealedText> text = ReadText(value);
    if (!text.ok()) return text.status();
    whole = whole || IsWhole(*text);
    sealed.texts.push_back(*std::move(text));
  }
  if (whole && sealed.texts.size() != 1) {
    return absl::InvalidArgumentError("sealed object: it is to be several texts at once");
  }
  return sealed;
}

}  // namespace muster
