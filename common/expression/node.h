// ExpressionNode: the parsed form of an expression. Between the parser and the evaluator only.
//
// A plain tree; its depth is bounded by the parser (limits::kExpressionDepthMax). Pure.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

struct ExpressionNode {
  enum class Kind {
    kLiteral,   // `value`
    kList,      // the values of `children`
    kName,      // `text`: a variable, or a member of the object
    kMember,    // child 0, member `text`
    kIndex,     // child 0, at child 1
    kNot,       // child 0
    kBinary,    // child 0 `text` child 1
    kFunction,  // `text`(children)
    kMethod,    // child 0 .`text`(the other children)
    kMacro,     // child 0 .`text`(`variable`, child 1)
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  std::string variable;
  Value value;
  std::vector<std::unique_ptr<ExpressionNode>> children;
};

// See Expression::Parse.
absl::StatusOr<std::unique_ptr<ExpressionNode>> ParseExpression(absl::string_view text);

}  // namespace muster
