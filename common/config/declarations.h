// Declarations: what a document of the fleet repository says, as messages. Here the fields are
// judged together; their types are already right (structure.h). Pure; any thread.
#pragma once

#include <string>

#include "common/config/findings.h"
#include "proto/fleet.pb.h"

namespace muster {

// The declaration in the document of `findings`, with its origin; defaults are filled in. What is
// wrong is added to the findings, and then the result means nothing. Requires: CheckStructure of
// the document's kind found nothing.
v1::Repository ReadRepository(Findings& findings);
v1::Package ReadPackage(Findings& findings);
v1::ClusterDeclaration ReadCluster(Findings& findings);

// A selector at the pointer `at`, whose structure is right.
v1::LabelSelector ReadSelector(const Value& value, const std::string& at, Findings& findings);

}  // namespace muster
