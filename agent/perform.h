// Perform: does one job of an agent, here and now. What LocalJobs runs on its threads and what a
// simulation runs after a delay of its choice, so that both do the same.
//
// Blocks. Any thread, one cluster job and one blob job at a time.
#pragma once

#include "agent/cluster/cluster_driver.h"
#include "agent/cluster/noticeboard.h"
#include "agent/core/event.h"
#include "agent/core/outbox.h"
#include "agent/rpc/blob_fetcher.h"
#include "agent/secrets/unsealer.h"
#include "common/store/store.h"

namespace muster::agent {

// Each must outlive the call.
struct Tools {
  ClusterDriver& driver;
  Store& store;
  BlobFetcher& fetcher;
  Noticeboard* noticeboard = nullptr;  // null: the cluster has no place for one
  const Unsealer* unsealer = nullptr;  // null: sealed objects cannot be opened
};

// The event that answers `job`. Failures are in the event.
Event Perform(const Job& job, const Tools& tools);

}  // namespace muster::agent
