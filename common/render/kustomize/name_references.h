// Name references: fields that hold the name of a resource which got another one. Pure.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "common/render/kustomize/res_map.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

// Every field of the table that holds a former name of a resource of the table's kind gets the name
// that it has now (and, in maps with a namespace, that too). Who is meant among several: those in
// reach of the referrer (namespace), then those that share its prefixes and suffixes.
// kInvalidArgument, naming them, when several are left that are not called alike.
absl::Status UpdateNameReferences(const std::vector<NameReference>& table, ResMap& map);

}  // namespace muster::kustomize
