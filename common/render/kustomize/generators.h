// Generators: ConfigMaps and Secrets from literals, files and env files. Pure; one thread.
//
// Called by accumulate.cc for configMapGenerator and secretGenerator, and for `generators` files of
// the builtin kinds ConfigMapGenerator and SecretGenerator. What comes back has behavior,
// needs_hash and place set; ResMap::Absorb puts it among the others.
#pragma once

#include "absl/status/statusor.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/loader.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

// Errors as of Loader::Load; kInvalidArgument for keys that no ConfigMap can have, doubled keys and
// malformed sources, naming the place of the generator.
absl::StatusOr<Resource> GenerateConfigMap(const GeneratorArgs& args, const Loader& loader);
absl::StatusOr<Resource> GenerateSecret(const GeneratorArgs& args, const Loader& loader);

// generatorOptions as Kustomize merges them into those of one generator, whose own win.
void MergeGeneratorOptions(const GeneratorOptions& global, GeneratorArgs& args);

}  // namespace muster::kustomize
