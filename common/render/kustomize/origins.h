// Origins: what `buildMetadata` asks for: where each object came from and what changed it. Pure.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/render/kustomize/res_map.h"

namespace muster::kustomize {

// "base" and "../x/a.yaml" joined and cleaned; leading ".." stay.
std::string JoinOriginPath(absl::string_view directory, absl::string_view path);

// The origin of what a generator or transformer of a kustomization makes.
Origin OriginOfBuiltin(absl::string_view directory, absl::string_view file, absl::string_view kind);
// Of what a plugin configured by `config`, which has an origin itself, makes.
Origin OriginOfPlugin(const Resource& config);

// Notes that a transformer ran: as the origin of resources without one, else in their list.
void NoteTransformer(const Origin& transformer, ResMap& map);

// The annotations of a resource as they are printed: without Kustomize's own ones, all texts, the
// origins written in where they are asked for; none rather than an empty map.
void FinishAnnotations(bool with_origin, bool with_transformations, Resource& resource);

}  // namespace muster::kustomize
