#include "agent/diary.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "agent/agent_world.h"

namespace muster::agent {
namespace {

namespace pb = muster::v1;

class DiaryTest : public testing::Test {
 protected:
  DiaryTest() {
    world_.Connect();
    before_ = world_.observed();
  }

  // What is new since the last call, one a line: "! " before a warning.
  std::string News() {
    std::string text;
    for (const DiaryLine& line : DiaryLinesBetween(before_, world_.observed())) {
      absl::StrAppend(&text, line.warning ? "! " : "", line.text, line.about.empty() ? "" : " ",
                      line.about, line.why.empty() ? "" : ": ", line.why, "\n");
    }
    before_ = world_.observed();
    return text;
  }

  AgentWorld world_;
  pb::ObservedState before_;
};

TEST_F(DiaryTest, TellsWhatWasAppliedAndThatOnce) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  EXPECT_EQ(News(), "applied: generation 1; package web: 1 objects\n");
  world_.Pass(absl::Hours(1));
  EXPECT_EQ(News(), "");
}

TEST_F(DiaryTest, TellsOfAFailureOnceAndWhenItIsOver) {
  world_.driver.FailObject(TestKey("a"), absl::InvalidArgumentError("unknown field spec.x"));
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  EXPECT_NE(News().find("! object failed v1/ConfigMap/web/a: failed: unknown field spec.x\n"),
            std::string::npos);
  world_.Pass(absl::Hours(1));  // tried again and again
  EXPECT_EQ(News(), "");
  world_.driver.FailObject(TestKey("a"), absl::OkStatus());
  world_.Pass(absl::Minutes(10));
  EXPECT_NE(News().find("package web is well again"), std::string::npos);
}

TEST_F(DiaryTest, TellsWhatIsHeld) {
  std::vector<Object> objects;
  for (int i = 0; i < 40; ++i) objects.push_back(TestObject(absl::StrCat("o", i), "1"));
  world_.Push({world_.hub.Package("web", objects)});
  (void)News();
  world_.Push({world_.hub.Package("web", {objects[0]})});
  EXPECT_NE(News().find("! object deletion held v1/ConfigMap/web/o"), std::string::npos);
}

TEST_F(DiaryTest, TellsWhoWasCorrected) {
  world_.Push({world_.hub.Package("web", {TestObject("a", "1")})});
  (void)News();
  world_.driver.Delete(TestKey("a"));
  world_.Pass(absl::Minutes(2));
  EXPECT_EQ(News(), "drift corrected: ConfigMap web/a was deleted and is back\n");
}

}  // namespace
}  // namespace muster::agent
