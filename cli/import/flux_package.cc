#include "cli/import/flux_package.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/ignore.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kControllersFile = "gotk-components.yaml";
constexpr absl::string_view kIgnoreFile = ".sourceignore";

const FileTree& TreeOf(const ImportRequest& request, const FluxSource& source) {
  return source.artifact == nullptr ? request.files : *source.artifact;
}

const std::string& DirectoryIn(const FluxSource& source) {
  return source.artifact == nullptr ? source.directory : source.artifact_directory;
}

// What Flux lists in the kustomization that it makes for a directory without one: files, and
// directories that have one of their own.
std::vector<std::string> ResourcesIn(const FileTree& files, const std::string& directory) {
  const std::string* ignore = files.Find(kIgnoreFile);
  const IgnorePatterns ignored(ignore == nullptr ? "" : *ignore);
  std::vector<std::string> resources;
  std::string inside;  // a directory that stands for all that it holds
  const size_t skip = directory.empty() ? 0 : directory.size() + 1;
  for (const auto& [path, bytes] : files.Below(directory)) {
    const std::string relative = path.substr(skip);
    if (!inside.empty() && absl::StartsWith(path, inside + "/")) continue;
    if (IsHiddenPath(relative) || ignored.Ignores(path)) continue;
    bool taken = false;
    for (size_t slash = relative.find('/'); slash != std::string::npos && !taken;
         slash = relative.find('/', slash + 1)) {
      const std::string below = path.substr(0, skip + slash);
      if (HoldsFluxItself(files, below)) {
        inside = below;
        taken = true;
      } else if (!KustomizationIn(files, below).empty()) {
        inside = below;
        resources.push_back(below);
        taken = true;
      }
    }
    if (!taken && IsYamlFile(path)) resources.push_back(path);
  }
  return resources;
}

void SetTexts(const char* field, const Value::Map& texts, Value& object) {
  for (const Member& text : texts) {
    object.Set(JoinPointer(absl::StrCat("/metadata/", field), text.key), text.value);
  }
}

v1::RenderInput InputFor(const std::string& path, const FluxKustomization& kustomization,
                         bool substitute) {
  v1::RenderInput input;
  input.set_path(path);
  input.set_renderer(v1::RENDERER_AUTO);
  input.set_load_restrictor(v1::LOAD_RESTRICTOR_NONE);
  input.set_substitute(substitute);
  if (!substitute) return input;
  for (const auto& [name, value] : kustomization.variables) {
    v1::Variable* variable = input.add_variables();
    variable->set_name(name);
    variable->set_value(value);
  }
  return input;
}

absl::StatusOr<KustomizeEdits> EditsOf(const FluxKustomization& kustomization,
                                       const std::string& directory) {
  KustomizeEdits edits = kustomization.edits;
  for (const std::string& component : kustomization.components) {
    ASSIGN_OR_RETURN(std::string path, ResolvePath(directory, component));
    edits.components.push_back(std::move(path));
  }
  return edits;
}

// The objects before anything is substituted, when some may not have a valid name yet.
absl::StatusOr<std::vector<Value>> BuildRaw(OverlaidSource& source, const std::string& directory) {
  kustomize::BuildCache cache(source);
  kustomize::BuildOptions options;
  options.restrictor = kustomize::LoadRestrictor::kNone;
  ASSIGN_OR_RETURN(const BuiltObjects built,
                   kustomize::BuildKustomization(cache, directory, options));
  std::vector<Value> values;
  for (const kustomize::BuiltObject& object : built) values.push_back(*object.value);
  return values;
}

}  // namespace

bool HoldsFluxItself(const FileTree& files, const std::string& directory) {
  const absl::StatusOr<std::string> path = JoinPath(directory, kControllersFile);
  return path.ok() && files.Find(*path) != nullptr;
}

absl::StatusOr<Rendering> BuildAsFlux(const ImportRequest& request, const FluxSource& source,
                                      FluxKustomization& kustomization) {
  const FileTree& files = TreeOf(request, source);
  const std::string& directory = DirectoryIn(source);
  OverlaidSource overlay(files);
  ASSIGN_OR_RETURN(const KustomizeEdits edits, EditsOf(kustomization, directory));
  const std::string present = KustomizationIn(files, directory);
  std::string text;
  if (present.empty()) {
    const std::vector<std::string> resources = ResourcesIn(files, directory);
    if (resources.empty()) return Rendering{};
    text = WriteYaml(WrapperAround(resources, {}, {}, directory));
  } else {
    text = *files.Find(present);
  }
  ASSIGN_OR_RETURN(const std::string file, JoinPath(directory, "kustomization.yaml"));
  const std::string& place = present.empty() ? file : present;
  ASSIGN_OR_RETURN(text, EditInPlace(text, place, directory, edits));
  overlay.Put(place, std::move(text));

  const bool substitute = kustomization.substitutes && kustomization.variables_known;
  if (substitute) {
    ASSIGN_OR_RETURN(const std::vector<Value> raw, BuildRaw(overlay, directory));
    for (const std::string& name : UndefinedVariables(raw, kustomization.variables)) {
      kustomization.variables[name] = "";
    }
  }
  ASSIGN_OR_RETURN(Rendering rendering,
                   RenderOverlaid(files, overlay, InputFor(directory, kustomization, substitute)));
  for (RenderedObject& object : rendering.objects) {
    SetTexts("labels", edits.metadata_labels, object.object.value);
    SetTexts("annotations", edits.metadata_annotations, object.object.value);
  }
  return rendering;
}

bool ChooseForm(const ImportRequest& request, const FluxSource& source,
                const FluxKustomization& kustomization, const Rendering& built,
                const std::function<bool(const RenderedObject&)>& became, PackageInstance& instance,
                ImportItem& item) {
  FormRequest form{.files = request.files, .output = request.output, .directory = source.directory};
  std::set<std::string> files_kept;
  for (const RenderedObject& object : built.objects) {
    if (became(object)) continue;
    form.expected.push_back(object.object.value);
    files_kept.insert(object.file);
  }
  if (form.expected.empty()) return false;
  const bool has_kustomization = !KustomizationIn(request.files, source.directory).empty();
  // Files in a list of our own go when nothing of them is delivered; what other kustomizations list
  // is taken out object by object.
  std::set<std::string> gone;
  form.resources = {source.directory};
  if (!has_kustomization) {
    form.resources.clear();
    for (const std::string& path : ResourcesIn(request.files, source.directory)) {
      if (IsYamlFile(path) && files_kept.count(path) == 0) {
        gone.insert(path);
      } else {
        form.resources.push_back(path);
      }
    }
  }
  for (const RenderedObject& object : built.objects) {
    if (!became(object) || gone.count(object.file) > 0) continue;
    form.dropped.push_back(object.object.value);
  }
  absl::StatusOr<KustomizeEdits> edits = EditsOf(kustomization, source.directory);
  if (edits.ok()) {
    form.edits = *std::move(edits);
  } else {
    item.LeaveOut("spec.components", std::string(edits.status().message()));
  }
  form.input = InputFor("", kustomization, kustomization.substitutes);
  form.compares = kustomization.variables_known;
  const Form chosen = SimplestForm(form);
  instance.path = chosen.path;
  instance.kustomization = chosen.kustomization;
  if (chosen.has_kustomization) instance.common.Set("loadRestrictor", "none");
  item.objects = static_cast<int>(form.expected.size());
  item.check = form.compares ? ImportCheck::kEqual : ImportCheck::kUnchecked;
  if (!chosen.difference.empty()) {
    item.check = ImportCheck::kDiffers;
    item.LeaveOut("", absl::StrCat("the objects are not those of Flux: ", chosen.difference));
  }
  return true;
}

}  // namespace muster::cli
