#include "test/bench/agent_host.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "agent/agent.h"
#include "agent/cluster/memory_driver.h"
#include "agent/perform.h"
#include "agent/rpc/enroller.h"
#include "agent/rpc/grpc_blob_fetcher.h"
#include "agent/rpc/grpc_hub_link.h"
#include "agent/rpc/renewer.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/status_macros.h"
#include "common/store/memory_store.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "common/trust/join_token.h"

namespace muster::bench {
namespace {

// How many agents of a process enrol at the same time.
constexpr int kEnrolling = 8;

const RealClock kClock;

}  // namespace

// One agent: everything of its own but the threads.
class AgentHost::OneAgent {
 public:
  OneAgent(AgentHost& host, int index, std::unique_ptr<MemoryStore> store,
           const v1::AgentIdentityRecord& identity)
      : host_(host),
        index_(index),
        random_(static_cast<uint64_t>(index) + 1),
        store_(std::move(store)),
        driver_(/*keep_json=*/false),
        signer_(Ed25519PrivateKey::FromSeed(identity.identity_seed())),
        channel_(identity.agent_address(), CertificateToPem(identity.root_der()),
                 agent::ClientKeyPair(identity)),
        fetcher_(channel_),
        inbox_("agent", 10'000),
        jobs_(*this),
        link_({.channel = channel_,
               .inbox = inbox_,
               .random = link_random_,
               .backoff_first = absl::Milliseconds(500),
               .backoff_max = absl::Seconds(5)}),
        agent_({.store = *store_,
                .jobs = jobs_,
                .link = link_,
                .signer = signer_,
                .inbox = inbox_},
               Settings(identity), random_) {
    inbox_.OnPost([this] { host_.Ready(index_); });
    CHECK_OK(agent_.Load(kClock.Now()));
    link_.Start();
  }

  agent::Agent& agent() { return agent_; }

  // Runs the cluster's jobs that the last turn started. Memory is fast: no thread for them.
  void RunJobs() {
    for (agent::Job& job : std::exchange(waiting_, {})) {
      if (std::holds_alternative<agent::FetchBlobsJob>(job)) {
        host_.downloads_.Run([this, job = std::move(job)] { Perform(job); });
      } else {
        Perform(job);
      }
    }
  }

 private:
  class Jobs final : public agent::Jobs {
   public:
    explicit Jobs(OneAgent& agent) : agent_(agent) {}
    void Start(agent::Job job) override { agent_.waiting_.push_back(std::move(job)); }

   private:
    OneAgent& agent_;
  };

  void Perform(const agent::Job& job) {
    inbox_.Post(agent::Perform(job, agent::Tools{driver_, *store_, fetcher_}));
  }

  agent::AgentSettings Settings(const v1::AgentIdentityRecord& identity) {
    agent::AgentSettings settings;
    settings.hub_id = identity.hub_id();
    settings.cluster_id = identity.cluster_id();
    settings.agent_version = "bench";
    settings.driver = driver_.Name();
    std::vector<Ed25519PublicKey> keys;
    for (const std::string& signer : identity.signer_der()) {
      absl::StatusOr<Ed25519PublicKey> key =
          SignerKey(identity.root_der(), signer, kClock.Now());
      CHECK_OK(key);
      keys.push_back(*std::move(key));
    }
    settings.verifier = std::make_shared<Ed25519Verifier>(std::move(keys), 1);
    return settings;
  }

  AgentHost& host_;
  const int index_;
  SeededRandom random_;
  SeededRandom link_random_{7};
  std::unique_ptr<MemoryStore> store_;
  agent::MemoryDriver driver_;
  const Ed25519Signer signer_;
  agent::HubChannel channel_;
  agent::GrpcBlobFetcher fetcher_;
  Inbox<agent::Event> inbox_;
  std::vector<agent::Job> waiting_;
  Jobs jobs_;
  agent::GrpcHubLink link_;
  agent::Agent agent_;
};

AgentHost::AgentHost() : downloads_("downloads", 2), thread_([this] { Run(); }) {}

AgentHost::~AgentHost() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  woken_.SignalAll();
  thread_.join();
  downloads_.Stop();
}

absl::StatusOr<absl::Duration> AgentHost::Enrol(const std::vector<Join>& joins,
                                                const std::string& join_address) {
  std::vector<std::unique_ptr<MemoryStore>> stores(joins.size());
  std::vector<absl::StatusOr<v1::AgentIdentityRecord>> identities(
      joins.size(), absl::UnknownError("not enrolled"));
  std::atomic<size_t> next = 0;
  const absl::Time start = kClock.Now();
  std::vector<std::thread> threads;
  for (int i = 0; i < kEnrolling; ++i) {
    threads.emplace_back([&] {
      SystemRandom random;
      for (size_t at = next++; at < joins.size(); at = next++) {
        stores[at] = std::make_unique<MemoryStore>();
        const absl::StatusOr<JoinToken> token = JoinToken::Parse(joins[at].token);
        CHECK_OK(token);
        identities[at] = agent::Enroll({.token = *token,
                                        .join_address = join_address,
                                        .cluster_name = joins[at].name,
                                        .agent_version = "bench",
                                        .store = *stores[at],
                                        .clock = kClock,
                                        .random = random,
                                        .on_pending = [](const std::string&) {},
                                        .pause =
                                            [](absl::Duration wait) {
                                              absl::SleepFor(wait);
                                              return true;
                                            }});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const absl::Duration took = kClock.Now() - start;
  MutexLock lock(mutex_);
  for (size_t i = 0; i < joins.size(); ++i) {
    RETURN_IF_ERROR(Annotate(identities[i].status(), "enrol " + joins[i].name));
    agents_.push_back(nullptr);
    pending_.push_back({std::move(stores[i]), *std::move(identities[i])});
  }
  return took;
}

void AgentHost::StartAgents() {
  for (; started_ < agents_.size(); ++started_) {
    Pending& pending = pending_[started_];
    auto agent = std::make_unique<OneAgent>(*this, static_cast<int>(started_),
                                            std::move(pending.store), pending.identity);
    {
      MutexLock lock(mutex_);
      agents_[started_] = std::move(agent);
    }
    Ready(static_cast<int>(started_));
  }
}

void AgentHost::Ready(int agent) {
  {
    MutexLock lock(mutex_);
    ready_.insert(agent);
  }
  woken_.Signal();
}

void AgentHost::Run() {
  for (;;) {
    std::set<int> turns;
    {
      MutexLock lock(mutex_);
      const absl::Time now = kClock.Now();
      while (!wakes_.empty() && wakes_.begin()->first <= now) {
        ready_.insert(wakes_.begin()->second);
        wake_of_.erase(wakes_.begin()->second);
        wakes_.erase(wakes_.begin());
      }
      if (stopping_) return;
      if (ready_.empty()) {
        const absl::Duration until =
            wakes_.empty() ? absl::Seconds(1) : wakes_.begin()->first - now;
        woken_.WaitFor(mutex_, std::min(until, absl::Seconds(1)));
      }
      turns = std::exchange(ready_, {});
    }
    for (const int agent : turns) TakeTurn(agent);
  }
}

void AgentHost::TakeTurn(int index) {
  OneAgent* agent = nullptr;
  {
    MutexLock lock(mutex_);
    agent = agents_[index].get();
  }
  if (agent == nullptr) return;  // still being made; it says so when it is ready
  CHECK_OK(agent->agent().Turn(kClock.Now()));
  agent->RunJobs();
  const absl::Time next = agent->agent().NextWake();
  MutexLock lock(mutex_);
  if (const auto old = wake_of_.find(index); old != wake_of_.end()) {
    wakes_.erase({old->second, index});
  }
  wake_of_[index] = next;
  wakes_.insert({next, index});
}

}  // namespace muster::bench
