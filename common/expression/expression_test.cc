#include "common/expression/expression.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

const char kObject[] = R"({
  "kind": "Database",
  "metadata": {"annotations": {"a/b": "c"}, "generation": 3},
  "spec": {"replicas": 2, "big": 12345678901, "ratio": 0.5, "items": ["x", "y"]},
  "status": {
    "phase": "Ready",
    "ready": true,
    "conditions": [
      {"type": "Ready", "status": "True", "reason": "Fine"},
      {"type": "Synced", "status": "False", "message": "no"}
    ]
  }
})";

// The answer as JSON, or the message of the error.
std::string Ask(absl::string_view text, absl::string_view object = kObject) {
  const absl::StatusOr<Expression> expression = Expression::Parse(text);
  if (!expression.ok()) return std::string(expression.status().message());
  const absl::StatusOr<Value> value = ParseJson(object);
  CHECK_OK(value);
  const absl::StatusOr<Value> answer = expression->Evaluate(*value);
  return answer.ok() ? CanonicalJson(*answer) : std::string(answer.status().message());
}

TEST(Expression, ReadsFields) {
  EXPECT_EQ(Ask("kind"), "\"Database\"");
  EXPECT_EQ(Ask("status.phase"), "\"Ready\"");
  EXPECT_EQ(Ask("metadata.annotations[\"a/b\"]"), "\"c\"");
  EXPECT_EQ(Ask("spec.items[1]"), "\"y\"");
  EXPECT_EQ(Ask("status.conditions[1].message"), "\"no\"");
}

TEST(Expression, WhatIsNotThereIsNullAndAnswersNothing) {
  EXPECT_EQ(Ask("nothing"), "null");
  EXPECT_EQ(Ask("nothing.below.it[3]"), "null");
  EXPECT_EQ(Ask("spec.items[7]"), "null");
  EXPECT_EQ(Ask("spec.items[-1]"), "null");
  EXPECT_EQ(Ask("nothing == null"), "true");
  EXPECT_EQ(Ask("nothing != \"Ready\""), "true");
  EXPECT_EQ(Ask("nothing > 1"), "false");
  EXPECT_EQ(Ask("nothing <= 1"), "false");
  EXPECT_EQ(Ask("!nothing"), "true");
  EXPECT_EQ(Ask("has(status.phase) && !has(status.x)"), "true");
  EXPECT_EQ(Ask("size(nothing) == 0"), "true");
  EXPECT_EQ(Ask("nothing.startsWith(\"a\")"), "false");
  EXPECT_EQ(Ask("nothing.exists(c, true)"), "false");
  EXPECT_EQ(Ask("nothing.all(c, false)"), "true");
  EXPECT_EQ(Ask("\"a\" in nothing"), "false");
}

TEST(Expression, Compares) {
  EXPECT_EQ(Ask("status.phase == 'Ready'"), "true");
  EXPECT_EQ(Ask("spec.replicas == 2"), "true");
  EXPECT_EQ(Ask("spec.replicas == \"2\""), "false");
  EXPECT_EQ(Ask("spec.replicas >= 2 && spec.replicas < 3"), "true");
  EXPECT_EQ(Ask("spec.big > 12345678900"), "true");
  EXPECT_EQ(Ask("-1 < 0"), "true");
  EXPECT_EQ(Ask("\"2026-01-02\" > \"2026-01-01\""), "true");
  EXPECT_EQ(Ask("spec.items == ['x', 'y']"), "true");
  EXPECT_EQ(Ask("status.phase in [\"Ready\", \"Done\"]"), "true");
  EXPECT_EQ(Ask("\"a/b\" in metadata.annotations"), "true");
}

TEST(Expression, BindsAsCelDoes) {
  EXPECT_EQ(Ask("true || false && false"), "true");
  EXPECT_EQ(Ask("(true || false) && false"), "false");
  EXPECT_EQ(Ask("!true || true"), "true");
  EXPECT_EQ(Ask("!(true || true)"), "false");
  EXPECT_EQ(Ask("1 < 2 == true"),
            "expression, column 7: an operator is missing, or this is too "
            "much, at '== true'");
  EXPECT_EQ(Ask("!!!true"), "false");
  EXPECT_EQ(Ask("!!true"), "true");
}

TEST(Expression, AsksOfLists) {
  EXPECT_EQ(Ask("status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')"), "true");
  EXPECT_EQ(Ask("status.conditions.all(c, c.status == 'True')"), "false");
  EXPECT_EQ(Ask("status.conditions.filter(c, c.status == 'False')[0].message"), "\"no\"");
  EXPECT_EQ(Ask("status.conditions.filter(e, e.type == 'Ready').all(e, e.status == 'True')"),
            "true");
  // A name inside hides the field and the name outside, for as long as it lasts.
  EXPECT_EQ(Ask("[1].exists(kind, kind == 1) && kind == 'Database'"), "true");
  EXPECT_EQ(Ask("[1].exists(a, [2].exists(a, a == 2) && a == 1)"), "true");
}

TEST(Expression, KnowsConditions) {
  EXPECT_EQ(Ask("condition('Ready').status == 'True'"), "true");
  EXPECT_EQ(Ask("condition(\"Synced\").message"), "\"no\"");
  EXPECT_EQ(Ask("condition('Other').status == 'True'"), "false");
  EXPECT_EQ(Ask("condition('Ready').status", R"({"status":{"conditions":"odd"}})"), "null");
}

TEST(Expression, WorksOnTexts) {
  EXPECT_EQ(Ask("status.phase.startsWith('Re') && status.phase.endsWith('dy')"), "true");
  EXPECT_EQ(Ask("status.phase.contains('ead')"), "true");
  EXPECT_EQ(Ask("size(status.phase) == 5 && spec.items.size() == 2"), "true");
  EXPECT_EQ(Ask(R"("a\"b\n" == 'a"b\n')"), "true");
}

TEST(Expression, SaysWhichTypeItCannotTake) {
  EXPECT_EQ(Ask("spec && true"), "expression: a question cannot be asked of a map");
  EXPECT_EQ(Ask("spec.ratio > 1"), "expression: less or more cannot be asked of a number");
  EXPECT_EQ(Ask("status.phase > 1"), "expression: less or more cannot be asked of a string");
  EXPECT_EQ(Ask("spec.replicas.startsWith('a')"),
            "expression: startsWith cannot be asked of a number");
  EXPECT_EQ(Ask("spec.exists(c, c)"), "expression: exists cannot be asked of a map");
  EXPECT_EQ(Ask("1 in spec.replicas"), "expression: 'in' cannot be asked of a number");
  EXPECT_EQ(Ask("spec.replicas[0]"), "expression: [...] cannot be asked of a number");
}

TEST(Expression, RefusesWhatIsNoExpression) {
  for (const char* text : {"",
                           " ",
                           "a ==",
                           "== a",
                           "a.",
                           "a..b",
                           "a[",
                           "a[1",
                           "(a",
                           "a)",
                           "\"a",
                           "'a\"",
                           "a b",
                           "1.5",
                           "1a",
                           "-",
                           "a &",
                           "a & b",
                           "a = b",
                           "f(x)",
                           "a.matches('x')",
                           "has()",
                           "has(a, b)",
                           "a.exists(c)",
                           "a.exists(1, c)",
                           "a.startsWith()",
                           "[1,",
                           "[1 2]",
                           "in",
                           "a in",
                           "\"\\q\"",
                           "!",
                           "a ? b : c",
                           "a + b",
                           "$x",
                           "a;b",
                           "1 < 2 < 3"}) {
    const absl::StatusOr<Expression> parsed = Expression::Parse(text);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Expression, RefusesWhatIsTooLongOrTooDeep) {
  const auto code = [](const std::string& text) { return Expression::Parse(text).status().code(); };
  EXPECT_EQ(code(std::string(3000, ' ') + "a"), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(std::string(20, '(') + "a" + std::string(20, ')')),
            absl::StatusCode::kResourceExhausted);
  std::string row = "a";
  for (int i = 0; i < 300; ++i) row += "||a";
  EXPECT_EQ(code(row), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Expression::Parse(std::string(1000, '!') + "a").ok());
}

TEST(Expression, GivesUpOnTooMuchWork) {
  std::string object = R"({"a":[)";
  for (int i = 0; i < 400; ++i) object += "1,";
  object += "1]}";
  const auto expression = Expression::Parse("a.all(x, a.all(y, a.all(z, x == z)))");
  ASSERT_TRUE(expression.ok());
  const auto value = ParseJson(object);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(expression->Test(*value).status().code(), absl::StatusCode::kResourceExhausted);
}

// No text, however odd, does more than be refused.
TEST(Expression, SurvivesAnyText) {
  SeededRandom random(11);
  const std::string letters = "ab.[]()!&|=<>\"'\\,01- in\nhas";
  const absl::StatusOr<Value> object = ParseJson(kObject);
  ASSERT_TRUE(object.ok());
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = random.Below(24); n > 0; --n) text += letters[random.Below(letters.size())];
    if (const auto expression = Expression::Parse(text); expression.ok()) {
      (void)expression->Evaluate(*object);
    }
  }
}

}  // namespace
}  // namespace muster
