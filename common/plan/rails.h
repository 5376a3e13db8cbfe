// Rails: what no change of a package deletes by itself. The agent goes by them; a plan says
// beforehand what they would stop.
//
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "proto/fleet.pb.h"

namespace muster {

// Kinds of which nothing is ever deleted: data, definitions and rights that much else hangs on.
bool IsProtectedKind(absl::string_view kind);

// Namespaces of which nothing is ever deleted; an agent adds its own.
const std::vector<std::string>& ProtectedNamespaces();

// The most objects that one change of a package may delete in one cluster, of `managed` that it
// has there. A package may lower the default, never raise it.
int DeletionBudget(const v1::SyncPolicy& sync, int managed);

}  // namespace muster
