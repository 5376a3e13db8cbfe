#include "common/config/structure.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "common/base/suggest.h"
#include "common/config/names.h"
#include "common/render/variables.h"

namespace muster {
namespace {

constexpr absl::string_view kNotBuilt = "is not built yet in this version";

class Checker {
 public:
  explicit Checker(Findings& findings) : findings_(findings) {}

  void Object(const ObjectSpec& spec, const Value& value, const std::string& at) {
    if (!value.is_map()) return Refuse(at, "must be a map", value);
    for (const Member& member : value.map()) {
      const std::string below = JoinPointer(at, member.key);
      const FieldSpec* field = FindField(spec, member.key);
      if (field == nullptr) {
        findings_.Add(below, absl::StrCat("unknown field", Suggestion(spec, member.key)));
      } else if (!field->built) {
        findings_.Add(below, kNotBuilt);
      } else {
        Field(*field, member.value, below);
      }
    }
    for (const FieldSpec& field : spec.fields) {
      if (field.required && !value.map().Contains(field.name)) {
        findings_.Add(JoinPointer(at, field.name), "is missing");
      }
    }
    ExactlyOne(spec, value, at);
  }

 private:
  static std::string Suggestion(const ObjectSpec& spec, absl::string_view name) {
    std::vector<absl::string_view> names;
    for (const FieldSpec& field : spec.fields) names.push_back(field.name);
    const std::string suggestion = DidYouMean(name, names);
    if (!suggestion.empty()) return suggestion;
    return absl::StrCat("; known are ", absl::StrJoin(names, ", "));
  }

  void Refuse(absl::string_view at, absl::string_view why, const Value& value) {
    if (value.is_null()) {
      return findings_.Add(at, "has no value; give it one, or leave the field out");
    }
    findings_.Add(at, absl::StrCat(why, ", not a ", KindName(value.kind())));
  }

  void ExactlyOne(const ObjectSpec& spec, const Value& value, const std::string& at) {
    if (spec.exactly_one_of.empty()) return;
    int present = 0;
    for (const absl::string_view name : spec.exactly_one_of) present += value.map().Contains(name);
    if (present != 1) {
      findings_.Add(at,
                    absl::StrCat("needs exactly one of ", absl::StrJoin(spec.exactly_one_of, ", "),
                                 "; it has ", present == 0 ? "none" : absl::StrCat(present)));
    }
  }

  void Field(const FieldSpec& field, const Value& value, const std::string& at) {
    if (!field.list) return One(field, value, at);
    if (!value.is_list()) return Refuse(at, "must be a list", value);
    for (size_t i = 0; i < value.list().size(); ++i) {
      One(field, value.list()[i], absl::StrCat(at, "/", i));
    }
  }

  void One(const FieldSpec& field, const Value& value, const std::string& at) {
    switch (field.type) {
      case FieldType::kObject:
        return Object(*field.object, value, at);
      case FieldType::kLabels:
      case FieldType::kVariables:
      case FieldType::kNotes:
        return Texts(field.type, value, at);
      case FieldType::kValues:
        if (!value.is_map()) Refuse(at, "must be a map", value);
        return;
      case FieldType::kBoolean:
        if (!value.is_bool()) Refuse(at, "must be true or false", value);
        return;
      case FieldType::kBudget:
        if (value.is_null() || !ParseBudget(value)) {
          Refuse(at, "must be a share like 10% (at most 100%) or a number like 3", value);
        }
        return;
      default:
        return Text(field, value, at);
    }
  }

  void Text(const FieldSpec& field, const Value& value, const std::string& at) {
    if (value.is_number() || value.is_bool()) {
      return Refuse(at, "must be text; put it in quotes", value);
    }
    if (!value.is_string()) return Refuse(at, "must be text", value);
    const std::string& text = value.string();
    if (text.empty()) return findings_.Add(at, "is empty");
    if (field.type == FieldType::kName) {
      if (absl::Status bad = CheckName(text); !bad.ok()) findings_.Add(at, bad.message());
    } else if (field.type == FieldType::kDuration) {
      if (!ParseDurationMs(text)) {
        findings_.Add(at, absl::StrCat("'", absl::CHexEscape(text),
                                       "' is no duration; write it like 30s, 5m or 1h30m"));
      }
    } else if (field.type == FieldType::kChoice) {
      OneOf(field, text, at);
    }
  }

  void OneOf(const FieldSpec& field, const std::string& text, const std::string& at) {
    std::vector<absl::string_view> built;
    for (const Choice& choice : field.choices) {
      if (choice.value == text) {
        if (!choice.built) findings_.Add(at, absl::StrCat("'", text, "' ", kNotBuilt));
        return;
      }
      if (choice.built) built.push_back(choice.value);
    }
    findings_.Add(at, absl::StrCat("'", absl::CHexEscape(text), "' is none of ",
                                   absl::StrJoin(built, ", "), DidYouMean(text, built)));
  }

  void Texts(FieldType type, const Value& value, const std::string& at) {
    if (!value.is_map()) return Refuse(at, "must be a map", value);
    if (type == FieldType::kVariables && value.map().size() > limits::kVariablesMax) {
      return findings_.Add(at, absl::StrCat("has more than ", limits::kVariablesMax, " variables"));
    }
    for (const Member& member : value.map()) {
      const std::string below = JoinPointer(at, member.key);
      if (!member.value.is_string()) {
        Refuse(below, "must be text; put it in quotes", member.value);
        continue;
      }
      if (type == FieldType::kLabels) {
        Label(member, below);
      } else if (type == FieldType::kVariables) {
        Variable(member, below);
      }
    }
  }

  void Label(const Member& member, const std::string& at) {
    if (absl::Status bad = CheckLabelKey(member.key); !bad.ok()) findings_.Add(at, bad.message());
    if (absl::Status bad = CheckLabelValue(member.value.string()); !bad.ok()) {
      findings_.Add(at, bad.message());
    }
  }

  void Variable(const Member& member, const std::string& at) {
    if (!IsVariableName(member.key)) {
      findings_.Add(at, "is no name for a variable; use letters, digits and '_'");
    }
    if (member.value.string().size() > limits::kVariableBytesMax) {
      findings_.Add(at, absl::StrCat("is longer than ", limits::kVariableBytesMax, " bytes"));
    }
  }

  Findings& findings_;
};

}  // namespace

void CheckStructure(const ObjectSpec& spec, Findings& findings) {
  Checker(findings).Object(spec, findings.document().value, "");
}

std::optional<int64_t> ParseDurationMs(absl::string_view text) {
  absl::Duration duration;
  // absl also reads "inf", signs and a bare 0.
  if (text.empty() || !absl::ascii_isdigit(text.front()) || !absl::ParseDuration(text, &duration)) {
    return std::nullopt;
  }
  if (duration <= absl::ZeroDuration() || duration > absl::Hours(24 * 366)) return std::nullopt;
  const int64_t milliseconds = absl::ToInt64Milliseconds(duration);
  if (milliseconds == 0) return std::nullopt;
  return milliseconds;
}

std::optional<Budget> ParseBudget(const Value& value) {
  Budget budget;
  if (const std::optional<int64_t> number = value.AsInt64()) {
    if (*number < 0 || *number > limits::kObjectsPerBundleMax) return std::nullopt;
    budget.amount = static_cast<int32_t>(*number);
    return budget;
  }
  if (!value.is_string()) return std::nullopt;
  absl::string_view text = value.string();
  budget.percent = absl::ConsumeSuffix(&text, "%");
  const int most = budget.percent ? 100 : limits::kObjectsPerBundleMax;
  if (text.empty() || !absl::ascii_isdigit(text.front()) ||
      !absl::SimpleAtoi(text, &budget.amount) || budget.amount > most) {
    return std::nullopt;
  }
  return budget;
}

}  // namespace muster
