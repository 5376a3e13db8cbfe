#include "common/render/kustomize/accumulate.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_last_key.h"
#include "common/render/kustomize/crds.h"
#include "common/render/kustomize/generators.h"
#include "common/render/kustomize/helm_charts.h"
#include "common/render/kustomize/origins.h"
#include "common/render/kustomize/patches.h"
#include "common/render/kustomize/plugins.h"
#include "common/render/kustomize/remote.h"
#include "common/render/kustomize/replacements.h"
#include "common/render/kustomize/stages.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kFileNames[] = {"kustomization.yaml", "kustomization.yml",
                                            "Kustomization"};

std::string PathIn(const std::string& directory, absl::string_view file) {
  return directory.empty() ? std::string(file) : absl::StrCat(directory, "/", file);
}

absl::Status At(const Place& place, const absl::Status& status) {
  return Annotate(status, place.text());
}

absl::StatusOr<SharedKustomization> ReadKustomizationOf(BuildCache::State& state,
                                                        const std::string& directory) {
  std::string path;
  const std::string* bytes = nullptr;
  for (const absl::string_view name : kFileNames) {
    const std::string candidate = PathIn(directory, name);
    ASSIGN_OR_RETURN(const std::string* found, state.files.source().Find(candidate));
    if (found == nullptr) continue;
    if (bytes != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(candidate, ": there is also ", path, "; a directory has one kustomization"));
    }
    path = candidate;
    bytes = found;
  }
  if (bytes == nullptr) {
    return absl::NotFoundError(absl::StrCat("directory '", directory.empty() ? "." : directory,
                                            "' has no kustomization.yaml"));
  }
  // A key that is there twice is the last one, as Kustomize has it for this file alone.
  ASSIGN_OR_RETURN(const Documents documents, ParseYamlLastKeyWins(*bytes, path));
  if (documents.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":1: the kustomization is empty; give it at least 'resources: []'"));
  }
  // Of several documents Kustomize reads the first.
  ASSIGN_OR_RETURN(Kustomization kustomization, ReadKustomization(documents.front()));
  return std::make_shared<const Kustomization>(std::move(kustomization));
}

absl::Status AppendBase(Accumulated base, Accumulated& accumulated) {
  RETURN_IF_ERROR(accumulated.map.AppendAll(std::move(base.map)));
  if (accumulated.map.size() > static_cast<size_t>(limits::kObjectsPerBundleMax)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("there are more than ", limits::kObjectsPerBundleMax, " objects"));
  }
  ASSIGN_OR_RETURN(accumulated.config, MergeConfigs(accumulated.config, base.config));
  return MergeVars(base.vars, accumulated.vars);
}

absl::Status AccumulateFile(const Entry& entry, const Loader::File& file, const Loader& loader,
                            const std::string& origin, Accumulated& accumulated,
                            const BuildContext& context) {
  ASSIGN_OR_RETURN(std::vector<Resource> resources,
                   loader.files().Resources(file.path, *file.bytes));
  for (Resource& resource : resources) {
    if (context.tracks_origins) {
      resource.origin.emplace().path = JoinOriginPath(origin, entry.text);
    }
    RETURN_IF_ERROR(accumulated.map.Append(std::move(resource)));
  }
  return absl::OkStatus();
}

// The accumulation of a base, from the cache where nothing but its files went into it.
absl::StatusOr<Accumulated> AccumulateBase(const Loader& loader, const Loader& parent,
                                           const std::string& origin, BuildContext& context) {
  const bool cacheable = !context.tracks_origins && context.own_schema == nullptr;
  const std::string key =
      absl::StrCat(loader.restrictor() == LoadRestrictor::kNone ? "none " : "root ", loader.root());
  BuildCache::State& state = context.state;
  if (const auto known = state.bases.find(key); cacheable && known != state.bases.end()) {
    // Found to be without cycles, but not as seen from here.
    for (const std::string& directory : known->second->directories) {
      RETURN_IF_ERROR(parent.RefuseCycle(directory));
    }
    context.entered.insert(context.entered.end(), known->second->directories.begin(),
                           known->second->directories.end());
    return known->second->accumulated;
  }
  const size_t first = context.entered.size();
  context.entered.push_back(loader.root());
  ASSIGN_OR_RETURN(const SharedKustomization kustomization, LoadKustomization(state, loader));
  if (kustomization->is_component) {
    return kustomization->place.file == nullptr
               ? absl::InternalError("a kustomization without a file")
               : At(kustomization->place,
                    absl::InvalidArgumentError(
                        "this is a Component; list it under 'components' and not 'resources'"));
  }
  RETURN_IF_ERROR(UseOpenApi(*kustomization, loader, context));
  ASSIGN_OR_RETURN(Accumulated accumulated,
                   Accumulate(*kustomization, loader, origin, Accumulated(), context));
  if (cacheable && context.own_schema == nullptr) {
    auto base = std::make_shared<BuildCache::State::Base>();
    base->accumulated = accumulated;
    base->directories.assign(context.entered.begin() + static_cast<ptrdiff_t>(first),
                             context.entered.end());
    state.bases[key] = std::move(base);
  }
  return accumulated;
}

// One entry of `resources`: a file, or a directory with a kustomization.
absl::Status AccumulateResource(const Entry& entry, const Loader& loader, const std::string& origin,
                                Accumulated& accumulated, BuildContext& context) {
  ASSIGN_OR_RETURN(const std::string path, loader.Resolve(entry.text));
  ASSIGN_OR_RETURN(const std::string* bytes, loader.files().source().Find(path));
  if (bytes != nullptr) {
    ASSIGN_OR_RETURN(const Loader::File file, loader.Load(entry.text));
    return AccumulateFile(entry, file, loader, origin, accumulated, context);
  }
  if (context.tracks_origins && IsRemote(entry.text)) {
    return absl::UnimplementedError(absl::StrCat(
        "'", entry.text,
        "' is in another repository, which buildMetadata cannot say here; remove "
        "originAnnotations and transformerAnnotations, or copy the base into this repository"));
  }
  ASSIGN_OR_RETURN(const Loader below, loader.Enter(entry.text));
  ASSIGN_OR_RETURN(Accumulated base,
                   AccumulateBase(below, loader, JoinOriginPath(origin, entry.text), context));
  return AppendBase(std::move(base), accumulated);
}

absl::Status AccumulateComponents(const Kustomization& k, const Loader& loader,
                                  const std::string& origin, Accumulated& accumulated,
                                  BuildContext& context) {
  for (const Entry& entry : k.components) {
    const absl::StatusOr<Loader> below = loader.Enter(entry.text);
    if (!below.ok()) return At(entry.place, below.status());
    context.entered.push_back(below->root());
    const absl::StatusOr<SharedKustomization> component = LoadKustomization(context.state, *below);
    if (!component.ok()) return At(entry.place, component.status());
    if (!(*component)->is_component) {
      return At(entry.place, absl::InvalidArgumentError(absl::StrCat(
                                 (*component)->path,
                                 " has no 'kind: Component'; list it under 'resources', or "
                                 "make it a component")));
    }
    RETURN_IF_ERROR(UseOpenApi(**component, *below, context));
    absl::StatusOr<Accumulated> changed = Accumulate(
        **component, *below, JoinOriginPath(origin, entry.text), std::move(accumulated), context);
    if (!changed.ok()) return At(entry.place, changed.status());
    accumulated = *std::move(changed);
  }
  return absl::OkStatus();
}

absl::Status MergeConfigurations(const Kustomization& k, const Loader& loader,
                                 Accumulated& accumulated) {
  SharedConfig given;
  const auto merge = [](const SharedConfig& more, const Place& place,
                        SharedConfig& config) -> absl::Status {
    absl::StatusOr<SharedConfig> merged = MergeConfigs(config, more);
    if (!merged.ok()) return At(place, merged.status());
    config = *std::move(merged);
    return absl::OkStatus();
  };
  const auto read = [&loader](const Entry& entry) -> absl::StatusOr<SharedDocuments> {
    const absl::StatusOr<Loader::File> file = loader.Load(entry.text);
    if (!file.ok()) return At(entry.place, file.status());
    return loader.files().Read(file->path, *file->bytes);
  };
  for (const Entry& entry : k.configurations) {
    ASSIGN_OR_RETURN(const SharedDocuments documents, read(entry));
    if (documents->empty()) continue;
    ASSIGN_OR_RETURN(TransformerConfig config, ReadTransformerConfig(documents->front()));
    RETURN_IF_ERROR(
        merge(std::make_shared<TransformerConfig>(std::move(config)), entry.place, given));
  }
  SharedConfig own = DefaultConfig();
  RETURN_IF_ERROR(merge(given, k.place, own));
  RETURN_IF_ERROR(merge(own, k.place, accumulated.config));
  SharedConfig from_crds;
  for (const Entry& entry : k.crds) {
    ASSIGN_OR_RETURN(const SharedDocuments documents, read(entry));
    if (documents->empty()) continue;
    ASSIGN_OR_RETURN(const SharedConfig config, ReadCrds(documents->front()));
    RETURN_IF_ERROR(merge(config, entry.place, from_crds));
  }
  return merge(from_crds, k.place, accumulated.config);
}

absl::Status RunGenerators(const Kustomization& k, const Loader& loader, const std::string& origin,
                           Accumulated& accumulated, BuildContext& context) {
  const std::string file = k.path.substr(k.path.rfind('/') + 1);
  const auto run = [&](const std::vector<GeneratorArgs>& all, absl::string_view kind,
                       auto generate) -> absl::Status {
    for (GeneratorArgs args : all) {
      if (k.generator_options.has_value()) MergeGeneratorOptions(*k.generator_options, args);
      ASSIGN_OR_RETURN(Resource resource, generate(args, loader));
      if (context.tracks_origins) resource.origin = OriginOfBuiltin(origin, file, kind);
      RETURN_IF_ERROR(accumulated.map.Absorb(std::move(resource)));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(run(k.config_map_generators, "ConfigMapGenerator", GenerateConfigMap));
  RETURN_IF_ERROR(run(k.secret_generators, "SecretGenerator", GenerateSecret));
  ASSIGN_OR_RETURN(std::vector<Resource> charts,
                   InflateCharts(k.helm_charts, loader, context.state.charts));
  for (Resource& resource : charts) {
    if (context.tracks_origins) {
      resource.origin = OriginOfBuiltin(origin, file, "HelmChartInflationGenerator");
    }
    RETURN_IF_ERROR(accumulated.map.Absorb(std::move(resource)));
  }
  if (k.generators.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Resource> plugins,
                   LoadPlugins(k.generators, loader, origin, file, context));
  for (const Resource& plugin : plugins) {
    ASSIGN_OR_RETURN(std::vector<Resource> made,
                     RunGeneratorPlugin(plugin, loader, context.state.charts));
    for (Resource& resource : made) {
      if (context.tracks_origins) resource.origin = OriginOfPlugin(plugin);
      RETURN_IF_ERROR(accumulated.map.Absorb(std::move(resource)));
    }
  }
  return absl::OkStatus();
}

// The transformers of one kustomization, with what each leaves in the list of transformations.
class Transformers {
 public:
  Transformers(const Kustomization& k, const Loader& loader, const std::string& origin,
               const TransformerConfig& config, const BuildContext& context, ResMap& map)
      : k_(k), loader_(loader), origin_(origin), config_(config), context_(context), map_(map) {}

  absl::Status Run() {
    RETURN_IF_ERROR(RunPatches());
    RETURN_IF_ERROR(RunNames());
    RETURN_IF_ERROR(RunLabels());
    for (const Patch& patch : k_.patches_json6902) {
      RETURN_IF_ERROR(
          Done("PatchJson6902Transformer", ApplyJson6902Patches({patch}, loader_, map_)));
    }
    for (const ReplicaEdit& replica : k_.replicas) {
      RETURN_IF_ERROR(
          Done("ReplicaCountTransformer", ApplyReplicas(replica, config_.replicas, map_)));
    }
    for (const ImageEdit& image : k_.images) {
      RETURN_IF_ERROR(Done("ImageTagTransformer", ApplyImage(image, config_.images, map_)));
    }
    if (k_.replacements.empty()) return absl::OkStatus();
    return Done("ReplacementTransformer", ApplyReplacements(k_.replacements, loader_, map_));
  }

 private:
  absl::Status RunPatches() {
    if (!k_.patches_strategic_merge.empty()) {
      RETURN_IF_ERROR(Done("PatchStrategicMergeTransformer",
                           ApplyStrategicMergePatches(k_.patches_strategic_merge, loader_,
                                                      context_.schema(), map_)));
    }
    for (const Patch& patch : k_.patches) {
      RETURN_IF_ERROR(
          Done("PatchTransformer", ApplyPatches({patch}, loader_, context_.schema(), map_)));
    }
    return absl::OkStatus();
  }

  absl::Status RunNames() {
    if (!k_.namespace_.empty()) {
      const NamespaceEdit edit{k_.namespace_, config_.namespace_};
      RETURN_IF_ERROR(Done("NamespaceTransformer", ApplyNamespace(edit, k_.place, map_)));
    }
    if (!k_.name_prefix.empty()) {
      RETURN_IF_ERROR(
          Done("PrefixTransformer", ApplyPrefix(k_.name_prefix, config_.name_prefix, map_)));
    }
    if (k_.name_suffix.empty()) return absl::OkStatus();
    return Done("SuffixTransformer", ApplySuffix(k_.name_suffix, config_.name_suffix, map_));
  }

  absl::Status RunLabels() {
    for (const LabelEdit& labels : k_.labels) {
      const absl::StatusOr<FieldSpecs> fields = FieldsOfLabels(labels, config_);
      if (!fields.ok()) return At(labels.place, fields.status());
      RETURN_IF_ERROR(Done("LabelTransformer", ApplyPairs(labels.pairs, *fields, map_)));
    }
    if (!k_.labels.empty() || !k_.common_labels.empty()) {
      RETURN_IF_ERROR(
          Done("LabelTransformer", ApplyPairs(k_.common_labels, config_.common_labels, map_)));
    }
    if (k_.common_annotations.empty()) return absl::OkStatus();
    return Done("AnnotationsTransformer",
                ApplyPairs(k_.common_annotations, config_.common_annotations, map_));
  }

  absl::Status Done(absl::string_view kind, const absl::Status& status) {
    RETURN_IF_ERROR(status);
    if (context_.tracks_origins) {
      const std::string file = k_.path.substr(k_.path.rfind('/') + 1);
      NoteTransformer(OriginOfBuiltin(origin_, file, kind), map_);
    }
    map_.RemoveDropped();
    return absl::OkStatus();
  }

  const Kustomization& k_;
  const Loader& loader_;
  const std::string& origin_;
  const TransformerConfig& config_;
  const BuildContext& context_;
  ResMap& map_;
};

absl::Status RunTransformerPlugins(const Kustomization& k, const Loader& loader,
                                   const std::string& origin, Accumulated& accumulated,
                                   BuildContext& context) {
  const std::string file = k.path.substr(k.path.rfind('/') + 1);
  if (!k.transformers.empty()) {
    ASSIGN_OR_RETURN(const std::vector<Resource> plugins,
                     LoadPlugins(k.transformers, loader, origin, file, context));
    for (const Resource& plugin : plugins) {
      RETURN_IF_ERROR(RunTransformerPlugin(plugin, loader, context.schema(), accumulated.map));
      if (context.tracks_origins) NoteTransformer(OriginOfPlugin(plugin), accumulated.map);
      accumulated.map.RemoveDropped();
    }
  }
  if (k.validators.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Resource> validators,
                   LoadPlugins(k.validators, loader, origin, file, context));
  for (const Resource& validator : validators) {
    RETURN_IF_ERROR(RunValidatorPlugin(validator, loader, context.schema(), accumulated.map));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SharedKustomization> LoadKustomization(BuildCache::State& state,
                                                      const Loader& loader) {
  const auto known = state.kustomizations.find(loader.root());
  if (known != state.kustomizations.end()) return known->second;
  return state.kustomizations.emplace(loader.root(), ReadKustomizationOf(state, loader.root()))
      .first->second;
}

absl::Status UseOpenApi(const Kustomization& k, const Loader& loader, BuildContext& context) {
  if (!k.openapi_path.has_value() || context.own_schema != nullptr) return absl::OkStatus();
  const absl::StatusOr<Loader::File> file = loader.Load(k.openapi_path->text);
  if (!file.ok()) return At(k.openapi_path->place, file.status());
  ASSIGN_OR_RETURN(const SharedDocuments documents, loader.files().Read(file->path, *file->bytes));
  if (documents->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(file->path, ":1: the schema is empty"));
  }
  ASSIGN_OR_RETURN(context.own_schema, MergeSchema::Read(documents->front()));
  return absl::OkStatus();
}

absl::Status AccumulateResources(const std::vector<Entry>& paths, const Loader& loader,
                                 const std::string& origin, Accumulated& accumulated,
                                 BuildContext& context) {
  for (const Entry& entry : paths) {
    RETURN_IF_ERROR(
        At(entry.place, AccumulateResource(entry, loader, origin, accumulated, context)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Accumulated> Accumulate(const Kustomization& k, const Loader& loader,
                                       const std::string& origin, Accumulated accumulated,
                                       BuildContext& context) {
  RETURN_IF_ERROR(AccumulateResources(k.resources, loader, origin, accumulated, context));
  RETURN_IF_ERROR(MergeConfigurations(k, loader, accumulated));
  RETURN_IF_ERROR(RunGenerators(k, loader, origin, accumulated, context));
  RETURN_IF_ERROR(AccumulateComponents(k, loader, origin, accumulated, context));
  RETURN_IF_ERROR(
      Transformers(k, loader, origin, *accumulated.config, context, accumulated.map).Run());
  RETURN_IF_ERROR(RunTransformerPlugins(k, loader, origin, accumulated, context));
  RETURN_IF_ERROR(MatchVars(k.vars, accumulated.map, accumulated.vars));
  return accumulated;
}

}  // namespace muster::kustomize
