#include "agent/assembly.h"

#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "agent/local_jobs.h"
#include "agent/rpc/grpc_blob_fetcher.h"
#include "agent/rpc/grpc_hub_link.h"
#include "agent/rpc/hub_channel.h"
#include "agent/rpc/renewer.h"
#include "agent/rpc/signers.h"
#include "agent/secrets/keys.h"
#include "agent/secrets/unsealer.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/random.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/loop/inbox.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "proto/agent_storage.pb.h"

namespace muster::agent {

namespace pb = muster::v1;

namespace {

constexpr size_t kInboxWarning = 10'000;

// The keys whose word is taken: those that the hub named last, else those of the identity. One
// whose certificate has ended is left out: what is stored is enforced all the same, and the hub
// names newer ones when the agent is connected.
std::shared_ptr<const Verifier> MakeVerifier(const pb::AgentIdentityRecord& identity,
                                             const std::string& signers, absl::Time now) {
  pb::AgentSignersRecord record;
  const bool told = !signers.empty() && record.ParseFromString(signers);
  std::shared_ptr<const Verifier> verifier =
      VerifierOf(identity.root_der(), told ? record.signer_der() : identity.signer_der(), now);
  if (verifier != nullptr) return verifier;
  return std::make_shared<Ed25519Verifier>(std::vector<Ed25519PublicKey>(), 1);
}

absl::StatusOr<AgentSettings> MakeSettings(const AgentOptions& options, absl::Time now) {
  AgentSettings settings;
  settings.hub_id = options.identity.hub_id();
  settings.cluster_id = options.identity.cluster_id();
  ASSIGN_OR_RETURN(const P256Key key, P256Key::FromPem(options.identity.private_key_pem()));
  settings.cluster_spki = key.Spki().bytes();
  settings.agent_version = std::string(kVersion);
  settings.driver = options.driver.Name();
  settings.kubernetes_version = options.kubernetes_version;
  if (!options.age_identities.empty()) {
    settings.recipient = options.age_identities.front().recipient().text();
  }
  absl::StatusOr<std::string> signers = options.store.Get(kSignersKey);
  if (!signers.ok() && !absl::IsNotFound(signers.status())) return signers.status();
  settings.signers = std::move(signers).value_or("");
  settings.verifier = MakeVerifier(options.identity, settings.signers, now);
  settings.resync_interval = options.resync_interval;
  settings.has_noticeboard = options.noticeboard != nullptr;
  settings.observe = options.observe;
  if (!options.agent_namespace.empty()) {
    settings.protected_namespaces.push_back(options.agent_namespace);
  }
  return settings;
}

}  // namespace

// In the order in which they depend on one another.
struct Assembly::Parts {
  explicit Parts(AgentOptions given)
      : options(std::move(given)),
        shared_inbox(std::make_shared<Inbox<Event>>("agent", kInboxWarning)),
        inbox(*shared_inbox),
        channel(
            options.hub_address.empty() ? options.identity.agent_address() : options.hub_address,
            CertificateToPem(options.identity.root_der()), ClientKeyPair(options.identity)),
        link({.channel = channel,
              .inbox = inbox,
              .random = link_random,
              .verifier_of =
                  [this](const pb::Welcome& welcome) {
                    return VerifierOf(options.identity.root_der(), welcome.signer_der(),
                                      clock.Now());
                  },
              .backoff_first = options.backoff_first,
              .backoff_max = options.backoff_max}),
        fetcher(channel),
        renewer({.channel = channel,
                 .store = options.store,
                 .clock = clock,
                 .random = renewal_random,
                 .on_renewed = [this] { link.Redial(); }},
                options.identity),
        signer(Ed25519PrivateKey::FromSeed(options.identity.identity_seed())),
        unsealer(options.age_identities, OpenPgpBy(options.gnupg_home),
                 options.further_identities) {}

  const AgentOptions options;
  const RealClock clock;
  SystemRandom link_random, renewal_random, core_random;
  const std::shared_ptr<Inbox<Event>> shared_inbox;  // the driver's watch may outlive us
  Inbox<Event>& inbox;
  HubChannel channel;
  GrpcHubLink link;
  GrpcBlobFetcher fetcher;
  Renewer renewer;
  const Ed25519Signer signer;
  const Unsealer unsealer;
  Diary diary;
  std::optional<LocalJobs> jobs;
  std::optional<Agent> agent;
  std::thread turns;
  absl::Status ended;  // the turns' thread; read after it was joined
};

Assembly::Assembly(AgentOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}

Assembly::~Assembly() { (void)Stop(); }

absl::Status Assembly::Start() {
  Parts& parts = *parts_;
  ASSIGN_OR_RETURN(AgentSettings settings, MakeSettings(parts.options, parts.clock.Now()));
  const std::string recipient = settings.recipient;
  parts.jobs.emplace(Tools{.driver = parts.options.driver,
                           .store = parts.options.store,
                           .fetcher = parts.fetcher,
                           .noticeboard = parts.options.noticeboard,
                           .unsealer = &parts.unsealer},
                     parts.inbox);
  parts.agent.emplace(AgentParts{.store = parts.options.store,
                                 .jobs = *parts.jobs,
                                 .link = parts.link,
                                 .signer = parts.signer,
                                 .inbox = parts.inbox,
                                 .diary = &parts.diary},
                      std::move(settings), parts.core_random);
  RETURN_IF_ERROR(parts.agent->Load(parts.clock.Now()));
  parts.options.driver.Watch([inbox = parts.shared_inbox] { inbox->Post(ClusterChanged{}); });
  parts.turns = std::thread([&parts] {
    parts.ended = parts.agent->Run(parts.clock);
    if (!parts.ended.ok() && parts.options.on_failure) parts.options.on_failure();
  });
  parts.link.Start();
  parts.renewer.Start();
  log::Info("agent is running", {{"cluster", parts.options.identity.cluster_name()},
                                 {"hub", parts.channel.address()},
                                 {"driver", parts.options.driver.Name()},
                                 {"recipient", recipient}});
  return absl::OkStatus();
}

absl::Status Assembly::Stop() {
  Parts& parts = *parts_;
  parts.renewer.Stop();
  parts.link.Stop();
  parts.fetcher.Stop();
  parts.inbox.Close();
  if (parts.turns.joinable()) parts.turns.join();
  parts.jobs.reset();
  return parts.ended;
}

}  // namespace muster::agent
