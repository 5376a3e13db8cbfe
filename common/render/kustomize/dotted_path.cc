#include "common/render/kustomize/dotted_path.h"

#include <re2/re2.h>

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_scalar.h"
#include "common/render/kustomize/res_id.h"

namespace muster::kustomize {
namespace {

using Steps = absl::Span<const std::string>;

std::optional<size_t> IndexOf(absl::string_view step) {
  size_t index = 0;
  if (step.empty() || step.size() > 9 || !absl::SimpleAtoi(step, &index)) return std::nullopt;
  return absl::ascii_isdigit(step[0]) || step[0] == '+' ? std::optional<size_t>(index)
                                                        : std::nullopt;
}

bool IsSelector(absl::string_view step) {
  return absl::StartsWith(step, "[") && absl::EndsWith(step, "]");
}

// "[key=value]" taken apart.
absl::StatusOr<std::pair<std::string, std::string>> SplitSelector(absl::string_view step) {
  const absl::string_view inner = step.substr(1, step.size() - 2);
  const size_t equals = inner.find('=');
  if (equals == inner.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", step, "' selects no element; write [key=value], or [=value]"));
  }
  return std::make_pair(std::string(inner.substr(0, equals)),
                        std::string(inner.substr(equals + 1)));
}

absl::Status WrongKind(absl::string_view step, absl::string_view wanted, const Value& found) {
  return absl::InvalidArgumentError(absl::StrCat("step '", step, "' of the path needs a ", wanted,
                                                 ", and there is a ", KindName(found.kind())));
}

// One step of a look-up; null when it leads nowhere.
absl::StatusOr<const Value*> LookUpStep(absl::string_view step, const Value& at) {
  if (step == "*") {
    return absl::InvalidArgumentError("'*' may stand in the paths of targets only");
  }
  const bool is_last = step == "-";
  const std::optional<size_t> index = IndexOf(step);
  if (is_last || index.has_value()) {
    if (!at.is_list()) return WrongKind(step, "list", at);
    if (is_last) return at.list().empty() ? nullptr : &at.list().back();
    return *index < at.list().size() ? &at.list()[*index] : nullptr;
  }
  if (!IsSelector(step)) {
    if (at.is_null()) return nullptr;
    if (!at.is_map()) return WrongKind(step, "map", at);
    return at.map().Get(step);
  }
  if (!at.is_list()) return WrongKind(step, "list", at);
  ASSIGN_OR_RETURN(const auto selector, SplitSelector(step));
  for (const Value& element : at.list()) {
    const Value* key = selector.first.empty() ? &element : element.Get(selector.first);
    if (key != nullptr && ScalarText(*key) == selector.second) return &element;
  }
  return nullptr;
}

class Matcher {
 public:
  explicit Matcher(CreateEnd create) : create_(create) {}

  absl::Status Match(Steps steps, Value& at, bool created) {
    if (steps.empty()) {
      matches_.push_back({&at, created});
      return absl::OkStatus();
    }
    const std::string& step = steps[0];
    if (const std::optional<size_t> index = IndexOf(step); index.has_value()) {
      return MatchIndex(steps, *index, at);
    }
    if (IsSelector(step)) return MatchSelector(steps, at);
    if (step != "*") return MatchField(steps, at);
    if (!at.is_list()) return WrongKind(step, "list", at);
    for (Value& element : at.list()) RETURN_IF_ERROR(Match(steps.subspan(1), element, false));
    return absl::OkStatus();
  }

  std::vector<PathMatch> Take() { return std::move(matches_); }

 private:
  // What is to stand where `rest` goes on.
  Value Start(Steps rest) const {
    if (rest.empty()) {
      if (create_ == CreateEnd::kMap) return Value::Map{};
      if (create_ == CreateEnd::kList) return Value::List{};
      return Value();
    }
    if (IsSelector(rest[0]) || IndexOf(rest[0]).has_value()) return Value::List{};
    return Value::Map{};
  }

  absl::Status MatchField(Steps steps, Value& at) {
    const std::string& step = steps[0];
    if (at.is_null() && create_ == CreateEnd::kNothing) return absl::OkStatus();
    if (!at.is_map()) return WrongKind(step, "map", at);
    bool created = false;
    Value* field = at.map().Get(step);
    if (field == nullptr) {
      if (create_ == CreateEnd::kNothing) return absl::OkStatus();
      field = &at.map().Set(step, Start(steps.subspan(1)));
      created = true;
    }
    return Match(steps.subspan(1), *field, created);
  }

  absl::Status MatchIndex(Steps steps, size_t index, Value& at) {
    if (!at.is_list()) return WrongKind(steps[0], "list", at);
    bool created = false;
    if (index == at.list().size() && create_ != CreateEnd::kNothing) {
      at.list().push_back(Start(steps.subspan(1)));
      created = true;
    }
    if (index >= at.list().size()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "index ", index, " is past the end: there are ", at.list().size(), " elements"));
    }
    return Match(steps.subspan(1), at.list()[index], created);
  }

  absl::Status MatchSelector(Steps steps, Value& at) {
    if (!at.is_list()) return WrongKind(steps[0], "list", at);
    ASSIGN_OR_RETURN(const auto selector, SplitSelector(steps[0]));
    const re2::RE2 pattern(selector.second, re2::RE2::Quiet);
    if (!pattern.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", selector.second, "' in step '", steps[0],
                       "' is no regular expression: ", pattern.error()));
    }
    const size_t before = matches_.size();
    RETURN_IF_ERROR(MatchElements(steps, selector.first, pattern, /*created=*/false, at));
    if (matches_.size() > before || create_ == CreateEnd::kNothing) return absl::OkStatus();
    ASSIGN_OR_RETURN(Value value, ResolvePlainScalar(selector.second));
    at.list().push_back(selector.first.empty()
                            ? std::move(value)
                            : Value(Value::Map{{selector.first, std::move(value)}}));
    return MatchElements(steps, selector.first, pattern, /*created=*/true, at);
  }

  // Elements of the list `at` with a match in their member `key`, or in themselves.
  absl::Status MatchElements(Steps steps, const std::string& key, const re2::RE2& pattern,
                             bool created, Value& at) {
    for (Value& element : at.list()) {
      const Value* tested = key.empty() ? &element : element.Get(key);
      if (tested == nullptr || !re2::RE2::PartialMatch(ScalarText(*tested), pattern)) continue;
      if (key.empty()) {
        // A scalar has nothing below it, so what follows such a step is not looked at.
        matches_.push_back({&element, created});
      } else {
        RETURN_IF_ERROR(Match(steps.subspan(1), element, /*created=*/false));
      }
    }
    return absl::OkStatus();
  }

  const CreateEnd create_;
  std::vector<PathMatch> matches_;
};

}  // namespace

std::vector<std::string> SplitDottedPath(absl::string_view path) {
  std::vector<std::string> parts;
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    // "\." is no end of a step.
    if (!parts.empty() && absl::EndsWith(parts.back(), "\\")) {
      parts.back().pop_back();
      absl::StrAppend(&parts.back(), ".", part);
    } else {
      parts.emplace_back(part);
    }
  }
  if (parts.size() > 1 && parts[0].empty()) parts.erase(parts.begin());

  std::vector<std::string> steps;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::StartsWith(parts[i], "[") || absl::EndsWith(parts[i], "]")) {
      steps.push_back(std::move(parts[i]));
      continue;
    }
    std::string bracketed = std::move(parts[i]);
    while (i + 1 < parts.size() && !absl::EndsWith(bracketed, "]")) {
      absl::StrAppend(&bracketed, ".", parts[++i]);
    }
    if (!absl::StrContains(bracketed, '=')) {
      const size_t start = bracketed.find_first_not_of("[]");
      const size_t end = bracketed.find_last_not_of("[]");
      bracketed = start == std::string::npos ? "" : bracketed.substr(start, end - start + 1);
    }
    steps.push_back(std::move(bracketed));
  }
  return steps;
}

absl::StatusOr<const Value*> LookUpPath(const std::vector<std::string>& steps, const Value& root) {
  const Value* at = &root;
  for (const std::string& spaced : steps) {
    const absl::string_view step = absl::StripAsciiWhitespace(spaced);
    if (step.empty()) continue;
    ASSIGN_OR_RETURN(at, LookUpStep(step, *at));
    if (at == nullptr) return nullptr;
  }
  return at;
}

absl::StatusOr<std::vector<PathMatch>> MatchPath(const std::vector<std::string>& steps,
                                                 CreateEnd create, Value& root) {
  Matcher matcher(create);
  RETURN_IF_ERROR(matcher.Match(steps, root, /*created=*/false));
  return matcher.Take();
}

}  // namespace muster::kustomize
