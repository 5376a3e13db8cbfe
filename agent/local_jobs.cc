#include "agent/local_jobs.h"

#include <utility>

namespace muster::agent {

LocalJobs::LocalJobs(Tools tools, Inbox<Event>& inbox)
    : tools_(tools), inbox_(inbox), blobs_("blobs", 1), cluster_("cluster", 1) {}

void LocalJobs::Start(Job job) {
  Workers& workers = std::holds_alternative<FetchBlobsJob>(job) ? blobs_ : cluster_;
  workers.Run([this, job = std::move(job)] { inbox_.Post(Perform(job, tools_)); });
}

}  // namespace muster::agent
