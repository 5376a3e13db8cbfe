// Kustomization: what a kustomization.yaml says, checked and with places for messages.
//
// Deprecated spellings are folded into the current ones (bases into resources, imageTags into
// images, env into envs). Unknown fields are refused with the nearest known one. Keys are matched
// without regard to case when no key matches exactly, as Kustomize does. Pure; any thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/resource.h"
#include "common/render/kustomize/transformer_config.h"

namespace muster::kustomize {

// A text of a list and where it stands: a path, or an inline document.
struct Entry {
  std::string text;
  Place place;
};

using TextMap = std::map<std::string, std::string>;

// Which resources are meant. Regular expressions (RE2, for the whole field), absent ones matching
// all; label and annotation selectors in Kubernetes' syntax. See selector.h.
struct Selector {
  Gvk gvk;
  std::string name, namespace_;
  std::string label_selector, annotation_selector;
  Place place;
};

struct Patch {
  std::string path;   // of a file, or
  std::string patch;  // the text itself
  std::optional<Selector> target;
  bool allow_name_change = false, allow_kind_change = false;
  Place place;
};

struct ImageEdit {
  std::string name, new_name, new_tag, tag_suffix, digest;
  Place place;
};

struct ReplicaEdit {
  std::string name;
  std::string count;  // an integer literal
  Place place;
};

struct LabelEdit {
  TextMap pairs;
  bool include_selectors = false, include_templates = false;
  std::vector<FieldSpec> fields;
  Place place;
};

struct GeneratorOptions {
  TextMap labels, annotations;
  bool disable_name_suffix_hash = false;
  bool immutable = false;
};

// One configMapGenerator or secretGenerator. MergeGeneratorOptions (generators.h) puts the
// kustomization's generatorOptions in before it runs.
struct GeneratorArgs {
  std::string name, namespace_, behavior;
  std::string type;  // of secrets
  std::vector<std::string> literals, files, envs;
  bool has_options = false;
  GeneratorOptions options;
  Place place;
};

struct FieldOptions {
  std::string delimiter, encoding;
  int index = 0;
  bool create = false;
};

struct ReplacementSource {
  ResId id;
  std::string field_path;
  std::optional<FieldOptions> options;
};

struct ReplacementTarget {
  std::optional<Selector> select;
  std::vector<Selector> reject;
  std::vector<std::string> field_paths;
  std::optional<FieldOptions> options;
};

struct Replacement {
  std::string path;  // of a file with replacements, or the rest
  std::optional<ReplacementSource> source;
  std::vector<ReplacementTarget> targets;
  Place place;
};

struct Var {
  std::string name;
  ResId target;  // group and version from apiVersion where that is given
  std::string field_path = "metadata.name";
  Place place;
};

// How resources are sorted at the end.
struct SortOptions {
  bool legacy = true;  // else fifo
  bool has_legacy_options = false;
  std::vector<std::string> order_first, order_last;
};

// A chart that is inflated (helm_charts.h).
struct HelmChart {
  std::string name, version, repo, chart_home;
  std::string release_name, namespace_, kube_version;
  std::string values_file;
  Value values_inline;
  std::string values_merge = "override";
  std::vector<std::string> additional_values_files, api_versions;
  bool include_crds = false, skip_hooks = false, skip_tests = false;
  std::string unsupported;  // a field with content for Helm's command line
  Place place;
};

struct Kustomization {
  bool is_component = false;
  std::string name_prefix, name_suffix, namespace_;
  TextMap common_labels, common_annotations;
  std::vector<LabelEdit> labels;
  std::vector<Entry> resources, components, crds, configurations;
  std::vector<Entry> generators, transformers, validators;
  std::vector<Entry> patches_strategic_merge;
  std::vector<Patch> patches_json6902, patches;
  std::vector<ImageEdit> images;
  std::vector<ReplicaEdit> replicas;
  std::vector<Replacement> replacements;
  std::vector<Var> vars;
  std::vector<GeneratorArgs> config_map_generators, secret_generators;
  std::optional<GeneratorOptions> generator_options;
  std::vector<HelmChart> helm_charts;
  std::optional<SortOptions> sort_options;
  std::optional<Entry> openapi_path;
  bool origin_annotations = false, transformer_annotations = false, managed_by_label = false;

  std::string path;  // of the file
  Place place;       // its first line
};

// Reads the one document of a kustomization file. kInvalidArgument ("path:line:column: ...").
absl::StatusOr<Kustomization> ReadKustomization(const Document& document);

// A transformer configuration, as files under `configurations` are. Unknown fields are left alone.
absl::StatusOr<TransformerConfig> ReadTransformerConfig(const Document& document);

// Parts of it, for configurations that stand in documents of their own (builtin generators and
// transformers, files of replacements). `pointer` leads to the part.
absl::StatusOr<GeneratorArgs> ReadGeneratorArgs(const Document& document,
                                                const std::string& pointer, bool is_secret);
absl::StatusOr<std::vector<Replacement>> ReadReplacements(const Document& document,
                                                          const std::string& pointer);

}  // namespace muster::kustomize
