// Kubernetes' own kinds: how each says how it does, as kstatus reads it.
//
// Between health.cc and workloads.cc only. Pure.
#pragma once

#include <optional>

#include "agent/health/object_health.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// Nothing for a kind that is not known here.
std::optional<ObjectHealth> WorkloadHealth(const ObjectKey& key, const Value& live);

}  // namespace muster::agent
