// The pieces of common/loop, one suite each. Tagged `tsan`: the thread sanitizer watches them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "common/loop/inbox.h"
#include "common/loop/published.h"
#include "common/loop/workers.h"

namespace muster {
namespace {

TEST(Inbox, HandsOutEventsInTheirOrder) {
  Inbox<int> inbox("test", 100);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(inbox.Post(i));
  EXPECT_THAT(inbox.Drain(absl::ZeroDuration()), testing::ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(inbox.Drain(absl::ZeroDuration()), testing::IsEmpty());
}

TEST(Inbox, TakesEventsThatCannotBeCopied) {
  Inbox<std::unique_ptr<int>> inbox("test", 100);
  inbox.Post(std::make_unique<int>(7));
  EXPECT_EQ(*inbox.Drain(absl::ZeroDuration()).at(0), 7);
}

// The consumer waits without end; only the post can let it go.
TEST(Inbox, WakesTheConsumer) {
  Inbox<int> inbox("test", 100);
  std::thread poster([&inbox] { inbox.Post(1); });
  EXPECT_THAT(inbox.Drain(absl::InfiniteDuration()), testing::ElementsAre(1));
  poster.join();
}

TEST(Inbox, WakesTheConsumerWhenItCloses) {
  Inbox<int> inbox("test", 100);
  std::thread closer([&inbox] { inbox.Close(); });
  EXPECT_THAT(inbox.Drain(absl::InfiniteDuration()), testing::IsEmpty());
  EXPECT_TRUE(inbox.closed());
  closer.join();
}

TEST(Inbox, HandsOutWhatCameBeforeItClosedAndNothingAfter) {
  Inbox<int> inbox("test", 100);
  inbox.Post(1);
  inbox.Close();
  EXPECT_FALSE(inbox.Post(2));
  EXPECT_THAT(inbox.Drain(absl::InfiniteDuration()), testing::ElementsAre(1));
  EXPECT_THAT(inbox.Drain(absl::InfiniteDuration()), testing::IsEmpty());
}

TEST(Inbox, ReturnsNothingWhenTheTimeIsUp) {
  Inbox<int> inbox("test", 100);
  EXPECT_THAT(inbox.Drain(absl::Milliseconds(1)), testing::IsEmpty());
  EXPECT_FALSE(inbox.closed());
}

TEST(Inbox, WarnsOnceADoublingAndNeverBlocks) {
  Inbox<int> inbox("long", 4);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(inbox.Post(i));
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;  // at 4 and at 8
  EXPECT_EQ(inbox.Drain(absl::ZeroDuration()).size(), 15u);
}

TEST(Inbox, LosesNothingBetweenManyPosters) {
  constexpr int kPosters = 4, kEvents = 2'000;
  Inbox<std::pair<int, int>> inbox("test", 1'000'000);
  std::vector<std::thread> posters;
  for (int poster = 0; poster < kPosters; ++poster) {
    posters.emplace_back([&inbox, poster] {
      for (int i = 0; i < kEvents; ++i) inbox.Post({poster, i});
    });
  }
  std::vector<int> next(kPosters, 0);
  int seen = 0;
  while (seen < kPosters * kEvents) {
    for (const auto& [poster, i] : inbox.Drain(absl::InfiniteDuration())) {
      ASSERT_EQ(i, next[poster]++) << "poster " << poster;
      ++seen;
    }
  }
  for (std::thread& poster : posters) poster.join();
}

TEST(Published, LetsAReaderKeepItsSnapshot) {
  Published<int> published(std::make_shared<const int>(1));
  const std::shared_ptr<const int> first = published.Get();
  published.Publish(std::make_shared<const int>(2));
  EXPECT_EQ(*first, 1);
  EXPECT_EQ(*published.Get(), 2);
}

TEST(Published, ShowsReadersWholeSnapshots) {
  using Snapshot = std::vector<int>;
  Published<Snapshot> published(std::make_shared<const Snapshot>(10, 0));
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      int last = 0;
      while (!done) {
        const auto snapshot = published.Get();
        CHECK_EQ(std::accumulate(snapshot->begin(), snapshot->end(), 0), 10 * snapshot->front());
        CHECK_GE(snapshot->front(), last);
        last = snapshot->front();
      }
    });
  }
  for (int i = 1; i <= 1'000; ++i) published.Publish(std::make_shared<const Snapshot>(10, i));
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST(Workers, RunsEveryJob) {
  Inbox<int> results("test", 1'000'000);
  Workers workers("test", 3);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(workers.Run([&results, i] { results.Post(i); }));
  std::vector<int> seen;
  while (seen.size() < 100) {
    for (const int i : results.Drain(absl::InfiniteDuration())) seen.push_back(i);
  }
  std::sort(seen.begin(), seen.end());
  std::vector<int> expected(100);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen, expected);
}

TEST(Workers, RunsJobsAtTheSameTime) {
  Workers workers("test", 2);
  std::promise<void> met;
  std::promise<void> done;
  workers.Run([&] {
    met.get_future().wait();
    done.set_value();
  });
  workers.Run([&] { met.set_value(); });
  done.get_future().wait();
}

// One job is held in its thread; a second waits behind it when Stop comes.
TEST(Workers, StopEndsWhatRunsAndDropsWhatWaits) {
  Workers workers("test", 1);
  std::promise<void> started, go_on;
  std::atomic<bool> ended = false, ran = false;
  workers.Run([&] {
    started.set_value();
    go_on.get_future().wait();
    ended = true;
  });
  started.get_future().wait();
  workers.Run([&] { ran = true; });
  EXPECT_EQ(workers.queued(), 1u);
  std::thread stopper([&] { workers.Stop(); });
  while (workers.queued() != 0) std::this_thread::yield();
  EXPECT_FALSE(workers.Run([&] { ran = true; }));
  go_on.set_value();
  stopper.join();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(ran);
  workers.Stop();
}

TEST(Workers, StopByTheDestructorJoins) {
  std::atomic<int> count = 0;
  std::promise<void> started;
  {
    Workers workers("test", 2);
    workers.Run([&] {
      started.set_value();
      ++count;
    });
    started.get_future().wait();
  }
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace muster
