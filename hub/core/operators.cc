#include "hub/core/operators.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "hub/core/audit.h"
#include "hub/core/enrollment.h"
#include "hub/core/journal.h"
#include "hub/core/keys.h"
#include "hub/core/plans.h"
#include "hub/core/rendering.h"
#include "hub/core/rollouts.h"
#include "hub/core/sources.h"
#include "hub/core/tokens.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

using Answer = OperatorAnswer;

Answer Done(std::string message) {
  pb::DoneResponse response;
  response.set_message(std::move(message));
  return response;
}

absl::Status NoSuch(absl::string_view what, const std::string& kind, const std::string& name) {
  return absl::NotFoundError(absl::StrCat(what, ": there is no ", kind, " '", name,
                                          "'; see 'muster get ", kind,
                                          kind == "repository" ? "'" : "s'"));
}

// One command; the overloads below are all there are.
class Handler {
 public:
  Handler(Turn& turn, const std::string& actor) : turn_(turn), state_(turn.state), actor_(actor) {}

  absl::StatusOr<Answer> operator()(const pb::CreateTokenRequest& request) {
    ASSIGN_OR_RETURN(pb::CreateTokenResponse response, CreateToken(turn_, request, actor_));
    return response;
  }

  absl::StatusOr<Answer> operator()(const RevokeToken& command) {
    RETURN_IF_ERROR(RevokeTokenById(turn_, command.name, actor_));
    return Done(absl::StrCat("token/", command.name, " revoked"));
  }

  absl::StatusOr<Answer> operator()(const AcceptCluster& command) {
    RETURN_IF_ERROR(AcceptClusterByName(turn_, command.name, actor_));
    return Done(absl::StrCat("cluster/", command.name, " accepted"));
  }

  absl::StatusOr<Answer> operator()(const RevokeCluster& command) {
    RETURN_IF_ERROR(RevokeClusterByName(turn_, command.name, actor_));
    return Done(absl::StrCat("cluster/", command.name, " revoked"));
  }

  absl::StatusOr<Answer> operator()(const pb::AcceptRewriteRequest& request) {
    RETURN_IF_ERROR(AcceptRewrite(turn_, request, actor_));
    return Done(absl::StrCat("repository/", request.repository(), " follows ",
                             ShortCommit(request.commit())));
  }

  absl::StatusOr<Answer> operator()(const SyncNow& command) {
    if (command.repository.empty()) {
      for (auto& [name, repository] : state_.repositories) {
        if (!repository.record.suspended()) PollNow(turn_, repository);
      }
      return Done(absl::StrCat(state_.repositories.size(), " repositories are being polled"));
    }
    const auto found = state_.repositories.find(RepositoryName(command.repository));
    if (found == state_.repositories.end()) {
      return NoSuch("sync", "repository", command.repository);
    }
    if (found->second.record.suspended()) {
      return absl::FailedPreconditionError(
          absl::StrCat("sync: repository '", command.repository,
                       "' is suspended; run 'muster resume repository ", command.repository, "'"));
    }
    PollNow(turn_, found->second);
    return Done(absl::StrCat("repository/", command.repository, " is being polled"));
  }

  absl::StatusOr<Answer> operator()(const pb::SuspendRequest& request) {
    absl::Status status;
    if (request.kind() == "cluster") {
      status = SuspendCluster(request);
    } else if (request.kind() == "package") {
      status = SuspendPackage(request);
    } else if (request.kind() == "repository") {
      status = SuspendRepository(request);
    } else {
      status = absl::InvalidArgumentError(absl::StrCat(
          "suspend: '", request.kind(), "' is not one of 'cluster', 'package' and 'repository'"));
    }
    RETURN_IF_ERROR(status);
    const std::string thing = absl::StrCat(request.kind(), "/", request.name());
    Note(turn_, {.reason = request.suspended() ? "Suspended" : "Resumed",
                 .subject = thing,
                 .message = request.reason(),
                 .actor = actor_});
    return Done(absl::StrCat(thing, request.suspended() ? " suspended" : " resumed"));
  }

  absl::StatusOr<Answer> operator()(const PutCredential& command) {
    state_.credentials.insert(command.name);
    turn_.out.batch.Put(keys::Credential(command.name), command.sealed.SerializeAsString());
    for (auto& [name, repository] : state_.repositories) {
      if (repository.record.spec().credentials() == command.name) PollNow(turn_, repository);
    }
    Note(turn_, {.reason = "CredentialPut",
                 .subject = absl::StrCat("credential/", command.name),
                 .actor = actor_});
    return Done(absl::StrCat("credential/", command.name, " stored"));
  }

  absl::StatusOr<Answer> operator()(const pb::PlanFleetRequest& request) {
    ASSIGN_OR_RETURN(pb::PlanFleet fleet, PlanFleetOf(state_, request.repository()));
    return fleet;
  }

  absl::StatusOr<Answer> operator()(const pb::ListRolloutsRequest& request) {
    ASSIGN_OR_RETURN(pb::ListRolloutsResponse response, RolloutsOf(state_, request));
    return response;
  }

  absl::StatusOr<Answer> operator()(const pb::RolloutDecision& decision) {
    ASSIGN_OR_RETURN(pb::RolloutAnswer answer, DecideRollout(turn_, decision, actor_));
    return answer;
  }

  // Answered when its jobs have ended; see OnOperatorAsked.
  absl::StatusOr<Answer> operator()(const pb::PlanRequest&) {
    return absl::InternalError("a plan is not answered at once");
  }

  absl::StatusOr<Answer> operator()(const DeleteCredential& command) {
    if (state_.credentials.erase(command.name) == 0) {
      return absl::NotFoundError(
          absl::StrCat("delete credential: there is none named '", command.name, "'"));
    }
    turn_.out.batch.Delete(keys::Credential(command.name));
    turn_.out.batch.MarkEssential();
    Note(turn_, {.reason = "CredentialDeleted",
                 .subject = absl::StrCat("credential/", command.name),
                 .actor = actor_});
    return Done(absl::StrCat("credential/", command.name, " deleted"));
  }

 private:
  template <typename Record>
  static void Take(const pb::SuspendRequest& request, Record& record) {
    record.set_suspended(request.suspended());
    record.set_suspend_reason(request.suspended() ? request.reason() : "");
  }

  absl::Status SuspendCluster(const pb::SuspendRequest& request) {
    ClusterState* cluster = FindClusterByName(state_, ClusterName(request.name()));
    if (cluster == nullptr) return NoSuch("suspend", "cluster", request.name());
    Take(request, cluster->record);
    state_.marks.clusters.insert(cluster->id);
    state_.marks.compose.insert(cluster->id);
    RolloutsMayGoOn(state_, *cluster);
    ShowCluster(state_, *cluster);
    return absl::OkStatus();
  }

  absl::Status SuspendPackage(const pb::SuspendRequest& request) {
    const PackageName name(request.name());
    const auto found = state_.packages.find(name);
    if (found == state_.packages.end()) return NoSuch("suspend", "package", request.name());
    Take(request, found->second.record);
    state_.marks.packages.insert(name);
    state_.marks.view_packages.insert(name);
    RefreshEntries(turn_, found->second);
    state_.marks.rollouts.insert(name);
    for (auto& [id, cluster] : state_.clusters) {
      if (IsGoverned(found->second.record.spec())) state_.marks.compose.insert(id);
    }
    RepositoryState* fleet = FleetRepository(state_);
    if (!request.suspended() && fleet != nullptr) {
      // Its declaration may have gone meanwhile.
      fleet->read_config = true;
      PollNow(turn_, *fleet);
    }
    return absl::OkStatus();
  }

  absl::Status SuspendRepository(const pb::SuspendRequest& request) {
    const RepositoryName name(request.name());
    const auto found = state_.repositories.find(name);
    if (found == state_.repositories.end()) return NoSuch("suspend", "repository", request.name());
    Take(request, found->second.record);
    state_.marks.repositories.insert(name);
    state_.marks.view_repositories.insert(name);
    if (!request.suspended()) PollNow(turn_, found->second);
    return absl::OkStatus();
  }

  Turn& turn_;
  State& state_;
  const std::string& actor_;
};

}  // namespace

void OnOperatorAsked(Turn& turn, const OperatorAsked& event) {
  if (const auto* plan = std::get_if<pb::PlanRequest>(&event.command)) {
    StartPlan(turn, event.request, *plan);
    return;
  }
  Handler handler(turn, event.actor);
  absl::StatusOr<Answer> answer = std::visit(handler, event.command);
  AuditDeed(turn, event, answer);
  turn.out.operator_replies.push_back({event.request, std::move(answer)});
}

}  // namespace muster::hub
