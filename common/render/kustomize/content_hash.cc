#include "common/render/kustomize/content_hash.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/base/digest.h"
#include "common/manifest/number.h"
#include "common/render/kustomize/res_id.h"

namespace muster::kustomize {
namespace {

constexpr size_t kHashLength = 10;

// JSON as Go's encoder writes it, whose bytes the hash is of: keys in the order of their bytes, and
// what could end a script in a page escaped.
void AppendGoText(absl::string_view text, std::string& out) {
  out += '"';
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const absl::string_view three = text.substr(at, 3);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\b') {
      out += "\\b";
    } else if (c == '\f') {
      out += "\\f";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
      absl::StrAppendFormat(&out, "\\u%04x", static_cast<int>(c));
    } else if (three == "\u2028" || three == "\u2029") {
      absl::StrAppendFormat(&out, "\\u202%c", three[2] == '\xA8' ? '8' : '9');
      at += 2;
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendGoJson(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      out += "null";
      return;
    case Value::Kind::kBool:
      out += value.boolean() ? "true" : "false";
      return;
    case Value::Kind::kNumber:
      out += CanonicalNumber(value.number());
      return;
    case Value::Kind::kString:
      AppendGoText(value.string(), out);
      return;
    case Value::Kind::kList: {
      char separator = '[';
      for (const Value& element : value.list()) {
        out += std::exchange(separator, ',');
        AppendGoJson(element, out);
      }
      out += value.list().empty() ? "[]" : "]";
      return;
    }
    case Value::Kind::kMap: {
      std::vector<const Member*> members;
      for (const Member& member : value.map()) members.push_back(&member);
      std::sort(members.begin(), members.end(),
                [](const Member* a, const Member* b) { return a->key < b->key; });
      char separator = '{';
      for (const Member* member : members) {
        out += std::exchange(separator, ',');
        AppendGoText(member->key, out);
        out += ':';
        AppendGoJson(member->value, out);
      }
      out += members.empty() ? "{}" : "}";
      return;
    }
  }
}

// The field as the hash sees it: maps as they are, scalars as text, nothing as no text.
Value FieldOf(const Value& object, absl::string_view pointer) {
  const Value* field = object.Find(pointer);
  if (field == nullptr) return "";
  if (field->is_map() || field->is_list()) return *field;
  return ScalarText(*field);
}

// What counts of the object.
Value Counted(const Value& object) {
  const std::string kind = Gvk::OfObject(object).kind;
  if (kind != "ConfigMap" && kind != "Secret") return object;
  const bool is_secret = kind == "Secret";
  // Kustomize means to count the name, looks for it under a field called "metadata/name" and finds
  // none: equal content has equal hashes whatever its name.
  Value::Map counted{{"kind", kind}, {"name", ""}, {"data", FieldOf(object, "/data")}};
  if (is_secret) counted.Set("type", FieldOf(object, "/type"));
  const char* more = is_secret ? "stringData" : "binaryData";
  if (const Value* field = object.Get(more); field != nullptr && field->is_map()) {
    counted.Set(more, *field);
  }
  return counted;
}

}  // namespace

absl::StatusOr<std::string> ContentHash(const Value& object) {
  std::string json;
  AppendGoJson(Counted(object), json);
  std::string hash = Digest::Of(json).hex().substr(0, kHashLength);
  // Without vowels, and without digits that look like letters, so that no hash is a word.
  for (char& c : hash) {
    switch (c) {
      case '0':
        c = 'g';
        break;
      case '1':
        c = 'h';
        break;
      case '3':
        c = 'k';
        break;
      case 'a':
        c = 'm';
        break;
      case 'e':
        c = 't';
        break;
      default:
        break;
    }
  }
  return hash;
}

}  // namespace muster::kustomize
