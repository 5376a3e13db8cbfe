#include "common/config/selector.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/config/names.h"

namespace muster {
namespace {

using Requirement = v1::LabelSelector::Requirement;

bool MatchesRequirement(const Requirement& requirement, const Labels& labels) {
  const auto at = labels.find(requirement.key());
  const bool present = at != labels.end();
  const auto listed = [&] {
    return std::find(requirement.values().begin(), requirement.values().end(), at->second) !=
           requirement.values().end();
  };
  switch (requirement.operator_()) {
    case v1::LabelSelector::OPERATOR_IN:
      return present && listed();
    case v1::LabelSelector::OPERATOR_NOT_IN:
      return requirement.values_size() > 0 && !(present && listed());
    case v1::LabelSelector::OPERATOR_EXISTS:
      return requirement.values_size() == 0 && present;
    case v1::LabelSelector::OPERATOR_DOES_NOT_EXIST:
      return requirement.values_size() == 0 && !present;
    default:
      return false;
  }
}

// Reads the text from left to right.
class SelectorReader {
 public:
  explicit SelectorReader(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<v1::LabelSelector> Read() {
    v1::LabelSelector selector;
    SkipBlanks();
    if (rest_.empty()) return selector;
    while (true) {
      RETURN_IF_ERROR(ReadRequirement(selector));
      SkipBlanks();
      if (rest_.empty()) return selector;
      if (!Accept(",")) return Refuse("expected ',' between requirements");
      SkipBlanks();
      if (rest_.empty()) return Refuse("ends with ','");
    }
  }

 private:
  absl::Status Refuse(absl::string_view why) const {
    const std::string at =
        rest_.empty() ? "the end" : absl::StrCat("'", absl::CHexEscape(rest_.substr(0, 30)), "'");
    return absl::InvalidArgumentError(
        absl::StrCat("selector '", absl::CHexEscape(text_), "': at ", at, ": ", why,
                     "; write it like 'env=prod,tier in (a,b),!old'"));
  }

  void SkipBlanks() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }

  bool Accept(absl::string_view sign) {
    if (!absl::StartsWith(rest_, sign)) return false;
    rest_.remove_prefix(sign.size());
    return true;
  }

  // All up to a blank or a sign of the grammar; may be empty.
  absl::string_view Word() {
    const size_t size = std::min(rest_.find_first_of(" \t\r\n,=!()<>"), rest_.size());
    const absl::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }

  absl::Status ReadRequirement(v1::LabelSelector& selector) {
    if (Accept("!")) {
      SkipBlanks();
      return Add(selector, Word(), v1::LabelSelector::OPERATOR_DOES_NOT_EXIST, {});
    }
    const absl::string_view key = Word();
    SkipBlanks();
    if (rest_.empty() || rest_.front() == ',') {
      return Add(selector, key, v1::LabelSelector::OPERATOR_EXISTS, {});
    }
    if (Accept("!=")) {
      SkipBlanks();
      return Add(selector, key, v1::LabelSelector::OPERATOR_NOT_IN, {std::string(Word())});
    }
    if (Accept("==") || Accept("=")) {
      SkipBlanks();
      return AddLabel(selector, key, Word());
    }
    const absl::string_view before = rest_;
    const absl::string_view word = Word();
    if (word != "in" && word != "notin") {
      rest_ = before;
      return Refuse("expected =, ==, !=, in or notin");
    }
    std::vector<std::string> values;
    RETURN_IF_ERROR(ReadValues(values));
    return Add(selector, key,
               word == "in" ? v1::LabelSelector::OPERATOR_IN : v1::LabelSelector::OPERATOR_NOT_IN,
               std::move(values));
  }

  absl::Status ReadValues(std::vector<std::string>& values) {
    SkipBlanks();
    if (!Accept("(")) return Refuse("expected '(' and the values");
    while (true) {
      SkipBlanks();
      values.emplace_back(Word());
      SkipBlanks();
      if (Accept(")")) break;
      if (!Accept(",")) return Refuse("expected ',' or ')' after a value");
    }
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return absl::OkStatus();
  }

  absl::Status AddLabel(v1::LabelSelector& selector, absl::string_view key,
                        absl::string_view value) {
    if (absl::Status bad = CheckLabelKey(key); !bad.ok()) return Refuse(bad.message());
    if (absl::Status bad = CheckLabelValue(value); !bad.ok()) return Refuse(bad.message());
    for (const v1::Label& label : selector.match_labels()) {
      // Two values for one key can both be asked for, and then nothing matches.
      if (label.key() == key) {
        return Add(selector, key, v1::LabelSelector::OPERATOR_IN, {std::string(value)});
      }
    }
    v1::Label* label = selector.add_match_labels();
    label->set_key(std::string(key));
    label->set_value(std::string(value));
    return absl::OkStatus();
  }

  absl::Status Add(v1::LabelSelector& selector, absl::string_view key,
                   v1::LabelSelector::Operator op, std::vector<std::string> values) {
    if (absl::Status bad = CheckLabelKey(key); !bad.ok()) return Refuse(bad.message());
    for (const std::string& value : values) {
      if (absl::Status bad = CheckLabelValue(value); !bad.ok()) return Refuse(bad.message());
    }
    Requirement* requirement = selector.add_match_expressions();
    requirement->set_key(std::string(key));
    requirement->set_operator_(op);
    for (std::string& value : values) requirement->add_values(std::move(value));
    return absl::OkStatus();
  }

  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

Labels LabelsOf(const google::protobuf::RepeatedPtrField<v1::Label>& labels) {
  Labels result;
  for (const v1::Label& label : labels) result.insert_or_assign(label.key(), label.value());
  return result;
}

bool Matches(const v1::LabelSelector& selector, const Labels& labels) {
  for (const v1::Label& wanted : selector.match_labels()) {
    const auto at = labels.find(wanted.key());
    if (at == labels.end() || at->second != wanted.value()) return false;
  }
  for (const Requirement& requirement : selector.match_expressions()) {
    if (!MatchesRequirement(requirement, labels)) return false;
  }
  return true;
}

absl::Status CheckSelector(const v1::LabelSelector& selector) {
  for (const v1::Label& label : selector.match_labels()) {
    RETURN_IF_ERROR(CheckLabelKey(label.key()));
    RETURN_IF_ERROR(CheckLabelValue(label.value()));
  }
  for (const Requirement& requirement : selector.match_expressions()) {
    RETURN_IF_ERROR(CheckLabelKey(requirement.key()));
    const bool takes_values = requirement.operator_() == v1::LabelSelector::OPERATOR_IN ||
                              requirement.operator_() == v1::LabelSelector::OPERATOR_NOT_IN;
    if (!takes_values && requirement.operator_() != v1::LabelSelector::OPERATOR_EXISTS &&
        requirement.operator_() != v1::LabelSelector::OPERATOR_DOES_NOT_EXIST) {
      return absl::InvalidArgumentError("the operator must be In, NotIn, Exists or DoesNotExist");
    }
    if (takes_values && requirement.values_size() == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("In and NotIn need values; '", requirement.key(), "' has none"));
    }
    if (!takes_values && requirement.values_size() > 0) {
      return absl::InvalidArgumentError(absl::StrCat("Exists and DoesNotExist take no values; '",
                                                     requirement.key(), "' has some"));
    }
    for (const std::string& value : requirement.values()) RETURN_IF_ERROR(CheckLabelValue(value));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::LabelSelector> ParseSelector(absl::string_view text) {
  return SelectorReader(text).Read();
}

std::string SelectorText(const v1::LabelSelector& selector) {
  std::vector<std::string> parts;
  for (const v1::Label& label : selector.match_labels()) {
    parts.push_back(absl::StrCat(label.key(), "=", label.value()));
  }
  for (const Requirement& requirement : selector.match_expressions()) {
    const std::string values = absl::StrCat("(", absl::StrJoin(requirement.values(), ","), ")");
    switch (requirement.operator_()) {
      case v1::LabelSelector::OPERATOR_IN:
        parts.push_back(absl::StrCat(requirement.key(), " in ", values));
        break;
      case v1::LabelSelector::OPERATOR_NOT_IN:
        parts.push_back(absl::StrCat(requirement.key(), " notin ", values));
        break;
      case v1::LabelSelector::OPERATOR_DOES_NOT_EXIST:
        parts.push_back(absl::StrCat("!", requirement.key()));
        break;
      default:
        parts.push_back(requirement.key());
    }
  }
  return absl::StrJoin(parts, ",");
}

}  // namespace muster
