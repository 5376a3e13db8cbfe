#include "agent/health/workloads.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "agent/health/rules.h"

namespace muster::agent {
namespace {

ObjectHealth Progressing(std::string message, const Value* condition = nullptr) {
  return ObjectHealth{
      .word = HealthWord::kProgressing, .message = std::move(message), .since = SinceOf(condition)};
}

ObjectHealth Degraded(std::string message, const Value* condition = nullptr) {
  return ObjectHealth{
      .word = HealthWord::kDegraded, .message = std::move(message), .since = SinceOf(condition)};
}

ObjectHealth Suspended(std::string message) {
  return ObjectHealth{.word = HealthWord::kSuspended, .message = std::move(message)};
}

int64_t NumberAt(const Value& live, absl::string_view pointer, int64_t otherwise = 0) {
  const Value* value = live.Find(pointer);
  return value == nullptr ? otherwise : value->AsInt64().value_or(otherwise);
}

absl::string_view TextAt(const Value& live, absl::string_view pointer) {
  const Value* value = live.Find(pointer);
  return value != nullptr && value->is_string() ? absl::string_view(value->string()) : "";
}

bool IsTrueAt(const Value& live, absl::string_view pointer) {
  const Value* value = live.Find(pointer);
  return value != nullptr && value->is_bool() && value->boolean();
}

std::string Of(int64_t have, int64_t want, absl::string_view what) {
  return absl::StrCat(have, " of ", want, " replicas are ", what);
}

// The message of a condition, or its reason when it has none.
std::string Words(const Value* condition) {
  const absl::string_view message = TextOf(condition, "message");
  return std::string(message.empty() ? TextOf(condition, "reason") : message);
}

ObjectHealth Deployment(const Value& live) {
  if (IsTrueAt(live, "/spec/paused")) return Suspended("its rollout is paused");
  const Value* progressing = ConditionOf(live, "Progressing");
  if (TextOf(progressing, "reason") == "ProgressDeadlineExceeded") {
    return Degraded(Words(progressing), progressing);
  }
  const Value* failure = ConditionOf(live, "ReplicaFailure");
  if (TextOf(failure, "status") == "True") return Progressing(Words(failure), failure);
  const int64_t wanted = NumberAt(live, "/spec/replicas", 1);
  const int64_t replicas = NumberAt(live, "/status/replicas");
  const int64_t updated = NumberAt(live, "/status/updatedReplicas");
  const int64_t available = NumberAt(live, "/status/availableReplicas");
  const int64_t ready = NumberAt(live, "/status/readyReplicas");
  if (replicas < wanted) return Progressing(Of(replicas, wanted, "made"), progressing);
  if (updated < wanted) return Progressing(Of(updated, wanted, "updated"), progressing);
  if (replicas > wanted) {
    return Progressing(absl::StrCat(replicas - wanted, " old replicas are still there"),
                       progressing);
  }
  if (available < updated) return Progressing(Of(available, updated, "available"), progressing);
  if (ready < wanted) return Progressing(Of(ready, wanted, "ready"), progressing);
  const bool has_deadline = live.Find("/spec/progressDeadlineSeconds") != nullptr;
  if (has_deadline && progressing != nullptr &&
      (TextOf(progressing, "status") != "True" ||
       TextOf(progressing, "reason") != "NewReplicaSetAvailable")) {
    return Progressing("its new replica set is not available yet", progressing);
  }
  const Value* is_available = ConditionOf(live, "Available");
  if (wanted > 0 && TextOf(is_available, "status") != "True") {
    return Progressing("it is not available yet", is_available);
  }
  return ObjectHealth();
}

ObjectHealth StatefulSet(const Value& live) {
  if (TextAt(live, "/spec/updateStrategy/type") == "OnDelete") return ObjectHealth();
  const int64_t wanted = NumberAt(live, "/spec/replicas", 1);
  const int64_t replicas = NumberAt(live, "/status/replicas");
  const int64_t ready = NumberAt(live, "/status/readyReplicas");
  const int64_t updated = NumberAt(live, "/status/updatedReplicas");
  if (replicas < wanted) return Progressing(Of(replicas, wanted, "made"));
  if (ready < wanted) return Progressing(Of(ready, wanted, "ready"));
  if (replicas > wanted) {
    return Progressing(absl::StrCat(replicas - wanted, " replicas are still to go"));
  }
  const int64_t partition = NumberAt(live, "/spec/updateStrategy/rollingUpdate/partition", -1);
  if (partition > 0) {
    const int64_t due = std::max<int64_t>(wanted - partition, 0);
    return updated < due ? Progressing(Of(updated, due, "updated")) : ObjectHealth();
  }
  if (TextAt(live, "/status/currentRevision") != TextAt(live, "/status/updateRevision")) {
    return Progressing(Of(updated, wanted, "updated"));
  }
  return ObjectHealth();
}

ObjectHealth DaemonSet(const Value& live) {
  if (live.Find("/status/observedGeneration") == nullptr) {
    return Progressing("its controller has not seen it yet");
  }
  const int64_t wanted = NumberAt(live, "/status/desiredNumberScheduled", -1);
  if (wanted < 0) return Progressing("the number of its nodes is not known yet");
  const auto lacks = [&](absl::string_view field) {
    return NumberAt(live, absl::StrCat("/status/", field)) < wanted;
  };
  const auto of = [&](absl::string_view field, absl::string_view what) {
    return Progressing(absl::StrCat(NumberAt(live, absl::StrCat("/status/", field)), " of ", wanted,
                                    " pods are ", what));
  };
  if (lacks("currentNumberScheduled")) return of("currentNumberScheduled", "scheduled");
  const bool rolls = TextAt(live, "/spec/updateStrategy/type") != "OnDelete";
  if (rolls && lacks("updatedNumberScheduled")) return of("updatedNumberScheduled", "updated");
  if (lacks("numberAvailable")) return of("numberAvailable", "available");
  if (lacks("numberReady")) return of("numberReady", "ready");
  return ObjectHealth();
}

// ReplicationController too.
ObjectHealth ReplicaSet(const Value& live) {
  const Value* failure = ConditionOf(live, "ReplicaFailure");
  if (TextOf(failure, "status") == "True") return Progressing(Words(failure), failure);
  const int64_t wanted = NumberAt(live, "/spec/replicas", 1);
  const struct {
    const char* pointer;
    const char* what;
  } kSteps[] = {{"/status/fullyLabeledReplicas", "labelled"},
                {"/status/availableReplicas", "available"},
                {"/status/readyReplicas", "ready"}};
  for (const auto& [pointer, what] : kSteps) {
    const int64_t have = NumberAt(live, pointer);
    if (have < wanted) return Progressing(Of(have, wanted, what));
  }
  const int64_t replicas = NumberAt(live, "/status/replicas");
  if (replicas > wanted) {
    return Progressing(absl::StrCat(replicas - wanted, " replicas are still to go"));
  }
  return ObjectHealth();
}

// Why a container of the pod cannot start, when it will not without help.
std::string ContainerTrouble(const Value& live) {
  static constexpr absl::string_view kHopeless[] = {
      "CrashLoopBackOff",     "ImagePullBackOff",  "ErrImageNeverPull",         "InvalidImageName",
      "CreateContainerError", "RunContainerError", "CreateContainerConfigError"};
  for (const absl::string_view pointer :
       {"/status/initContainerStatuses", "/status/containerStatuses"}) {
    const Value* statuses = live.Find(pointer);
    if (statuses == nullptr || !statuses->is_list()) continue;
    for (const Value& status : statuses->list()) {
      const Value* waiting = status.Find("/state/waiting");
      const absl::string_view reason = TextOf(waiting, "reason");
      if (std::find(std::begin(kHopeless), std::end(kHopeless), reason) == std::end(kHopeless)) {
        continue;
      }
      const absl::string_view message = TextOf(waiting, "message");
      return absl::StrCat("container ", TextOf(&status, "name"), ": ", reason,
                          message.empty() ? "" : ": ", message);
    }
  }
  return "";
}

ObjectHealth Pod(const Value& live) {
  const absl::string_view phase = TextAt(live, "/status/phase");
  if (phase == "Succeeded") return ObjectHealth();
  if (phase == "Failed") {
    const absl::string_view message = TextAt(live, "/status/message");
    return Degraded(message.empty() ? "its containers have failed" : std::string(message));
  }
  if (const std::string trouble = ContainerTrouble(live); !trouble.empty()) {
    return Degraded(trouble);
  }
  const Value* ready = ConditionOf(live, "Ready");
  if (phase == "Running" && TextOf(ready, "status") == "True") return ObjectHealth();
  const Value* scheduled = ConditionOf(live, "PodScheduled");
  if (TextOf(scheduled, "reason") == "Unschedulable") {
    return Progressing(Words(scheduled), scheduled);
  }
  const std::string words = Words(ready);
  return Progressing(words.empty() ? "it has not started yet" : words, ready);
}

ObjectHealth Job(const Value& live) {
  if (IsTrueAt(live, "/spec/suspend")) return Suspended("it is suspended");
  const Value* failed = ConditionOf(live, "Failed");
  if (TextOf(failed, "status") == "True") return Degraded(Words(failed), failed);
  if (TextOf(ConditionOf(live, "Complete"), "status") == "True") return ObjectHealth();
  if (live.Find("/status/startTime") == nullptr) return Progressing("it has not started yet");
  return Progressing(absl::StrCat(NumberAt(live, "/status/succeeded"), " of ",
                                  NumberAt(live, "/spec/completions", 1), " runs are complete"));
}

ObjectHealth CronJob(const Value& live) {
  return IsTrueAt(live, "/spec/suspend") ? Suspended("it is suspended") : ObjectHealth();
}

ObjectHealth Service(const Value& live) {
  if (TextAt(live, "/spec/type") != "LoadBalancer") return ObjectHealth();
  const Value* ingress = live.Find("/status/loadBalancer/ingress");
  if (ingress != nullptr && ingress->is_list() && !ingress->list().empty()) return ObjectHealth();
  return Progressing("its load balancer has no address yet");
}

ObjectHealth VolumeClaim(const Value& live) {
  const absl::string_view phase = TextAt(live, "/status/phase");
  if (phase == "Bound") return ObjectHealth();
  if (phase == "Lost") return Degraded("its volume is lost");
  return Progressing("it is not bound to a volume yet");
}

ObjectHealth Volume(const Value& live) {
  if (TextAt(live, "/status/phase") != "Failed") return ObjectHealth();
  const absl::string_view message = TextAt(live, "/status/message");
  return Degraded(message.empty() ? "it could not be reclaimed" : std::string(message));
}

ObjectHealth DisruptionBudget(const Value& live) {
  const int64_t healthy = NumberAt(live, "/status/currentHealthy");
  const int64_t wanted = NumberAt(live, "/status/desiredHealthy");
  if (healthy >= wanted) return ObjectHealth();
  return Progressing(absl::StrCat(healthy, " of ", wanted, " pods that it asks for are healthy"));
}

ObjectHealth Definition(const Value& live) {
  const Value* names = ConditionOf(live, "NamesAccepted");
  if (TextOf(names, "status") == "False") return Degraded(Words(names), names);
  const Value* established = ConditionOf(live, "Established");
  if (TextOf(established, "status") == "True") return ObjectHealth();
  if (TextOf(established, "status") == "False" && TextOf(established, "reason") != "Installing") {
    return Degraded(Words(established), established);
  }
  return Progressing("it is not established yet", established);
}

ObjectHealth ApiService(const Value& live) {
  const Value* available = ConditionOf(live, "Available");
  if (TextOf(available, "status") == "True") return ObjectHealth();
  const std::string words = Words(available);
  return Progressing(words.empty() ? "it is not available yet" : words, available);
}

ObjectHealth Namespace(const Value& live) {
  return TextAt(live, "/status/phase") == "Terminating" ? Progressing("it is being deleted")
                                                        : ObjectHealth();
}

}  // namespace

std::optional<ObjectHealth> WorkloadHealth(const ObjectKey& key, const Value& live) {
  using Teller = ObjectHealth (*)(const Value&);
  static constexpr struct {
    absl::string_view group;
    absl::string_view kind;
    Teller tell;
  } kTellers[] = {
      {"apps", "Deployment", Deployment},
      {"apps", "StatefulSet", StatefulSet},
      {"apps", "DaemonSet", DaemonSet},
      {"apps", "ReplicaSet", ReplicaSet},
      {"", "ReplicationController", ReplicaSet},
      {"", "Pod", Pod},
      {"batch", "Job", Job},
      {"batch", "CronJob", CronJob},
      {"", "Service", Service},
      {"", "PersistentVolumeClaim", VolumeClaim},
      {"", "PersistentVolume", Volume},
      {"policy", "PodDisruptionBudget", DisruptionBudget},
      {"apiextensions.k8s.io", "CustomResourceDefinition", Definition},
      {"apiregistration.k8s.io", "APIService", ApiService},
      {"", "Namespace", Namespace},
  };
  for (const auto& [group, kind, tell] : kTellers) {
    if (key.kind == kind && key.group() == group) return tell(live);
  }
  return std::nullopt;
}

}  // namespace muster::agent
