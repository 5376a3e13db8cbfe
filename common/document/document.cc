#include "common/document/document.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/document/time_text.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace muster {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// "OUT_OF_SYNC" -> "OutOfSync".
std::string UpperCamel(absl::string_view upper_snake) {
  std::string out;
  for (absl::string_view part : absl::StrSplit(upper_snake, '_', absl::SkipEmpty())) {
    std::string word = absl::AsciiStrToLower(part);
    word[0] = absl::ascii_toupper(word[0]);
    out += word;
  }
  return out;
}

// "last_seen" -> "lastSeen".
std::string LowerCamel(absl::string_view snake) {
  std::string out = UpperCamel(snake);
  out[0] = absl::ascii_tolower(out[0]);
  return out;
}

enum class Unit { kNone, kTime, kDuration };

Unit UnitOf(absl::string_view name) {
  if (!absl::EndsWith(name, "_ms")) return Unit::kNone;
  for (absl::string_view duration : {"interval_ms", "lifetime_ms", "timeout_ms"}) {
    if (absl::EndsWith(name, duration)) return Unit::kDuration;
  }
  return Unit::kTime;
}

std::string KeyOf(absl::string_view name) {
  const Unit unit = UnitOf(name);
  absl::ConsumeSuffix(&name, "_ms");
  const bool plain = unit != Unit::kTime || name == "time" || name == "since" || name == "now";
  return absl::StrCat(LowerCamel(name), plain ? "" : "At");
}

// Labels and variables: pairs of text that people know as a map.
bool IsPairs(const FieldDescriptor& field) {
  if (!field.is_repeated() || field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
  const std::string& name = field.message_type()->full_name();
  return name == "muster.v1.Label" || name == "muster.v1.Variable";
}

Value PairsOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  Value::Map map;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& pair = reflection.GetRepeatedMessage(message, &field, i);
    const Descriptor& type = *pair.GetDescriptor();
    map.Set(pair.GetReflection()->GetString(pair, type.field(0)),
            pair.GetReflection()->GetString(pair, type.field(1)));
  }
  return map;
}

Value IntegerOf(const FieldDescriptor& field, int64_t number) {
  const Unit unit = UnitOf(field.name());
  if (unit == Unit::kNone) return number;
  if (number == 0) return Value();
  return unit == Unit::kTime ? TimeText(number) : DurationText(number);
}

Value TextOf(const FieldDescriptor& field, const std::string& text) {
  if (field.type() != FieldDescriptor::TYPE_BYTES) return text;
  return text.empty() ? Value() : Value(absl::BytesToHexString(text));
}

Value SingleOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field);
    case FieldDescriptor::CPPTYPE_INT32:
      return IntegerOf(field, reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return IntegerOf(field, reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return static_cast<int64_t>(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return Value::Number(absl::StrCat(reflection.GetUInt64(message, &field)));
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumWord(*field.enum_type(), reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return TextOf(field, reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (!reflection.HasField(message, &field)) return Value();
      return DocumentOf(reflection.GetMessage(message, &field));
    default:
      return Value();  // no floating point in our messages
  }
}

Value RepeatedOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  Value::List list;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        list.push_back(DocumentOf(reflection.GetRepeatedMessage(message, &field, i)));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        list.push_back(TextOf(field, reflection.GetRepeatedString(message, &field, i)));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        list.push_back(static_cast<int64_t>(reflection.GetRepeatedUInt32(message, &field, i)));
        break;
      default:
        break;  // no other repeated scalars in our messages
    }
  }
  return list;
}

}  // namespace

std::string EnumWord(const EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr || number == 0) return "Unknown";
  // Every value carries its type's name before its own, as the zero value shows.
  absl::string_view prefix = type.FindValueByNumber(0)->name();
  absl::ConsumeSuffix(&prefix, "UNSPECIFIED");
  return UpperCamel(absl::StripPrefix(value->name(), prefix));
}

Value::Map DocumentOf(const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  Value::Map map;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsPairs(field)) {
      map.Set(KeyOf(field.name()), PairsOf(message, field));
    } else if (field.is_repeated()) {
      map.Set(KeyOf(field.name()), RepeatedOf(message, field));
    } else {
      map.Set(KeyOf(field.name()), SingleOf(message, field));
    }
  }
  return map;
}

Value Typed(absl::string_view kind, Value::Map body) {
  Value::Map document;
  document.Set("apiVersion", kApiVersion);
  document.Set("kind", kind);
  for (const auto& [key, value] : body) document.Set(key, std::move(value));
  return document;
}

Value ListDocument(absl::string_view kind, std::vector<Value> items,
                   absl::string_view next_page_token) {
  Value::Map body;
  body.Set("items", Value::List(std::move(items)));
  body.Set("nextPageToken", next_page_token);
  return Typed(absl::StrCat(kind, "List"), std::move(body));
}

std::string DocumentKey(const FieldDescriptor& field) { return KeyOf(field.name()); }

namespace {

Value::Map TextOrNull(Value::Map rest) {
  Value::Map schema{{"type", Value::List{"string", "null"}}};
  for (const auto& [key, value] : rest) schema.Set(key, std::move(value));
  return schema;
}

Value::Map ScalarSchema(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return Value::Map{{"type", "boolean"}};
    case FieldDescriptor::CPPTYPE_ENUM: {
      Value::List words;
      for (int i = 0; i < field.enum_type()->value_count(); ++i) {
        Value word = EnumWord(*field.enum_type(), field.enum_type()->value(i)->number());
        if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
      }
      return Value::Map{{"type", "string"}, {"enum", std::move(words)}};
    }
    case FieldDescriptor::CPPTYPE_STRING:
      if (field.type() == FieldDescriptor::TYPE_BYTES) {
        return TextOrNull({{"pattern", "^([0-9a-f]{2})+$"}});
      }
      return Value::Map{{"type", "string"}};
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return Value::Map{
          {"$ref", absl::StrCat("#/components/schemas/", field.message_type()->name())}};
    default:
      break;
  }
  switch (UnitOf(field.name())) {
    case Unit::kTime:
      return TextOrNull({{"format", "date-time"}});
    case Unit::kDuration:
      return TextOrNull({});
    default:
      return Value::Map{{"type", "integer"}};
  }
}

Value FieldSchema(const FieldDescriptor& field) {
  if (IsPairs(field)) {
    return Value::Map{{"type", "object"}, {"additionalProperties", Value::Map{{"type", "string"}}}};
  }
  if (field.is_repeated()) {
    return Value::Map{{"type", "array"}, {"items", ScalarSchema(field)}};
  }
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return ScalarSchema(field);
  return Value::Map{{"anyOf", Value::List{ScalarSchema(field), Value::Map{{"type", "null"}}}}};
}

}  // namespace

Value::Map DocumentSchema(const Descriptor& type) {
  Value::Map properties;
  Value::List required;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string key = DocumentKey(*type.field(i));
    properties.Set(key, FieldSchema(*type.field(i)));
    required.push_back(key);
  }
  return Value::Map{
      {"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}};
}

}  // namespace muster
