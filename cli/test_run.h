// TestRun: one run of `muster` after another, over a fleet in memory, with every stream captured.
// For tests; one thread.
//
//   TestRun run;
//   run.hub->clusters.push_back(...);
//   EXPECT_EQ(run({"get", "clusters"}), 0);
//   EXPECT_EQ(run.out(), "...");
#pragma once

#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cli/environment.h"
#include "cli/memory_hub_client.h"
#include "common/base/clock.h"

namespace muster::cli {

// Stands still until somebody waits.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time now) : now_(now) {}
  absl::Time Now() const override { return now_; }
  void Set(absl::Time now) { now_ = now; }

 private:
  absl::Time now_;
};

class TestRun {
 public:
  // A fleet without clusters, a context "test", and noon of 2026-11-21.
  TestRun();

  // Runs `muster arguments...` and returns its exit code.
  int operator()(const std::vector<std::string>& arguments);

  // Of the last run.
  const std::string& out() const { return out_; }
  const std::string& err() const { return err_; }

  // Milliseconds since the epoch of `age` ago.
  int64_t Ago(absl::Duration age) const { return absl::ToUnixMillis(clock.Now() - age); }

  // Changes what the next runs find.
  ManualClock clock;
  std::shared_ptr<MemoryHubClient> hub = std::make_shared<MemoryHubClient>();
  std::map<std::string, std::string> variables;
  std::string in;
  bool terminal = false;
  int width = 0;
  absl::Status connect;                            // what connecting gives
  std::vector<std::vector<std::string>> programs;  // that were run, with their arguments
  std::function<int()> on_program;                 // what such a program does
  // What any other program (kubectl) does; without, there is none.
  std::function<ProgramResult(const std::vector<std::string>& words, const std::string& input)>
      on_capture;
  std::string folder;  // fresh, of this test alone

 private:
  std::string out_;
  std::string err_;
};

// A cluster that is what it should be.
v1::ClusterView MakeCluster(const TestRun& run, const std::string& name);

}  // namespace muster::cli
