#include "hub/core/liveness.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "hub/core/desired_state.h"
#include "hub/core/enrollment.h"
#include "hub/core/journal.h"
#include "hub/core/rollouts.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

constexpr size_t kAgentTextMax = 64;
constexpr size_t kRecipientBytesMax = 100;

std::string SubjectOf(const ClusterState& cluster) {
  return absl::StrCat("cluster/", cluster.record.name());
}

void PlanLook(State& state, ClusterState& cluster, absl::Time at) {
  if (at >= cluster.look_at) return;
  cluster.look_at = at;
  state.wakes.insert({at, Wake::Kind::kLiveness, cluster.id.text()});
}

void SetConnection(Turn& turn, ClusterState& cluster, pb::ConnectionStatus status) {
  if (cluster.connection == status) return;
  const pb::ConnectionStatus before = cluster.connection;
  cluster.connection = status;
  ShowCluster(turn.state, cluster);
  RolloutsMayGoOn(turn.state, cluster);
  const bool known = !cluster.reported.digest.empty();
  if (status == pb::CONNECTION_STATUS_OFFLINE) {
    Note(turn, {.reason = "ClusterOffline",
                .subject = SubjectOf(cluster),
                .message = "no sign of life; what it runs goes on running, and its agent goes on "
                           "correcting drift",
                .warning = true});
  } else if (status == pb::CONNECTION_STATUS_CONNECTED && known &&
             before == pb::CONNECTION_STATUS_OFFLINE) {
    Note(turn, {.reason = "ClusterBack", .subject = SubjectOf(cluster)});
  }
}

// Why a stream may not stay; OK when it may.
absl::Status MayConnect(const ClusterState* cluster, const Digest& spki) {
  if (cluster == nullptr) return absl::PermissionDeniedError("connect: no such cluster");
  if (cluster->record.state() == pb::ClusterRecord::STATE_REVOKED) {
    return absl::PermissionDeniedError("connect: the cluster was revoked; join it again");
  }
  const bool admitted = cluster->enrolled() && (cluster->record.spki() == spki.view() ||
                                                cluster->record.next_spki() == spki.view());
  if (!admitted) {
    return absl::PermissionDeniedError(
        "connect: this key is not admitted: a newer certificate is in use, or another agent has "
        "taken its place");
  }
  return absl::OkStatus();
}

void Replace(Turn& turn, ClusterState& cluster) {
  if (cluster.link == 0) return;
  turn.out.closes.push_back(
      {.link = cluster.link, .reason = absl::AbortedError("a newer stream took its place")});
  turn.state.links.erase(cluster.link);
  cluster.link = 0;
}

// Whether the text may be an age public key; it is an agent's word, and people copy it.
bool IsRecipient(absl::string_view text) {
  if (!absl::StartsWith(text, "age1") || text.size() > kRecipientBytesMax) return false;
  for (const char c : text) {
    if (!absl::ascii_islower(c) && !absl::ascii_isdigit(c)) return false;
  }
  return true;
}

void TakeHello(Turn& turn, ClusterState& cluster, const pb::Hello& hello) {
  cluster.agent_generation = hello.generation();
  const absl::StatusOr<Digest> digest = Digest::FromBytes(hello.desired_digest());
  cluster.agent_digest = digest.ok() ? *digest : Digest();
  const std::string version = AgentText(hello.agent_version());
  const std::string driver = AgentText(hello.driver());
  pb::ClusterRecord& record = cluster.record;
  const std::string kubernetes = AgentText(hello.kubernetes_version());
  if (record.kubernetes_version() != kubernetes) {
    record.set_kubernetes_version(kubernetes);
    turn.state.marks.clusters.insert(cluster.id);
    turn.state.marks.place_clusters.insert(cluster.id);  // charts may ask for it
  }
  // An agent that knows nothing of sealed secrets says none; nobody can then open them there.
  const std::string recipient = IsRecipient(hello.recipient()) ? hello.recipient() : "";
  if (record.agent_version() == version && record.driver() == driver &&
      record.recipient() == recipient) {
    return;
  }
  record.set_agent_version(version);
  record.set_driver(driver);
  record.set_recipient(recipient);
  turn.state.marks.clusters.insert(cluster.id);
  ShowCluster(turn.state, cluster);
}

// Whether the agent is at a generation that this hub has not made: it was restored from a backup.
bool IsAhead(const ClusterState& cluster) {
  const Desired& desired = cluster.desired;
  if (cluster.agent_generation == 0) return false;
  return cluster.agent_generation > desired.generation ||
         (cluster.agent_generation == desired.generation && cluster.agent_digest != desired.digest);
}

}  // namespace

void StartLiveness(Turn& turn) {
  State& state = turn.state;
  for (auto& [id, cluster] : state.clusters) {
    if (!cluster.enrolled() || cluster.record.certificate_der().empty()) continue;
    if (cluster.link != 0) continue;
    cluster.connection = pb::CONNECTION_STATUS_STALE;
    cluster.heard = absl::InfinitePast();
    PlanLook(state, cluster,
             state.now + limits::kOfflineAfterHeartbeats * state.settings.heartbeat);
  }
}

std::string AgentText(absl::string_view text) {
  std::string kept;
  for (const char c : text.substr(0, kAgentTextMax)) {
    kept.push_back(absl::ascii_isprint(c) ? c : '?');
  }
  return kept;
}

ClusterState* ClusterOfLink(State& state, LinkId link) {
  const auto found = state.links.find(link);
  return found == state.links.end() ? nullptr : FindCluster(state, found->second);
}

void Heard(Turn& turn, ClusterState& cluster) {
  State& state = turn.state;
  cluster.heard = state.now;
  SetConnection(turn, cluster, pb::CONNECTION_STATUS_CONNECTED);
  PlanLook(state, cluster, state.now + limits::kStaleAfterHeartbeats * state.settings.heartbeat);
  state.marks.view_heard.insert(cluster.id);
}

void OnAgentConnected(Turn& turn, const AgentConnected& event) {
  State& state = turn.state;
  ClusterState* cluster = FindCluster(state, event.cluster);
  const absl::Status may = MayConnect(cluster, event.spki);
  if (!may.ok()) {
    turn.out.closes.push_back({.link = event.link, .reason = may, .connection = true});
    if (cluster != nullptr) {
      Note(turn, {.reason = "AgentRefused",
                  .subject = SubjectOf(*cluster),
                  .message = absl::StrCat(may.message(), "; from ", event.peer),
                  .warning = true,
                  .throttled = true});
    }
    return;
  }
  Replace(turn, *cluster);
  if (cluster->record.next_spki() == event.spki.view()) PromoteKey(turn, *cluster);
  cluster->link = event.link;
  state.links[event.link] = cluster->id;
  TakeHello(turn, *cluster, event.hello);
  const Digest& known = cluster->reported.digest;
  cluster->told = event.hello.observed_digest() == (known.empty() ? "" : known.bytes());
  Heard(turn, *cluster);
  ShowCluster(state, *cluster);

  pb::Welcome welcome;
  welcome.set_heartbeat_interval_ms(absl::ToInt64Milliseconds(state.settings.heartbeat));
  welcome.set_hub_version(state.settings.version);
  turn.out.sends.push_back({event.link, std::move(welcome)});

  const bool first = cluster->desired.generation == 0;
  if (first || IsAhead(*cluster)) {
    state.marks.compose.insert(cluster->id);
  } else {
    PushIfNews(turn, *cluster);
    RefreshIfDue(turn, *cluster);
  }
  if (!cluster->told) turn.out.sends.push_back({event.link, pb::ReportWanted()});
}

void OnAgentDisconnected(Turn& turn, const AgentDisconnected& event) {
  ClusterState* cluster = ClusterOfLink(turn.state, event.link);
  if (cluster == nullptr) return;
  turn.state.links.erase(event.link);
  cluster->link = 0;
}

// A stream does not lose messages, but nothing here rests on that: who is behind at two heartbeats
// in a row is sent, or asked for, once more what it should have had.
void OnAgentHeartbeat(Turn& turn, const AgentHeartbeat& event) {
  ClusterState* cluster = ClusterOfLink(turn.state, event.link);
  if (cluster == nullptr) return;
  Heard(turn, *cluster);
  const pb::Heartbeat& heartbeat = event.heartbeat;
  const bool lacks_push = heartbeat.generation() < cluster->desired.generation;
  const bool lacks_report = !heartbeat.observed_digest().empty() &&
                            heartbeat.observed_digest() != cluster->reported.digest.view();
  const bool again = cluster->behind && (lacks_push || lacks_report);
  cluster->behind = !again && (lacks_push || lacks_report);
  if (!again) return;
  if (lacks_push) {
    cluster->agent_generation = heartbeat.generation();
    cluster->agent_digest = Digest();
    PushIfNews(turn, *cluster);
  }
  if (lacks_report) turn.out.sends.push_back({event.link, pb::ReportWanted()});
}

void CheckLiveness(Turn& turn, const std::string& cluster_id) {
  State& state = turn.state;
  ClusterState* cluster = FindCluster(state, ClusterId(cluster_id));
  if (cluster == nullptr || !cluster->enrolled() || cluster->look_at > state.now) return;
  cluster->look_at = absl::InfiniteFuture();
  const absl::Duration stale_after = limits::kStaleAfterHeartbeats * state.settings.heartbeat;
  const absl::Duration offline_after = limits::kOfflineAfterHeartbeats * state.settings.heartbeat;
  const absl::Time since = std::max(cluster->heard, state.started);
  const absl::Duration silence = state.now - since;
  if (silence >= offline_after) {
    SetConnection(turn, *cluster, pb::CONNECTION_STATUS_OFFLINE);
    return;
  }
  if (silence >= stale_after) {
    SetConnection(turn, *cluster, pb::CONNECTION_STATUS_STALE);
    PlanLook(state, *cluster, since + offline_after);
    return;
  }
  PlanLook(state, *cluster, since + stale_after);
}

}  // namespace muster::hub
