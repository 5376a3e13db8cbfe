#include "common/render/kustomize/plugins.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "common/render/kustomize/generators.h"
#include "common/render/kustomize/kustomization_parts.h"
#include "common/render/kustomize/origins.h"
#include "common/render/kustomize/patches.h"
#include "common/render/kustomize/replacements.h"
#include "common/render/kustomize/selector.h"
#include "common/render/kustomize/stages.h"

namespace muster::kustomize {
namespace {

// The configuration as a document, for the readers of parts. Messages name the plugin's place.
Document DocumentOf(const Resource& config) {
  return Document{config.place.text(), config.value(), Positions()};
}

absl::Status RefuseProgram(const Resource& config) {
  return absl::UnimplementedError(
      absl::StrCat(config.place.text(), ": ", config.CurrentId().text(),
                   " is a plugin that is a program or a container, and rendering runs none; "
                   "use a builtin one (apiVersion: builtin), or commit what it makes"));
}

absl::Status RefuseUnknown(const Resource& config, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(config.place.text(), ": there is no builtin ", what, " '", config.kind(), "'"));
}

bool IsBuiltin(const Resource& config) {
  const Gvk gvk = Gvk::OfObject(config.value());
  return gvk.group.empty() && gvk.version == "builtin";
}

// IAMPolicyGenerator: a service account that is bound to one of Google's.
absl::StatusOr<Resource> GenerateIamPolicy(const MapReader& map, const Place& place) {
  std::string cloud, project, account, name, space;
  RETURN_IF_ERROR(map.Text("cloud", cloud));
  if (map.Has("kubernetesService")) {
    ASSIGN_OR_RETURN(const MapReader service,
                     MapReader::Open(map.At("kubernetesService"), "kubernetesService", {}));
    RETURN_IF_ERROR(service.Text("name", name));
    RETURN_IF_ERROR(service.Text("namespace", space));
  }
  if (map.Has("serviceAccount")) {
    ASSIGN_OR_RETURN(const MapReader service,
                     MapReader::Open(map.At("serviceAccount"), "serviceAccount", {}));
    RETURN_IF_ERROR(service.Text("name", account));
    RETURN_IF_ERROR(service.Text("projectId", project));
  }
  if (cloud != "gke") {
    return absl::InvalidArgumentError(absl::StrCat(
        place.text(), ": cloud of an IAMPolicyGenerator is gke, and this is '", cloud, "'"));
  }
  const std::string email = absl::StrCat(account, "@", project, ".iam.gserviceaccount.com");
  Value::Map metadata{{"annotations", Value::Map{{"iam.gke.io/gcp-service-account", Value(email)}}},
                      {"name", Value(name)}};
  if (!space.empty()) metadata.Set("namespace", Value(space));
  return Resource(Value(Value::Map{{"apiVersion", "v1"},
                                   {"kind", "ServiceAccount"},
                                   {"metadata", Value(std::move(metadata))}}),
                  place);
}

absl::StatusOr<GeneratorArgs> ReadPluginGenerator(const MapReader& map, bool is_secret) {
  ASSIGN_OR_RETURN(GeneratorArgs args, ReadGenerator(map.node(), is_secret, /*strict=*/false));
  if (!map.Has("metadata")) return args;
  ASSIGN_OR_RETURN(const MapReader metadata, MapReader::Open(map.At("metadata"), "metadata", {}));
  if (args.name.empty()) RETURN_IF_ERROR(metadata.Text("name", args.name));
  if (args.namespace_.empty()) RETURN_IF_ERROR(metadata.Text("namespace", args.namespace_));
  return args;
}

// A builtin transformer with its configuration.
class BuiltinTransformer {
 public:
  BuiltinTransformer(const Resource& config, const MapReader& map, const Loader& loader,
                     const MergeSchema& schema, ResMap& resources)
      : config_(config), map_(map), loader_(loader), schema_(schema), resources_(resources) {}

  absl::Status Run() {
    const std::string kind = config_.kind();
    RETURN_IF_ERROR(ReadParts(map_, "fieldSpecs", ReadFieldSpec, fields_));
    if (kind == "LabelTransformer") return RunPairs("labels");
    if (kind == "AnnotationsTransformer") return RunPairs("annotations");
    if (kind == "NamespaceTransformer") return RunNamespace();
    if (kind == "PrefixTransformer") return RunAffix("prefix", ApplyPrefix);
    if (kind == "SuffixTransformer") return RunAffix("suffix", ApplySuffix);
    if (kind == "PrefixSuffixTransformer") {
      RETURN_IF_ERROR(RunAffix("prefix", ApplyPrefix));
      return RunAffix("suffix", ApplySuffix);
    }
    if (kind == "ImageTagTransformer") return RunImage();
    if (kind == "ReplicaCountTransformer") return RunReplicas();
    if (kind == "PatchTransformer") return RunPatch();
    if (kind == "PatchStrategicMergeTransformer") return RunMerges();
    if (kind == "PatchJson6902Transformer") return RunJson6902();
    if (kind == "ReplacementTransformer") return RunReplacements();
    if (kind == "ValueAddTransformer") return RunValueAdd();
    if (kind == "HashTransformer") return ApplyHashes(resources_);
    return RefuseUnknown(config_, "transformer");
  }

 private:
  absl::Status RunPairs(absl::string_view field) {
    TextMap pairs;
    RETURN_IF_ERROR(map_.TextMap(field, pairs));
    return ApplyPairs(pairs, fields_, resources_);
  }

  absl::Status RunNamespace() {
    NamespaceEdit edit;
    edit.fields = fields_;
    std::string subjects;
    if (map_.Has("metadata")) {
      ASSIGN_OR_RETURN(const MapReader metadata,
                       MapReader::Open(map_.At("metadata"), "metadata", {}));
      RETURN_IF_ERROR(metadata.Text("namespace", edit.namespace_));
    }
    RETURN_IF_ERROR(map_.Bool("unsetOnly", edit.unset_only));
    RETURN_IF_ERROR(map_.Text("setRoleBindingSubjects", subjects));
    if (subjects == "allServiceAccounts") {
      edit.subjects = SubjectMode::kAllServiceAccounts;
    } else if (subjects == "none") {
      edit.subjects = SubjectMode::kNone;
    } else if (!subjects.empty() && subjects != "defaultOnly") {
      return Refuse(
          absl::StrCat("setRoleBindingSubjects is defaultOnly, allServiceAccounts or "
                       "none, and this is '",
                       subjects, "'"));
    }
    return ApplyNamespace(edit, config_.place, resources_);
  }

  absl::Status RunAffix(absl::string_view field,
                        absl::Status (*apply)(const std::string&, const FieldSpecs&, ResMap&)) {
    std::string affix;
    RETURN_IF_ERROR(map_.Text(field, affix));
    if (!map_.Has("fieldSpecs")) return Refuse("fieldSpecs are missing");
    return apply(affix, fields_, resources_);
  }

  absl::Status RunImage() {
    if (!map_.Has("imageTag")) return Refuse("imageTag is missing");
    ASSIGN_OR_RETURN(const ImageEdit edit, ReadImage(map_.At("imageTag")));
    return ApplyImage(edit, fields_, resources_);
  }

  absl::Status RunReplicas() {
    if (!map_.Has("replica")) return Refuse("replica is missing");
    ASSIGN_OR_RETURN(const ReplicaEdit edit, ReadReplica(map_.At("replica")));
    return ApplyReplicas(edit, fields_, resources_);
  }

  absl::StatusOr<Patch> ReadOwnPatch(absl::string_view text_field) {
    Patch patch;
    patch.place = config_.place;
    RETURN_IF_ERROR(map_.Text("path", patch.path));
    RETURN_IF_ERROR(map_.Text(text_field, patch.patch));
    if (map_.Has("target")) {
      ASSIGN_OR_RETURN(patch.target, ReadSelector(map_.At("target"), "target"));
    }
    if (map_.Has("options")) {
      ASSIGN_OR_RETURN(const MapReader options, MapReader::Open(map_.At("options"), "options", {}));
      RETURN_IF_ERROR(options.Bool("allowNameChange", patch.allow_name_change));
      RETURN_IF_ERROR(options.Bool("allowKindChange", patch.allow_kind_change));
    }
    return patch;
  }

  absl::Status RunPatch() {
    ASSIGN_OR_RETURN(const Patch patch, ReadOwnPatch("patch"));
    return ApplyPatches({patch}, loader_, schema_, resources_);
  }

  absl::Status RunJson6902() {
    ASSIGN_OR_RETURN(const Patch patch, ReadOwnPatch("jsonOp"));
    return ApplyJson6902Patches({patch}, loader_, resources_);
  }

  absl::Status RunMerges() {
    std::vector<std::string> texts;
    std::string patches;
    RETURN_IF_ERROR(map_.Texts("paths", texts));
    RETURN_IF_ERROR(map_.Text("patches", patches));
    if (!patches.empty()) texts.push_back(absl::StrCat(patches, "\n"));
    if (texts.empty()) return Refuse("paths or patches are missing");
    std::vector<Entry> entries;
    for (const std::string& text : texts) entries.push_back({text, config_.place});
    return ApplyStrategicMergePatches(entries, loader_, schema_, resources_);
  }

  absl::Status RunReplacements() {
    std::vector<Replacement> replacements;
    RETURN_IF_ERROR(ReadParts(map_, "replacements", ReadReplacement, replacements));
    return ApplyReplacements(replacements, loader_, resources_);
  }

  absl::Status RunValueAdd() {
    std::string text;
    RETURN_IF_ERROR(map_.Text("value", text));
    text = std::string(absl::StripAsciiWhitespace(text));
    if (text.empty()) text = loader_.root().substr(loader_.root().rfind('/') + 1);
    return map_.Each("targets", [&](const Node& node) -> absl::Status {
      ASSIGN_OR_RETURN(const MapReader target, MapReader::Open(node, "a target", {}));
      std::string path, position = "0";
      RETURN_IF_ERROR(target.Text("fieldPath", path));
      RETURN_IF_ERROR(target.Integer("filePathPosition", position));
      if (path.empty()) return node.Error("fieldPath is missing");
      Selector selector;
      if (target.Has("selector")) {
        ASSIGN_OR_RETURN(selector, ReadSelector(target.At("selector"), "selector"));
      }
      ASSIGN_OR_RETURN(const SelectorMatcher matcher, SelectorMatcher::Make(selector));
      for (const size_t i : matcher.FindIn(resources_)) {
        RETURN_IF_ERROR(AddValue(text, path, position, resources_.Mutable()[i]));
      }
      return absl::OkStatus();
    });
  }

  absl::Status AddValue(const std::string& text, const std::string& path,
                        const std::string& position, Resource& resource) {
    if (path == "metadata/namespace" && IsCertainlyClusterScoped(resource.CurrentId().gvk)) {
      return absl::OkStatus();
    }
    std::string pointer;
    for (const std::string& step : SplitFieldPath(path)) pointer = JoinPointer(pointer, step);
    const Value* old = resource.value().Find(pointer);
    if (old != nullptr && (old->is_map() || old->is_list())) {
      return Refuse(absl::StrCat("'", path, "' of ", resource.CurrentId().text(), " is no text"));
    }
    std::string value = text;
    size_t at = 0;
    if (absl::SimpleAtoi(position, &at) && at > 0 && path != "metadata/namespace") {
      std::vector<std::string> parts = absl::StrSplit(
          old == nullptr ? std::string() : ScalarText(*old), '/', absl::AllowEmpty());
      if (parts.size() == 1 && parts[0].empty()) parts.clear();
      const size_t offset = !parts.empty() && parts[0].empty() ? at : at - 1;
      if (offset <= parts.size()) {
        parts.insert(parts.begin() + static_cast<ptrdiff_t>(offset), text);
      }
      value = absl::StrJoin(parts, "/");
    }
    if (!resource.Mutable().Set(pointer, Value(value))) {
      return Refuse(
          absl::StrCat("there is no way to '", path, "' in ", resource.CurrentId().text()));
    }
    return absl::OkStatus();
  }

  absl::Status Refuse(absl::string_view why) const {
    return absl::InvalidArgumentError(
        absl::StrCat(config_.place.text(), ": ", config_.kind(), ": ", why));
  }

  const Resource& config_;
  const MapReader& map_;
  const Loader& loader_;
  const MergeSchema& schema_;
  ResMap& resources_;
  FieldSpecs fields_;
};

}  // namespace

bool IsInlinePlugin(const std::string& entry) { return entry.find('\n') != std::string::npos; }

absl::StatusOr<std::optional<HelmChart>> ChartOfPlugin(const Resource& config) {
  if (config.kind() != "HelmChartInflationGenerator") return std::nullopt;
  const Document document = DocumentOf(config);
  ASSIGN_OR_RETURN(HelmChart chart, ReadHelmChart(RootOf(document), /*strict=*/false));
  chart.place = config.place;
  return chart;
}

absl::StatusOr<std::vector<Resource>> LoadPlugins(const std::vector<Entry>& entries,
                                                  const Loader& loader, const std::string& origin,
                                                  const std::string& file, BuildContext& context) {
  Accumulated accumulated;
  std::vector<Entry> paths;
  for (const Entry& entry : entries) {
    if (!IsInlinePlugin(entry.text)) {
      paths.push_back(entry);
      continue;
    }
    ASSIGN_OR_RETURN(std::vector<Resource> resources, ResourcesOfText(entry.text, entry.place));
    for (Resource& resource : resources) {
      if (context.tracks_origins) resource.origin.emplace().path = JoinOriginPath(origin, file);
      RETURN_IF_ERROR(accumulated.map.Append(std::move(resource)));
    }
  }
  RETURN_IF_ERROR(AccumulateResources(paths, loader, origin, accumulated, context));
  for (const Resource& config : accumulated.map.resources()) {
    if (!IsBuiltin(config)) return RefuseProgram(config);
  }
  return std::move(accumulated.map.Mutable());
}

absl::StatusOr<std::vector<Resource>> RunGeneratorPlugin(const Resource& config,
                                                         const Loader& loader,
                                                         ChartInflator* charts) {
  const Document document = DocumentOf(config);
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(RootOf(document), "a generator", {}));
  std::vector<Resource> made;
  if (config.kind() == "ConfigMapGenerator" || config.kind() == "SecretGenerator") {
    const bool is_secret = config.kind() == "SecretGenerator";
    ASSIGN_OR_RETURN(GeneratorArgs args, ReadPluginGenerator(map, is_secret));
    args.place = config.place;
    ASSIGN_OR_RETURN(Resource resource,
                     is_secret ? GenerateSecret(args, loader) : GenerateConfigMap(args, loader));
    made.push_back(std::move(resource));
    return made;
  }
  if (config.kind() == "IAMPolicyGenerator") {
    ASSIGN_OR_RETURN(Resource resource, GenerateIamPolicy(map, config.place));
    made.push_back(std::move(resource));
    return made;
  }
  ASSIGN_OR_RETURN(std::optional<HelmChart> chart, ChartOfPlugin(config));
  if (chart.has_value()) return InflateCharts({*std::move(chart)}, loader, charts);
  return RefuseUnknown(config, "generator");
}

absl::Status RunTransformerPlugin(const Resource& config, const Loader& loader,
                                  const MergeSchema& schema, ResMap& map) {
  const Document document = DocumentOf(config);
  ASSIGN_OR_RETURN(const MapReader reader, MapReader::Open(RootOf(document), "a transformer", {}));
  return BuiltinTransformer(config, reader, loader, schema, map).Run();
}

absl::Status RunValidatorPlugin(const Resource& config, const Loader& loader,
                                const MergeSchema& schema, const ResMap& map) {
  ResMap copy = map;
  RETURN_IF_ERROR(RunTransformerPlugin(config, loader, schema, copy));
  bool equal = copy.size() == map.size();
  for (size_t i = 0; equal && i < map.size(); ++i) {
    equal = copy.resources()[i].value() == map.resources()[i].value();
  }
  if (equal) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      config.place.text(), ": a validator changes the resources; list it under 'transformers'"));
}

}  // namespace muster::kustomize
