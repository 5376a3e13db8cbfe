#include "agent/kube/request_window.h"

#include <gtest/gtest.h>

namespace muster::agent {
namespace {

constexpr absl::Time kNow = absl::UnixEpoch();

TEST(RequestWindow, LetsNoMoreThanItsSizeBeUnderWay) {
  RequestWindow window({.first = 2, .max = 4});
  window.Started(kNow);
  EXPECT_LE(window.NextStart(kNow), kNow);
  window.Started(kNow);
  EXPECT_EQ(window.NextStart(kNow), absl::InfiniteFuture());
  window.Ended(kNow, false);
  EXPECT_LE(window.NextStart(kNow), kNow);
}

TEST(RequestWindow, GrowsByOneForAWindowfulOfGoodAnswersUpToItsMax) {
  RequestWindow window({.first = 2, .max = 3});
  for (int i = 0; i < 20; ++i) {
    window.Started(kNow);
    window.Ended(kNow, false);
    if (i == 0) {
      EXPECT_EQ(window.size(), 2);
    }
    if (i == 1) {
      EXPECT_EQ(window.size(), 3);
    }
  }
  EXPECT_EQ(window.size(), 3);
}

TEST(RequestWindow, HalvesOnceForABurstOfRefusalsAndNeverToNothing) {
  RequestWindow window({.first = 8, .max = 8});
  absl::Time now = kNow;
  for (int i = 0; i < 8; ++i) window.Started(now);
  for (int i = 0; i < 8; ++i) window.Ended(now, true);
  EXPECT_EQ(window.size(), 4);
  for (int i = 0; i < 10; ++i) {
    now += absl::Seconds(1);
    window.Started(now);
    window.Ended(now, true);
  }
  EXPECT_EQ(window.size(), 1);
}

TEST(RequestWindow, KeepsToItsRate) {
  RequestWindow window({.first = 100, .max = 100, .per_second = 10});
  absl::Time now = kNow;
  int started = 0;
  while (now < kNow + absl::Seconds(2)) {
    const absl::Time next = window.NextStart(now);
    if (next > now) {
      now = next;
      continue;
    }
    window.Started(now);
    window.Ended(now, false);
    ++started;
  }
  EXPECT_GE(started, 20);
  EXPECT_LE(started, 22);
}

}  // namespace
}  // namespace muster::agent
