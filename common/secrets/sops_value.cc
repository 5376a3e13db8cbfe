#include "common/secrets/sops_value.h"

#include <charconv>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/manifest/number.h"
#include "common/secrets/cipher.h"

namespace muster::sops {
namespace {

constexpr absl::string_view kPrefix = "ENC[AES256_GCM,data:";
constexpr size_t kNonceBytes = 32;

struct Sealed {
  cipher::Box box;
  std::string nonce;
  absl::string_view type;
};

absl::StatusOr<Sealed> Parse(absl::string_view text) {
  const auto refuse = [] {
    return absl::InvalidArgumentError("it is not of the form ENC[AES256_GCM,...]");
  };
  if (!absl::ConsumePrefix(&text, kPrefix) || !absl::ConsumeSuffix(&text, "]")) return refuse();
  const size_t iv = text.find(",iv:");
  const size_t tag = text.find(",tag:");
  const size_t type = text.find(",type:");
  if (iv == text.npos || tag == text.npos || type == text.npos || iv > tag || tag > type) {
    return refuse();
  }
  Sealed sealed;
  sealed.type = text.substr(type + 6);
  if (!absl::Base64Unescape(text.substr(0, iv), &sealed.box.data) ||
      !absl::Base64Unescape(text.substr(iv + 4, tag - iv - 4), &sealed.nonce) ||
      !absl::Base64Unescape(text.substr(tag + 5, type - tag - 5), &sealed.box.tag)) {
    return refuse();
  }
  return sealed;
}

// As Go writes a float without an exponent: the fewest digits that read back as the same.
absl::StatusOr<std::string> FloatText(absl::string_view literal) {
  double number = 0;
  if (!absl::SimpleAtod(literal, &number)) {
    return absl::InvalidArgumentError("it holds a number that is none");
  }
  char text[400];
  const std::to_chars_result end =
      std::to_chars(text, text + sizeof text, number, std::chars_format::fixed);
  if (end.ec != std::errc()) return absl::InvalidArgumentError("it holds a number out of range");
  return std::string(text, end.ptr);
}

absl::StatusOr<std::string> NumberText(const std::string& literal) {
  if (!IsIntegerLiteral(literal)) return FloatText(literal);
  int64_t whole = 0;
  if (absl::SimpleAtoi(literal, &whole)) return absl::StrCat(whole);
  return FloatText(literal);
}

absl::StatusOr<Value> NumberOf(absl::string_view text, bool is_float) {
  if (!IsNumber(text)) return absl::DataLossError("it holds a number that is none");
  if (!is_float || !IsIntegerLiteral(text)) return Value::Number(text);
  // 1e21 comes as all its digits, which are not what was meant.
  return Value::Number(CanonicalNumber(absl::StrCat(text, "e0")));
}

absl::StatusOr<Value> BoolOf(absl::string_view text) {
  for (const absl::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
    if (text == yes) return Value(true);
  }
  for (const absl::string_view no : {"0", "f", "F", "false", "FALSE", "False"}) {
    if (text == no) return Value(false);
  }
  return absl::DataLossError("it holds a truth that is none");
}

}  // namespace

absl::StatusOr<std::optional<std::string>> MacBytes(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return std::nullopt;
    case Value::Kind::kBool:
      return std::string(value.boolean() ? "True" : "False");
    case Value::Kind::kNumber: {
      ASSIGN_OR_RETURN(std::string text, NumberText(value.number()));
      return text;
    }
    case Value::Kind::kString:
      return value.string();
    default:
      return absl::InvalidArgumentError("it is no single value");
  }
}

absl::StatusOr<std::optional<Value>> OpenValue(absl::string_view sealed, absl::string_view data_key,
                                               absl::string_view context) {
  if (sealed.empty()) return Value("");  // SOPS leaves what is empty as it is.
  ASSIGN_OR_RETURN(const Sealed parsed, Parse(sealed));
  ASSIGN_OR_RETURN(std::string plain,
                   cipher::OpenAesGcm(data_key, parsed.nonce, context, parsed.box));
  if (parsed.type == "comment") return std::nullopt;
  if (parsed.type == "str" || parsed.type == "bytes" || parsed.type == "time") {
    return Value(std::move(plain));
  }
  if (parsed.type == "int" || parsed.type == "float") {
    ASSIGN_OR_RETURN(Value number, NumberOf(plain, parsed.type == "float"));
    return number;
  }
  if (parsed.type == "bool") {
    ASSIGN_OR_RETURN(Value truth, BoolOf(plain));
    return truth;
  }
  return absl::InvalidArgumentError("its type is none of str, int, float, bool, bytes, time");
}

std::string SealValue(const Value& value, absl::string_view data_key, absl::string_view context) {
  const absl::StatusOr<std::optional<std::string>> plain = MacBytes(value);
  CHECK(plain.ok() && plain->has_value());
  if ((*plain)->empty()) return "";
  absl::string_view type = "str";
  if (value.is_bool()) type = "bool";
  if (value.is_number()) type = IsIntegerLiteral(value.number()) ? "int" : "float";
  const std::string nonce = cipher::RandomBytes(kNonceBytes);
  const cipher::Box box = cipher::SealAesGcm(data_key, nonce, context, **plain);
  return absl::StrCat(kPrefix, absl::Base64Escape(box.data), ",iv:", absl::Base64Escape(nonce),
                      ",tag:", absl::Base64Escape(box.tag), ",type:", type, "]");
}

}  // namespace muster::sops
