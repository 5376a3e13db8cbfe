// The parser: recursive descent, one function a level of precedence, lowest first.
#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/expression/node.h"

namespace muster {
namespace {

using Node = ExpressionNode;
using NodeOr = absl::StatusOr<std::unique_ptr<Node>>;

bool IsNameStart(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool IsNamePart(char c) { return absl::ascii_isalnum(c) || c == '_'; }

std::unique_ptr<Node> MakeNode(Node::Kind kind, absl::string_view text = "") {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->text = std::string(text);
  return node;
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  NodeOr Parse() {
    ASSIGN_OR_RETURN(std::unique_ptr<Node> node, Or());
    SkipSpace();
    if (at_ != text_.size()) return Wrong("an operator is missing, or this is too much");
    return node;
  }

 private:
  absl::Status Wrong(absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat(
        "expression, column ", at_ + 1, ": ", why,
        at_ < text_.size() ? absl::StrCat(", at '", text_.substr(at_, 12), "'") : ", at the end"));
  }

  void SkipSpace() {
    while (at_ < text_.size() && absl::ascii_isspace(text_[at_])) ++at_;
  }

  // Takes the sign when it comes next.
  bool Take(absl::string_view sign) {
    SkipSpace();
    if (!absl::StartsWith(text_.substr(at_), sign)) return false;
    at_ += sign.size();
    return true;
  }

  bool TakeWord(absl::string_view word) {
    SkipSpace();
    const absl::string_view rest = text_.substr(at_);
    if (!absl::StartsWith(rest, word)) return false;
    if (rest.size() > word.size() && IsNamePart(rest[word.size()])) return false;
    at_ += word.size();
    return true;
  }

  absl::string_view TakeName() {
    SkipSpace();
    size_t end = at_;
    if (end < text_.size() && IsNameStart(text_[end])) {
      while (end < text_.size() && IsNamePart(text_[end])) ++end;
    }
    const absl::string_view name = text_.substr(at_, end - at_);
    at_ = end;
    return name;
  }

  static std::unique_ptr<Node> Binary(absl::string_view op, std::unique_ptr<Node> left,
                                      std::unique_ptr<Node> right) {
    auto node = MakeNode(Node::Kind::kBinary, op);
    node->children.push_back(std::move(left));
    node->children.push_back(std::move(right));
    return node;
  }

  // Long rows of && and || are one deep: their nodes nest to the left only as far as the text does.
  NodeOr Or() {
    if (++depth_ > limits::kExpressionDepthMax) return TooDeep();
    ASSIGN_OR_RETURN(std::unique_ptr<Node> left, And());
    while (Take("||")) {
      RETURN_IF_ERROR(CountOperator());
      ASSIGN_OR_RETURN(std::unique_ptr<Node> right, And());
      left = Binary("||", std::move(left), std::move(right));
    }
    --depth_;
    return left;
  }

  NodeOr And() {
    ASSIGN_OR_RETURN(std::unique_ptr<Node> left, Comparison());
    while (Take("&&")) {
      RETURN_IF_ERROR(CountOperator());
      ASSIGN_OR_RETURN(std::unique_ptr<Node> right, Comparison());
      left = Binary("&&", std::move(left), std::move(right));
    }
    return left;
  }

  NodeOr Comparison() {
    ASSIGN_OR_RETURN(std::unique_ptr<Node> left, Unary());
    for (const absl::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!Take(op)) continue;
      ASSIGN_OR_RETURN(std::unique_ptr<Node> right, Unary());
      return Binary(op, std::move(left), std::move(right));
    }
    if (TakeWord("in")) {
      ASSIGN_OR_RETURN(std::unique_ptr<Node> right, Unary());
      return Binary("in", std::move(left), std::move(right));
    }
    return left;
  }

  NodeOr Unary() {
    SkipSpace();
    int negations = 0;
    while (!absl::StartsWith(text_.substr(at_), "!=") && Take("!")) ++negations;
    ASSIGN_OR_RETURN(std::unique_ptr<Node> node, Postfix());
    if (negations > 2) negations -= (negations - 1) / 2 * 2;  // !!!x is !x
    for (; negations > 0; --negations) {
      auto negation = MakeNode(Node::Kind::kNot);
      negation->children.push_back(std::move(node));
      node = std::move(negation);
    }
    return node;
  }

  NodeOr Postfix() {
    ASSIGN_OR_RETURN(std::unique_ptr<Node> node, Primary());
    while (true) {
      if (Take("[")) {
        RETURN_IF_ERROR(CountOperator());
        ASSIGN_OR_RETURN(std::unique_ptr<Node> index, Or());
        if (!Take("]")) return Wrong("']' is missing");
        auto step = MakeNode(Node::Kind::kIndex);
        step->children.push_back(std::move(node));
        step->children.push_back(std::move(index));
        node = std::move(step);
      } else if (Take(".")) {
        RETURN_IF_ERROR(CountOperator());
        ASSIGN_OR_RETURN(node, Dotted(std::move(node)));
      } else {
        return node;
      }
    }
  }

  NodeOr Dotted(std::unique_ptr<Node> left) {
    const absl::string_view name = TakeName();
    if (name.empty()) return Wrong("the name of a field is missing after '.'");
    if (!Take("(")) {
      auto member = MakeNode(Node::Kind::kMember, name);
      member->children.push_back(std::move(left));
      return member;
    }
    static constexpr absl::string_view kMacros[] = {"exists", "all", "filter"};
    static constexpr absl::string_view kMethods[] = {"startsWith", "endsWith", "contains", "size"};
    if (std::find(std::begin(kMacros), std::end(kMacros), name) != std::end(kMacros)) {
      auto macro = MakeNode(Node::Kind::kMacro, name);
      macro->variable = std::string(TakeName());
      if (macro->variable.empty() || !Take(",")) {
        return Wrong(absl::StrCat(name, " takes a name and a question: x.", name, "(c, ...)"));
      }
      macro->children.push_back(std::move(left));
      ASSIGN_OR_RETURN(std::unique_ptr<Node> body, Or());
      macro->children.push_back(std::move(body));
      if (!Take(")")) return Wrong("')' is missing");
      return macro;
    }
    if (std::find(std::begin(kMethods), std::end(kMethods), name) == std::end(kMethods)) {
      return Wrong(absl::StrCat("there is no function .", name,
                                "(): startsWith, endsWith, contains, size, exists, all, filter"));
    }
    auto method = MakeNode(Node::Kind::kMethod, name);
    method->children.push_back(std::move(left));
    RETURN_IF_ERROR(Arguments(*method));
    const size_t wanted = name == "size" ? 1 : 2;
    if (method->children.size() != wanted) {
      return Wrong(absl::StrCat(name, " takes ", wanted == 1 ? "nothing" : "one text"));
    }
    return method;
  }

  // Up to and with the closing parenthesis.
  absl::Status Arguments(Node& node) {
    if (Take(")")) return absl::OkStatus();
    do {
      ASSIGN_OR_RETURN(std::unique_ptr<Node> argument, Or());
      node.children.push_back(std::move(argument));
    } while (Take(","));
    return Take(")") ? absl::OkStatus() : Wrong("')' is missing");
  }

  NodeOr Primary() {
    SkipSpace();
    if (at_ == text_.size()) return Wrong("a value is missing");
    const char c = text_[at_];
    if (Take("(")) {
      ASSIGN_OR_RETURN(std::unique_ptr<Node> node, Or());
      if (!Take(")")) return Wrong("')' is missing");
      return node;
    }
    if (c == '"' || c == '\'') return Text();
    if (absl::ascii_isdigit(c) || c == '-') return Integer();
    if (Take("[")) return List();
    if (!IsNameStart(c)) return Wrong("this is no value");
    return Word();
  }

  NodeOr Word() {
    const absl::string_view name = TakeName();
    auto literal = MakeNode(Node::Kind::kLiteral);
    if (name == "null") return literal;
    if (name == "true" || name == "false") {
      literal->value = Value(name == "true");
      return literal;
    }
    if (name == "in") return Wrong("a value is missing before 'in'");
    if (!Take("(")) return MakeNode(Node::Kind::kName, name);
    auto function = MakeNode(Node::Kind::kFunction, name);
    if (name != "has" && name != "size" && name != "condition") {
      return Wrong(
          absl::StrCat("there is no function ", name, "(): has, size, condition; see the manual"));
    }
    RETURN_IF_ERROR(Arguments(*function));
    if (function->children.size() != 1) return Wrong(absl::StrCat(name, " takes one value"));
    return function;
  }

  NodeOr List() {
    auto list = MakeNode(Node::Kind::kList);
    if (Take("]")) return list;
    do {
      ASSIGN_OR_RETURN(std::unique_ptr<Node> element, Or());
      list->children.push_back(std::move(element));
    } while (Take(","));
    if (!Take("]")) return Wrong("']' is missing");
    return list;
  }

  NodeOr Integer() {
    size_t end = at_ + 1;
    while (end < text_.size() && absl::ascii_isdigit(text_[end])) ++end;
    int64_t number = 0;
    if (!absl::SimpleAtoi(text_.substr(at_, end - at_), &number) ||
        (end < text_.size() && (IsNamePart(text_[end]) || text_[end] == '.'))) {
      return Wrong("this is no whole number");
    }
    at_ = end;
    auto literal = MakeNode(Node::Kind::kLiteral);
    literal->value = Value(number);
    return literal;
  }

  NodeOr Text() {
    const char quote = text_[at_++];
    auto literal = MakeNode(Node::Kind::kLiteral);
    std::string text;
    while (at_ < text_.size() && text_[at_] != quote) {
      char c = text_[at_++];
      if (c == '\\') {
        if (at_ == text_.size()) break;
        c = text_[at_++];
        if (c == 'n') {
          c = '\n';
        } else if (c == 't') {
          c = '\t';
        } else if (c != '\\' && c != '"' && c != '\'') {
          --at_;
          return Wrong("this escape is not known: \\n, \\t, \\\\, \\\" and \\' are");
        }
      }
      text.push_back(c);
    }
    if (at_ == text_.size()) return Wrong("the text has no end");
    ++at_;
    literal->value = Value(std::move(text));
    return literal;
  }

  // Rows nest the tree to the left, so that their length is part of its depth.
  absl::Status CountOperator() {
    return ++operators_ > limits::kExpressionOperatorsMax ? TooDeep() : absl::OkStatus();
  }

  static absl::Status TooDeep() {
    return absl::ResourceExhaustedError(
        absl::StrCat("expression: more than ", limits::kExpressionDepthMax, " levels or ",
                     limits::kExpressionOperatorsMax, " operators: make it simpler"));
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  int operators_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ExpressionNode>> ParseExpression(absl::string_view text) {
  if (text.size() > limits::kExpressionBytesMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "expression: ", text.size(), " bytes, the limit is ", limits::kExpressionBytesMax));
  }
  return Parser(text).Parse();
}

}  // namespace muster
