#include "common/render/variables.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

constexpr absl::string_view kLabels = "cluster.labels";
constexpr size_t kShownBytes = 200;                  // of an expression, to find its end
constexpr absl::string_view kMark = "\xEE\x80\x80";  // U+E000, which means nothing to anybody

bool IsNameStart(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsNamePart(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Where each character of UTF-8 text starts, and the end.
std::vector<size_t> CharacterStarts(absl::string_view text) {
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) starts.push_back(at);
  }
  starts.push_back(text.size());
  return starts;
}

std::string Part(absl::string_view value, int from, std::optional<int> length) {
  const std::vector<size_t> starts = CharacterStarts(value);
  const int size = static_cast<int>(starts.size()) - 1;
  const int begin = from < 0 ? std::max(0, size + from) : std::min(from, size);
  const int end = length.has_value() ? std::min(size, begin + *length) : size;
  return std::string(value.substr(starts[begin], starts[end] - starts[begin]));
}

// A variable, as it was named in an expression.
struct Reference {
  std::string name;     // "replicas", "cluster.labels.KEY", "cluster.name", "path.basename"
  bool scoped = false;  // one of the last three
};

// Reads a text once, from left to right, and writes what it becomes. Without a scope it only looks
// for references: every variable counts as undefined, and that is no error.
class Expander {
 public:
  Expander(absl::string_view text, const VariableScope* scope, const TextPosition& position,
           PutOff* put_off)
      : text_(text), scope_(scope), position_(position), put_off_(put_off) {}

  absl::StatusOr<std::string> Expand() {
    std::string out;
    RETURN_IF_ERROR(ReadText(/*depth=*/0, /*live=*/true, out));
    return out;
  }

  std::set<std::string>& uses() { return uses_; }

 private:
  std::string Located(size_t at, absl::string_view why) const {
    return absl::StrCat(position_.file, ":", position_.line + LineAt(at).number, ": ", why);
  }

  // Which line a place is in. Errors are asked about from left to right but for going back within
  // a line, so that looking all of them up costs one pass.
  struct Line {
    int number = 0;
    size_t start = 0;
    size_t counted = 0;  // the text before here was looked at
    size_t hash = 0;     // its first '#', or the text's end when there is none before `counted`
  };
  const Line& LineAt(size_t at) const {
    if (at < line_.start) line_ = Line{.hash = text_.size()};
    for (; line_.counted < at; ++line_.counted) {
      const char c = text_[line_.counted];
      if (c == '\n') {
        line_ = {line_.number + 1, line_.counted + 1, line_.counted, text_.size()};
      } else if (c == '#' && line_.hash == text_.size()) {
        line_.hash = line_.counted;
      }
    }
    return line_;
  }

  absl::Status Fail(size_t at, absl::string_view why) const {
    return absl::InvalidArgumentError(Located(at, why));
  }

  // The expression that starts at `at`, shortened, for messages.
  std::string Shown(size_t at) const {
    absl::string_view all = text_.substr(at, kShownBytes);
    all = all.substr(0, all.find_first_of("}\n"));
    const std::string shown = absl::CHexEscape(all.substr(0, 40));
    return absl::StrCat("'", shown, all.size() > 40 ? "...'" : "}'");
  }

  absl::Status Malformed(size_t at, absl::string_view why) const {
    return Fail(at, absl::StrCat("variable expression ", Shown(at), ": ", why,
                                 "; write $${ for text that is none"));
  }

  absl::Status Append(absl::string_view piece, std::string& out) const {
    if (out.size() + piece.size() > limits::kYamlFileBytesMax) {
      return absl::ResourceExhaustedError(
          absl::StrCat(position_.file, ": is larger than ", limits::kYamlFileBytesMax,
                       " bytes once its variables are substituted"));
    }
    out.append(piece.data(), piece.size());
    return absl::OkStatus();
  }

  bool Accept(absl::string_view sign) {
    if (!absl::StartsWith(text_.substr(at_), sign)) return false;
    at_ += sign.size();
    return true;
  }

  // Text up to the end or, inside an expression (depth > 0), up to its '}'. Not live: skips.
  absl::Status ReadText(int depth, bool live, std::string& out) {
    const absl::string_view stops = depth > 0 ? "$}\n" : "$";
    while (at_ < text_.size()) {
      const size_t stop = std::min(text_.find_first_of(stops, at_), text_.size());
      if (live) RETURN_IF_ERROR(Append(text_.substr(at_, stop - at_), out));
      at_ = stop;
      if (at_ == text_.size() || (depth > 0 && text_[at_] != '$')) break;
      if (Accept("$${")) {
        if (live) RETURN_IF_ERROR(Append("${", out));
      } else if (absl::StartsWith(text_.substr(at_), "${")) {
        const size_t start = at_, written = out.size();
        const absl::Status status = ReadExpression(depth + 1, live, out);
        if (!status.ok()) {
          if (depth > 0) return status;
          out.resize(written);
          RETURN_IF_ERROR(PutOffOrFail(status, start, out));
        }
      } else {
        ++at_;
        if (live) RETURN_IF_ERROR(Append("$", out));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadExpression(int depth, bool live, std::string& out) {
    const size_t start = at_;
    if (depth > limits::kVariableDepthMax) {
      return absl::ResourceExhaustedError(Located(
          start,
          absl::StrCat("variables are nested more than ", limits::kVariableDepthMax, " deep")));
    }
    at_ += 2;
    const bool count = Accept("#");
    Reference reference;
    RETURN_IF_ERROR(ReadReference(start, reference));
    const std::optional<absl::string_view> value = live ? Look(reference) : std::nullopt;
    RETURN_IF_ERROR(Spend(value.value_or("").size(), start));
    std::string result;
    if (count) {
      if (value) result = absl::StrCat(CharacterStarts(*value).size() - 1);
      if (live && !value) RETURN_IF_ERROR(Undefined(start, reference));
    } else {
      RETURN_IF_ERROR(ReadOperation(start, depth, live, reference, value, result));
    }
    if (!Accept("}")) return Malformed(start, "no '}' where one was expected on this line");
    return live ? Append(result, out) : absl::OkStatus();
  }

  // Puts an error off, if it may be one of a comment: writes the mark and goes on after the
  // expression.
  absl::Status PutOffOrFail(const absl::Status& status, size_t start, std::string& out) {
    if (put_off_ == nullptr || !absl::IsInvalidArgument(status)) return status;
    if (LineAt(start).hash >= start) return status;
    if (put_off_->errors.size() >= limits::kPutOffMax) {
      return absl::ResourceExhaustedError(
          Located(start, absl::StrCat("more than ", limits::kPutOffMax,
                                      " expressions in comments are wrong; remove the comments")));
    }
    RETURN_IF_ERROR(Append(absl::StrCat(kMark, put_off_->errors.size(), kMark), out));
    put_off_->errors.push_back(status);
    const absl::string_view expression = text_.substr(start, kShownBytes);
    const size_t end = expression.find_first_of("}\n");
    at_ = start + (end != expression.npos && expression[end] == '}' ? end + 1 : 2);
    return absl::OkStatus();
  }

  absl::string_view ReadName() {
    const size_t from = at_;
    if (at_ < text_.size() && IsNameStart(text_[at_])) {
      while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
    }
    return text_.substr(from, at_ - from);
  }

  absl::Status ReadReference(size_t start, Reference& reference) {
    reference.name = std::string(ReadName());
    if (reference.name.empty()) {
      return Malformed(start, "needs a name of letters, digits and '_'");
    }
    while (Accept(".")) {
      reference.scoped = true;
      if (reference.name == kLabels) {
        // A label's key may start with a digit.
        const size_t from = at_;
        while (at_ < text_.size() && IsNamePart(text_[at_])) ++at_;
        if (at_ == from) return Malformed(start, "names no label");
        absl::StrAppend(&reference.name, ".", text_.substr(from, at_ - from));
        return absl::OkStatus();
      }
      absl::StrAppend(&reference.name, ".", ReadName());
    }
    if (reference.name == kLabels && Accept("[")) {
      const absl::string_view quote = Accept("\"") ? "\"" : Accept("'") ? "'" : "";
      const size_t end = quote.empty() ? at_ : text_.find_first_of(absl::StrCat(quote, "\n"), at_);
      if (quote.empty() || end >= text_.size() || text_[end] == '\n' || end == at_) {
        return Malformed(start, "a label's key stands in quotes: ${cluster.labels[\"key\"]}");
      }
      absl::StrAppend(&reference.name, ".", text_.substr(at_, end - at_));
      at_ = end + 1;
      if (!Accept("]")) return Malformed(start, "no ']' after the label's key");
      return absl::OkStatus();
    }
    if (!reference.scoped || reference.name == "cluster.name" ||
        reference.name == "path.basename") {
      return absl::OkStatus();
    }
    return Malformed(start, absl::StrCat("there is no '", reference.name,
                                         "'; known are cluster.name, cluster.labels.KEY, "
                                         "cluster.labels[\"KEY\"] and path.basename"));
  }

  // Many short expressions over one long value would make a small file slow.
  absl::Status Spend(size_t bytes, size_t at) {
    spent_ += bytes;
    if (spent_ <= limits::kVariableWorkBytesMax) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        Located(at, absl::StrCat("more than ", limits::kVariableWorkBytesMax,
                                 " bytes of variables were substituted")));
  }

  std::optional<absl::string_view> Look(const Reference& reference) {
    if (scope_ == nullptr) {
      if (absl::StartsWith(reference.name, "cluster.")) uses_.insert(reference.name);
      return std::nullopt;
    }
    if (reference.name == "cluster.name") return absl::string_view(scope_->cluster_name);
    if (reference.name == "path.basename") return absl::string_view(scope_->path_basename);
    absl::string_view name = reference.name;
    const auto& values = reference.scoped ? scope_->labels : scope_->variables;
    if (reference.scoped) name.remove_prefix(kLabels.size() + 1);
    const auto at = values.find(name);
    if (at == values.end()) return std::nullopt;
    return absl::string_view(at->second);
  }

  absl::Status Undefined(size_t start, const Reference& reference) const {
    if (scope_ == nullptr) return absl::OkStatus();
    if (reference.scoped) {
      return Fail(start, absl::StrCat("variable expression ", Shown(start), ": cluster '",
                                      scope_->cluster_name, "' has no label '",
                                      reference.name.substr(kLabels.size() + 1),
                                      "'; label it, or give a default with :-"));
    }
    return Fail(start, absl::StrCat("variable '", reference.name,
                                    "' is not defined; set it under 'variables' of the package or "
                                    "its target, give a default (${",
                                    reference.name, ":-value}), or write $${", reference.name,
                                    "} to keep the text"));
  }

  // What follows the name, up to the '}'.
  absl::Status ReadOperation(size_t start, int depth, bool live, const Reference& reference,
                             std::optional<absl::string_view> value, std::string& result) {
    if (Accept(":-") || Accept(":=")) {
      const bool wanted = live && (!value || value->empty());
      if (!wanted && live) result = std::string(*value);
      return ReadText(depth, wanted, result);
    }
    if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '=')) {
      if (reference.scoped) {
        return Malformed(start,
                         "a label's key with '-' stands in brackets, "
                         "${cluster.labels[\"my-key\"]}, and a default follows ':-'");
      }
      ++at_;
      const bool wanted = live && !value;
      if (!wanted && live) result = std::string(*value);
      return ReadText(depth, wanted, result);
    }
    if (live && !value) RETURN_IF_ERROR(Undefined(start, reference));
    const absl::string_view known = value.value_or("");
    if (Accept(":")) return ReadPart(start, known, result);
    if (Accept("/")) return ReadReplacement(start, known, result);
    result = std::string(known);
    if (Accept("^^")) {
      absl::AsciiStrToUpper(&result);
    } else if (Accept(",,")) {
      absl::AsciiStrToLower(&result);
    } else if (Accept("^")) {
      if (!result.empty()) result[0] = absl::ascii_toupper(result[0]);
    } else if (Accept(",")) {
      if (!result.empty()) result[0] = absl::ascii_tolower(result[0]);
    } else if (at_ < text_.size() && text_[at_] != '}') {
      return Malformed(start, "after the name may stand :-, -, :=, =, :N, /, ^ or ,");
    }
    return absl::OkStatus();
  }

  absl::Status ReadNumber(size_t start, int& number) {
    while (Accept(" ")) continue;
    const size_t from = at_;
    Accept("-");
    while (at_ < text_.size() && absl::ascii_isdigit(text_[at_])) ++at_;
    const absl::string_view digits = text_.substr(from, at_ - from);
    if (digits.size() > 7 || !absl::SimpleAtoi(digits, &number)) {
      return Malformed(start, "after ':' a number was expected, or '-' and a default");
    }
    return absl::OkStatus();
  }

  absl::Status ReadPart(size_t start, absl::string_view value, std::string& result) {
    int from = 0;
    RETURN_IF_ERROR(ReadNumber(start, from));
    std::optional<int> length;
    if (Accept(":")) {
      RETURN_IF_ERROR(ReadNumber(start, length.emplace()));
      if (*length < 0) return Malformed(start, "the length must not be negative");
    }
    result = Part(value, from, length);
    return absl::OkStatus();
  }

  absl::Status ReadReplacement(size_t start, absl::string_view value, std::string& result) {
    const bool all = Accept("/");
    const size_t middle = text_.find_first_of("/$}\n", at_);
    if (middle >= text_.size() || text_[middle] != '/' || middle == at_) {
      return Malformed(start, "a replacement is written ${name/old/new}, with literal texts");
    }
    const size_t end = text_.find_first_of("/$}\n", middle + 1);
    if (end >= text_.size() || text_[end] != '}') {
      return Malformed(start, "a replacement is written ${name/old/new}, with literal texts");
    }
    const absl::string_view old_text = text_.substr(at_, middle - at_);
    const absl::string_view new_text = text_.substr(middle + 1, end - middle - 1);
    at_ = end;
    while (true) {
      const size_t found = value.find(old_text);
      if (found == absl::string_view::npos) break;
      RETURN_IF_ERROR(Append(value.substr(0, found), result));
      RETURN_IF_ERROR(Append(new_text, result));
      value.remove_prefix(found + old_text.size());
      if (!all) break;
    }
    return Append(value, result);
  }

  const absl::string_view text_;
  const VariableScope* const scope_;  // null: only collect
  const TextPosition& position_;
  PutOff* const put_off_;  // null: nothing is put off
  size_t at_ = 0;
  size_t spent_ = 0;
  mutable Line line_ = {.hash = text_.size()};  // a cache
  std::set<std::string> uses_;
};

absl::Status CheckText(absl::string_view text, const std::vector<absl::Status>& errors) {
  const size_t mark = text.find(kMark);
  if (mark == text.npos) return absl::OkStatus();
  text.remove_prefix(mark + kMark.size());
  size_t index = 0;
  const bool ours = absl::SimpleAtoi(text.substr(0, text.find(kMark)), &index);
  return ours && index < errors.size() ? errors[index] : errors.front();
}

}  // namespace

bool IsVariableName(absl::string_view name) {
  return !name.empty() && IsNameStart(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) { return IsNamePart(c); });
}

absl::Status PutOff::Check(const Value& value) const {
  if (errors.empty()) return absl::OkStatus();
  if (value.is_string()) return CheckText(value.string(), errors);
  if (value.is_list()) {
    for (const Value& element : value.list()) RETURN_IF_ERROR(Check(element));
  } else if (value.is_map()) {
    for (const Member& member : value.map()) {
      RETURN_IF_ERROR(CheckText(member.key, errors));
      RETURN_IF_ERROR(Check(member.value));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Substitute(absl::string_view text, const VariableScope& scope,
                                       const TextPosition& position, PutOff* put_off) {
  return Expander(text, &scope, position, put_off).Expand();
}

absl::Status CollectClusterVariables(absl::string_view text, const TextPosition& position,
                                     std::set<std::string>& uses) {
  PutOff put_off;
  Expander expander(text, nullptr, position, &put_off);
  RETURN_IF_ERROR(expander.Expand().status());
  uses.merge(expander.uses());
  return absl::OkStatus();
}

}  // namespace muster
