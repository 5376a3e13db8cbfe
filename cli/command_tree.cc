#include "cli/command_tree.h"

#include <memory>
#include <string>

#include "cli/command_group.h"
#include "cli/commands/commands.h"
#include "cli/review_commands.h"
#include "cli/rollout_commands.h"
#include "cli/subject.h"

namespace muster::cli {
namespace {

constexpr char kLooking[] = "Looking";
constexpr char kChanging[] = "Changing";
constexpr char kJoining[] = "Clusters joining and leaving";
constexpr char kLocal[] = "Here, without a hub";

void AddGet(Group& looking) {
  const auto options = std::make_shared<GetOptions>();
  CLI::App* get = looking.Add("get",
                              "List clusters, packages, repositories, commits, objects, "
                              "tokens, events or rollouts",
                              "muster get clusters -l env=prod --watch", options, Get);
  get->add_option("KIND", options->words, "What, then names: clusters prod-1, or cluster/prod-1");
  get->add_option("-l,--selector", options->selector, "Only clusters with these labels: env=prod");
  get->add_option("--cluster", options->cluster, "Objects and events of this cluster");
  get->add_option("--package", options->package, "Objects and events of this package");
  get->add_option("--repository", options->repository, "Commits and packages of this repository");
  get->add_option("--sort-by", options->sort_by, "By this field of -o json: .lastSeenAt");
  get->add_option("--limit", options->limit, "At most so many (0: all)");
  get->add_option("--page-token", options->page_token, "Go on where the last list ended");
  get->add_flag("-w,--watch", options->watch, "Go on showing what changes");

  const auto events = std::make_shared<GetOptions>();
  events->words = {"events"};
  CLI::App* list = looking.Add("events", "List what happened, newest first",
                               "muster events --cluster prod-1", events, Get);
  list->add_option("--cluster", events->cluster, "Of this cluster");
  list->add_option("--package", events->package, "Of this package");
  list->add_option("--limit", events->limit, "At most so many (0: all)")->default_val(50);
  list->add_option("--page-token", events->page_token, "Go on where the last list ended");
  list->add_flag("-w,--watch", events->watch, "Go on showing what happens");
}

void AddDescribe(Group& looking) {
  const auto describe = std::make_shared<DescribeOptions>();
  looking
      .Add("describe", "Show all about a cluster, a package, a repository or a rollout",
           "muster describe cluster prod-1", describe, Describe)
      ->add_option("KIND", describe->words,
                   "cluster NAME, package NAME, repository NAME, rollout PACKAGE")
      ->required();

  const auto diff = std::make_shared<DiffOptions>();
  CLI::App* command = looking.Add("diff",
                                  "Show what differs in clusters, down to the fields "
                                  "(exit code 1)",
                                  "muster diff prod-1", diff, Diff);
  command->add_option("CLUSTER", diff->clusters, "Names of clusters");
  command->add_option("-l,--selector", diff->selector, "Clusters with these labels");
  command->add_flag("--all", diff->all, "Every cluster");

  const auto trace = std::make_shared<TraceOptions>();
  command = looking.Add("trace", "Follow an object in a cluster back to its commit and author",
                        "muster trace prod-1 Deployment/web -n web", trace, Trace);
  command->add_option("CLUSTER", trace->cluster, "Name of the cluster")->required();
  command->add_option("OBJECT", trace->object, "KIND/NAME or KIND/NAMESPACE/NAME")->required();
  command->add_option("-n,--namespace", trace->name_space, "The object's namespace");

  const auto history = std::make_shared<HistoryOptions>();
  command = looking.Add("history", "Show what a cluster ran, newest first", "muster history prod-1",
                        history, History);
  command->add_option("CLUSTER", history->cluster, "Name of the cluster")->required();
  command->add_option("--package", history->package, "Only this package");
  command->add_option("--limit", history->limit, "At most so many (0: all)");
  command->add_option("--page-token", history->page_token, "Go on where the last list ended");
}

void AddWait(Group& looking) {
  const auto options = std::make_shared<WaitOptions>();
  CLI::App* wait = looking.Add("wait",
                               "Wait until clusters have what they should (exit code 1: "
                               "something failed, 3: time ran out)",
                               "muster wait --all --timeout 2m", options, Wait);
  wait->add_option("WHAT", options->words, "cluster/NAME, package/NAME, commit/ID");
  wait->add_option("--for", options->goal, "synced (applied and healthy), applied, or connected")
      ->default_val("synced");
  wait->add_option("-l,--selector", options->selector, "Clusters with these labels");
  wait->add_flag("--all", options->all, "Every cluster that is declared or has joined");
  wait->add_option("--revision", options->revision,
                   "First wait until the hub rendered this commit");
  wait->add_flag("!--no-fail-fast", options->fail_fast,
                 "Wait on when something has failed; it may mend itself");

  const auto none = std::make_shared<int>();
  looking.Add("doctor", "Look for problems, here and at the hub, each with the next command",
              "muster doctor", none, [](Session& session, int) { return Doctor(session); });
  looking.Add("dashboard", "Print the address of the console, with a code that signs you in",
              "muster dashboard", none, [](Session& session, int) { return Dashboard(session); });
}

// The flags that say what the agent in a cluster is like.
void AddManifestFlags(CLI::App& command, AgentOptions& options) {
  AgentManifestOptions& manifest = options.manifest;
  command.add_option("NAME,--name", manifest.cluster, "The cluster's name at the hub");
  command
      .add_option("--labels,--label", options.token.labels,
                  "Labels of the cluster, which decide what it gets: env=prod,region=eu")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_flag("--observe", manifest.observe,
                   "The agent only reports what it would do, whatever the hub says");
  command.add_flag("--needs-accept", options.token.needs_accept,
                   "A person must accept the cluster");
  command.add_option("--image", manifest.image, "The agent's image, with registry and tag");
  command.add_option("-n,--namespace", manifest.name_space, "Where the agent lives")
      ->capture_default_str();
  command.add_option("--join", manifest.join_address,
                     "HOST:PORT of the hub's join listener, as the cluster reaches it");
  command.add_option("--hub-address", manifest.hub_address,
                     "HOST:PORT of its agent listener, likewise");
  command
      .add_option("--only-namespace", manifest.namespaces,
                  "Limit the agent to these namespaces, which exist; may be repeated")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--kind", manifest.kinds,
                  "With --only-namespace: the kinds it may touch there: deployments.apps,services")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--cluster-kind", manifest.cluster_kinds,
                  "With --only-namespace: kinds without namespace that it may touch")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      .add_option("--age-identity", options.age_identities,
                  "File with age keys that open sealed secrets, - for stdin: becomes the Secret "
                  "muster-agent-age; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--https-proxy", manifest.https_proxy, "http://HOST:PORT, the way to the hub");
  command.add_option("--no-proxy", manifest.no_proxy, "Hosts that are reached without it");
  command.add_option("--storage-class", manifest.storage_class, "Of the agent's volume claim");
  command.add_option("--host-path", manifest.host_path,
                     "A folder of the node instead of a volume claim");
}

void AddAgent(CommandTree& tree, Group& joining) {
  const auto install = std::make_shared<AgentOptions>();
  CLI::App* command = joining.Add(
      "bootstrap", "Install the agent in a Kubernetes cluster and join it; again to update it",
      "muster bootstrap --context prod-1 --labels env=prod", install, Bootstrap);
  AddManifestFlags(*command, *install);
  command->add_option("--context", install->kube_context,
                      "kubectl's context of the cluster (the hub's: MUSTER_CONTEXT)");
  command->add_option("--kubeconfig", install->kubeconfig, "kubectl's file");

  CLI::App* agent = AddParent(tree, kJoining, "agent", "The agent of a Kubernetes cluster");
  Group agents(tree, *agent, "Commands");
  const auto manifest = std::make_shared<AgentOptions>();
  command = agents.Add("manifest", "Print what bootstrap applies, as YAML, with a new token",
                       "muster agent manifest prod-1 --labels env=prod | kubectl apply "
                       "--server-side -f -",
                       manifest, PrintAgentManifest);
  AddManifestFlags(*command, *manifest);
  command->add_flag("--no-token", manifest->no_token,
                    "Without the Secret muster-agent-join, and without asking the hub");
}

void AddJoining(CommandTree& tree, Group& joining) {
  const auto join = std::make_shared<TokenOptions>();
  CLI::App* command = joining.Add("join", "Invite a cluster: print the command for its agent",
                                  "muster join prod-1 --label env=prod", join, TokenCreate);
  command->add_option("CLUSTER", join->cluster, "Name of the cluster")->required();
  command->add_option("--label", join->labels, "Label of the cluster, KEY=VALUE; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--lifetime", join->lifetime, "Until it expires: 30m; at most 24h");
  command->add_flag("--needs-accept", join->needs_accept, "A person must accept the cluster");

  AddAgent(tree, joining);

  CLI::App* token = AddParent(tree, kJoining, "token", "Create, list and revoke join tokens");
  Group tokens(tree, *token, "Commands");
  const auto create = std::make_shared<TokenOptions>();
  command = tokens.Add("create", "Make a token for one use",
                       "muster token create --name prod-1 --label env=prod", create, TokenCreate);
  command->add_option("--name,--cluster,CLUSTER", create->cluster,
                      "Cluster that may use it; without, any, and a person must accept it");
  command->add_option("--label", create->labels, "Label of the cluster, KEY=VALUE; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--lifetime", create->lifetime, "Until it expires: 30m; at most 24h");
  command->add_flag("--needs-accept", create->needs_accept, "A person must accept the cluster");
  command->add_flag("--token-only", create->only_token, "Print the token and nothing else");
  const auto list = std::make_shared<GetOptions>();
  list->words = {"tokens"};
  tokens.Add("list", "List tokens; their secrets are never shown again", "muster token list", list,
             Get);
  const auto id = std::make_shared<std::string>();
  tokens
      .Add("revoke", "Make a token useless", "muster token revoke 0123456789abcdef", id,
           TokenRevoke)
      ->add_option("ID", *id, "Id of the token")
      ->required();

  const auto accept = std::make_shared<std::string>();
  joining
      .Add("accept", "Accept a cluster that waits to join; compare its words first",
           "muster accept prod-1", accept, Accept)
      ->add_option("CLUSTER", *accept, "Name of the cluster")
      ->required();
  const auto revoke = std::make_shared<RevokeOptions>();
  command = joining.Add("revoke", "Send a cluster away; it keeps running what it has",
                        "muster revoke prod-1", revoke, Revoke);
  command->add_option("CLUSTER", revoke->cluster, "Name of the cluster")->required();
  command->add_flag("-y,--yes", revoke->yes, "Do not ask");
}

void AddSuspend(Group& changing, const std::string& name, const std::string& what, bool suspended) {
  const auto options = std::make_shared<SuspendOptions>();
  options->suspended = suspended;
  CLI::App* command =
      changing.Add(name, what, "muster " + name + " cluster prod-1", options, Suspend);
  command->add_option("KIND", options->words, "cluster NAME, package NAME, repository NAME")
      ->required();
  command->add_option("--reason", options->reason, "For the record");
}

void AddChanging(CommandTree& tree, Group& changing) {
  const auto sync = std::make_shared<SyncOptions>();
  CLI::App* command = changing.Add("sync", "Look at Git now, instead of at the next poll",
                                   "muster sync apps --wait", sync, Sync);
  command->add_option("REPOSITORY", sync->repository, "Only this one");
  command->add_flag("--wait", sync->wait, "Until every cluster has what Git says");
  AddSuspend(changing, "suspend", "Leave a cluster, package or repository exactly as it is", true);
  AddSuspend(changing, "resume", "Take up what was suspended", false);

  const auto rewrite = std::make_shared<AcceptRewriteOptions>();
  command = changing.Add("accept-rewrite", "Follow a repository again whose history was rewritten",
                         "muster accept-rewrite apps 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
                         rewrite, AcceptRewrite);
  command->add_option("REPOSITORY", rewrite->repository, "Name of the repository")->required();
  command
      ->add_option("COMMIT", rewrite->commit,
                   "The new head, which you have looked at, with all its digits")
      ->required();

  CLI::App* credential =
      AddParent(tree, kChanging, "credential", "What the hub needs to reach Git");
  Group credentials(tree, *credential, "Commands");
  const auto put = std::make_shared<CredentialOptions>();
  command = credentials.Add("put", "Keep or replace a credential; no command shows it again",
                            "muster credential put apps-git --username ci --password-stdin", put,
                            CredentialPut);
  command->add_option("NAME", put->name, "As spec.credentials of a Repository names it")
      ->required();
  command->add_option("--username", put->username, "For https");
  command->add_flag("--password-stdin", put->password_stdin, "Read password or token from stdin");
  command->add_option("--password-file", put->password_file, "Read password or token from a file");
  command->add_option("--ssh-key-file", put->ssh_key_file, "Private key for ssh");
  command->add_option("--known-hosts-file", put->known_hosts_file, "Host keys to accept");
  command->add_option("--ca-file", put->ca_file, "Authority to trust for https, PEM");
  const auto name = std::make_shared<std::string>();
  credentials
      .Add("delete", "Forget a credential", "muster credential delete apps-git", name,
           CredentialDelete)
      ->add_option("NAME", *name, "Name of the credential")
      ->required();
}

void AddSecret(CommandTree& tree) {
  CLI::App* secret = AddParent(tree, kChanging, "secret",
                               "Encrypt Secrets for Git, so that only clusters read them");
  Group secrets(tree, *secret, "Commands");
  const auto seal = std::make_shared<SealOptions>();
  CLI::App* command = secrets.Add(
      "seal", "Encrypt the data of a Secret to clusters; prints what goes into Git",
      "muster secret seal db.yaml -l env=prod > apps/web/db.sops.yaml", seal, SecretSeal);
  command->add_option("FILE", seal->file, "YAML of the Secret, or - for stdin")->default_val("-");
  command->add_option("--cluster", seal->to.clusters, "To this cluster; may be repeated")
      ->allow_extra_args(false);
  command->add_option("-l,--selector", seal->to.selector, "To clusters with these labels");
  command->add_flag("--all", seal->to.all, "To every cluster");
  command
      ->add_option("--recipient", seal->recipients,
                   "To this age public key too, such as your own; may be repeated")
      ->allow_extra_args(false);
  const auto recipients = std::make_shared<ClusterChoice>();
  command = secrets.Add("recipients", "List the public keys of clusters, as .sops.yaml takes them",
                        "muster secret recipients -l env=prod", recipients, SecretRecipients);
  command->add_option("CLUSTER", recipients->clusters, "Names of clusters");
  command->add_option("-l,--selector", recipients->selector, "Clusters with these labels");
}

void AddContexts(CommandTree& tree) {
  CLI::App* context = AddParent(tree, kLocal, "context", "Choose between hubs");
  Group contexts(tree, *context, "Commands");
  const auto none = std::make_shared<int>();
  contexts.Add("list", "List the hubs that are known here", "muster context list", none,
               [](Session& session, int) { return ContextList(session); });
  contexts.Add("show", "Print the name of the current one", "muster context show", none,
               [](Session& session, int) { return ContextShow(session); });
  const auto use = std::make_shared<std::string>();
  contexts.Add("use", "Make one the current one", "muster context use prod", use, ContextUse)
      ->add_option("NAME", *use, "Name of the context")
      ->required();
  const auto add = std::make_shared<ContextAddOptions>();
  CLI::App* command =
      contexts.Add("add", "Add or change one",
                   "muster context add prod --hub hub.example.com:7444 --ca-file root.pem \\\n"
                   "    --certificate-file operator.pem --key-file operator-key.pem",
                   add, ContextAdd);
  command->add_option("NAME", add->name, "Name of the context")->required();
  command->add_option("--hub", add->hub, "HOST:PORT of the hub's operator listener")->required();
  command->add_option("--ca-file", add->ca_file, "The hub's root, PEM")->required();
  command->add_option("--certificate-file", add->certificate_file, "Your certificate, PEM")
      ->required();
  command->add_option("--key-file", add->key_file, "Your key, PEM, mode 0600")->required();
}

void AddHelmFlags(HelmFlags& flags, CLI::App& command) {
  command.add_option("--helm", flags.program,
                     "Helm's program, for charts; the one on PATH when absent");
  command.add_option("--helm-digest", flags.digest, "What it must be, sha256:...");
  command.add_option("--kubernetes-version", flags.kubernetes_version,
                     "The cluster's, for charts that ask (v1.32.3)");
}

void AddRender(Group& local) {
  const auto render = std::make_shared<RenderOptions>();
  CLI::App* command =
      local.Add("render", "Print what a folder renders to, or what a cluster would get, as YAML",
                "muster render apps/web/overlays/prod\n"
                "  muster render --fleet fleet --cluster prod-1 --repository apps=.",
                render, Render);
  command->add_option(
      "DIR", render->subject,
      "Folder with a kustomization, a chart or plain files (default .); with --cluster "
      "the only package to render");
  command
      ->add_option("--load-restrictor", render->load_restrictor,
                   "Where a kustomization may read files: root (below it) or none (anywhere in "
                   "the repository)")
      ->default_val("root");
  command
      ->add_option("--order", render->order,
                   "Of a kustomization without sortOptions: legacy (by kind) or fifo (as "
                   "written)")
      ->default_val("legacy");
  command->add_option("--fleet", render->fleet, "Folder with the fleet's declarations")
      ->default_val(".");
  command->add_option("--cluster", render->cluster, "What this cluster would get of the fleet");
  command->add_option("--label", render->labels, "Labels of a cluster that is not declared")
      ->allow_extra_args(false);
  command->add_option("--repository", render->repositories, "NAME=DIR: where its files are")
      ->allow_extra_args(false);
  AddHelmFlags(render->helm, *command);

  const auto validate = std::make_shared<ValidateOptions>();
  CLI::App* check = local.Add(
      "validate", "Check declarations, a kustomization or a chart, as the hub does (exit code 1)",
      "muster validate fleet", validate, Validate);
  check
      ->add_option("DIR", validate->directory,
                   "Folder with the declarations, the kustomization or the chart")
      ->default_val(".");
  AddHelmFlags(validate->helm, *check);
}

void AddImport(CommandTree& tree) {
  CLI::App* import = AddParent(
      tree, kLocal, "import", "Make the declarations for what another tool does with a repository");
  Group tools(tree, *import, "Tools");
  const std::vector<std::pair<std::string, std::string>> known = {
      {"flux", "Kustomization, GitRepository, their hubs and clusters"},
      {"argocd", "Application and ApplicationSet"},
      {"fleet", "fleet.yaml, GitRepo, Cluster, ClusterGroup"}};
  for (const auto& [tool, reads] : known) {
    const auto options = std::make_shared<ImportOptions>();
    options->tool = tool;
    CLI::App* command =
        tools.Add(tool, "Read " + reads + " (exit code 1: something was left out, see the table)",
                  "muster import " + tool + " . --dry-run", options, Import);
    command->add_option("PATH", options->path, "Working tree, or the part of it to read")
        ->default_val(".");
    command->add_option("--into", options->into,
                        "Where the declarations go, inside of the tree (default: muster)");
    command->add_flag("--dry-run", options->dry_run, "Only print the table, write nothing");
    command->add_option("--url", options->url,
                        "Of the tree's repository (default: as the tree or its Git says)");
    command->add_option("--branch", options->branch, "Of it to follow");
    if (tool == "flux") {
      command->add_option("--cluster", options->cluster,
                          "Name for the cluster of a tree without a folder flux-system");
      command->add_flag("--helm-releases", options->helm_releases,
                        "Make packages of HelmReleases, which stay objects for Flux otherwise");
    }
  }
}

void AddLocal(CommandTree& tree, Group& local) {
  // Only named here for help and completion: its flags are the hub's, and grammar.cc passes them
  // on.
  const auto init = std::make_shared<InitOptions>();
  local.Add("init", "Make a hub in a folder, and the first operator's certificate",
            "muster init --data DIR --fleet-url https://git.example.com/fleet.git", init, Init);
  AddRender(local);
  AddImport(tree);
  AddContexts(tree);
  const auto version = std::make_shared<VersionOptions>();
  CLI::App* command = local.Add("version", "Show the versions of this program and of the hub",
                                "muster version", version, Version);
  command->add_flag("--client", version->client_only, "Do not ask the hub");
  command->add_flag("--server", version->need_hub, "Fail when the hub does not answer");
  const auto shell = std::make_shared<std::string>();
  local
      .Add("completion", "Print the completion script of a shell",
           "source <(muster completion bash)", shell,
           [](Session& session, const std::string& name) -> absl::StatusOr<ExitCode> {
             absl::StatusOr<std::string> script = CompletionScript(name);
             if (!script.ok()) return script.status();
             session.Print(*script);
             return ExitCode::kOk;
           })
      ->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required();
}

void AddGlobalFlags(CLI::App& app, GlobalFlags& flags) {
  app.add_option("-o,--output", flags.format,
                 "table, wide, json, yaml, name, csv or jsonpath=TEMPLATE")
      ->default_val("table");
  app.add_option("--context", flags.context, "Which hub (default: MUSTER_CONTEXT, or the current)");
  app.add_option("--timeout", flags.timeout, "How long at most: 30s, 5m");
  app.add_flag("--no-headers", flags.no_headers, "Tables without headings");
  app.add_flag("--ascii", flags.ascii, "No signs beyond ASCII");
  app.add_flag("-q,--quiet", flags.quiet, "No progress, no suggestions");
}

}  // namespace

CommandTree::CommandTree()
    : app("Keeps a fleet of Kubernetes clusters in step with Git.", "muster") {
  app.fallthrough();  // the flags of every command may stand after it
  app.require_subcommand(1);
  app.footer(
      "Start here:\n"
      "  muster init --help       make a hub\n"
      "  muster join NAME         invite a cluster\n"
      "  muster get clusters      see the fleet at a glance\n"
      "  muster doctor            when something is wrong\n\n"
      "Exit codes: 0 ok, 1 differs or not ready, 2 usage or error, 3 timeout, 4 not allowed,\n"
      "5 hub unreachable, 130 interrupted.\n"
      "Environment: MUSTER_CONFIG, MUSTER_CONTEXT, NO_COLOR.");
  AddGlobalFlags(app, flags);
  Group looking(*this, app, kLooking);
  AddGet(looking);
  AddDescribe(looking);
  AddPlan(looking);
  AddReview(looking);
  AddAudit(*this, kLooking);
  AddWait(looking);
  Group joining(*this, app, kJoining);
  AddJoining(*this, joining);
  Group changing(*this, app, kChanging);
  AddChanging(*this, changing);
  AddRollout(*this, changing, kChanging);
  AddSecret(*this);
  Group local(*this, app, kLocal);
  AddLocal(*this, local);
}

}  // namespace muster::cli
