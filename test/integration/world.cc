#include "test/integration/world.h"

#include <grpcpp/grpcpp.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/rpc/enroller.h"
#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/random.h"
#include "common/net/rpc_status.h"
#include "common/trust/join_token.h"
#include "gtest/gtest.h"
#include "hub/init.h"

namespace muster::test {

namespace fs = std::filesystem;
namespace pb = muster::v1;

namespace {

constexpr absl::Duration kPatience = absl::Minutes(4);
constexpr absl::Duration kLook = absl::Milliseconds(20);

template <typename Request, typename Response>
Response Must(grpc::Status (pb::OperatorService::Stub::*call)(grpc::ClientContext*, const Request&,
                                                              Response*),
              pb::OperatorService::Stub& stub, const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  Response response;
  CHECK_OK(FromGrpc((stub.*call)(&context, request, &response)));
  return response;
}

}  // namespace

std::string NewDirectory(const std::string& name) {
  static int number = 0;
  const fs::path path = fs::path(testing::TempDir()) /
                        absl::StrCat(name, "-", absl::ToUnixNanos(absl::Now()), "-", ++number);
  CHECK(fs::create_directories(path));
  return path.string();
}

bool Eventually(const std::function<bool()>& condition) {
  const absl::Time until = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > until) return false;
    absl::SleepFor(kLook);
  }
  return true;
}

// ---------------------------------------------------------------- Git

namespace {

void Git(const std::string& directory, const std::string& arguments) {
  const std::string command =
      absl::StrCat("git -C '", directory,
                   "' -c user.name=Test -c user.email=test@example.com -c commit.gpgsign=false ",
                   arguments, " >/dev/null 2>&1");
  CHECK(std::system(command.c_str()) == 0) << command;
}

}  // namespace

TestRepository::TestRepository() : directory_(NewDirectory("git")) {
  Git(directory_, "init -q -b main");
}

void TestRepository::Write(const std::string& path, const std::string& contents) {
  const fs::path file = fs::path(directory_) / path;
  fs::create_directories(file.parent_path());
  std::ofstream(file) << contents;
}

void TestRepository::Commit(const std::string& subject) {
  Git(directory_, "add -A");
  Git(directory_, absl::StrCat("commit -q --allow-empty -m '", subject, "'"));
}

void TestRepository::Branch(const std::string& name) {
  Git(directory_, absl::StrCat("checkout -q -b ", name));
}

void TestRepository::Switch(const std::string& name) {
  Git(directory_, absl::StrCat("checkout -q ", name));
}

void WriteFleet(TestRepository& repository) {
  repository.Write("fleet/fleet.yaml", absl::StrCat("apiVersion: muster.dev/v1alpha1\n"
                                                    "kind: Repository\n"
                                                    "metadata: {name: apps}\n"
                                                    "spec:\n"
                                                    "  project: default\n"
                                                    "  type: git\n"
                                                    "  url: ",
                                                    repository.url(),
                                                    "\n"
                                                    "  ref: {branch: main}\n"
                                                    "  interval: 1m\n"
                                                    "---\n"
                                                    "apiVersion: muster.dev/v1alpha1\n"
                                                    "kind: Package\n"
                                                    "metadata: {name: web}\n"
                                                    "spec:\n"
                                                    "  project: default\n"
                                                    "  repository: apps\n"
                                                    "  path: web\n"
                                                    "  targets:\n"
                                                    "    - clusterSelector: {}\n"));
}

void WriteGreeting(TestRepository& repository, const std::string& text) {
  repository.Write("web/greeting.yaml", absl::StrCat("apiVersion: v1\n"
                                                     "kind: ConfigMap\n"
                                                     "metadata: {name: greeting, namespace: web}\n"
                                                     "data: {text: \"",
                                                     text, "\"}\n"));
}

// ---------------------------------------------------------------- TestHub

TestHub::TestHub() {
  WriteFleet(repository_);
  WriteGreeting(repository_, "first");
  repository_.Commit("first");
  hub::InitOptions init;
  init.data_directory = NewDirectory("hub");
  init.fleet_url = repository_.url();
  init.fleet_path = "fleet";
  init.now = absl::Now();
  CHECK_OK(hub::InitHub(init));
  absl::StatusOr<hub::Keyring> keyring = hub::LoadKeyring(init.data_directory, absl::Now());
  CHECK_OK(keyring);
  keyring_.emplace(*std::move(keyring));
  operator_pair_ = *hub::MakeOperatorKeyPair(keyring_->authority, "admin", absl::Now());
  options_.data_directory = init.data_directory;
  options_.listen = {.agent = "127.0.0.1:0",
                     .operators = "127.0.0.1:0",
                     .join = "127.0.0.1:0",
                     .console = "127.0.0.1:0"};
  options_.allow_file_urls = true;
  options_.heartbeat = absl::Seconds(1);
}

void TestHub::Start() {
  hub_ = std::make_unique<hub::Assembly>(options_);
  CHECK_OK(hub_->Start());
  options_.listen = hub_->addresses();
  operators_ = pb::OperatorService::NewStub(OperatorChannel());
}

void TestHub::Stop() {
  operators_ = nullptr;
  hub_ = nullptr;
}

std::shared_ptr<grpc::Channel> TestHub::OperatorChannel() const {
  return DialHub(options_.listen.operators, keyring_->root_pem(), operator_pair_);
}

pb::CreateTokenResponse TestHub::CreateToken(const pb::CreateTokenRequest& request) {
  return Must(&pb::OperatorService::Stub::CreateToken, *operators_, request);
}

std::string TestHub::TokenFor(const std::string& cluster_name) {
  pb::CreateTokenRequest request;
  request.set_cluster_name(cluster_name);
  return CreateToken(request).token();
}

pb::ClusterView TestHub::Cluster(const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  request.set_detail(true);
  grpc::ClientContext context;
  pb::ListClustersResponse response;
  const grpc::Status status = operators_->ListClusters(&context, request, &response);
  return status.ok() ? response.clusters(0) : pb::ClusterView();
}

void TestHub::Revoke(const std::string& name) {
  pb::NameRequest request;
  request.set_name(name);
  Must(&pb::OperatorService::Stub::RevokeCluster, *operators_, request);
}

void TestHub::Sync() { Must(&pb::OperatorService::Stub::Sync, *operators_, pb::NameRequest()); }

// ---------------------------------------------------------------- agents

absl::StatusOr<pb::AgentIdentityRecord> Join(const TestHub& hub, const std::string& token,
                                             const std::string& name, Store& store) {
  const absl::StatusOr<JoinToken> parsed = JoinToken::Parse(token);
  if (!parsed.ok()) return parsed.status();
  const RealClock clock;
  SystemRandom random;
  return agent::Enroll({.token = *parsed,
                        .join_address = hub.addresses().join,
                        .cluster_name = name,
                        .agent_version = "test",
                        .store = store,
                        .clock = clock,
                        .random = random,
                        .on_pending = [](const std::string&) {},
                        .pause =
                            [](absl::Duration) {
                              absl::SleepFor(kLook);
                              return true;
                            }});
}

TestAgent::TestAgent(TestHub& hub, const std::string& name) {
  absl::StatusOr<pb::AgentIdentityRecord> identity = Join(hub, hub.TokenFor(name), name, store_);
  CHECK_OK(identity);
  identity_ = *std::move(identity);
}

void TestAgent::Start() {
  agent_ = std::make_unique<agent::Assembly>(
      agent::AgentOptions{.store = store_,
                          .driver = driver_,
                          .identity = identity_,
                          .resync_interval = absl::Seconds(1),
                          .backoff_first = absl::Milliseconds(50),
                          .backoff_max = absl::Milliseconds(500)});
  CHECK_OK(agent_->Start());
}

void TestAgent::Stop() {
  if (agent_ != nullptr) CHECK_OK(agent_->Stop());
  agent_ = nullptr;
}

bool TestAgent::Greets(const std::string& text) const {
  for (const auto& [key, json] : driver_.Objects()) {
    if (absl::StrContains(json, "\"greeting\"") &&
        absl::StrContains(json, absl::StrCat("\"text\":\"", text, "\""))) {
      return true;
    }
  }
  return false;
}

}  // namespace muster::test
