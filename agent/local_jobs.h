// LocalJobs: the agent's jobs on threads of this process: one for the cluster, one for blobs, so
// that a slow download does not keep drift from being healed.
//
// Start: the core's thread. The destructor waits for the job that runs.
#pragma once

#include "agent/jobs.h"
#include "agent/perform.h"
#include "common/loop/inbox.h"
#include "common/loop/workers.h"

namespace muster::agent {

class LocalJobs final : public Jobs {
 public:
  // `tools` and `inbox` must outlive the jobs; results are posted to `inbox`.
  LocalJobs(Tools tools, Inbox<Event>& inbox);

  void Start(Job job) override;

 private:
  const Tools tools_;
  Inbox<Event>& inbox_;
  Workers blobs_;
  Workers cluster_;
};

}  // namespace muster::agent
