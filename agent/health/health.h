// HealthOf: how an object does, told from the object as it is in the cluster.
//
// Asked in this order: is it being deleted; the package's own rules (rules.h); the rules that
// Muster ships for well-known operators (shipped_rules.cc); what is known of Kubernetes' own kinds
// (workloads.cc); and for everything else the convention that kstatus reads: observedGeneration,
// Reconciling, Stalled and Ready. An object that says nothing is healthy by being there.
//
// One departure from kstatus: a Job is Progressing until it is complete, because whoever orders
// things by waves wants a migration done, not begun.
//
// Pure; any thread. Promises: no clock (a time limit is the agent's, not the object's), and no
// object, however odd, is more than Unknown.
#pragma once

#include "agent/health/object_health.h"
#include "agent/health/rules.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// `live` is the whole object, its status too. `rules` may be null.
ObjectHealth HealthOf(const ObjectKey& key, const Value& live, const HealthRules* rules);

}  // namespace muster::agent
