#include "common/render/kustomize/selector.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "re2/re2.h"

namespace muster::kustomize {
namespace {

// Cuts a label selector into words, operators and brackets.
class SelectorText {
 public:
  explicit SelectorText(absl::string_view text) : rest_(text) {}

  // The next token, "" at the end.
  absl::string_view Next() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    if (rest_.empty()) return "";
    const absl::string_view marks = "=!<>(),";
    size_t size = 0;
    if (marks.find(rest_[0]) == marks.npos) {
      while (size < rest_.size() && marks.find(rest_[size]) == marks.npos &&
             !absl::ascii_isspace(static_cast<unsigned char>(rest_[size]))) {
        ++size;
      }
    } else {
      size = rest_.substr(0, 2) == "==" || rest_.substr(0, 2) == "!=" ? 2 : 1;
    }
    const absl::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  absl::string_view Peek() {
    const absl::string_view before = rest_;
    const absl::string_view token = Next();
    rest_ = before;
    return token;
  }

 private:
  absl::string_view rest_;
};

bool IsWord(absl::string_view token) {
  return !token.empty() && absl::string_view("=!<>(),").find(token[0]) == absl::string_view::npos;
}

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("'", text, "' is no label selector: ", why));
}

}  // namespace

absl::StatusOr<LabelSelector> LabelSelector::Parse(const std::string& text) {
  using Kind = Requirement::Kind;
  LabelSelector selector;
  SelectorText tokens(text);
  if (tokens.Peek().empty()) return selector;
  while (true) {
    Requirement requirement{Kind::kExists, "", {}};
    if (tokens.Peek() == "!") {
      tokens.Next();
      requirement.kind = Kind::kAbsent;
    }
    const absl::string_view key = tokens.Next();
    if (!IsWord(key)) return Malformed(text, "a label's name is expected");
    requirement.key = std::string(key);
    const absl::string_view op = tokens.Peek();
    if (requirement.kind == Kind::kExists && !op.empty() && op != ",") {
      tokens.Next();
      if (op == "in" || op == "notin") {
        requirement.kind = op == "in" ? Kind::kIn : Kind::kNotIn;
        if (tokens.Next() != "(") return Malformed(text, "'(' is expected after in and notin");
        for (absl::string_view token = tokens.Next(); token != ")"; token = tokens.Next()) {
          if (token.empty()) return Malformed(text, "a ')' is missing");
          if (token == ",") continue;
          if (!IsWord(token)) return Malformed(text, "a value is expected");
          requirement.values.emplace_back(token);
        }
      } else if (op == "=" || op == "==" || op == "!=" || op == ">" || op == "<") {
        requirement.kind = op == "!="  ? Kind::kNotIn
                           : op == ">" ? Kind::kGreater
                           : op == "<" ? Kind::kLess
                                       : Kind::kIn;
        const bool has_value = IsWord(tokens.Peek());
        requirement.values.emplace_back(has_value ? tokens.Next() : "");
      } else {
        return Malformed(text, absl::StrCat("'", op, "' is no operator"));
      }
    }
    selector.requirements_.push_back(std::move(requirement));
    const absl::string_view end = tokens.Next();
    if (end.empty()) return selector;
    if (end != ",") return Malformed(text, absl::StrCat("',' is expected before '", end, "'"));
  }
}

bool LabelSelector::Matches(const std::vector<std::pair<std::string, std::string>>& labels) const {
  using Kind = Requirement::Kind;
  return std::all_of(
      requirements_.begin(), requirements_.end(), [&labels](const Requirement& requirement) {
        const auto found = std::find_if(labels.begin(), labels.end(), [&](const auto& label) {
          return label.first == requirement.key;
        });
        const bool has = found != labels.end();
        const auto is_among = [&] {
          return std::find(requirement.values.begin(), requirement.values.end(), found->second) !=
                 requirement.values.end();
        };
        int64_t value = 0, bound = 0;
        switch (requirement.kind) {
          case Kind::kExists:
            return has;
          case Kind::kAbsent:
            return !has;
          case Kind::kIn:
            return has && is_among();
          case Kind::kNotIn:
            return !has || !is_among();
          case Kind::kGreater:
          case Kind::kLess:
            if (!has || !absl::SimpleAtoi(found->second, &value) ||
                !absl::SimpleAtoi(requirement.values[0], &bound)) {
              return false;
            }
            return requirement.kind == Kind::kGreater ? value > bound : value < bound;
        }
        return false;
      });
}

// A field's pattern. Most are plain names, which need no automaton.
class SelectorMatcher::Pattern {
 public:
  static absl::StatusOr<std::shared_ptr<const Pattern>> Make(absl::string_view field,
                                                             const std::string& text) {
    auto pattern = std::make_shared<Pattern>();
    if (text.empty()) return std::shared_ptr<const Pattern>();
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '/' || c == '_';
    });
    if (plain) {
      pattern->text_ = text;
      return std::shared_ptr<const Pattern>(std::move(pattern));
    }
    RE2::Options options;
    options.set_log_errors(false);
    pattern->expression_ = std::make_unique<RE2>(text, options);
    if (!pattern->expression_->ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("target.", field, " '", text,
                       "' is no regular expression (RE2): ", pattern->expression_->error()));
    }
    return std::shared_ptr<const Pattern>(std::move(pattern));
  }

  bool Matches(const std::string& text) const {
    return expression_ == nullptr ? text == text_ : RE2::FullMatch(text, *expression_);
  }

 private:
  std::string text_;
  std::unique_ptr<RE2> expression_;
};

absl::StatusOr<SelectorMatcher> SelectorMatcher::Make(const Selector& selector) {
  SelectorMatcher matcher;
  ASSIGN_OR_RETURN(matcher.group_, Pattern::Make("group", selector.gvk.group));
  ASSIGN_OR_RETURN(matcher.version_, Pattern::Make("version", selector.gvk.version));
  ASSIGN_OR_RETURN(matcher.kind_, Pattern::Make("kind", selector.gvk.kind));
  ASSIGN_OR_RETURN(matcher.name_, Pattern::Make("name", selector.name));
  ASSIGN_OR_RETURN(matcher.namespace_, Pattern::Make("namespace", selector.namespace_));
  ASSIGN_OR_RETURN(matcher.labels_, LabelSelector::Parse(selector.label_selector));
  ASSIGN_OR_RETURN(matcher.annotations_, LabelSelector::Parse(selector.annotation_selector));
  matcher.has_labels_ = !selector.label_selector.empty();
  matcher.has_annotations_ = !selector.annotation_selector.empty();
  return matcher;
}

bool SelectorMatcher::MatchesGvk(const Gvk& gvk) const {
  return (kind_ == nullptr || kind_->Matches(gvk.kind)) &&
         (group_ == nullptr || group_->Matches(gvk.group)) &&
         (version_ == nullptr || version_->Matches(gvk.version));
}

bool SelectorMatcher::MatchesName(const std::string& name) const {
  return name_ == nullptr || name_->Matches(name);
}

bool SelectorMatcher::MatchesNamespace(const std::string& space) const {
  return namespace_ == nullptr || namespace_->Matches(space);
}

bool SelectorMatcher::MatchesLabels(const Resource& resource) const {
  return (!has_labels_ || labels_.Matches(resource.Labels())) &&
         (!has_annotations_ || annotations_.Matches(resource.Annotations()));
}

bool SelectorMatcher::Matches(const Resource& resource) const {
  const ResId id = resource.CurrentId();
  if (!MatchesGvk(id.gvk)) return false;
  const bool needs_original = name_ != nullptr || namespace_ != nullptr;
  const ResId original = needs_original ? resource.OriginalId() : id;
  return (MatchesName(original.name) || MatchesName(id.name)) &&
         (namespace_ == nullptr || MatchesNamespace(original.EffectiveNamespace()) ||
          MatchesNamespace(id.EffectiveNamespace())) &&
         MatchesLabels(resource);
}

std::vector<size_t> SelectorMatcher::FindIn(const ResMap& map) const {
  std::vector<size_t> found;
  for (size_t i = 0; i < map.size(); ++i) {
    if (Matches(map.resources()[i])) found.push_back(i);
  }
  return found;
}

}  // namespace muster::kustomize
