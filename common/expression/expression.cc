#include "common/expression/expression.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/expression/node.h"

namespace muster {
namespace {

using Node = ExpressionNode;

// A value that stands in the object or was made on the way.
class Result {
 public:
  Result() = default;  // null
  static Result Of(const Value* value) {
    Result result;
    result.ref_ = value;
    return result;
  }
  static Result Made(Value value) {
    Result result;
    result.made_ = std::make_shared<Value>(std::move(value));
    result.ref_ = result.made_.get();
    return result;
  }
  // A part of `whole`, which must live as long.
  Result Part(const Value* part) const {
    Result result;
    result.made_ = made_;
    result.ref_ = part;
    return result;
  }

  const Value& value() const {
    static const Value kNull;
    return ref_ == nullptr ? kNull : *ref_;
  }
  bool is_null() const { return value().is_null(); }

 private:
  const Value* ref_ = nullptr;
  std::shared_ptr<const Value> made_;
};

using ResultOr = absl::StatusOr<Result>;

class Evaluation {
 public:
  explicit Evaluation(const Value& object) : object_(object) {}

  ResultOr Run(const Node& node) {
    if (++steps_ > limits::kExpressionStepsMax) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "expression: more than ", limits::kExpressionStepsMax, " steps on this object"));
    }
    switch (node.kind) {
      case Node::Kind::kLiteral:
        return Result::Of(&node.value);
      case Node::Kind::kList:
        return List(node);
      case Node::Kind::kName:
        return Name(node.text);
      case Node::Kind::kMember: {
        ASSIGN_OR_RETURN(const Result left, Run(*node.children[0]));
        return left.Part(left.value().Get(node.text));
      }
      case Node::Kind::kIndex:
        return Index(node);
      case Node::Kind::kNot: {
        ASSIGN_OR_RETURN(const bool value, Truth(*node.children[0]));
        return Result::Made(Value(!value));
      }
      case Node::Kind::kBinary:
        return Binary(node);
      case Node::Kind::kFunction:
        return Function(node);
      case Node::Kind::kMethod:
        return Method(node);
      case Node::Kind::kMacro:
        return Macro(node);
    }
    return Result();
  }

  absl::StatusOr<bool> Truth(const Node& node) {
    ASSIGN_OR_RETURN(const Result result, Run(node));
    if (result.is_null()) return false;
    if (!result.value().is_bool()) return WrongType("a question", result.value());
    return result.value().boolean();
  }

 private:
  static absl::Status WrongType(absl::string_view what, const Value& value) {
    return absl::InvalidArgumentError(
        absl::StrCat("expression: ", what, " cannot be asked of a ", KindName(value.kind())));
  }

  Result Name(const std::string& name) const {
    for (auto bound = variables_.rbegin(); bound != variables_.rend(); ++bound) {
      if (bound->first == name) return bound->second;
    }
    return Result::Of(object_.Get(name));
  }

  ResultOr List(const Node& node) {
    Value::List list;
    for (const auto& child : node.children) {
      ASSIGN_OR_RETURN(const Result element, Run(*child));
      list.push_back(element.value());
    }
    return Result::Made(Value(std::move(list)));
  }

  ResultOr Index(const Node& node) {
    ASSIGN_OR_RETURN(const Result left, Run(*node.children[0]));
    ASSIGN_OR_RETURN(const Result index, Run(*node.children[1]));
    if (left.is_null() || index.is_null()) return Result();
    if (left.value().is_map() && index.value().is_string()) {
      return left.Part(left.value().Get(index.value().string()));
    }
    const std::optional<int64_t> at = index.value().AsInt64();
    if (left.value().is_list() && at.has_value()) {
      const Value::List& list = left.value().list();
      if (*at < 0 || *at >= static_cast<int64_t>(list.size())) return Result();
      return left.Part(&list[static_cast<size_t>(*at)]);
    }
    return WrongType("[...]", left.value());
  }

  ResultOr Binary(const Node& node) {
    const Node& a = *node.children[0];
    const Node& b = *node.children[1];
    if (node.text == "&&" || node.text == "||") {
      ASSIGN_OR_RETURN(const bool first, Truth(a));
      if (first == (node.text == "||")) return Result::Made(Value(first));
      ASSIGN_OR_RETURN(const bool second, Truth(b));
      return Result::Made(Value(second));
    }
    ASSIGN_OR_RETURN(const Result left, Run(a));
    ASSIGN_OR_RETURN(const Result right, Run(b));
    if (node.text == "==") return Result::Made(Value(left.value() == right.value()));
    if (node.text == "!=") return Result::Made(Value(!(left.value() == right.value())));
    if (node.text == "in") return In(left.value(), right.value());
    return Order(node.text, left.value(), right.value());
  }

  ResultOr In(const Value& left, const Value& right) {
    if (right.is_null()) return Result::Made(Value(false));
    if (right.is_map()) {
      return Result::Made(Value(left.is_string() && right.map().Contains(left.string())));
    }
    if (!right.is_list()) return WrongType("'in'", right);
    for (const Value& element : right.list()) {
      ++steps_;
      if (element == left) return Result::Made(Value(true));
    }
    return Result::Made(Value(false));
  }

  static ResultOr Order(absl::string_view op, const Value& left, const Value& right) {
    if (left.is_null() || right.is_null()) return Result::Made(Value(false));
    int order = 0;
    if (left.is_string() && right.is_string()) {
      order = left.string().compare(right.string());
    } else {
      const std::optional<int64_t> a = left.AsInt64();
      const std::optional<int64_t> b = right.AsInt64();
      if (!a.has_value()) return WrongType("less or more", left);
      if (!b.has_value()) return WrongType("less or more", right);
      order = *a < *b ? -1 : *a > *b ? 1 : 0;
    }
    const bool less = op[0] == '<';
    const bool or_equal = op.size() == 2;
    return Result::Made(Value(order == 0 ? or_equal : (order < 0) == less));
  }

  ResultOr Function(const Node& node) {
    ASSIGN_OR_RETURN(const Result argument, Run(*node.children[0]));
    if (node.text == "has") return Result::Made(Value(!argument.is_null()));
    if (node.text == "size") return Size(argument.value());
    if (!argument.value().is_string()) return WrongType("condition()", argument.value());
    const Value* conditions = object_.Find("/status/conditions");
    if (conditions == nullptr || !conditions->is_list()) return Result();
    for (const Value& condition : conditions->list()) {
      const Value* type = condition.Get("type");
      if (type != nullptr && *type == argument.value()) return Result::Of(&condition);
    }
    return Result();
  }

  static ResultOr Size(const Value& value) {
    if (value.is_null()) return Result::Made(Value(0));
    size_t size = 0;
    if (value.is_string()) {
      size = value.string().size();
    } else if (value.is_list()) {
      size = value.list().size();
    } else if (value.is_map()) {
      size = value.map().size();
    } else {
      return WrongType("size", value);
    }
    return Result::Made(Value(static_cast<int64_t>(size)));
  }

  ResultOr Method(const Node& node) {
    ASSIGN_OR_RETURN(const Result left, Run(*node.children[0]));
    if (node.text == "size") return Size(left.value());
    ASSIGN_OR_RETURN(const Result right, Run(*node.children[1]));
    if (left.is_null() || right.is_null()) return Result::Made(Value(false));
    if (!left.value().is_string()) return WrongType(node.text, left.value());
    if (!right.value().is_string()) return WrongType(node.text, right.value());
    const std::string& text = left.value().string();
    const std::string& part = right.value().string();
    const bool is = node.text == "startsWith" ? absl::StartsWith(text, part)
                    : node.text == "endsWith" ? absl::EndsWith(text, part)
                                              : absl::StrContains(text, part);
    return Result::Made(Value(is));
  }

  ResultOr Macro(const Node& node) {
    ASSIGN_OR_RETURN(const Result left, Run(*node.children[0]));
    Value::List found;
    const bool filter = node.text == "filter";
    const bool all = node.text == "all";
    if (left.is_null()) return filter ? Result::Made(Value(std::move(found))) : Result::Made(all);
    if (!left.value().is_list()) return WrongType(node.text, left.value());
    variables_.emplace_back(node.variable, Result());
    absl::StatusOr<bool> answer = all;
    for (const Value& element : left.value().list()) {
      variables_.back().second = left.Part(&element);
      const absl::StatusOr<bool> is = Truth(*node.children[1]);
      if (!is.ok()) {
        answer = is.status();
        break;
      }
      if (filter && *is) found.push_back(element);
      if (!filter && *is != all) {
        answer = !all;
        break;
      }
    }
    variables_.pop_back();
    RETURN_IF_ERROR(answer.status());
    return filter ? Result::Made(Value(std::move(found))) : Result::Made(Value(*answer));
  }

  const Value& object_;
  std::vector<std::pair<absl::string_view, Result>> variables_;  // the innermost last
  int steps_ = 0;
};

}  // namespace

absl::StatusOr<Expression> Expression::Parse(absl::string_view text) {
  ASSIGN_OR_RETURN(std::unique_ptr<ExpressionNode> root, ParseExpression(text));
  return Expression(std::string(text), std::move(root));
}

absl::StatusOr<Value> Expression::Evaluate(const Value& object) const {
  ASSIGN_OR_RETURN(const Result result, Evaluation(object).Run(*root_));
  return result.value();
}

absl::StatusOr<bool> Expression::Test(const Value& object) const {
  return Evaluation(object).Truth(*root_);
}

}  // namespace muster
