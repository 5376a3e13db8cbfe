#include "common/render/kustomize/origins.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/manifest/yaml_writer.h"

namespace muster::kustomize {
namespace {

constexpr absl::string_view kOriginKey = "config.kubernetes.io/origin";
constexpr absl::string_view kTransformationsKey = "alpha.config.kubernetes.io/transformations";

// Kustomize keeps notes under these while it builds.
constexpr absl::string_view kBuildKeys[] = {
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
};

void AddLine(absl::string_view key, absl::string_view text, std::vector<std::string>& lines) {
  if (text.empty()) return;
  const std::string written = WriteYaml(Value(text));
  lines.push_back(absl::StrCat(key, ": ", absl::StripTrailingAsciiWhitespace(written)));
}

std::vector<std::string> LinesOf(const Origin& origin) {
  std::vector<std::string> lines, by;
  AddLine("path", origin.path, lines);
  AddLine("repo", origin.repo, lines);
  AddLine("ref", origin.ref, lines);
  AddLine("configuredIn", origin.configured_in, lines);
  AddLine("  apiVersion", origin.configured_by_api_version, by);
  AddLine("  kind", origin.configured_by_kind, by);
  AddLine("  name", origin.configured_by_name, by);
  AddLine("  namespace", origin.configured_by_namespace, by);
  if (by.empty()) return lines;
  lines.push_back("configuredBy:");
  lines.insert(lines.end(), by.begin(), by.end());
  return lines;
}

std::string TextOf(const std::vector<Origin>& origins) {
  std::string text;
  for (const Origin& origin : origins) {
    const char* indentation = "- ";
    for (const std::string& line : LinesOf(origin)) {
      absl::StrAppend(&text, indentation, line, "\n");
      indentation = "  ";
    }
  }
  return text;
}

}  // namespace

std::string JoinOriginPath(absl::string_view directory, absl::string_view path) {
  std::vector<absl::string_view> parts;
  for (const absl::string_view whole : {directory, path}) {
    for (const absl::string_view part : absl::StrSplit(whole, '/', absl::SkipEmpty())) {
      if (part == ".") continue;
      if (part == ".." && !parts.empty() && parts.back() != "..") {
        parts.pop_back();
      } else {
        parts.push_back(part);
      }
    }
  }
  return absl::StrJoin(parts, "/");
}

Origin OriginOfBuiltin(absl::string_view directory, absl::string_view file,
                       absl::string_view kind) {
  Origin origin;
  origin.configured_in = JoinOriginPath(directory, file);
  origin.configured_by_api_version = "builtin";
  origin.configured_by_kind = std::string(kind);
  return origin;
}

Origin OriginOfPlugin(const Resource& config) {
  Origin origin;
  const ResId id = config.CurrentId();
  if (config.origin.has_value()) origin.configured_in = config.origin->path;
  origin.configured_by_api_version = id.gvk.api_version();
  origin.configured_by_kind = id.gvk.kind;
  origin.configured_by_name = id.name;
  origin.configured_by_namespace = id.namespace_;
  return origin;
}

void NoteTransformer(const Origin& transformer, ResMap& map) {
  for (Resource& resource : map.Mutable()) {
    if (resource.origin.has_value()) {
      resource.transformations.push_back(transformer);
      resource.RewriteAnnotations();
    } else {
      resource.origin = transformer;
    }
  }
}

void FinishAnnotations(bool with_origin, bool with_transformations, Resource& resource) {
  const Value* metadata = resource.value().Get("metadata");
  const Value* annotations = metadata == nullptr ? nullptr : metadata->Get("annotations");
  const bool adds = (with_origin && resource.origin.has_value()) ||
                    (with_transformations && !resource.transformations.empty());
  if (annotations == nullptr && !adds) return;
  const auto is_plain = [](const Member& member) {
    return member.value.is_string() && !absl::StrContains(member.key, "config.k");
  };
  if (!adds && annotations->is_map() && !annotations->map().empty() &&
      std::all_of(annotations->map().begin(), annotations->map().end(), is_plain)) {
    return;
  }
  Value::Map finished;
  if (annotations != nullptr && annotations->is_map()) {
    for (const Member& member : annotations->map()) {
      const bool is_note = std::find(std::begin(kBuildKeys), std::end(kBuildKeys), member.key) !=
                           std::end(kBuildKeys);
      const bool is_origin = member.key == kOriginKey && !with_origin;
      const bool is_transformations = member.key == kTransformationsKey && !with_transformations;
      if (is_note || is_origin || is_transformations) continue;
      const std::string pointer = JoinPointer("/metadata/annotations", member.key);
      const bool is_bare = resource.bare_nulls != nullptr &&
                           std::find(resource.bare_nulls->begin(), resource.bare_nulls->end(),
                                     pointer) != resource.bare_nulls->end();
      const bool spells_null = member.value.is_null() && !is_bare;
      finished.Set(member.key, Value(spells_null ? "null" : ScalarText(member.value)));
    }
  }
  if (with_origin && resource.origin.has_value()) {
    const std::string text = absl::StrJoin(LinesOf(*resource.origin), "\n");
    finished.Set(std::string(kOriginKey), Value(absl::StrCat(text, "\n")));
  }
  if (with_transformations && !resource.transformations.empty()) {
    finished.Set(std::string(kTransformationsKey), Value(TextOf(resource.transformations)));
  }
  Value& value = resource.Mutable();
  value.Remove("/metadata/annotations");
  if (!finished.empty()) value.Set("/metadata/annotations", Value(std::move(finished)));
}

}  // namespace muster::kustomize
