// muster bootstrap, muster agent manifest: the agent comes into a cluster.
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/agent_manifest.h"
#include "cli/bootstrap_plan.h"
#include "cli/commands/commands.h"
#include "cli/commands/token_request.h"
#include "cli/fetch.h"
#include "cli/files.h"
#include "cli/kubectl.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/manifest/yaml_writer.h"
#include "common/secrets/age.h"
#include "common/secrets/wipe.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(5);
constexpr absl::Duration kPoll = absl::Seconds(1);
constexpr size_t kAgeFileBytesMax = 64u << 10;

// The keys of all files, checked; as they stand there, so that their comments stay with them.
absl::StatusOr<std::string> ReadAgeIdentities(Session& session,
                                              const std::vector<std::string>& files) {
  std::string all;
  for (const std::string& file : files) {
    const bool piped = file == "-";
    absl::StatusOr<std::string> text =
        piped ? std::string(std::istreambuf_iterator<char>(session.env().in), {})
              : ReadFile(file, kAgeFileBytesMax);
    RETURN_IF_ERROR(Tried(absl::StrCat("read --age-identity ", file), text.status()));
    const Wipe wipe(*text);
    const std::string name = piped ? "stdin" : file;
    RETURN_IF_ERROR(
        Tried(absl::StrCat("read --age-identity ", name), ParseAgeIdentities(*text).status()));
    absl::StrAppend(&all, *text, absl::EndsWith(*text, "\n") ? "" : "\n");
  }
  return all;
}

absl::StatusOr<AgentManifestOptions> ManifestOf(Session& session, const AgentOptions& options) {
  AgentManifestOptions manifest = options.manifest;
  ASSIGN_OR_RETURN(manifest.age_identities, ReadAgeIdentities(session, options.age_identities));
  manifest.version = std::string(kVersion);
  if (manifest.image.empty()) manifest.image = absl::StrCat("muster-agent:", kVersion);
  if (!manifest.namespaces.empty()) manifest.rights = AgentRights::kNamespaced;
  RETURN_IF_ERROR(CheckAgentManifest(manifest));
  return manifest;
}

// The cluster as the hub knows it now; nothing when it does not.
absl::StatusOr<std::optional<pb::ClusterView>> Look(HubClient& hub, const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  request.set_detail(true);
  absl::StatusOr<Fetched<pb::ClusterView>> found = Fetch<pb::ClusterView>(hub, request);
  if (absl::IsNotFound(found.status())) return std::nullopt;
  RETURN_IF_ERROR(found.status());
  if (found->items.empty()) return std::nullopt;
  return std::optional<pb::ClusterView>(std::move(found->items.front()));
}

// What the cluster has of an agent.
absl::StatusOr<InstalledAgent> LookInside(Kubectl& kubectl, const std::string& name_space) {
  ASSIGN_OR_RETURN(const std::optional<Value> set,
                   kubectl.Find(name_space, "statefulset", "muster-agent"));
  return set.has_value() ? InstalledOf(*set) : InstalledAgent();
}

absl::Status AddToken(HubClient& hub, const AgentOptions& options, AgentManifestOptions& manifest) {
  TokenOptions wanted = options.token;
  wanted.cluster = manifest.cluster;
  ASSIGN_OR_RETURN(const pb::CreateTokenRequest request, TokenRequestOf(wanted));
  ASSIGN_OR_RETURN(const pb::CreateTokenResponse token,
                   Tried("create a join token", hub.CreateToken(request)));
  manifest.token = token.token();
  if (manifest.join_address.empty()) manifest.join_address = token.join_address();
  return absl::OkStatus();
}

// Says each thing once.
class Progress {
 public:
  explicit Progress(Session& session) : session_(session) {}

  void Done(absl::string_view what) {
    if (!session_.flags().quiet) session_.Tell(session_.style().Mark(Tone::kGood, what));
  }
  void Note(const std::string& what) {
    if (what == last_ || what.empty()) return;
    last_ = what;
    if (!session_.flags().quiet) session_.Tell(absl::StrCat("waiting: ", SafeText(what)));
  }
  const std::string& last() const { return last_; }

 private:
  Session& session_;
  std::string last_;
};

absl::Status TooLate(const std::string& cluster, const std::string& name_space,
                     const std::string& cause) {
  return ProblemStatus(
      absl::StatusCode::kDeadlineExceeded,
      {.what = absl::StrCat("the agent of cluster/", cluster, " is installed, but has not joined"),
       .why = cause,
       .hint = absl::StrCat("kubectl --namespace ", name_space,
                            " logs muster-agent-0; then run the same command again")});
}

// Until the hub hears the agent.
absl::StatusOr<pb::ClusterView> AwaitAgent(Session& session, HubClient& hub, Kubectl& kubectl,
                                           const AgentManifestOptions& manifest,
                                           Progress& progress) {
  ASSIGN_OR_RETURN(const absl::Duration timeout, session.Timeout(kTimeout));
  const absl::Time deadline = session.now() + timeout;
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<pb::ClusterView> view, Look(hub, manifest.cluster));
    if (view.has_value() && view->state() == "Enrolled" &&
        view->connection() == pb::CONNECTION_STATUS_CONNECTED) {
      return *view;
    }
    if (view.has_value() && view->state() == "Pending") {
      progress.Note(absl::StrCat("a person must compare the words \"", view->words(),
                                 "\" with the agent's log, then: muster accept ",
                                 manifest.cluster));
    } else {
      // Its own troubles are for the end: an agent whose pods nobody may list joins all the same.
      const absl::StatusOr<Value::List> pods =
          kubectl.List(manifest.name_space, "pods", "app.kubernetes.io/name=muster-agent");
      if (pods.ok()) progress.Note(PodsStory(*pods));
    }
    if (session.now() >= deadline) {
      return TooLate(manifest.cluster, manifest.name_space, progress.last());
    }
    session.env().sleep(kPoll);
  }
}

absl::StatusOr<std::string> NameFor(Kubectl& kubectl, const AgentOptions& options) {
  if (!options.manifest.cluster.empty()) return options.manifest.cluster;
  ASSIGN_OR_RETURN(const std::string context, kubectl.Context());
  return ClusterNameFrom(context);
}

void TellWarnings(Session& session, const AgentManifestOptions& manifest,
                  const std::string& hubs_agent_address) {
  const std::string& agent_address =
      manifest.hub_address.empty() ? hubs_agent_address : manifest.hub_address;
  for (const std::string& warning :
       BootstrapWarnings(manifest.join_address, agent_address, manifest.image)) {
    session.Tell(session.style().Mark(Tone::kPaused, absl::StrCat("warning: ", SafeText(warning))));
  }
}

void TellEnd(Session& session, const pb::ClusterView& view, BootstrapStep step) {
  const std::string name = view.name();
  if (IsDocument(session.format())) {
    Value::Map body = DocumentOf(view);
    body.Set("installed", step == BootstrapStep::kJoin);
    session.PrintDocument(Typed("Bootstrapped", std::move(body)));
    return;
  }
  session.PrintDone(absl::StrCat("cluster/", name,
                                 step == BootstrapStep::kJoin ? " joined: " : " is up to date: ",
                                 EnumWord(*pb::ConnectionStatus_descriptor(), view.connection()),
                                 ", ", EnumWord(*pb::SyncStatus_descriptor(), view.sync())),
                    view.sync() == pb::SYNC_STATUS_SYNCED
                        ? absl::StrCat("muster describe cluster ", name)
                        : absl::StrCat("muster wait cluster/", name));
}

}  // namespace

absl::StatusOr<ExitCode> Bootstrap(Session& session, const AgentOptions& options) {
  ASSIGN_OR_RETURN(AgentManifestOptions manifest, ManifestOf(session, options));
  const Wipe wipe(manifest.age_identities);
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  ASSIGN_OR_RETURN(const pb::HubView hub_view, Tried("reach the hub", hub->GetHub()));
  Kubectl kubectl(session, {.kubeconfig = options.kubeconfig, .context = options.kube_context});
  ASSIGN_OR_RETURN(manifest.cluster, NameFor(kubectl, options));
  manifest.hub_id = hub_view.hub_id();

  Progress progress(session);
  if (manifest.rights == AgentRights::kClusterAdmin) RETURN_IF_ERROR(kubectl.CheckAdmin());
  ASSIGN_OR_RETURN(const InstalledAgent installed, LookInside(kubectl, manifest.name_space));
  ASSIGN_OR_RETURN(const std::optional<pb::ClusterView> known, Look(*hub, manifest.cluster));
  ASSIGN_OR_RETURN(const BootstrapStep step,
                   PlanBootstrap({.cluster = manifest.cluster,
                                  .hub_id = manifest.hub_id,
                                  .state = known.has_value() ? known->state() : "",
                                  .name_space = manifest.name_space,
                                  .installed = installed}));
  if (manifest.join_address.empty()) manifest.join_address = hub_view.join_address();
  if (step == BootstrapStep::kJoin) {
    RETURN_IF_ERROR(AddToken(*hub, options, manifest));
    progress.Done(absl::StrCat("token for cluster/", manifest.cluster));
  }
  TellWarnings(session, manifest, hub_view.agent_address());
  const std::vector<Value> objects = AgentManifest(manifest);
  RETURN_IF_ERROR(kubectl.Apply(objects).status());
  if (!manifest.age_identities.empty()) {
    progress.Done("age keys in the Secret muster-agent-age, which only the agent mounts");
  }
  progress.Done(absl::StrCat(Count(static_cast<int64_t>(objects.size()), "object"),
                             " applied in namespace ", manifest.name_space));
  ASSIGN_OR_RETURN(const pb::ClusterView view,
                   AwaitAgent(session, *hub, kubectl, manifest, progress));
  TellEnd(session, view, step);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> PrintAgentManifest(Session& session, const AgentOptions& options) {
  ASSIGN_OR_RETURN(AgentManifestOptions manifest, ManifestOf(session, options));
  const Wipe wipe(manifest.age_identities);
  std::string agent_address;
  if (options.no_token) {
    if (manifest.join_address.empty()) {
      return UsageProblem("without a token, nobody says where the hub is",
                          "--join HOST:PORT, the hub's join address");
    }
  } else {
    if (manifest.cluster.empty()) {
      return UsageProblem("which cluster is it?", "muster agent manifest NAME");
    }
    ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
    ASSIGN_OR_RETURN(const pb::HubView hub_view, Tried("reach the hub", hub->GetHub()));
    manifest.hub_id = hub_view.hub_id();
    agent_address = hub_view.agent_address();
    RETURN_IF_ERROR(AddToken(*hub, options, manifest));
  }
  TellWarnings(session, manifest, agent_address);
  if (!manifest.age_identities.empty()) {
    session.Tell(session.style().Mark(
        Tone::kPaused, "warning: what is printed holds private keys: keep it out of Git"));
  }
  const std::vector<Value> objects = AgentManifest(manifest);
  if (session.format() == Format::kJson) {
    session.PrintDocument(
        Value::Map{{"apiVersion", "v1"}, {"kind", "List"}, {"items", Value::List(objects)}});
    return ExitCode::kOk;
  }
  session.Print(WriteYamlStream(objects));
  session.TellNext(absl::StrCat("apply it with: kubectl apply --server-side -f FILE",
                                options.no_token ? "" : ", within an hour"));
  return ExitCode::kOk;
}

}  // namespace muster::cli
