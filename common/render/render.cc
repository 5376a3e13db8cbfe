#include "common/render/render.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/object.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/documents.h"
#include "common/render/helm/render_chart.h"
#include "common/render/ignore.h"
#include "common/render/sealed.h"
#include "common/render/variables.h"

namespace muster {
namespace {

constexpr absl::string_view kIgnoreFile = ".musterignore";

// Files whose presence says that plain YAML is not what is meant.
constexpr absl::string_view kKustomizationFiles[] = {"kustomization.yaml", "kustomization.yml",
                                                     "Kustomization"};
constexpr absl::string_view kChartFile = "Chart.yaml";

struct SourceFile {
  std::string path;
  const std::string* bytes;
};

// A patch's text and what messages call it.
struct PatchText {
  const v1::Patch* patch;
  absl::string_view text;
  std::string name;
};

absl::string_view BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

bool IsHidden(absl::string_view path) {
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (absl::StartsWith(part, ".")) return true;
  }
  return false;
}

bool HoldsObjects(absl::string_view path) {
  return absl::EndsWith(path, ".yaml") || absl::EndsWith(path, ".yml") ||
         absl::EndsWith(path, ".json");
}

absl::Status RefuseOtherRenderers(const std::string& path) {
  if (BaseName(path) == kChartFile) {
    return absl::UnimplementedError(
        absl::StrCat(path,
                     ": a chart among plain YAML; make its directory the package's path, with "
                     "renderer auto or helm, or name the file in ",
                     kIgnoreFile));
  }
  for (const absl::string_view name : kKustomizationFiles) {
    if (BaseName(path) != name) continue;
    return absl::UnimplementedError(absl::StrCat(
        path,
        ": a kustomization among plain YAML; make its directory the package's path, with "
        "renderer auto or kustomize, or name the file in ",
        kIgnoreFile));
  }
  return absl::OkStatus();
}

// The package's patch files, this target's and the others', from the repository's root.
absl::StatusOr<std::set<std::string>> PatchPaths(const v1::RenderInput& input) {
  std::set<std::string> paths;
  const auto add = [&](const std::string& relative) -> absl::Status {
    ASSIGN_OR_RETURN(std::string path, JoinPath(input.path(), relative));
    paths.insert(std::move(path));
    return absl::OkStatus();
  };
  for (const std::string& file : input.patch_files()) RETURN_IF_ERROR(add(file));
  for (const v1::Patch& patch : input.patches()) {
    if (!patch.path().empty()) RETURN_IF_ERROR(add(patch.path()));
  }
  return paths;
}

// The files that hold objects, in the order of their paths.
absl::StatusOr<std::vector<SourceFile>> FindFiles(const FileTree& files,
                                                  const v1::RenderInput& input) {
  const std::string& root = input.path();
  if (const std::string* bytes = files.Find(root); bytes != nullptr) {
    RETURN_IF_ERROR(RefuseOtherRenderers(root));
    return std::vector<SourceFile>{{root, bytes}};
  }
  if (files.Below(root).empty()) {
    return absl::NotFoundError(
        absl::StrCat("path '", root, "': there is nothing in the repository"));
  }
  ASSIGN_OR_RETURN(const std::set<std::string> patches, PatchPaths(input));
  const IgnoreFiles ignored(files, root);
  const size_t skip = root.empty() ? 0 : root.size() + 1;
  std::vector<SourceFile> found;
  for (const auto& [path, bytes] : files.Below(root)) {
    const absl::string_view relative = absl::string_view(path).substr(skip);
    if (IsHidden(relative) || ignored.Ignores(path) || patches.count(path) > 0) continue;
    RETURN_IF_ERROR(RefuseOtherRenderers(path));
    if (HoldsObjects(path)) found.push_back({path, &bytes});
  }
  return found;
}

// The patches of the input with their texts, in order.
absl::StatusOr<std::vector<PatchText>> FindPatches(kustomize::FileSource& files,
                                                   const v1::RenderInput& input) {
  std::vector<PatchText> found;
  for (const v1::Patch& patch : input.patches()) {
    const std::string label = absl::StrCat("patch ", found.size() + 1);
    if (patch.path().empty()) {
      found.push_back({&patch, patch.inline_(), absl::StrCat(label, " (inline)")});
      continue;
    }
    ASSIGN_OR_RETURN(const std::string path, JoinPath(input.path(), patch.path()));
    ASSIGN_OR_RETURN(const std::string* bytes, files.Find(path));
    if (bytes == nullptr) {
      return absl::NotFoundError(absl::StrCat(path, ": ", label,
                                              " of the target names this file, which is not there; "
                                              "paths of patches start at the package's path"));
    }
    found.push_back({&patch, *bytes, path});
  }
  return found;
}

VariableScope ScopeOf(const v1::RenderInput& input) {
  VariableScope scope;
  for (const v1::Variable& variable : input.variables()) {
    scope.variables.insert_or_assign(variable.name(), variable.value());
  }
  for (const v1::Label& label : input.labels()) {
    scope.labels.insert_or_assign(label.key(), label.value());
  }
  scope.cluster_name = input.cluster_name();
  scope.path_basename = std::string(BaseName(input.path()));
  return scope;
}

// The text of a patch with its variables substituted.
absl::StatusOr<std::string> TextOf(const PatchText& patch, const v1::RenderInput& input,
                                   const VariableScope& scope) {
  if (!input.substitute()) return std::string(patch.text);
  PutOff put_off;
  ASSIGN_OR_RETURN(std::string text, Substitute(patch.text, scope, {patch.name, 1}, &put_off));
  if (put_off.errors.empty()) return text;
  ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(text, patch.name));
  for (const Document& document : documents) RETURN_IF_ERROR(put_off.Check(document.value));
  return text;
}

absl::Status ReadObjects(absl::string_view text, const std::string& path, const PutOff& put_off,
                         std::vector<RenderedObject>& objects) {
  ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, path));
  for (Document& document : documents) {
    RETURN_IF_ERROR(put_off.Check(document.value));
    const std::string top = document.Where("");
    RETURN_IF_ERROR(Annotate(CheckSopsDocument(document.value), top));
    absl::StatusOr<std::vector<ListItem>> items = ExpandLists(std::move(document.value));
    if (!items.ok()) return Annotate(items.status(), top);
    for (ListItem& item : *items) {
      absl::StatusOr<Object> object = MakeObject(std::move(item.value));
      if (!object.ok()) return Annotate(object.status(), document.Where(item.pointer));
      objects.push_back({*std::move(object), path, document.positions.Find(item.pointer).line});
    }
    if (objects.size() > limits::kObjectsPerBundleMax) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": the package has more than ",
                                                       limits::kObjectsPerBundleMax, " objects"));
    }
  }
  return absl::OkStatus();
}

// The kinds that the package's own definitions say live outside of namespaces.
std::set<std::pair<std::string, std::string>> ClusterScopedByDefinition(
    const std::vector<RenderedObject>& objects) {
  std::set<std::pair<std::string, std::string>> kinds;
  for (const RenderedObject& rendered : objects) {
    const Object& object = rendered.object;
    if (object.key.kind != "CustomResourceDefinition") continue;
    const Value* scope = object.value.Find("/spec/scope");
    const Value* group = object.value.Find("/spec/group");
    const Value* kind = object.value.Find("/spec/names/kind");
    if (scope == nullptr || !(*scope == Value("Cluster"))) continue;
    if (group == nullptr || !group->is_string() || kind == nullptr || !kind->is_string()) continue;
    kinds.emplace(group->string(), kind->string());
  }
  return kinds;
}

absl::Status SetNamespaces(const v1::RenderInput& input, std::vector<RenderedObject>& objects) {
  if (input.namespace_().empty()) return absl::OkStatus();
  const auto cluster_scoped = ClusterScopedByDefinition(objects);
  for (RenderedObject& rendered : objects) {
    const ObjectKey& key = rendered.object.key;
    if (IsClusterScoped(key.group(), key.kind)) continue;
    if (cluster_scoped.count({std::string(key.group()), key.kind}) > 0) continue;
    if (!key.namespace_.empty() && !input.override_namespace()) continue;
    rendered.object.value.Set("/metadata/namespace", input.namespace_());
    absl::StatusOr<Object> object = MakeObject(std::move(rendered.object.value));
    if (!object.ok()) {
      return Annotate(object.status(), rendered.Where());
    }
    rendered.object = *std::move(object);
  }
  return absl::OkStatus();
}

// One cluster can have an identity only once, whichever version of its group it is written in.
absl::Status RefuseDuplicates(const std::vector<RenderedObject>& objects) {
  using Identity =
      std::tuple<absl::string_view, absl::string_view, absl::string_view, absl::string_view>;
  std::map<Identity, const RenderedObject*> seen;
  for (const RenderedObject& rendered : objects) {
    const ObjectKey& key = rendered.object.key;
    const auto [first, added] =
        seen.try_emplace({key.group(), key.kind, key.namespace_, key.name}, &rendered);
    if (added) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(rendered.Where(), ": ", key.text(), " is in the package twice; first in ",
                     first->second->Where(), "; remove one of the two"));
  }
  return absl::OkStatus();
}

// What follows when the objects are read: patches and namespace; and the promises of a rendering.
absl::StatusOr<Rendering> Finish(std::vector<RenderedObject> objects,
                                 const std::vector<PatchText>& patches, const VariableScope& scope,
                                 const v1::RenderInput& input, kustomize::FileSource& files,
                                 absl::string_view found) {
  for (const PatchText& patch : patches) {
    ASSIGN_OR_RETURN(const std::string text, TextOf(patch, input, scope));
    RETURN_IF_ERROR(ApplyPatch(*patch.patch, text, patch.name, input.namespace_(), objects));
  }
  RETURN_IF_ERROR(SetNamespaces(input, objects));
  RETURN_IF_ERROR(RefuseDuplicates(objects));
  RETURN_IF_ERROR(AddSealedTexts(files, input.path(),
                                 input.load_restrictor() == v1::LOAD_RESTRICTOR_NONE, objects));
  if (objects.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("path '", input.path(),
                                                   "': renders to nothing; ", found,
                                                   "; an empty package is never meant"));
  }
  std::sort(objects.begin(), objects.end(), [](const RenderedObject& a, const RenderedObject& b) {
    return a.object.key < b.object.key;
  });
  return Rendering{std::move(objects)};
}

// Whether a text can hold a variable at all.
bool MentionsVariables(absl::string_view text) { return absl::StrContains(text, "$"); }

// One object that Kustomize built, with its variables substituted in the text that it would print.
absl::Status AddBuilt(const kustomize::BuiltObject& built, const VariableScope& scope,
                      bool substitutes, std::vector<RenderedObject>& objects) {
  const std::string file = built.place.file == nullptr ? std::string() : *built.place.file;
  if (substitutes && !IsSopsDocument(*built.value)) {
    const std::string text = WriteYaml(*built.value);
    if (MentionsVariables(text)) {
      PutOff put_off;
      const std::string name = absl::StrCat(built.place.text(), " (as built)");
      ASSIGN_OR_RETURN(const std::string substituted,
                       SubstituteDocuments(text, scope, name, put_off));
      const size_t first = objects.size();
      RETURN_IF_ERROR(ReadObjects(substituted, name, put_off, objects));
      for (size_t i = first; i < objects.size(); ++i) {
        objects[i].file = file;
        objects[i].line = built.place.line;
      }
      return absl::OkStatus();
    }
  }
  absl::StatusOr<Object> object = MakeObject(*built.value);
  if (!object.ok()) return Annotate(object.status(), built.place.text());
  objects.push_back({*std::move(object), file, built.place.line});
  return absl::OkStatus();
}

absl::StatusOr<Rendering> RenderYaml(const FileTree& files, const v1::RenderInput& input) {
  kustomize::FileTreeSource source(files);
  ASSIGN_OR_RETURN(const std::vector<SourceFile> sources, FindFiles(files, input));
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(source, input));
  const VariableScope scope = ScopeOf(input);
  std::vector<RenderedObject> objects;
  for (const SourceFile& file : sources) {
    if (!input.substitute()) {
      RETURN_IF_ERROR(ReadObjects(*file.bytes, file.path, PutOff(), objects));
      continue;
    }
    PutOff put_off;
    ASSIGN_OR_RETURN(const std::string text,
                     SubstituteDocuments(*file.bytes, scope, file.path, put_off));
    RETURN_IF_ERROR(ReadObjects(text, file.path, put_off, objects));
  }
  return Finish(std::move(objects), patches, scope, input, source,
                absl::StrCat(sources.size(), " files with objects were found"));
}

absl::Status CollectFromPatches(const std::vector<PatchText>& patches,
                                std::set<std::string>& uses) {
  for (const PatchText& patch : patches) {
    RETURN_IF_ERROR(CollectClusterVariables(patch.text, {patch.name, 1}, uses));
  }
  return absl::OkStatus();
}

auto HasFileIn(const FileTree& files) {
  return [&files](const std::string& path) -> absl::StatusOr<bool> {
    return files.Find(path) != nullptr;
  };
}

absl::StatusOr<BuiltObjects> BuildOf(kustomize::FileSource& files, const v1::RenderInput& input,
                                     HelmDoor* helm) {
  HelmInflator charts(helm);
  kustomize::BuildCache cache(files, helm == nullptr ? nullptr : &charts);
  return kustomize::BuildKustomization(cache, input.path(), KustomizeOptions(input));
}

// Whether the declaration alone says that it is a chart.
bool IsSurelyHelm(const v1::RenderInput& input) {
  return input.renderer() == v1::RENDERER_HELM ||
         (input.renderer() != v1::RENDERER_KUSTOMIZE && input.has_helm());
}

}  // namespace

kustomize::BuildOptions KustomizeOptions(const v1::RenderInput& input) {
  kustomize::BuildOptions options;
  if (input.load_restrictor() == v1::LOAD_RESTRICTOR_NONE) {
    options.restrictor = kustomize::LoadRestrictor::kNone;
  }
  return options;
}

absl::StatusOr<bool> UsesKustomize(
    const v1::RenderInput& input,
    absl::FunctionRef<absl::StatusOr<bool>(const std::string& path)> has_file) {
  if (input.renderer() == v1::RENDERER_YAML || IsSurelyHelm(input)) return false;
  for (const absl::string_view name : kKustomizationFiles) {
    ASSIGN_OR_RETURN(const std::string path, JoinPath(input.path(), name));
    ASSIGN_OR_RETURN(const bool has, has_file(path));
    if (has) return true;
  }
  if (input.renderer() != v1::RENDERER_KUSTOMIZE) return false;
  return absl::NotFoundError(absl::StrCat(
      "path '", input.path(), "': there is no kustomization.yaml, which renderer kustomize needs"));
}

absl::StatusOr<bool> UsesHelm(
    const v1::RenderInput& input,
    absl::FunctionRef<absl::StatusOr<bool>(const std::string& path)> has_file) {
  if (input.renderer() == v1::RENDERER_YAML || input.renderer() == v1::RENDERER_KUSTOMIZE) {
    return false;
  }
  if (IsSurelyHelm(input)) return true;
  ASSIGN_OR_RETURN(const std::string path, JoinPath(input.path(), kChartFile));
  return has_file(path);
}

absl::StatusOr<Rendering> RenderHelm(kustomize::FileSource& files, const v1::RenderInput& input,
                                     HelmDoor* helm) {
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(files, input));
  const VariableScope scope = ScopeOf(input);
  ASSIGN_OR_RETURN(std::vector<RenderedObject> objects, RenderChart(files, input, scope, helm));
  const size_t printed = objects.size();
  return Finish(std::move(objects), patches, scope, input, files,
                absl::StrCat("Helm printed ", printed, " objects"));
}

absl::StatusOr<std::set<std::string>> ClusterVariablesOfHelm(kustomize::FileSource& files,
                                                             const v1::RenderInput& input) {
  ASSIGN_OR_RETURN(std::set<std::string> uses, ClusterVariablesOfChart(files, input));
  if (!input.substitute()) return uses;
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(files, input));
  RETURN_IF_ERROR(CollectFromPatches(patches, uses));
  return uses;
}

absl::StatusOr<Rendering> RenderBuilt(const BuiltObjects& built, kustomize::FileSource& files,
                                      const v1::RenderInput& input) {
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(files, input));
  const VariableScope scope = ScopeOf(input);
  std::vector<RenderedObject> objects;
  objects.reserve(built.size());
  for (const kustomize::BuiltObject& object : built) {
    RETURN_IF_ERROR(AddBuilt(object, scope, input.substitute(), objects));
  }
  return Finish(std::move(objects), patches, scope, input, files,
                absl::StrCat(built.size(), " objects were built"));
}

absl::StatusOr<std::set<std::string>> ClusterVariablesOfBuilt(const BuiltObjects& built,
                                                              kustomize::FileSource& files,
                                                              const v1::RenderInput& input) {
  std::set<std::string> uses;
  if (!input.substitute()) return uses;
  for (const kustomize::BuiltObject& object : built) {
    if (IsSopsDocument(*object.value)) continue;
    const std::string text = WriteYaml(*object.value);
    if (!MentionsVariables(text)) continue;
    RETURN_IF_ERROR(
        CollectFromDocuments(text, absl::StrCat(object.place.text(), " (as built)"), uses));
  }
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(files, input));
  RETURN_IF_ERROR(CollectFromPatches(patches, uses));
  return uses;
}

absl::StatusOr<Rendering> Render(const FileTree& files, const v1::RenderInput& input,
                                 HelmDoor* helm) {
  kustomize::FileTreeSource source(files);
  ASSIGN_OR_RETURN(const bool kustomizes, UsesKustomize(input, HasFileIn(files)));
  if (kustomizes) {
    ASSIGN_OR_RETURN(const BuiltObjects built, BuildOf(source, input, helm));
    return RenderBuilt(built, source, input);
  }
  ASSIGN_OR_RETURN(const bool helms, UsesHelm(input, HasFileIn(files)));
  return helms ? RenderHelm(source, input, helm) : RenderYaml(files, input);
}

absl::StatusOr<Rendering> Render(const FileTree& files, const v1::RenderInput& input) {
  return Render(files, input, nullptr);
}

absl::StatusOr<std::set<std::string>> UsedClusterVariables(const FileTree& files,
                                                           const v1::RenderInput& input) {
  std::set<std::string> uses;
  kustomize::FileTreeSource source(files);
  ASSIGN_OR_RETURN(const bool kustomizes, UsesKustomize(input, HasFileIn(files)));
  ASSIGN_OR_RETURN(const bool helms, UsesHelm(input, HasFileIn(files)));
  if (helms && !kustomizes) return ClusterVariablesOfHelm(source, input);
  if (!input.substitute()) return uses;
  if (kustomizes) {
    ASSIGN_OR_RETURN(const BuiltObjects built, BuildOf(source, input, nullptr));
    return ClusterVariablesOfBuilt(built, source, input);
  }
  ASSIGN_OR_RETURN(const std::vector<SourceFile> sources, FindFiles(files, input));
  ASSIGN_OR_RETURN(const std::vector<PatchText> patches, FindPatches(source, input));
  for (const SourceFile& file : sources) {
    RETURN_IF_ERROR(CollectFromDocuments(*file.bytes, file.path, uses));
  }
  RETURN_IF_ERROR(CollectFromPatches(patches, uses));
  return uses;
}

}  // namespace muster
