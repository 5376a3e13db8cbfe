// World: what integration tests share: a real hub (store on disk, children, three TLS ports on
// loopback), a real Git repository, real agents with a cluster in memory.
//
//   class ConnectTest : public testing::Test { TestHub hub_; };
//
// Tests wait for what they expect with Eventually, never for a time. Their main is in main.cc,
// which lets the test's own binary be the hub's children.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/assembly.h"
#include "agent/cluster/memory_driver.h"
#include "common/net/tls.h"
#include "common/store/memory_store.h"
#include "hub/assembly.h"
#include "hub/keyring.h"
#include "proto/operator_service.grpc.pb.h"
#include "proto/storage.pb.h"

namespace muster::test {

// A fresh directory that nobody else has.
std::string NewDirectory(const std::string& name);

// Whether `condition` came true; asked again and again for up to half a minute.
bool Eventually(const std::function<bool()>& condition);

// A Git repository in a directory. Dies when git does not do what it was told.
class TestRepository {
 public:
  TestRepository();
  const std::string& directory() const { return directory_; }
  std::string url() const { return "file://" + directory_; }
  void Write(const std::string& path, const std::string& contents);
  void Commit(const std::string& subject);
  // A new branch from here, and on it; then back to one that is there.
  void Branch(const std::string& name);
  void Switch(const std::string& name);

 private:
  std::string directory_;
};

// A fleet with one package, "web", that goes to every cluster: a ConfigMap "greeting" whose data is
// what WriteGreeting said last.
void WriteFleet(TestRepository& repository);
void WriteGreeting(TestRepository& repository, const std::string& text);

class TestHub {
 public:
  // Initialised, not started.
  TestHub();

  // From the second start on with the ports of the first one.
  void Start();
  void Stop();

  hub::HubOptions& options() { return options_; }
  TestRepository& repository() { return repository_; }
  const hub::Keyring& keyring() const { return *keyring_; }
  const hub::ListenAddresses& addresses() const { return hub_->addresses(); }

  // As the operator "admin", or as whoever has `pair`.
  std::shared_ptr<grpc::Channel> OperatorChannel() const;

  // Calls of the operator service that have to succeed.
  v1::CreateTokenResponse CreateToken(const v1::CreateTokenRequest& request);
  std::string TokenFor(const std::string& cluster_name);
  v1::ClusterView Cluster(const std::string& name);
  void Revoke(const std::string& name);
  void Sync();

  v1::OperatorService::Stub& operators() { return *operators_; }

 private:
  TestRepository repository_;
  hub::HubOptions options_;
  std::optional<hub::Keyring> keyring_;
  TlsKeyPair operator_pair_;
  std::unique_ptr<hub::Assembly> hub_;
  std::unique_ptr<v1::OperatorService::Stub> operators_;
};

// Redeems `token` for a cluster called `name`, into `store`.
absl::StatusOr<v1::AgentIdentityRecord> Join(const TestHub& hub, const std::string& token,
                                             const std::string& name, Store& store);

// An enrolled agent with a cluster in memory.
class TestAgent {
 public:
  // Joins `hub`, which must be running.
  TestAgent(TestHub& hub, const std::string& name);

  void Start();
  void Stop();

  agent::MemoryDriver& cluster() { return driver_; }
  const v1::AgentIdentityRecord& identity() const { return identity_; }

  // Whether the ConfigMap "greeting" is there and says `text`.
  bool Greets(const std::string& text) const;

 private:
  MemoryStore store_;
  agent::MemoryDriver driver_;
  v1::AgentIdentityRecord identity_;
  std::unique_ptr<agent::Assembly> agent_;
};

}  // namespace muster::test
