// Helm fields: spec.helm of a package and of its targets, read. For declarations.cc. Pure.
#pragma once

#include "common/config/findings.h"
#include "proto/fleet.pb.h"

namespace muster {

// Fills in what the document says; errors go to the findings. Requires: types are right, and the
// package's renderer and targets are read.
void ReadHelmFields(Findings& findings, v1::Package& package);

}  // namespace muster
