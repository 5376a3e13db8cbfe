// Kubernetes' own kinds and the convention of its API, each object as a cluster would show it.
#include "agent/health/health.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

ObjectHealth Health(const std::string& api_version, const std::string& kind,
                    const std::string& rest) {
  const auto documents = ParseYaml(
      absl::StrCat("apiVersion: ", api_version, "\nkind: ", kind, "\n", rest, "\n"), "test.yaml");
  CHECK_OK(documents);
  const ObjectKey key{.api_version = api_version, .kind = kind, .namespace_ = "web", .name = "a"};
  return HealthOf(key, (*documents)[0].value, nullptr);
}

// "Progressing: 1 of 3 replicas are ready", or just "Healthy".
std::string Says(const std::string& api_version, const std::string& kind, const std::string& rest) {
  const ObjectHealth health = Health(api_version, kind, rest);
  return health.message.empty() ? std::string(HealthWordName(health.word))
                                : absl::StrCat(HealthWordName(health.word), ": ", health.message);
}

// ---------------------------------------------------------------- every kind

TEST(Health, AnObjectThatSaysNothingIsHealthyByBeingThere) {
  EXPECT_EQ(Says("v1", "ConfigMap", "data: {a: b}"), "Healthy");
  EXPECT_EQ(Says("example.com/v1", "Widget", "spec: {}"), "Healthy");
  EXPECT_EQ(Says("example.com/v1", "Widget", "status: odd"), "Healthy");
  EXPECT_EQ(Says("example.com/v1", "Widget", "status: {conditions: odd}"), "Healthy");
  EXPECT_EQ(Says("example.com/v1", "Widget", "status: {conditions: [odd, {type: 1}]}"), "Healthy");
}

TEST(Health, AnObjectOnItsWayOutSaysWhatItWaitsFor) {
  EXPECT_EQ(Says("v1", "ConfigMap", "metadata: {deletionTimestamp: '2026-01-02T03:04:05Z'}"),
            "Progressing: is being deleted since 2026-01-02T03:04:05Z");
  EXPECT_EQ(Says("apps/v1", "Deployment",
                 "metadata: {deletionTimestamp: '2026-01-02T03:04:05Z', finalizers: [a/b, c]}"),
            "Progressing: is being deleted since 2026-01-02T03:04:05Z; waits for a/b, c");
}

TEST(Health, StatusOfAnOlderGenerationDoesNotCount) {
  EXPECT_EQ(Says("example.com/v1", "Widget",
                 "metadata: {generation: 3}\nstatus: {observedGeneration: 2, conditions: [{type: "
                 "Ready, status: 'True'}]}"),
            "Progressing: its controller has not seen the last change yet");
  EXPECT_EQ(Says("example.com/v1", "Widget",
                 "metadata: {generation: 3}\nstatus: {observedGeneration: '2'}"),
            "Progressing: its controller has not seen the last change yet");
  EXPECT_EQ(Says("example.com/v1", "Widget",
                 "metadata: {generation: 3}\nstatus: {observedGeneration: 3}"),
            "Healthy");
}

TEST(Health, ReadsTheConventionOfConditions) {
  const auto with = [](const std::string& conditions) {
    return Says("example.com/v1", "Widget", "status: {conditions: [" + conditions + "]}");
  };
  EXPECT_EQ(with("{type: Ready, status: 'True'}"), "Healthy");
  EXPECT_EQ(with("{type: Ready, status: 'False', message: not yet}"), "Progressing: not yet");
  EXPECT_EQ(with("{type: Ready, status: Unknown, reason: Waits}"), "Progressing: Waits");
  EXPECT_EQ(with("{type: Stalled, status: 'True', message: wrong key}, {type: Ready, status: "
                 "'False'}"),
            "Degraded: wrong key");
  EXPECT_EQ(with("{type: Reconciling, status: 'True', message: at it}, {type: Ready, status: "
                 "'True'}"),
            "Progressing: at it");
}

TEST(Health, TellsSinceWhen) {
  EXPECT_EQ(Health("example.com/v1", "Widget",
                   "status: {conditions: [{type: Ready, status: 'False', lastTransitionTime: "
                   "'1970-01-01T00:01:00Z'}]}")
                .since,
            absl::FromUnixSeconds(60));
  EXPECT_EQ(Health("example.com/v1", "Widget",
                   "status: {conditions: [{type: Ready, status: 'False', lastTransitionTime: x}]}")
                .since,
            absl::InfinitePast());
}

// ---------------------------------------------------------------- workloads

std::string Deployment(const std::string& spec, const std::string& status) {
  return Says("apps/v1", "Deployment", absl::StrCat("spec: {", spec, "}\nstatus: {", status, "}"));
}

constexpr char kAvailable[] =
    "conditions: [{type: Available, status: 'True'}, {type: Progressing, status: 'True', reason: "
    "NewReplicaSetAvailable}]";

TEST(DeploymentHealth, FollowsARolloutStepByStep) {
  const std::string spec = "replicas: 3, progressDeadlineSeconds: 600";
  EXPECT_EQ(Deployment(spec, ""), "Progressing: 0 of 3 replicas are made");
  EXPECT_EQ(Deployment(spec, "replicas: 3, updatedReplicas: 1"),
            "Progressing: 1 of 3 replicas are updated");
  EXPECT_EQ(Deployment(spec, "replicas: 4, updatedReplicas: 3"),
            "Progressing: 1 old replicas are still there");
  EXPECT_EQ(Deployment(spec, "replicas: 3, updatedReplicas: 3, availableReplicas: 2"),
            "Progressing: 2 of 3 replicas are available");
  const std::string full =
      "replicas: 3, updatedReplicas: 3, availableReplicas: 3, readyReplicas: 3, ";
  EXPECT_EQ(Deployment(spec, full + "conditions: [{type: Progressing, status: 'True', reason: "
                                    "ReplicaSetUpdated}]"),
            "Progressing: its new replica set is not available yet");
  EXPECT_EQ(Deployment(spec, full + "conditions: [{type: Available, status: 'False'}]"),
            "Progressing: it is not available yet");
  EXPECT_EQ(Deployment(spec, full + kAvailable), "Healthy");
}

TEST(DeploymentHealth, KnowsWhenItWillNotGetThere) {
  EXPECT_EQ(Deployment("replicas: 3",
                       "replicas: 3, conditions: [{type: Progressing, status: 'False', reason: "
                       "ProgressDeadlineExceeded, message: timed out}]"),
            "Degraded: timed out");
  EXPECT_EQ(Deployment("replicas: 3",
                       "conditions: [{type: ReplicaFailure, status: 'True', "
                       "message: quota exceeded}]"),
            "Progressing: quota exceeded");
}

TEST(DeploymentHealth, NoneWantedIsHealthyAndPausedIsSuspended) {
  EXPECT_EQ(Deployment("replicas: 0", "observedGeneration: 1"), "Healthy");
  EXPECT_EQ(Deployment("replicas: 3, paused: true", ""), "Suspended: its rollout is paused");
  EXPECT_EQ(Deployment("", std::string("replicas: 1, updatedReplicas: 1, availableReplicas: 1, "
                                       "readyReplicas: 1, ") +
                               kAvailable),
            "Healthy");
}

std::string StatefulSet(const std::string& spec, const std::string& status) {
  return Says("apps/v1", "StatefulSet", absl::StrCat("spec: {", spec, "}\nstatus: {", status, "}"));
}

TEST(StatefulSetHealth, FollowsItsRevision) {
  EXPECT_EQ(StatefulSet("replicas: 3", "replicas: 1"), "Progressing: 1 of 3 replicas are made");
  EXPECT_EQ(StatefulSet("replicas: 3", "replicas: 3, readyReplicas: 2"),
            "Progressing: 2 of 3 replicas are ready");
  EXPECT_EQ(StatefulSet("replicas: 1", "replicas: 3, readyReplicas: 3"),
            "Progressing: 2 replicas are still to go");
  EXPECT_EQ(StatefulSet("replicas: 3",
                        "replicas: 3, readyReplicas: 3, updatedReplicas: 1, currentRevision: a, "
                        "updateRevision: b"),
            "Progressing: 1 of 3 replicas are updated");
  EXPECT_EQ(StatefulSet("replicas: 3",
                        "replicas: 3, readyReplicas: 3, currentRevision: b, updateRevision: b"),
            "Healthy");
}

TEST(StatefulSetHealth, APartitionIsDoneWhenItsPartIs) {
  const std::string spec = "replicas: 3, updateStrategy: {rollingUpdate: {partition: 2}}";
  const std::string status = "replicas: 3, readyReplicas: 3, currentRevision: a, updateRevision: b";
  EXPECT_EQ(StatefulSet(spec, status), "Progressing: 0 of 1 replicas are updated");
  EXPECT_EQ(StatefulSet(spec, status + ", updatedReplicas: 1"), "Healthy");
  EXPECT_EQ(StatefulSet("replicas: 3, updateStrategy: {type: OnDelete}", ""), "Healthy");
}

TEST(DaemonSetHealth, CountsNodes) {
  const auto daemon = [](const std::string& status) {
    return Says("apps/v1", "DaemonSet", "status: {" + status + "}");
  };
  EXPECT_EQ(daemon(""), "Progressing: its controller has not seen it yet");
  const std::string seen = "observedGeneration: 1, desiredNumberScheduled: 2";
  EXPECT_EQ(daemon(seen), "Progressing: 0 of 2 pods are scheduled");
  EXPECT_EQ(daemon(seen + ", currentNumberScheduled: 2"), "Progressing: 0 of 2 pods are updated");
  EXPECT_EQ(daemon(seen + ", currentNumberScheduled: 2, updatedNumberScheduled: 2"),
            "Progressing: 0 of 2 pods are available");
  EXPECT_EQ(daemon(seen + ", currentNumberScheduled: 2, updatedNumberScheduled: 2, "
                          "numberAvailable: 2, numberReady: 2"),
            "Healthy");
  EXPECT_EQ(daemon("observedGeneration: 1, desiredNumberScheduled: 0"), "Healthy");
}

TEST(ReplicaSetHealth, CountsReplicas) {
  EXPECT_EQ(Says("apps/v1", "ReplicaSet", "spec: {replicas: 2}"),
            "Progressing: 0 of 2 replicas are labelled");
  EXPECT_EQ(Says("apps/v1", "ReplicaSet",
                 "spec: {replicas: 2}\nstatus: {replicas: 2, fullyLabeledReplicas: 2, "
                 "availableReplicas: 2, readyReplicas: 2}"),
            "Healthy");
}

TEST(PodHealth, TellsAStartFromACrash) {
  EXPECT_EQ(Says("v1", "Pod", "status: {phase: Pending}"), "Progressing: it has not started yet");
  EXPECT_EQ(
      Says("v1", "Pod", "status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}"),
      "Healthy");
  EXPECT_EQ(Says("v1", "Pod",
                 "status: {phase: Running, conditions: [{type: Ready, status: 'False', message: "
                 "containers with unready status}]}"),
            "Progressing: containers with unready status");
  EXPECT_EQ(Says("v1", "Pod",
                 "status: {phase: Running, containerStatuses: [{name: app, state: {waiting: "
                 "{reason: CrashLoopBackOff, message: back-off 5m}}}]}"),
            "Degraded: container app: CrashLoopBackOff: back-off 5m");
  EXPECT_EQ(Says("v1", "Pod",
                 "status: {phase: Pending, initContainerStatuses: [{name: init, state: {waiting: "
                 "{reason: ImagePullBackOff}}}]}"),
            "Degraded: container init: ImagePullBackOff");
  EXPECT_EQ(Says("v1", "Pod",
                 "status: {phase: Pending, conditions: [{type: PodScheduled, status: 'False', "
                 "reason: Unschedulable, message: 0/3 nodes}]}"),
            "Progressing: 0/3 nodes");
  EXPECT_EQ(Says("v1", "Pod", "status: {phase: Succeeded}"), "Healthy");
  EXPECT_EQ(Says("v1", "Pod", "status: {phase: Failed, message: evicted}"), "Degraded: evicted");
}

TEST(JobHealth, IsHealthyOnceItIsDone) {
  EXPECT_EQ(Says("batch/v1", "Job", "spec: {}"), "Progressing: it has not started yet");
  EXPECT_EQ(Says("batch/v1", "Job", "spec: {completions: 3}\nstatus: {startTime: x, succeeded: 1}"),
            "Progressing: 1 of 3 runs are complete");
  EXPECT_EQ(Says("batch/v1", "Job",
                 "status: {startTime: x, conditions: [{type: Complete, status: 'True'}]}"),
            "Healthy");
  EXPECT_EQ(Says("batch/v1", "Job",
                 "status: {conditions: [{type: Failed, status: 'True', message: backoff limit}]}"),
            "Degraded: backoff limit");
  EXPECT_EQ(Says("batch/v1", "Job", "spec: {suspend: true}"), "Suspended: it is suspended");
  EXPECT_EQ(Says("batch/v1", "CronJob", "spec: {suspend: true}"), "Suspended: it is suspended");
  EXPECT_EQ(Says("batch/v1", "CronJob", "spec: {}"), "Healthy");
}

TEST(StorageHealth, WaitsForAVolume) {
  EXPECT_EQ(Says("v1", "PersistentVolumeClaim", "status: {phase: Pending}"),
            "Progressing: it is not bound to a volume yet");
  EXPECT_EQ(Says("v1", "PersistentVolumeClaim", "status: {phase: Bound}"), "Healthy");
  EXPECT_EQ(Says("v1", "PersistentVolumeClaim", "status: {phase: Lost}"),
            "Degraded: its volume is lost");
  EXPECT_EQ(Says("v1", "PersistentVolume", "status: {phase: Available}"), "Healthy");
  EXPECT_EQ(Says("v1", "PersistentVolume", "status: {phase: Failed, message: no disk}"),
            "Degraded: no disk");
}

TEST(ServiceHealth, OnlyALoadBalancerIsWaitedFor) {
  EXPECT_EQ(Says("v1", "Service", "spec: {type: ClusterIP}"), "Healthy");
  EXPECT_EQ(Says("v1", "Service", "spec: {type: LoadBalancer}\nstatus: {loadBalancer: {}}"),
            "Progressing: its load balancer has no address yet");
  EXPECT_EQ(Says("v1", "Service",
                 "spec: {type: LoadBalancer}\nstatus: {loadBalancer: {ingress: [{ip: 1.2.3.4}]}}"),
            "Healthy");
}

TEST(ExtensionHealth, WaitsUntilItCanBeUsed) {
  EXPECT_EQ(Says("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""),
            "Progressing: it is not established yet");
  EXPECT_EQ(Says("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                 "status: {conditions: [{type: Established, status: 'False', reason: "
                 "Installing}]}"),
            "Progressing: it is not established yet");
  EXPECT_EQ(Says("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                 "status: {conditions: [{type: Established, status: 'True'}]}"),
            "Healthy");
  EXPECT_EQ(Says("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                 "status: {conditions: [{type: NamesAccepted, status: 'False', message: taken}]}"),
            "Degraded: taken");
  EXPECT_EQ(Says("apiregistration.k8s.io/v1", "APIService", ""),
            "Progressing: it is not available yet");
  EXPECT_EQ(
      Says("apiregistration.k8s.io/v1", "APIService",
           "status: {conditions: [{type: Available, status: 'False', message: no endpoints}]}"),
      "Progressing: no endpoints");
  EXPECT_EQ(Says("apiregistration.k8s.io/v1", "APIService",
                 "status: {conditions: [{type: Available, status: 'True'}]}"),
            "Healthy");
  EXPECT_EQ(Says("v1", "Namespace", "status: {phase: Active}"), "Healthy");
  EXPECT_EQ(Says("v1", "Namespace", "status: {phase: Terminating}"),
            "Progressing: it is being deleted");
}

TEST(BudgetHealth, NeedsItsPods) {
  EXPECT_EQ(
      Says("policy/v1", "PodDisruptionBudget", "status: {currentHealthy: 1, desiredHealthy: 2}"),
      "Progressing: 1 of 2 pods that it asks for are healthy");
  EXPECT_EQ(
      Says("policy/v1", "PodDisruptionBudget", "status: {currentHealthy: 2, desiredHealthy: 2}"),
      "Healthy");
}

// A kind of another group that merely has the name of a workload is nobody that we know.
TEST(Health, KnowsKindsByTheirGroup) {
  EXPECT_EQ(Says("example.com/v1", "Deployment", "spec: {replicas: 3}"), "Healthy");
}

}  // namespace
}  // namespace muster::agent
