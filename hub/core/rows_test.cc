#include "hub/core/rows.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/random.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

std::shared_ptr<const int> Row(int value) { return std::make_shared<const int>(value); }

TEST(Rows, AgreesWithAMapUnderRandomChanges) {
  SeededRandom random(7);
  Rows<int> rows;
  std::map<std::string, int> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::string key = absl::StrCat("k", random.Below(2'000));
    if (random.Below(3) == 0) {
      rows.Erase(key);
      model.erase(key);
    } else {
      rows.Set(key, Row(step));
      model[key] = step;
    }
  }
  ASSERT_EQ(rows.size(), model.size());
  std::map<std::string, int> seen;
  std::string last;
  rows.VisitAll([&](const std::string& key, int row) {
    EXPECT_LT(last, key);
    last = key;
    seen[key] = row;
  });
  EXPECT_EQ(seen, model);
  for (const auto& [key, value] : model) EXPECT_EQ(*rows.Find(key), value);
  EXPECT_EQ(rows.Find("absent"), nullptr);
}

TEST(Rows, CopyDoesNotSeeLaterChanges) {
  Rows<int> rows;
  for (int i = 0; i < 1'000; ++i) rows.Set(absl::StrCat(i), Row(i));
  const Rows<int> snapshot = rows;
  rows.Set("5", Row(-5));
  rows.Erase("6");
  EXPECT_EQ(*snapshot.Find("5"), 5);
  EXPECT_EQ(*snapshot.Find("6"), 6);
  EXPECT_EQ(snapshot.size(), 1'000u);
  EXPECT_EQ(*rows.Find("5"), -5);
  EXPECT_EQ(rows.Find("6"), nullptr);
}

TEST(Rows, VisitStartsAfterAKeyAndStopsWhenTold) {
  Rows<int> rows;
  for (const char* key : {"a", "b", "c", "d"}) rows.Set(key, Row(0));
  std::string seen;
  rows.Visit("a", [&](const std::string& key, int) {
    seen += key;
    return key != "c";
  });
  EXPECT_EQ(seen, "bc");
  seen.clear();
  rows.Visit("bb", [&](const std::string& key, int) {
    seen += key;
    return true;
  });
  EXPECT_EQ(seen, "cd");
}

}  // namespace
}  // namespace muster::hub
