#include "common/render/kustomize/kustomization_parts.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"

namespace muster::kustomize {
namespace {

absl::Status ReadGvk(const MapReader& map, Gvk& gvk) {
  RETURN_IF_ERROR(map.Text("group", gvk.group));
  RETURN_IF_ERROR(map.Text("version", gvk.version));
  return map.Text("kind", gvk.kind);
}

absl::StatusOr<FieldOptions> ReadFieldOptions(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "options of a replacement",
                                   {"delimiter", "index", "encoding", "create"}));
  FieldOptions options;
  std::string index;
  RETURN_IF_ERROR(map.Text("delimiter", options.delimiter));
  RETURN_IF_ERROR(map.Text("encoding", options.encoding));
  RETURN_IF_ERROR(map.Integer("index", index));
  RETURN_IF_ERROR(map.Bool("create", options.create));
  if (!index.empty() && !absl::SimpleAtoi(index, &options.index)) {
    return map.At("index").Error("index is too large");
  }
  return options;
}

absl::StatusOr<ReplacementSource> ReadSource(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(node, "the source of a replacement",
                                                        {"group", "version", "kind", "name",
                                                         "namespace", "fieldPath", "options"}));
  ReplacementSource source;
  RETURN_IF_ERROR(ReadGvk(map, source.id.gvk));
  RETURN_IF_ERROR(map.Text("name", source.id.name));
  RETURN_IF_ERROR(map.Text("namespace", source.id.namespace_));
  RETURN_IF_ERROR(map.Text("fieldPath", source.field_path));
  if (map.Has("options")) {
    ASSIGN_OR_RETURN(source.options, ReadFieldOptions(map.At("options")));
  }
  return source;
}

absl::StatusOr<ReplacementTarget> ReadTarget(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "a target of a replacement",
                                   {"select", "reject", "fieldPaths", "options"}));
  ReplacementTarget target;
  if (map.Has("select")) {
    ASSIGN_OR_RETURN(target.select, ReadSelector(map.At("select"), "select"));
  }
  RETURN_IF_ERROR(map.Each("reject", [&](const Node& one) -> absl::Status {
    ASSIGN_OR_RETURN(Selector selector, ReadSelector(one, "reject"));
    target.reject.push_back(std::move(selector));
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(map.Texts("fieldPaths", target.field_paths));
  if (map.Has("options")) {
    ASSIGN_OR_RETURN(target.options, ReadFieldOptions(map.At("options")));
  }
  return target;
}

}  // namespace

absl::StatusOr<Selector> ReadSelector(const Node& node, absl::string_view what) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, what,
                                   {"group", "version", "kind", "name", "namespace",
                                    "labelSelector", "annotationSelector"}));
  Selector selector;
  selector.place = node.place();
  RETURN_IF_ERROR(ReadGvk(map, selector.gvk));
  RETURN_IF_ERROR(map.Text("name", selector.name));
  RETURN_IF_ERROR(map.Text("namespace", selector.namespace_));
  RETURN_IF_ERROR(map.Text("labelSelector", selector.label_selector));
  RETURN_IF_ERROR(map.Text("annotationSelector", selector.annotation_selector));
  return selector;
}

absl::StatusOr<Patch> ReadPatch(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "a patch", {"path", "patch", "target", "options"}));
  Patch patch;
  patch.place = node.place();
  RETURN_IF_ERROR(map.Text("path", patch.path));
  RETURN_IF_ERROR(map.Text("patch", patch.patch));
  if (map.Has("target")) {
    ASSIGN_OR_RETURN(patch.target, ReadSelector(map.At("target"), "target"));
  }
  if (map.Has("options")) {
    ASSIGN_OR_RETURN(const MapReader options,
                     MapReader::Open(map.At("options"), "options of a patch", {}));
    RETURN_IF_ERROR(options.Bool("allowNameChange", patch.allow_name_change));
    RETURN_IF_ERROR(options.Bool("allowKindChange", patch.allow_kind_change));
  }
  return patch;
}

absl::StatusOr<ImageEdit> ReadImage(const Node& node) {
  ASSIGN_OR_RETURN(
      const MapReader map,
      MapReader::Open(node, "an image", {"name", "newName", "newTag", "tagSuffix", "digest"}));
  ImageEdit image;
  image.place = node.place();
  RETURN_IF_ERROR(map.Text("name", image.name));
  RETURN_IF_ERROR(map.Text("newName", image.new_name));
  RETURN_IF_ERROR(map.Text("newTag", image.new_tag));
  RETURN_IF_ERROR(map.Text("tagSuffix", image.tag_suffix));
  RETURN_IF_ERROR(map.Text("digest", image.digest));
  return image;
}

absl::StatusOr<ReplicaEdit> ReadReplica(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "an entry of replicas", {"name", "count"}));
  ReplicaEdit replica;
  replica.place = node.place();
  replica.count = "0";
  RETURN_IF_ERROR(map.Text("name", replica.name));
  RETURN_IF_ERROR(map.Integer("count", replica.count));
  return replica;
}

absl::StatusOr<FieldSpec> ReadFieldSpec(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(node, "a field", {}));
  Gvk gvk;
  std::string path;
  bool create = false;
  RETURN_IF_ERROR(ReadGvk(map, gvk));
  RETURN_IF_ERROR(map.Text("path", path));
  RETURN_IF_ERROR(map.Bool("create", create));
  return MakeFieldSpec(std::move(gvk), path, create);
}

absl::StatusOr<LabelEdit> ReadLabels(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "an entry of labels",
                                   {"pairs", "includeSelectors", "includeTemplates", "fields"}));
  LabelEdit labels;
  labels.place = node.place();
  RETURN_IF_ERROR(map.TextMap("pairs", labels.pairs));
  RETURN_IF_ERROR(map.Bool("includeSelectors", labels.include_selectors));
  RETURN_IF_ERROR(map.Bool("includeTemplates", labels.include_templates));
  RETURN_IF_ERROR(ReadParts(map, "fields", ReadFieldSpec, labels.fields));
  return labels;
}

absl::StatusOr<GeneratorOptions> ReadGeneratorOptions(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(node, "the options of a generator",
                                                        {"labels", "annotations",
                                                         "disableNameSuffixHash", "immutable"}));
  GeneratorOptions options;
  RETURN_IF_ERROR(map.TextMap("labels", options.labels));
  RETURN_IF_ERROR(map.TextMap("annotations", options.annotations));
  RETURN_IF_ERROR(map.Bool("disableNameSuffixHash", options.disable_name_suffix_hash));
  RETURN_IF_ERROR(map.Bool("immutable", options.immutable));
  return options;
}

absl::StatusOr<GeneratorArgs> ReadGenerator(const Node& node, bool is_secret, bool strict) {
  std::vector<absl::string_view> fields = {"name",  "namespace", "behavior", "literals",
                                           "files", "envs",      "env",      "options"};
  if (is_secret) fields.push_back("type");
  if (!strict) fields.clear();
  ASSIGN_OR_RETURN(const MapReader map, MapReader::Open(node, "a generator", fields));
  GeneratorArgs args;
  args.place = node.place();
  RETURN_IF_ERROR(map.Text("name", args.name));
  RETURN_IF_ERROR(map.Text("namespace", args.namespace_));
  RETURN_IF_ERROR(map.Text("behavior", args.behavior));
  if (is_secret) RETURN_IF_ERROR(map.Text("type", args.type));
  RETURN_IF_ERROR(map.Texts("literals", args.literals));
  RETURN_IF_ERROR(map.Texts("files", args.files));
  RETURN_IF_ERROR(map.Texts("envs", args.envs));
  std::string env;
  RETURN_IF_ERROR(map.Text("env", env));
  if (!env.empty()) args.envs.push_back(env);
  if (map.Has("options")) {
    ASSIGN_OR_RETURN(args.options, ReadGeneratorOptions(map.At("options")));
    args.has_options = true;
  }
  return args;
}

absl::StatusOr<Replacement> ReadReplacement(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "a replacement", {"path", "source", "targets"}));
  Replacement replacement;
  replacement.place = node.place();
  RETURN_IF_ERROR(map.Text("path", replacement.path));
  if (map.Has("source")) {
    ASSIGN_OR_RETURN(replacement.source, ReadSource(map.At("source")));
  }
  RETURN_IF_ERROR(ReadParts(map, "targets", ReadTarget, replacement.targets));
  return replacement;
}

absl::StatusOr<Var> ReadVar(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "a var", {"name", "objref", "fieldref"}));
  Var var;
  var.place = node.place();
  RETURN_IF_ERROR(map.Text("name", var.name));
  if (map.Has("objref")) {
    ASSIGN_OR_RETURN(const MapReader target, MapReader::Open(map.At("objref"), "objref",
                                                             {"apiVersion", "group", "version",
                                                              "kind", "name", "namespace"}));
    std::string api_version;
    RETURN_IF_ERROR(ReadGvk(target, var.target.gvk));
    RETURN_IF_ERROR(target.Text("apiVersion", api_version));
    RETURN_IF_ERROR(target.Text("name", var.target.name));
    RETURN_IF_ERROR(target.Text("namespace", var.target.namespace_));
    if (!api_version.empty()) {
      const Gvk gvk = Gvk::Of(api_version, var.target.gvk.kind);
      var.target.gvk.version = gvk.version;
      if (!gvk.group.empty()) var.target.gvk.group = gvk.group;
    }
  }
  if (map.Has("fieldref")) {
    ASSIGN_OR_RETURN(const MapReader field,
                     MapReader::Open(map.At("fieldref"), "fieldref", {"fieldPath"}));
    RETURN_IF_ERROR(field.Text("fieldPath", var.field_path));
    if (var.field_path.empty()) var.field_path = "metadata.name";
  }
  return var;
}

absl::StatusOr<SortOptions> ReadSortOptions(const Node& node) {
  ASSIGN_OR_RETURN(const MapReader map,
                   MapReader::Open(node, "sortOptions", {"order", "legacySortOptions"}));
  SortOptions options;
  std::string order;
  RETURN_IF_ERROR(map.Text("order", order));
  if (order != "legacy" && order != "fifo") {
    return map.At("order").Error("sortOptions.order must be legacy or fifo");
  }
  options.legacy = order == "legacy";
  if (!map.Has("legacySortOptions")) return options;
  const Node legacy = map.At("legacySortOptions");
  if (!options.legacy) return legacy.Error("legacySortOptions need order: legacy");
  ASSIGN_OR_RETURN(const MapReader lists,
                   MapReader::Open(legacy, "legacySortOptions", {"orderFirst", "orderLast"}));
  options.has_legacy_options = true;
  RETURN_IF_ERROR(lists.Texts("orderFirst", options.order_first));
  RETURN_IF_ERROR(lists.Texts("orderLast", options.order_last));
  return options;
}

absl::StatusOr<GeneratorArgs> ReadGeneratorArgs(const Document& document,
                                                const std::string& pointer, bool is_secret) {
  Node node = RootOf(document);
  node.value = document.value.Find(pointer);
  node.pointer = pointer;
  return ReadGenerator(node, is_secret, /*strict=*/false);
}

absl::StatusOr<std::vector<Replacement>> ReadReplacements(const Document& document,
                                                          const std::string& pointer) {
  Node node = RootOf(document);
  node.value = document.value.Find(pointer);
  node.pointer = pointer;
  std::vector<Replacement> replacements;
  if (node.value != nullptr && node.value->is_map()) {
    ASSIGN_OR_RETURN(Replacement one, ReadReplacement(node));
    replacements.push_back(std::move(one));
    return replacements;
  }
  if (node.value == nullptr || !node.value->is_list()) {
    return node.Error("a replacement, or a list of them, is expected");
  }
  for (size_t i = 0; i < node.value->list().size(); ++i) {
    Node element = node;
    element.value = &node.value->list()[i];
    element.pointer = absl::StrCat(pointer, "/", i);
    ASSIGN_OR_RETURN(Replacement one, ReadReplacement(element));
    replacements.push_back(std::move(one));
  }
  return replacements;
}

}  // namespace muster::kustomize
