// Signers, and what a Repository's `verify` makes of them: the fields are read as declarations are,
// and then the keys of the Signers that a repository names are put into its policy, so that whoever
// follows the repository needs to know of no other declaration. Pure; any thread.
#pragma once

#include "common/config/findings.h"
#include "proto/fleet.pb.h"

namespace muster {

// As the functions of declarations.h.
v1::Signers ReadSigners(Findings& findings);

// Fills in `repository.verify`, if the document has it; without keys.
void ReadVerify(Findings& findings, v1::Repository& repository);

// Puts the keys into the policies. A repository whose Signers are in a file with an error gets an
// error itself: it keeps its former policy, which is safer than one with fewer keys, or more.
// Requires: missing Signers are among the errors already.
void ResolveSigners(v1::FleetConfig& config);

}  // namespace muster
