// The commands of `muster`, one function each: options in, exit code out.
//
// A function prints its result through the session and returns what a script should know: kOk, or
// kDiffers for "differs, not ready, not compliant". An error (exit codes 2 to 5) is a status; see
// problem.h. None of them reads a flag or the world but through its arguments. One thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/agent_manifest.h"
#include "cli/exit_code.h"
#include "cli/helm.h"
#include "cli/session.h"

namespace muster::cli {

// ---------------------------------------------------------------- looking

struct GetOptions {
  std::vector<std::string> words;  // KIND [NAME...] or KIND/NAME...
  std::string selector;            // -l
  std::string cluster;             // of objects and events
  std::string package;
  std::string repository;
  std::string sort_by;  // a path into the documents; empty: as the hub has them
  int limit = 0;        // zero: all
  std::string page_token;
  bool watch = false;
};
absl::StatusOr<ExitCode> Get(Session& session, const GetOptions& options);

struct DescribeOptions {
  std::vector<std::string> words;  // KIND NAME... or KIND/NAME...
};
absl::StatusOr<ExitCode> Describe(Session& session, const DescribeOptions& options);

struct DiffOptions {
  std::vector<std::string> clusters;  // names; none: those of the selector
  std::string selector;
  bool all = false;
};
// kDiffers when anything is not as desired.
absl::StatusOr<ExitCode> Diff(Session& session, const DiffOptions& options);

struct PlanOptions {
  std::string repository;
  std::string revision;  // either this
  std::string local;     // or this: a working tree
  HelmFlags helm;        // for what is rendered here
};
// kDiffers when anything would change; kError, after the plan, when something cannot be rendered.
absl::StatusOr<ExitCode> Plan(Session& session, const PlanOptions& options);

struct RolloutStatusOptions {
  std::string package;
  bool watch = false;  // until it is complete, or does not go on by itself
};
// kDiffers unless the rollout is complete.
absl::StatusOr<ExitCode> RolloutStatus(Session& session, const RolloutStatusOptions& options);

struct RolloutDecisionOptions {
  std::string action;  // "approve", "pause", ...
  std::string package;
  std::string release;  // all its digits; empty: the one that is there now
  std::string wave;
  std::string reason;
};
absl::StatusOr<ExitCode> DecideRollout(Session& session, const RolloutDecisionOptions& options);

struct SnowflakesOptions {
  std::string selector;
  std::vector<std::string> by;  // labels' keys
  int limit = 0;                // zero: the hub's own
};
// kDiffers when there are any.
absl::StatusOr<ExitCode> Snowflakes(Session& session, const SnowflakesOptions& options);

struct AuditLogOptions {
  int limit = 0;
  std::string page_token;
};
absl::StatusOr<ExitCode> AuditLog(Session& session, const AuditLogOptions& options);

struct AuditVerifyOptions {
  std::string file;  // an export; empty: the hub's own log
  std::string root;  // PEM file; empty: what this context trusts
};
absl::StatusOr<ExitCode> AuditVerify(Session& session, const AuditVerifyOptions& options);

// Prints the log as a file that proves itself.
absl::StatusOr<ExitCode> AuditExport(Session& session);

struct TraceOptions {
  std::string cluster;
  std::string object;  // KIND/NAME
  std::string name_space;
};
absl::StatusOr<ExitCode> Trace(Session& session, const TraceOptions& options);

struct HistoryOptions {
  std::string cluster;
  std::string package;
  int limit = 0;
  std::string page_token;
};
absl::StatusOr<ExitCode> History(Session& session, const HistoryOptions& options);

struct WaitOptions {
  std::string goal = "synced";     // --for: synced, applied, connected
  std::vector<std::string> words;  // cluster/NAME, package/NAME, commit/ID
  std::string selector;
  bool all = false;
  std::string revision;  // a commit, or its first digits
  bool fail_fast = true;
};
// kDiffers when something has failed that waiting will not mend; kDeadlineExceeded at --timeout.
absl::StatusOr<ExitCode> Wait(Session& session, const WaitOptions& options);

// kDiffers when a finding is an error.
absl::StatusOr<ExitCode> Doctor(Session& session);

// Prints where the console is, with a code that signs in.
absl::StatusOr<ExitCode> Dashboard(Session& session);

// ---------------------------------------------------------------- changing

struct InitOptions {
  std::vector<std::string> arguments;  // passed to `muster-hub init`
};
absl::StatusOr<ExitCode> Init(Session& session, const InitOptions& options);

struct TokenOptions {
  std::string cluster;              // empty: the agent names itself
  std::vector<std::string> labels;  // key=value
  std::string lifetime;             // a Go duration
  bool needs_accept = false;
  bool only_token = false;  // print the token and nothing else
};
absl::StatusOr<ExitCode> TokenCreate(Session& session, const TokenOptions& options);
absl::StatusOr<ExitCode> TokenRevoke(Session& session, const std::string& id);

struct AgentOptions {
  AgentManifestOptions manifest;
  TokenOptions token;                       // its cluster is the manifest's
  std::vector<std::string> age_identities;  // files of age's private keys; "-": stdin
  bool no_token = false;                    // of the manifest: somebody else makes the Secret
  std::string kubeconfig;                   // of the cluster; empty: as kubectl chooses
  std::string kube_context;                 // likewise
};
// kDeadlineExceeded when the agent is installed, and not heard from by --timeout.
absl::StatusOr<ExitCode> Bootstrap(Session& session, const AgentOptions& options);
absl::StatusOr<ExitCode> PrintAgentManifest(Session& session, const AgentOptions& options);

absl::StatusOr<ExitCode> Accept(Session& session, const std::string& cluster);

struct RevokeOptions {
  std::string cluster;
  bool yes = false;  // without being asked
};
absl::StatusOr<ExitCode> Revoke(Session& session, const RevokeOptions& options);

struct SyncOptions {
  std::string repository;  // empty: every one
  bool wait = false;       // until every cluster has what the repository says
};
absl::StatusOr<ExitCode> Sync(Session& session, const SyncOptions& options);

struct SuspendOptions {
  std::vector<std::string> words;  // KIND NAME... or KIND/NAME...
  std::string reason;
  bool suspended = true;  // false resumes
};
absl::StatusOr<ExitCode> Suspend(Session& session, const SuspendOptions& options);

struct AcceptRewriteOptions {
  std::string repository;
  std::string commit;
};
absl::StatusOr<ExitCode> AcceptRewrite(Session& session, const AcceptRewriteOptions& options);

struct CredentialOptions {
  std::string name;
  std::string username;
  bool password_stdin = false;  // secrets come from stdin or files, never from flags
  std::string password_file;
  std::string ssh_key_file;
  std::string known_hosts_file;
  std::string ca_file;
};
absl::StatusOr<ExitCode> CredentialPut(Session& session, const CredentialOptions& options);
absl::StatusOr<ExitCode> CredentialDelete(Session& session, const std::string& name);

// Which clusters.
struct ClusterChoice {
  std::vector<std::string> clusters;  // names
  std::string selector;               // -l
  bool all = false;
};

struct SealOptions {
  std::string file = "-";  // "-": stdin
  ClusterChoice to;
  std::vector<std::string> recipients;  // age public keys; with these alone no hub is asked
};
// Prints the sealed form of each object; the plain one stays in memory.
absl::StatusOr<ExitCode> SecretSeal(Session& session, const SealOptions& options);
// The keys of the clusters; of all when none is chosen.
absl::StatusOr<ExitCode> SecretRecipients(Session& session, const ClusterChoice& choice);

// ---------------------------------------------------------------- here, without a hub

struct RenderOptions {
  // With a cluster the only package to render, else the directory; empty: all of them, "."
  std::string subject;

  // Of a directory.
  std::string load_restrictor = "root";
  std::string order = "legacy";

  // For a cluster.
  std::string fleet = ".";  // where the fleet's declarations stand
  std::string cluster;
  std::vector<std::string> labels;        // key=value: of a cluster that is not declared
  std::vector<std::string> repositories;  // name=DIR
  HelmFlags helm;                         // for packages that are charts
};
absl::StatusOr<ExitCode> Render(Session& session, const RenderOptions& options);
// When no cluster is named.
absl::StatusOr<ExitCode> RenderDirectory(Session& session, const RenderOptions& options);

struct ValidateOptions {
  std::string directory = ".";  // of the fleet's declarations, of a kustomization or a chart
  HelmFlags helm;               // for charts
};
// kDiffers when the directory has errors.
absl::StatusOr<ExitCode> Validate(Session& session, const ValidateOptions& options);

struct ImportOptions {
  std::string tool;            // flux, fleet, argocd
  std::string path = ".";      // in the working tree that is read
  std::string into;            // where the declarations go; empty: "muster" at its root
  bool dry_run = false;        // write nothing
  std::string url;             // of the tree's repository; empty: as the tree or its Git says
  std::string branch;          // likewise
  std::string cluster;         // for a tree that names none
  bool helm_releases = false;  // of Flux: they become packages
};
// kDiffers when something was left out.
absl::StatusOr<ExitCode> Import(Session& session, const ImportOptions& options);

absl::StatusOr<ExitCode> ContextList(Session& session);
absl::StatusOr<ExitCode> ContextUse(Session& session, const std::string& name);
absl::StatusOr<ExitCode> ContextShow(Session& session);

struct ContextAddOptions {
  std::string name;
  std::string hub;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};
absl::StatusOr<ExitCode> ContextAdd(Session& session, const ContextAddOptions& options);

struct VersionOptions {
  bool client_only = false;  // do not ask the hub
  bool need_hub = false;     // fail when the hub does not answer
};
absl::StatusOr<ExitCode> Version(Session& session, const VersionOptions& options);

}  // namespace muster::cli
