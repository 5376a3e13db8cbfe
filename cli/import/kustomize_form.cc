#include "cli/import/kustomize_form.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/object.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/variables.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kFileNames[] = {"kustomization.yaml", "kustomization.yml",
                                            "Kustomization"};

Value EmptyKustomization() {
  return Value::Map{{"apiVersion", "kustomize.config.k8s.io/v1beta1"}, {"kind", "Kustomization"}};
}

void Append(Value& kustomization, const char* field, const Value::List& entries) {
  if (entries.empty()) return;
  Value* list = kustomization.Get(field);
  if (list == nullptr || !list->is_list()) {
    list = &kustomization.map().Set(field, Value::List());
  }
  for (const Value& entry : entries) list->list().push_back(entry);
}

// Entries of `images` or `replicas` take the place of those with the same name.
void Merge(Value& kustomization, const char* field, const Value::List& entries) {
  if (Value* list = kustomization.Get(field); list != nullptr && list->is_list()) {
    for (const Value& entry : entries) {
      auto& old = list->list();
      old.erase(std::remove_if(old.begin(), old.end(),
                               [&entry](const Value& one) {
                                 return TextAt(one, "/name") == TextAt(entry, "/name");
                               }),
                old.end());
    }
  }
  Append(kustomization, field, entries);
}

void MergeTexts(Value& kustomization, const char* field, const Value::Map& texts) {
  if (texts.empty()) return;
  Value* map = kustomization.Get(field);
  if (map == nullptr || !map->is_map()) map = &kustomization.map().Set(field, Value::Map());
  for (const Member& text : texts) map->map().Set(text.key, text.value);
}

// Everything but `components`, whose paths depend on where the kustomization stands, and metadata.
void Edit(const KustomizeEdits& edits, Value& kustomization) {
  const auto set = [&kustomization](const char* field, const std::string& text) {
    if (!text.empty()) kustomization.map().Set(field, text);
  };
  set("namespace", edits.namespace_);
  set("namePrefix", edits.name_prefix);
  set("nameSuffix", edits.name_suffix);
  Merge(kustomization, "images", edits.images);
  Merge(kustomization, "replicas", edits.replicas);
  Append(kustomization, "patches", edits.patches);
  Append(kustomization, "labels", edits.labels);
  MergeTexts(kustomization, "commonLabels", edits.common_labels);
  MergeTexts(kustomization, "commonAnnotations", edits.common_annotations);
}

void AddComponents(const KustomizeEdits& edits, const std::string& at, Value& kustomization) {
  Value::List components;
  for (const std::string& path : edits.components) components.push_back(RelativePath(at, path));
  Append(kustomization, "components", components);
}

// `commonAnnotations` would reach into templates; this stays outside of them.
void AnnotateMetadata(const Value::Map& annotations, Value& kustomization) {
  if (annotations.empty()) return;
  Value::Map transformer{{"apiVersion", "builtin"},
                         {"kind", "AnnotationsTransformer"},
                         {"metadata", Value::Map{{"name", "common-metadata"}}}};
  transformer.Set("annotations", annotations);
  transformer.Set("fieldSpecs",
                  Value::List{Value::Map{{"path", "metadata/annotations"}, {"create", true}}});
  Append(kustomization, "transformers", {WriteYaml(std::move(transformer))});
}

// Patches that delete these objects: one for each kind, since the names of a target are a regular
// expression for the whole name.
Value::List DeletionsOf(const std::vector<Value>& objects) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>>
      names;  // by version and kind
  for (const Value& object : objects) {
    names[{TextAt(object, "/apiVersion"), KindOf(object)}].insert(
        absl::StrReplaceAll(NameOf(object), {{".", "\\."}}));
  }
  Value::List patches;
  for (const auto& [type, all] : names) {
    Value::Map patch{{"$patch", "delete"},
                     {"apiVersion", type.first},
                     {"kind", type.second},
                     {"metadata", Value::Map{{"name", "any"}}}};
    const size_t slash = type.first.find('/');
    Value::Map target{{"kind", type.second}, {"name", absl::StrJoin(all, "|")}};
    if (slash != std::string::npos) target.Set("group", type.first.substr(0, slash));
    Value::Map entry{{"patch", WriteYaml(std::move(patch))}};
    entry.Set("target", std::move(target));
    patches.push_back(std::move(entry));
  }
  return patches;
}

std::string Describe(const Value& object) {
  return absl::StrCat(KindOf(object), " ", QualifiedName(object));
}

using Keyed = std::map<std::string, const Value*>;

std::string KeyOf(const Value& object) {
  return absl::StrCat(TextAt(object, "/apiVersion"), "|", KindOf(object), "|", NamespaceOf(object),
                      "|", NameOf(object));
}

}  // namespace

bool KustomizeEdits::empty() const {
  return namespace_.empty() && name_prefix.empty() && name_suffix.empty() && images.empty() &&
         replicas.empty() && patches.empty() && labels.empty() && common_labels.empty() &&
         common_annotations.empty() && metadata_labels.empty() && metadata_annotations.empty() &&
         components.empty();
}

absl::StatusOr<const std::string*> OverlaidSource::Find(const std::string& path) {
  const auto found = extra_.find(path);
  return found != extra_.end() ? &found->second : files_.Find(path);
}

absl::StatusOr<FileTree::Range> OverlaidSource::Below(const std::string& path) {
  return files_.Below(path);
}

absl::StatusOr<bool> OverlaidSource::IsDirectory(const std::string& path) {
  if (path.empty() || !files_.Below(path).empty()) return true;
  const auto next = extra_.lower_bound(path + "/");
  return next != extra_.end() && absl::StartsWith(next->first, path + "/");
}

std::string KustomizationIn(const FileTree& files, const std::string& directory) {
  for (const absl::string_view name : kFileNames) {
    const absl::StatusOr<std::string> path = JoinPath(directory, name);
    if (path.ok() && files.Find(*path) != nullptr) return *path;
  }
  return "";
}

std::string RelativePath(const std::string& from, const std::string& to) {
  const std::vector<std::string> start = absl::StrSplit(from, '/', absl::SkipEmpty());
  const std::vector<std::string> end = absl::StrSplit(to, '/', absl::SkipEmpty());
  size_t common = 0;
  while (common < start.size() && common < end.size() && start[common] == end[common]) ++common;
  std::vector<std::string> parts(start.size() - common, "..");
  parts.insert(parts.end(), end.begin() + static_cast<std::ptrdiff_t>(common), end.end());
  return parts.empty() ? "." : absl::StrJoin(parts, "/");
}

absl::StatusOr<std::string> EditInPlace(absl::string_view text, const std::string& file,
                                        const std::string& directory, const KustomizeEdits& edits) {
  ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, file));
  if (documents.size() > 1 || (!documents.empty() && !documents[0].value.is_map())) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": is not one kustomization"));
  }
  Value kustomization = documents.empty() ? EmptyKustomization() : std::move(documents[0].value);
  Edit(edits, kustomization);
  AddComponents(edits, directory, kustomization);
  return WriteYaml(kustomization);
}

Value WrapperAround(const std::vector<std::string>& resources, const KustomizeEdits& edits,
                    const std::vector<Value>& dropped, const std::string& at) {
  Value kustomization = EmptyKustomization();
  Value::List list;
  for (const std::string& path : resources) list.push_back(RelativePath(at, path));
  kustomization.map().Set("resources", std::move(list));
  AddComponents(edits, at, kustomization);
  Edit(edits, kustomization);
  Append(kustomization, "patches", DeletionsOf(dropped));
  if (!edits.metadata_labels.empty()) {
    Value::Map pairs{{"pairs", edits.metadata_labels}};
    Append(kustomization, "labels", {std::move(pairs)});
  }
  AnnotateMetadata(edits.metadata_annotations, kustomization);
  return kustomization;
}

absl::StatusOr<Rendering> RenderOverlaid(const FileTree& files, OverlaidSource& source,
                                         const v1::RenderInput& input) {
  const auto has_file = [&source](const std::string& path) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const std::string* bytes, source.Find(path));
    return bytes != nullptr;
  };
  ASSIGN_OR_RETURN(const bool kustomizes, UsesKustomize(input, has_file));
  if (!kustomizes) return Render(files, input, nullptr);  // charts are told apart before
  kustomize::BuildCache cache(source);
  ASSIGN_OR_RETURN(const BuiltObjects built,
                   kustomize::BuildKustomization(cache, input.path(), KustomizeOptions(input)));
  if (built.empty()) return Rendering{};
  return RenderBuilt(built, source, input);
}

std::string ObjectDifference(const std::vector<Value>& expected, const Rendering& actual) {
  Keyed wanted;
  Keyed had;
  for (const Value& object : expected) wanted.emplace(KeyOf(object), &object);
  for (const RenderedObject& object : actual.objects) {
    had.emplace(KeyOf(object.object.value), &object.object.value);
  }
  for (const auto& [key, object] : wanted) {
    const auto found = had.find(key);
    if (found == had.end()) return absl::StrCat(Describe(*object), " is missing");
    if (!(*found->second == *object)) return absl::StrCat(Describe(*object), " is another");
  }
  for (const auto& [key, object] : had) {
    if (wanted.count(key) == 0) return absl::StrCat(Describe(*object), " should not be there");
  }
  return "";
}

Form SimplestForm(const FormRequest& request) {
  const auto difference = [&request](const std::string& path,
                                     OverlaidSource& source) -> std::string {
    if (!request.compares) return "";
    v1::RenderInput input = request.input;
    input.set_path(path);
    const absl::StatusOr<Rendering> rendering = RenderOverlaid(request.files, source, input);
    if (!rendering.ok()) return std::string(rendering.status().message());
    return ObjectDifference(request.expected, *rendering);
  };
  Form form;
  OverlaidSource source(request.files);
  if (request.edits.empty() && request.dropped.empty() && !request.always_wraps &&
      request.compares && difference(request.directory, source).empty()) {
    form.path = request.directory.empty() ? "." : request.directory;
    form.has_kustomization = !KustomizationIn(request.files, request.directory).empty();
    return form;
  }
  // The real directory has another name and the same depth.
  const std::string at =
      absl::StrCat(request.output, request.output.empty() ? "" : "/", "packages/a/b");
  form.kustomization =
      WriteYaml(WrapperAround(request.resources, request.edits, request.dropped, at));
  form.has_kustomization = true;
  source.Put(at + "/kustomization.yaml", form.kustomization);
  form.difference = difference(at, source);
  return form;
}

std::vector<Value> ValuesOf(const Rendering& rendering) {
  std::vector<Value> values;
  values.reserve(rendering.objects.size());
  for (const RenderedObject& object : rendering.objects) values.push_back(object.object.value);
  return values;
}

std::vector<std::string> UndefinedVariables(const std::vector<Value>& objects,
                                            const std::map<std::string, std::string>& known) {
  std::set<std::string> names;
  for (const Value& object : objects) {
    const std::string text = WriteYaml(object);
    for (size_t at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
      if (at > 0 && text[at - 1] == '$') continue;  // $${name} stays
      size_t end = at + 2;
      while (end < text.size() && IsVariableName(text.substr(at + 2, end + 1 - at - 2))) ++end;
      const std::string name = text.substr(at + 2, end - at - 2);
      const bool has_default = end < text.size() && (text[end] == '-' || text[end] == '=' ||
                                                     absl::StartsWith(text.substr(end), ":-") ||
                                                     absl::StartsWith(text.substr(end), ":="));
      if (!name.empty() && !has_default && known.count(name) == 0) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace muster::cli
