#include "hub/core/state.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "hub/core/keys.h"
#include "hub/core/records.h"
#include "hub/core/rollouts.h"
#include "proto/audit.pb.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

// Time is written at most this often when nothing else has to be.
constexpr int64_t kTimeHighStepMs = 60'000;

template <typename Message>
absl::Status Parse(absl::string_view value, Message& message) {
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
    return absl::DataLossError("the value is not what this program writes there");
  }
  return absl::OkStatus();
}

absl::Status LoadCommit(State& state, absl::string_view rest, absl::string_view value) {
  const size_t slash = rest.rfind('/');
  if (slash == absl::string_view::npos) return absl::DataLossError("the key has no number");
  const std::optional<uint64_t> number = keys::ParseNumber(rest.substr(slash + 1));
  if (!number) return absl::DataLossError("the key has no number");
  RepositoryState& repository = state.repositories[RepositoryName(rest.substr(0, slash))];
  if (*number <= repository.head_number) return absl::OkStatus();
  repository.head_number = *number;
  return Parse(value, repository.head);
}

absl::Status LoadRender(State& state, absl::string_view rest, absl::string_view value) {
  ASSIGN_OR_RETURN(const Digest input, Digest::FromHex(rest));
  pb::RenderCacheRecord record;
  RETURN_IF_ERROR(Parse(value, record));
  state.renders.by_input[input] = std::move(record);
  return absl::OkStatus();
}

absl::Status LoadCluster(State& state, absl::string_view rest, absl::string_view value) {
  ClusterState& cluster = state.clusters[ClusterId(rest)];
  RETURN_IF_ERROR(Parse(value, cluster.record));
  if (cluster.record.id() != rest) return absl::DataLossError("the record is another cluster's");
  for (const std::string* spki : {&cluster.record.spki(), &cluster.record.next_spki()}) {
    if (!spki->empty()) RETURN_IF_ERROR(Digest::FromBytes(*spki).status());
  }
  return absl::OkStatus();
}

absl::Status LoadDesired(State& state, absl::string_view rest, absl::string_view value) {
  pb::DesiredRecord record;
  RETURN_IF_ERROR(Parse(value, record));
  const ClusterId id(rest);
  ASSIGN_OR_RETURN(state.clusters[id].desired,
                   ReadDesired(state.settings.hub_id, id, record, *state.interner));
  return absl::OkStatus();
}

absl::Status LoadObserved(State& state, absl::string_view rest, absl::string_view value) {
  pb::ObservedRecord record;
  RETURN_IF_ERROR(Parse(value, record));
  ASSIGN_OR_RETURN(state.clusters[ClusterId(rest)].reported, ReadReported(record, *state.interner));
  return absl::OkStatus();
}

absl::Status LoadNewestReceipt(State& state, absl::string_view rest, absl::string_view value) {
  pb::NewestReceiptRecord record;
  RETURN_IF_ERROR(Parse(value, record));
  ClusterState& cluster = state.clusters[ClusterId(rest)];
  ASSIGN_OR_RETURN(cluster.receipt, Digest::FromBytes(record.digest()));
  cluster.receipt_generation = record.generation();
  return absl::OkStatus();
}

absl::Status LoadAuditHead(State& state, absl::string_view value) {
  pb::AuditHeadRecord record;
  RETURN_IF_ERROR(Parse(value, record));
  AuditHead head{.number = record.number(), .digest = Digest()};
  ASSIGN_OR_RETURN(head.digest, Digest::FromBytes(record.digest()));
  state.audit = AuditChain(head);
  return absl::OkStatus();
}

absl::Status LoadOne(State& state, absl::string_view key, absl::string_view value) {
  if (key == keys::kMeta) return Parse(value, state.meta);
  if (key == keys::kAuditHead) return LoadAuditHead(state, value);
  if (const auto rest = keys::After(keys::kRepositories, key)) {
    return Parse(value, state.repositories[RepositoryName(*rest)].record);
  }
  if (const auto rest = keys::After(keys::kPackages, key)) {
    return Parse(value, state.packages[PackageName(*rest)].record);
  }
  if (const auto rest = keys::After(keys::kDeclarations, key)) {
    return Parse(value, state.declarations[ClusterName(*rest)]);
  }
  if (const auto rest = keys::After(keys::kTokens, key)) {
    return Parse(value, state.tokens[TokenId(*rest)]);
  }
  if (const auto rest = keys::After(keys::kRollouts, key)) return LoadRollout(state, *rest, value);
  if (const auto rest = keys::After(keys::kRolloutPlans, key)) {
    pb::RolloutPlanRecord record;
    RETURN_IF_ERROR(Parse(value, record));
    state.rollout_plans[std::string(*rest)] = record.spec();
    return absl::OkStatus();
  }
  if (const auto rest = keys::After(keys::kCredentials, key)) {
    state.credentials.insert(std::string(*rest));
    return absl::OkStatus();
  }
  if (const auto rest = keys::After(keys::kEvents, key)) {
    const std::optional<uint64_t> number = keys::ParseNumber(*rest);
    if (!number) return absl::DataLossError("the key has no number");
    state.last_event = std::max(state.last_event, *number);
    return absl::OkStatus();
  }
  if (const auto rest = keys::After(keys::kClusters, key)) return LoadCluster(state, *rest, value);
  if (const auto rest = keys::After(keys::kDesired, key)) return LoadDesired(state, *rest, value);
  if (const auto rest = keys::After(keys::kObserved, key)) return LoadObserved(state, *rest, value);
  if (const auto rest = keys::After(keys::kNewestReceipts, key)) {
    return LoadNewestReceipt(state, *rest, value);
  }
  if (const auto rest = keys::After(keys::kRenders, key)) return LoadRender(state, *rest, value);
  if (const auto rest = keys::After(keys::kCommits, key)) return LoadCommit(state, *rest, value);
  return absl::DataLossError("no record of a hub has such a key");
}

// Renderings by their parameters, oldest first.
void IndexRenders(RenderCache& renders) {
  std::map<Digest, std::set<std::pair<int64_t, Digest>>> by_params;
  for (const auto& [input, record] : renders.by_input) {
    const absl::StatusOr<Digest> params = Digest::FromBytes(record.params_digest());
    if (params.ok()) by_params[*params].insert({record.rendered_ms(), input});
  }
  for (const auto& [params, inputs] : by_params) {
    for (const auto& [at, input] : inputs) renders.by_params[params].push_back(input);
  }
}

void WriteCluster(State& state, const ClusterId& id, Batch& batch) {
  batch.Put(keys::Cluster(id), state.clusters.at(id).record.SerializeAsString());
}

void WriteDesired(State& state, const ClusterId& id, Batch& batch) {
  Desired& desired = state.clusters.at(id).desired;
  pb::DesiredRecord record;
  record.set_payload(desired.payload != nullptr ? *std::exchange(desired.payload, nullptr)
                                                : PayloadOf(state.settings.hub_id, id, desired));
  record.set_content_digest(desired.content.bytes());
  record.set_content_generation(desired.content_generation);
  batch.Put(keys::Desired(id), record.SerializeAsString());
}

// Writes the things of one kind that are still there, and deletes those that went.
template <typename Name, typename Map, typename Key, typename Bytes>
void WriteNamed(std::set<Name>& names, const Map& map, Key key, Bytes bytes, Batch& batch) {
  for (const Name& name : names) {
    const auto found = map.find(name);
    if (found == map.end()) {
      batch.Delete(key(name));
    } else {
      batch.Put(key(name), bytes(found->second));
    }
  }
  names.clear();
}

}  // namespace

State::State(Settings settings_in, Random& random_in)
    : settings(std::move(settings_in)),
      random(random_in),
      interner(std::make_unique<Interner>()),
      view(std::make_shared<const FleetView>()) {}

State::~State() = default;

absl::Status LoadRecord(State& state, absl::string_view key, absl::string_view value) {
  const absl::Status status = LoadOne(state, key, value);
  if (status.ok()) return status;
  return absl::DataLossError(absl::StrCat("load record '", key, "': ", status.message(),
                                          "; restore the store from a backup"));
}

absl::Status LinkRecords(State& state) {
  state.interner.reset();
  IndexRenders(state.renders);
  for (auto at = state.repositories.begin(); at != state.repositories.end();) {
    // A journal of commits may outlive its repository.
    if (at->second.record.spec().name().empty()) {
      at = state.repositories.erase(at);
    } else {
      ++at;
    }
  }
  for (auto& [id, cluster] : state.clusters) {
    cluster.id = id;
    if (cluster.record.id().empty()) {
      return absl::DataLossError(
          absl::StrCat("load cluster '", id.text(), "': there is a state but no record of it"));
    }
    for (const std::string* spki : {&cluster.record.spki(), &cluster.record.next_spki()}) {
      if (!spki->empty()) state.spkis.emplace(*Digest::FromBytes(*spki), id);
    }
    if (cluster.record.state() == pb::ClusterRecord::STATE_REVOKED) continue;
    if (!cluster.record.cluster_uid().empty()) {
      state.uids.emplace(cluster.record.cluster_uid(), id);
    }
    const auto [other, added] = state.names.try_emplace(ClusterName(cluster.record.name()), id);
    if (!added) {
      return absl::DataLossError(absl::StrCat("load cluster '", id.text(), "': its name '",
                                              cluster.record.name(), "' is also that of '",
                                              other->second.text(), "'"));
    }
  }
  if (state.meta.time_high_ms() > 0) {
    state.now = absl::FromUnixMillis(state.meta.time_high_ms());
    state.time_high_written_ms = state.meta.time_high_ms();
  }
  return absl::OkStatus();
}

void WriteMarked(Turn& turn) {
  State& state = turn.state;
  Marks& marks = state.marks;
  Batch& batch = turn.out.batch;
  const auto record = [](const auto& thing) { return thing.record.SerializeAsString(); };
  const auto plain = [](const auto& thing) { return thing.SerializeAsString(); };
  const bool writes = !marks.desired.empty() || !marks.tokens.empty() || !marks.clusters.empty();
  WriteNamed(marks.repositories, state.repositories, keys::Repository, record, batch);
  WriteNamed(marks.packages, state.packages, keys::Package, record, batch);
  WriteNamed(marks.declarations, state.declarations, keys::Declaration, plain, batch);
  WriteNamed(marks.tokens, state.tokens, keys::Token, plain, batch);
  for (const ClusterId& id : marks.clusters) WriteCluster(state, id, batch);
  for (const ClusterId& id : marks.desired) WriteDesired(state, id, batch);
  marks.clusters.clear();
  marks.desired.clear();

  // What was promised at some time must never be judged at an earlier one.
  const int64_t ahead = state.now_ms() - state.time_high_written_ms;
  if (marks.meta || (writes && ahead > 0) || ahead >= kTimeHighStepMs) {
    state.time_high_written_ms = state.now_ms();
    state.meta.set_time_high_ms(state.now_ms());
    batch.Put(keys::kMeta, state.meta.SerializeAsString());
    marks.meta = false;
  }
}

ClusterState* FindCluster(State& state, const ClusterId& id) {
  const auto found = state.clusters.find(id);
  return found == state.clusters.end() ? nullptr : &found->second;
}

ClusterState* FindClusterByName(State& state, const ClusterName& name) {
  const auto found = state.names.find(name);
  return found == state.names.end() ? nullptr : &state.clusters.at(found->second);
}

const pb::DeclarationRecord* DeclarationOf(const State& state, const ClusterState& cluster) {
  const auto found = state.declarations.find(ClusterName(cluster.record.name()));
  return found == state.declarations.end() ? nullptr : &found->second;
}

void ShowCluster(State& state, const ClusterState& cluster) {
  state.marks.view_clusters.insert(ClusterName(cluster.record.name()));
}

}  // namespace muster::hub
