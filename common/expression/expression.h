// Expression: a question about an object, as in `status.phase == "Ready"`: how a package says when
// an object that nobody knows is healthy.
//
// A small part of CEL, read the same way wherever both have it:
//
//   fields        status.phase   metadata.annotations["a/b"]   spec.items[0]
//   literals      "text" 'text' 12 -3 true false null ["a", "b"]
//   operators     == != < <= > >= in && || ! ( )
//   functions     has(status.x)  size(spec.items)
//                 condition("Ready")            the condition of status.conditions of that type
//   on texts      x.startsWith("a")  x.endsWith("a")  x.contains("a")
//   on lists      x.exists(c, c.type == "Ready")  x.all(c, ...)  x.filter(c, ...)
//
// One thing is simpler than in CEL: a field that is not there is null, and so is what is below it,
// instead of an error. Null is equal to null only, is neither less nor more than anything, has size
// 0, and counts as false.
//
// Pure; a value, cheap to copy; any thread. Promises: evaluation ends soon whatever the object
// (limits::kExpressionStepsMax), and an expression that was parsed once is parsed anywhere.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"

namespace muster {

struct ExpressionNode;

class Expression {
 public:
  // Returns kInvalidArgument, with the column, for what is no expression; kResourceExhausted for
  // one that is too long or too deep.
  static absl::StatusOr<Expression> Parse(absl::string_view text);

  // The answer for `object`, whose members are the fields that the expression names. Returns
  // kInvalidArgument when a value has a type that the operator does not take.
  absl::StatusOr<Value> Evaluate(const Value& object) const;

  // Likewise, for a question: true or false; null counts as false.
  absl::StatusOr<bool> Test(const Value& object) const;

  const std::string& text() const { return text_; }

 private:
  Expression(std::string text, std::shared_ptr<const ExpressionNode> root)
      : text_(std::move(text)), root_(std::move(root)) {}

  std::string text_;
  std::shared_ptr<const ExpressionNode> root_;
};

}  // namespace muster
