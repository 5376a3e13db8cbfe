#include "hub/assembly.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/helm/helm_program.h"
#include "common/loop/workers.h"
#include "common/store/rocksdb_store.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "common/trust/key_file.h"
#include "hub/clones.h"
#include "hub/core/hub_core.h"
#include "hub/core/keys.h"
#include "hub/http/console.h"
#include "hub/hub.h"
#include "hub/hub_jobs.h"
#include "hub/idle_memory.h"
#include "hub/init.h"
#include "hub/join/join_gate.h"
#include "hub/keyring.h"
#include "hub/push.h"
#include "hub/rpc/agent_service.h"
#include "hub/rpc/console_service.h"
#include "hub/rpc/listener.h"
#include "hub/rpc/operator_service.h"
#include "hub/rpc/plan_service.h"
#include "hub/rpc/replies.h"
#include "hub/rpc/review_service.h"
#include "hub/rpc/rollout_service.h"
#include "hub/sweeper.h"
#include "proto/storage.pb.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

constexpr int kWorkerThreads = 2;
constexpr absl::Duration kSweepInterval = absl::Seconds(1);
constexpr int kSweepsPerMemory = 5;
constexpr absl::Duration kCloneSweepInterval = absl::Minutes(1);

}  // namespace

// In the order in which they depend on one another.
struct Assembly::Parts {
  explicit Parts(HubOptions given) : options(std::move(given)) {}

  absl::Status OpenStore();
  Settings MakeSettings() const;
  absl::Status MakeServices();
  absl::Status Listen();
  absl::Status MakeConsole();
  absl::StatusOr<TlsKeyPair> ConsoleKeyPair(const std::string& address) const;
  absl::StatusOr<HubJobs::Certificate> Issue(const IssueJob& job) const;
  void SweepClones() const;
  absl::StatusOr<HelmOptions> Helm() const;

  std::string ClonesDirectory() const { return absl::StrCat(options.data_directory, "/clones"); }

  HubPlace Place() {
    return {options.data_directory, [this] { return *hub->obstacle().Get(); }};
  }

  std::string AgentAddress() const { return Advertised(options.agent_address, listen.agent); }

  const HubOptions options;
  const RealClock clock;
  SystemRandom core_random;
  SystemRandom join_random;
  SystemRandom console_random;
  Replies replies;
  Workers workers{"hub-work", kWorkerThreads};
  ListenAddresses listen;

  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Store> store;
  std::unique_ptr<HubCore> core;
  std::unique_ptr<Ed25519Signer> signer;
  std::unique_ptr<PushBuilder> pushes;
  std::unique_ptr<AgentService> agents;
  std::unique_ptr<OperatorService> operators;
  std::unique_ptr<ConsoleService> logins;
  std::unique_ptr<Console> console;
  std::unique_ptr<PlanService> plans;
  std::unique_ptr<RolloutService> rollouts;
  std::unique_ptr<ReviewService> reviews;
  std::unique_ptr<HubJobs> jobs;
  std::unique_ptr<Hub> hub;
  std::unique_ptr<Listener> agent_listener;
  std::unique_ptr<Listener> operator_listener;
  std::unique_ptr<JoinGate> join_gate;
  std::unique_ptr<Sweeper> sweeper;
  std::unique_ptr<Sweeper> clone_sweeper;
  std::thread turns;
};

Assembly::Assembly(HubOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Assembly::~Assembly() { Stop(); }

const ListenAddresses& Assembly::addresses() const { return parts_->listen; }

absl::Status Assembly::Start() {
  Parts& parts = *parts_;
  RETURN_IF_ERROR(parts.OpenStore());
  RemoveAddresses(parts.options.data_directory);  // of the last run: they hold once we are ready
  ASSIGN_OR_RETURN(Keyring keyring, LoadKeyring(parts.options.data_directory, parts.clock.Now()));
  parts.keyring = std::make_unique<Keyring>(std::move(keyring));
  ASSIGN_OR_RETURN(parts.listen, ChooseAddresses(parts.options.listen));
  parts.core = std::make_unique<HubCore>(parts.MakeSettings(), parts.core_random);
  RETURN_IF_ERROR(Annotate(LoadCore(*parts.store, *parts.core), "load the hub's records"));
  RETURN_IF_ERROR(parts.MakeServices());
  parts.turns = std::thread([&parts] { parts.hub->Run(parts.clock); });
  return parts.Listen();
}

void Assembly::Stop() {
  Parts& parts = *parts_;
  parts.sweeper = nullptr;
  parts.clone_sweeper = nullptr;
  if (parts.agents != nullptr) parts.agents->Stop();
  if (parts.operators != nullptr) parts.operators->Stop();
  if (parts.console != nullptr) parts.console->Stop();
  parts.replies.Stop();
  parts.agent_listener = nullptr;
  parts.operator_listener = nullptr;
  if (parts.join_gate != nullptr) parts.join_gate->Stop();
  if (parts.hub != nullptr) parts.hub->Stop();
  if (parts.turns.joinable()) parts.turns.join();
  // What the core still wanted is found again at the next start.
  parts.workers.Stop();
  parts.jobs = nullptr;
  parts.store = nullptr;
}

absl::Status Assembly::Parts::OpenStore() {
  RocksdbStoreOptions store_options;
  store_options.directory = absl::StrCat(options.data_directory, "/store");
  store_options.free_bytes_min = options.disk_reserve_bytes;
  if (access(store_options.directory.c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.data_directory, " holds no hub; make one: muster init --data ",
                     options.data_directory, " --fleet-url URL"));
  }
  ASSIGN_OR_RETURN(store, OpenRocksdbStore(std::move(store_options)));
  const absl::StatusOr<std::string> bytes = store->Get(keys::kMeta);
  pb::HubMeta meta;
  if (!bytes.ok() || !meta.ParseFromString(*bytes)) {
    return absl::DataLossError(
        absl::StrCat(options.data_directory, ": the record 'meta' cannot be read"));
  }
  if (meta.format() != kStoreFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.data_directory, " was written in store format ", meta.format(),
                     ", and this version (", kVersion, ") knows ", kStoreFormat,
                     "; run the version that wrote it"));
  }
  return absl::OkStatus();
}

Settings Assembly::Parts::MakeSettings() const {
  Settings settings;
  settings.hub_id = keyring->hub_id();
  settings.version = std::string(kVersion);
  settings.agent_address = AgentAddress();
  settings.join_address = Advertised(options.join_address, listen.join);
  settings.allow_file_urls = options.allow_file_urls;
  settings.heartbeat = options.heartbeat;
  settings.fleet_interval = options.fleet_interval;
  settings.certificate_lifetime = options.certificate_lifetime;
  return settings;
}

// The digest is looked at again before each run; here it is for whoever starts the hub.
absl::StatusOr<HelmOptions> Assembly::Parts::Helm() const {
  HelmOptions helm = {.program = options.helm_program,
                      .digest = options.helm_digest,
                      .scratch = absl::StrCat(options.data_directory, "/helm")};
  if (helm.program.empty()) return helm;
  HelmProgram program({.path = helm.program, .digest = helm.digest, .scratch = helm.scratch});
  RETURN_IF_ERROR(program.Check());
  return helm;
}

absl::Status Assembly::Parts::MakeServices() {
  const auto post = [this](Event event) { hub->Post(std::move(event)); };
  const auto view = [this] { return hub->view().Get(); };
  signer = std::make_unique<Ed25519Signer>(keyring->signer);
  pushes = std::make_unique<PushBuilder>(*store, *signer);
  agents = std::make_unique<AgentService>(AgentServiceOptions{
      .hub_id = keyring->hub_id(),
      .signer_der = keyring->signer_der,
      .post = post,
      .view = view,
      .build_push = [this](const PushDesired& desired) { return pushes->Build(desired); },
      .store = store.get(),
      .replies = &replies,
      .workers = &workers});
  operators =
      std::make_unique<OperatorService>(OperatorServiceOptions{.hub_id = keyring->hub_id(),
                                                               .place = Place(),
                                                               .sealing_key = keyring->sealing_key,
                                                               .post = post,
                                                               .view = view,
                                                               .store = store.get(),
                                                               .replies = &replies,
                                                               .workers = &workers});
  plans = std::make_unique<PlanService>(PlanServiceOptions{.hub_id = keyring->hub_id(),
                                                           .post = post,
                                                           .store = store.get(),
                                                           .replies = &replies,
                                                           .workers = &workers});
  rollouts = std::make_unique<RolloutService>(
      RolloutServiceOptions{.hub_id = keyring->hub_id(), .post = post, .replies = &replies});
  reviews = std::make_unique<ReviewService>(
      ReviewServiceOptions{.hub_id = keyring->hub_id(),
                           .view = view,
                           .store = store.get(),
                           .seal = {.signer = signer.get(), .signer_der = keyring->signer_der},
                           .workers = &workers});
  HubJobs::Options job_options;
  job_options.clones = ClonesDirectory();
  ASSIGN_OR_RETURN(job_options.helm, Helm());
  ASSIGN_OR_RETURN(jobs,
                   HubJobs::Create(std::move(job_options),
                                   {.store = store.get(),
                                    .sealing_key = keyring->sealing_key,
                                    .issue = [this](const IssueJob& job) { return Issue(job); },
                                    .post = post}));
  hub = std::make_unique<Hub>(Hub::Parts{
      .core = *core, .store = *store, .jobs = *jobs, .links = *agents, .answers = replies});
  return absl::OkStatus();
}

absl::Status Assembly::Parts::Listen() {
  RETURN_IF_ERROR(MakeConsole());
  // The join child gets a key of its own, for it is the one that strangers talk to.
  ASSIGN_OR_RETURN(const TlsKeyPair server,
                   MakeServerKeyPair(keyring->authority, {"localhost"}, clock.Now()));
  ASSIGN_OR_RETURN(const TlsKeyPair join,
                   MakeServerKeyPair(keyring->authority, {"localhost"}, clock.Now()));
  ASSIGN_OR_RETURN(agent_listener, Listener::Start({.address = listen.agent,
                                                    .root_pem = keyring->root_pem(),
                                                    .server = server,
                                                    .services = {agents->service()}}));
  ASSIGN_OR_RETURN(
      operator_listener,
      Listener::Start({.address = listen.operators,
                       .root_pem = keyring->root_pem(),
                       .server = server,
                       .services = {operators->service(), plans->service(), rollouts->service(),
                                    reviews->service(), logins->service()}}));
  join_gate = std::make_unique<JoinGate>(
      JoinGateOptions{.address = listen.join,
                      .server = join,
                      .root_der = keyring->authority.root_der(),
                      .signer_der = keyring->signer_der,
                      .agent_address = AgentAddress(),
                      .post = [this](Event event) { hub->Post(std::move(event)); },
                      .replies = &replies,
                      .random = &join_random});
  RETURN_IF_ERROR(join_gate->Start().status());
  sweeper = std::make_unique<Sweeper>(kSweepInterval, [this, sweeps = 0]() mutable {
    agents->Sweep(clock.Now());
    operators->Sweep();
    if (console != nullptr) console->Sweep();
    if (++sweeps % kSweepsPerMemory == 0) ReturnIdleMemory();
  });
  clone_sweeper = std::make_unique<Sweeper>(kCloneSweepInterval, [this] { SweepClones(); });
  RETURN_IF_ERROR(WriteAddresses(options.data_directory, listen));
  log::Info("hub is ready", {{"hub", keyring->hub_id().substr(0, 12)},
                             {"agents", listen.agent},
                             {"operators", listen.operators},
                             {"join", listen.join},
                             {"console", listen.console.empty() ? "off" : listen.console}});
  return absl::OkStatus();
}

// What browsers are shown: the certificate that was given, or one by the hub's root for every name
// under which this machine may be asked for.
absl::StatusOr<TlsKeyPair> Assembly::Parts::ConsoleKeyPair(const std::string& address) const {
  if (!options.console_certificate.empty()) {
    TlsKeyPair pair;
    std::ifstream file(options.console_certificate);
    pair.certificate_pem.assign(std::istreambuf_iterator<char>(file), {});
    if (!file || pair.certificate_pem.empty()) {
      return absl::NotFoundError(
          absl::StrCat("console's certificate: ", options.console_certificate, " cannot be read"));
    }
    ASSIGN_OR_RETURN(pair.private_key_pem, ReadKeyFile(options.console_key));
    return pair;
  }
  std::string host = address.substr(0, address.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return MakeServerKeyPair(keyring->authority, {"localhost", "127.0.0.1", "::1", host},
                           clock.Now());
}

absl::Status Assembly::Parts::MakeConsole() {
  logins = std::make_unique<ConsoleService>(
      keyring->hub_id(), [this](const std::string& actor) -> absl::StatusOr<ConsoleLogin> {
        if (console == nullptr) {
          return absl::FailedPreconditionError(
              "this hub has no console; start it with --console-listen HOST:PORT");
        }
        ASSIGN_OR_RETURN(const Sessions::Code code, console->CreateLogin(actor));
        return ConsoleLogin{console->url(), code.code, code.expires, console->fingerprint(),
                            console->private_authority()};
      });
  if (listen.console.empty()) return absl::OkStatus();
  const std::string address = Advertised(options.console_address, listen.console);
  ASSIGN_OR_RETURN(const TlsKeyPair pair, ConsoleKeyPair(address));
  console = std::make_unique<Console>(ConsoleOptions{
      .address = listen.console,
      .url = absl::StrCat("https://", address),
      .server = pair,
      .private_authority = options.console_certificate.empty(),
      .root_pem = keyring->root_pem(),
      .hub_id = keyring->hub_id(),
      .place = Place(),
      .view = [this] { return hub->view().Get(); },
      .ask =
          [this](std::string actor, OperatorCommand command, Replies::OnOperator then) {
            const RequestId id = replies.AwaitOperator(std::move(then));
            hub->Post(OperatorAsked{id, std::move(actor), std::move(command)});
          },
      .seal = {.signer = signer.get(), .signer_der = keyring->signer_der},
      .store = store.get(),
      .clock = &clock,
      .random = &console_random});
  return console->Start();
}

// A clone is made by a fetch, which starts after its repository is in the view: so a clone that was
// there before the view was looked at, and is not in it, is nobody's. Should its repository come
// back at this very moment, the fetch fails and is tried again.
void Assembly::Parts::SweepClones() const {
  const std::vector<std::string> cloned = ClonedRepositories(ClonesDirectory());
  const std::shared_ptr<const FleetView> view = hub->view().Get();
  for (const std::string& name : cloned) {
    if (view->repositories().Find(name) != nullptr) continue;
    if (RemoveClone(ClonesDirectory(), name)) {
      log::Info("removed the clone of a repository that is no longer declared",
                {{"repository", name}});
    }
  }
}

absl::StatusOr<HubJobs::Certificate> Assembly::Parts::Issue(const IssueJob& job) const {
  ASSIGN_OR_RETURN(const Digest spki, CheckCsr(job.csr_der));
  ASSIGN_OR_RETURN(std::string der,
                   keyring->authority.IssueCluster(
                       job.csr_der, job.cluster.text(),
                       Validity{.not_before = job.not_before, .not_after = job.not_after}));
  return HubJobs::Certificate{.der = std::move(der), .spki = spki};
}

}  // namespace muster::hub
