// The hub is killed with -9 at random moments while it acknowledges writes, again and again: what
// was acknowledged is there after the next start. The operator's calls are the load: each
// CreateToken is one durable write, acknowledged by its answer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "cli/hub_client.h"
#include "common/base/check.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/net/tls.h"
#include "test/bench/process.h"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr int kKills = 200;
constexpr int kWriters = 4;
// At least, before each kill: a run that hardly wrote proves nothing.
constexpr size_t kAcknowledgedPerKill = 3;

class KilledHub : public testing::Test {
 protected:
  KilledHub() : directory_(testing::TempDir() + "/hub"), log_(testing::TempDir() + "/hub.log") {
    CHECK_OK(bench::RunCommand({kHub, "init", "--data", directory_, "--fleet-url",
                                "https://git.example.invalid/fleet.git"}));
  }

  void Start() {
    fs::remove(directory_ + "/addresses");
    absl::StatusOr<bench::Process> hub = bench::Process::Start(
        {kHub, "--data", directory_, "--agent-listen", "127.0.0.1:0", "--operator-listen",
         "127.0.0.1:0", "--join-listen", "127.0.0.1:0", "--console-listen", "127.0.0.1:0"},
        log_, /*talk=*/false);
    CHECK_OK(hub);
    hub_ = std::make_unique<bench::Process>(*std::move(hub));
    const absl::Time end = absl::Now() + absl::Minutes(4);
    while (!fs::exists(directory_ + "/addresses")) {
      CHECK(absl::Now() < end) << "the hub does not start; see " << log_ << ": " << Text(log_);
      absl::SleepFor(absl::Milliseconds(2));
    }
  }

  std::unique_ptr<cli::HubClient> Dial() const {
    const std::string addresses = Text(directory_ + "/addresses");
    std::string address;
    for (const absl::string_view line : absl::StrSplit(addresses, '\n')) {
      if (absl::StartsWith(line, "operator="))
        address = std::string(line.substr(line.find('=') + 1));
    }
    const std::string admin = directory_ + "/admin/";
    auto client = cli::ConnectHub({.address = address,
                                   .ca_pem = Text(admin + "root.pem"),
                                   .certificate_pem = Text(admin + "operator.pem"),
                                   .key_pem = Text(admin + "operator-key.pem")},
                                  absl::Minutes(4));
    CHECK_OK(client);
    return *std::move(client);
  }

  // However fast the machine is, a kill interrupts somebody who writes.
  void AwaitAcknowledged(size_t more) {
    MutexLock lock(mutex_);
    const size_t enough = acknowledged_.size() + more;
    while (acknowledged_.size() < enough && writing_ > 0) changed_.Wait(mutex_);
  }

  // Makes tokens until the hub is gone; adds those that were acknowledged.
  void WriteUntilItDies(int cycle) {
    std::vector<std::thread> writers;
    {
      MutexLock lock(mutex_);
      writing_ = kWriters;
    }
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([this, cycle, i] {
        const std::unique_ptr<cli::HubClient> client = Dial();
        for (int n = 0;; ++n) {
          v1::CreateTokenRequest request;
          request.set_cluster_name(absl::StrCat("c-", cycle, "-", i, "-", n));
          const auto token = client->CreateToken(request);
          MutexLock lock(mutex_);
          changed_.SignalAll();
          if (!token.ok()) {
            --writing_;
            return;
          }
          acknowledged_.insert(token->token_id());
        }
      });
    }
    AwaitAcknowledged(kAcknowledgedPerKill + random_.Below(2 * kAcknowledgedPerKill));
    // Between any two of its steps.
    absl::SleepFor(absl::Microseconds(random_.Below(20'000)));
    hub_->Kill();
    for (std::thread& writer : writers) writer.join();
  }

  std::set<std::string> Tokens() const {
    const std::unique_ptr<cli::HubClient> client = Dial();
    std::set<std::string> found;
    v1::ListRequest request;
    do {
      const auto page = client->ListTokens(request);
      CHECK_OK(page);
      for (const v1::TokenView& token : page->tokens()) found.insert(token.id());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return found;
  }

  static std::string Text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static constexpr char kHub[] = "hub/muster-hub";
  const std::string directory_;
  const std::string log_;
  SystemRandom random_;
  std::unique_ptr<bench::Process> hub_;
  Mutex mutex_;
  CondVar changed_;
  int writing_ GUARDED_BY(mutex_) = 0;  // threads
  std::set<std::string> acknowledged_ GUARDED_BY(mutex_);
};

TEST_F(KilledHub, LosesNothingThatItAcknowledged) {
  PrepareGrpc();
  for (int cycle = 0; cycle < kKills; ++cycle) {
    Start();
    WriteUntilItDies(cycle);
  }
  Start();
  const std::set<std::string> found = Tokens();
  MutexLock lock(mutex_);
  EXPECT_GE(acknowledged_.size(), kKills * kAcknowledgedPerKill);
  for (const std::string& id : acknowledged_) {
    EXPECT_TRUE(found.contains(id)) << "token " << id << " was acknowledged and is lost";
  }
}

}  // namespace
}  // namespace muster
