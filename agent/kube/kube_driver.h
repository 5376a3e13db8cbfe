// KubeDriver: a Kubernetes cluster, through its API server.
//
// Writes by server-side apply under the field manager `muster`; what is ours of an object is what
// the server says that we own of it. Objects that the agent looks at are watched, and List answers
// from what the watches told: while nothing changes, it costs no request. Requests go out together,
// within a window that a busy server makes smaller; what has to come first (namespaces,
// definitions, rights: ApplyOrder) is waited for. A deletion names uid and version.
//
// Calls block: one at a time, any thread. One thread of its own does all the talking.
#pragma once

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "agent/cluster/cluster_driver.h"
#include "agent/cluster/noticeboard.h"
#include "agent/kube/api_client.h"
#include "common/base/random.h"

namespace muster::agent {

struct KubeDriverOptions {
  ApiClientOptions client;
  std::string agent_namespace = "muster-system";     // where the agent's own status object lives
  absl::Duration list_patience = absl::Seconds(30);  // until the cluster's state is known
  absl::Duration batch_patience = absl::Minutes(2);  // for one call of Apply or Remove
  absl::Duration kind_patience = absl::Seconds(5);   // for a kind whose definition is in the batch
};

class KubeDriver final : public ClusterDriver {
 public:
  // `random` must outlive it. Asks nothing of the server yet.
  KubeDriver(KubeDriverOptions options, Random& random);
  ~KubeDriver() override;

  std::string Name() const override { return "kubernetes"; }
  absl::StatusOr<std::vector<LiveObject>> List(const std::vector<Query>& queries,
                                               bool contents) override;
  std::vector<DriverResult> Apply(const std::vector<ApplyRequest>& requests) override;
  std::vector<DriverResult> Remove(const std::vector<RemoveRequest>& requests) override;
  absl::StatusOr<Unmanaged> ListUnmanaged(const UnmanagedQuery& query) override;
  void Watch(std::function<void()> changed) override;

  // Where the agent tells its story; lives as long as the driver. Its calls are among the driver's:
  // one at a time.
  Noticeboard& noticeboard();

  // "v1.31.2"; an error when the server does not answer within `patience`.
  absl::StatusOr<std::string> ServerVersion(absl::Duration patience);

  // Requests sent so far, watches and second tries counted.
  uint64_t requests_sent();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace muster::agent
