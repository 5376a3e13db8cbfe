#include "hub/fair_queue.h"

#include <gtest/gtest.h>

namespace muster::hub {
namespace {

using Next = std::optional<std::pair<std::string, int>>;

TEST(FairQueue, LinesTakeTurns) {
  FairQueue<int> queue;
  for (int i = 1; i <= 3; ++i) queue.Push("busy", i);
  queue.Push("quiet", 9);

  EXPECT_EQ(queue.Take(), Next({"busy", 1}));
  EXPECT_EQ(queue.Take(), Next({"quiet", 9}));
  queue.Done("busy");
  queue.Push("quiet", 10);
  queue.Done("quiet");
  EXPECT_EQ(queue.Take(), Next({"busy", 2}));
  EXPECT_EQ(queue.Take(), Next({"quiet", 10}));
}

TEST(FairQueue, OneItemOfALineIsOutAtATime) {
  FairQueue<int> queue;
  queue.Push("a", 1);
  queue.Push("a", 2);
  EXPECT_EQ(queue.Take(), Next({"a", 1}));
  EXPECT_EQ(queue.Take(), std::nullopt);
  queue.Push("a", 3);
  EXPECT_EQ(queue.Take(), std::nullopt);
  queue.Done("a");
  EXPECT_EQ(queue.Take(), Next({"a", 2}));
  queue.Done("a");
  EXPECT_EQ(queue.Take(), Next({"a", 3}));
  queue.Done("a");
  EXPECT_EQ(queue.Take(), std::nullopt);
}

TEST(FairQueue, AKeyMayComeBack) {
  FairQueue<int> queue;
  queue.Push("a", 1);
  EXPECT_EQ(queue.Take(), Next({"a", 1}));
  queue.Done("a");
  queue.Push("a", 2);
  EXPECT_EQ(queue.Take(), Next({"a", 2}));
}

}  // namespace
}  // namespace muster::hub
