// The texts of the agent's Kubernetes objects; what stands between @ signs is filled in by
// agent_manifest.cc, which is the only one to read them.
#pragma once

#include "absl/strings/string_view.h"

namespace muster::cli {

inline constexpr absl::string_view kNamespace = R"(apiVersion: v1
kind: Namespace
metadata:
  name: @namespace@
  labels:
    app.kubernetes.io/part-of: muster
    pod-security.kubernetes.io/enforce: @level@
)";

// What the agent tells this cluster's own people, without the hub. The agent makes the one object
// of this kind: it could not be applied together with its definition.
inline constexpr absl::string_view kDefinition = R"(apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: musters.muster.dev
  labels:
    app.kubernetes.io/part-of: muster
spec:
  group: muster.dev
  names:
    kind: Muster
    listKind: MusterList
    plural: musters
    singular: muster
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      subresources:
        status: {}
      additionalPrinterColumns:
        - {name: Sync, type: string, jsonPath: .status.sync}
        - {name: Health, type: string, jsonPath: .status.health}
        - {name: Objects, type: integer, jsonPath: .status.objects}
        - {name: Drifted, type: integer, jsonPath: .status.drifted}
        - {name: Failed, type: integer, jsonPath: .status.failed}
        - {name: Held, type: integer, jsonPath: .status.held}
        - {name: Suspended, type: string, jsonPath: .status.suspended}
        - {name: Mode, type: string, jsonPath: .status.mode, priority: 1}
        - {name: Agent, type: string, jsonPath: .status.agentVersion, priority: 1}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          description: >-
            The agent's own story in this cluster. While annotated with muster.dev/suspend, it
            changes nothing.
          type: object
          properties:
            status:
              type: object
              x-kubernetes-preserve-unknown-fields: true
              properties:
                cluster: {type: string, description: This cluster's id at the hub.}
                sync: {type: string, description: "Synced, OutOfSync or Unknown."}
                health: {type: string, description: The worst health of all objects.}
                mode: {type: string, description: Enforce or Observe.}
                suspended: {type: string, description: What the annotation says.}
                generation: {type: integer, format: int64}
                objects: {type: integer, format: int64, description: In the inventory.}
                drifted: {type: integer, format: int64}
                failed: {type: integer, format: int64}
                held: {type: integer, format: int64, description: Deletions that a rail stopped.}
                unhealthy: {type: integer, format: int64}
                unmanaged: {type: integer, format: int64}
                conditions:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [type]
                  items:
                    type: object
                    required: [type, status]
                    properties:
                      type: {type: string}
                      status: {type: string}
                      reason: {type: string}
                      message: {type: string}
                      observedGeneration: {type: integer, format: int64}
                      lastTransitionTime: {type: string, format: date-time}
)";

inline constexpr absl::string_view kServiceAccount = R"(apiVersion: v1
kind: ServiceAccount
metadata:
  name: muster-agent
  namespace: @namespace@
  labels:
    app.kubernetes.io/part-of: muster
automountServiceAccountToken: false
)";

inline constexpr absl::string_view kAdminBinding = R"(apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: muster-agent
  labels:
    app.kubernetes.io/part-of: muster
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: cluster-admin
subjects:
  - {kind: ServiceAccount, name: muster-agent, namespace: @namespace@}
)";

inline constexpr absl::string_view kClusterRole = R"(apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: muster-agent
  labels:
    app.kubernetes.io/part-of: muster
)";

inline constexpr absl::string_view kClusterRoleBinding = R"(apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: muster-agent
  labels:
    app.kubernetes.io/part-of: muster
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: muster-agent
subjects:
  - {kind: ServiceAccount, name: muster-agent, namespace: @namespace@}
)";

inline constexpr absl::string_view kRole = R"(apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: muster-agent
  namespace: @scope@
  labels:
    app.kubernetes.io/part-of: muster
)";

inline constexpr absl::string_view kRoleBinding = R"(apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: muster-agent
  namespace: @scope@
  labels:
    app.kubernetes.io/part-of: muster
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: muster-agent
subjects:
  - {kind: ServiceAccount, name: muster-agent, namespace: @namespace@}
)";

// Worthless after one use, and within a day: see docs/security.md.
inline constexpr absl::string_view kJoinSecret = R"(apiVersion: v1
kind: Secret
metadata:
  name: muster-agent-join
  namespace: @namespace@
  labels:
    app.kubernetes.io/part-of: muster
type: Opaque
data:
  token: @token@
)";

// Private keys that open what is sealed for several clusters. The agent sees them as files, whoever
// makes the Secret and whenever.
inline constexpr absl::string_view kAgeSecret = R"(apiVersion: v1
kind: Secret
metadata:
  name: muster-agent-age
  namespace: @namespace@
  labels:
    app.kubernetes.io/part-of: muster
type: Opaque
data:
  keys.txt: @identities@
)";

// The agent dials out; nobody has a reason to call it.
inline constexpr absl::string_view kNetworkPolicy = R"(apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: muster-agent
  namespace: @namespace@
  labels:
    app.kubernetes.io/part-of: muster
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: muster-agent
  policyTypes: [Ingress]
  ingress: []
)";

// A stateful set, because there must never be two: each would take the other for drift.
inline constexpr absl::string_view kWorkload = R"(apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: muster-agent
  namespace: @namespace@
  labels:
    app.kubernetes.io/name: muster-agent
    app.kubernetes.io/part-of: muster
    app.kubernetes.io/version: @version@
spec:
  replicas: 1
  serviceName: muster-agent
  selector:
    matchLabels:
      app.kubernetes.io/name: muster-agent
  template:
    metadata:
      labels:
        app.kubernetes.io/name: muster-agent
        app.kubernetes.io/part-of: muster
        app.kubernetes.io/version: @version@
    spec:
      serviceAccountName: muster-agent
      automountServiceAccountToken: true
      enableServiceLinks: false
      terminationGracePeriodSeconds: 30
      nodeSelector:
        kubernetes.io/os: linux
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        fsGroupChangePolicy: OnRootMismatch
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: agent
          image: @image@
          args: []
          env: []
          resources:
            requests: {cpu: 10m, memory: 64Mi}
            limits: {memory: 512Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
          volumeMounts:
            - {name: data, mountPath: /var/lib/muster-agent}
            - {name: join, mountPath: /run/muster/join, readOnly: true}
            - {name: age, mountPath: /run/muster/age, readOnly: true}
            - {name: tmp, mountPath: /tmp}
      volumes:
        - name: join
          secret: {secretName: muster-agent-join, optional: true, defaultMode: 288}
        - name: age
          secret: {secretName: muster-agent-age, optional: true, defaultMode: 288}
        - name: tmp
          emptyDir: {sizeLimit: 16Mi}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests: {storage: 1Gi}
)";

}  // namespace muster::cli
