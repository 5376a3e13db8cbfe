#include "common/render/input_digest.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/render/render.h"

namespace muster {
namespace {

constexpr absl::string_view kLabelPrefix = "cluster.labels.";
constexpr absl::string_view kKubernetesVersion = "cluster.kubernetesVersion";

// Texts one after another, each with its length, so that no two lists of texts look alike.
class Fields {
 public:
  Fields& Add(absl::string_view text) {
    absl::StrAppend(&bytes_, text.size(), ":", text, "\n");
    return *this;
  }
  Fields& Add(int64_t number) { return Add(absl::StrCat(number)); }
  Digest digest() const { return Digest::Of(bytes_); }

 private:
  std::string bytes_;
};

void AddClusterVariable(const v1::RenderInput& input, absl::string_view name, Fields& fields) {
  fields.Add(name);
  if (name == kKubernetesVersion) {
    fields.Add(input.kubernetes_version());
    return;
  }
  absl::string_view key = name;
  if (!absl::ConsumePrefix(&key, kLabelPrefix)) {
    fields.Add(1).Add(input.cluster_name());
    return;
  }
  for (const v1::Label& label : input.labels()) {
    if (label.key() != key) continue;
    fields.Add(1).Add(label.value());
    return;
  }
  fields.Add(0);
}

void AddHelm(const v1::Helm& helm, Fields& fields) {
  fields.Add(helm.chart()).Add(helm.repository()).Add(helm.version()).Add(helm.digest());
  fields.Add(helm.release_name()).Add(helm.values());
  fields.Add(helm.values_files_size());
  for (const std::string& file : helm.values_files()) fields.Add(file);
}

}  // namespace

Digest ParamsDigest(const v1::RenderInput& input, const std::set<std::string>& uses) {
  Fields fields;
  fields.Add("muster render parameters v1").Add(input.renderer()).Add(input.substitute());
  // A later field, which leaves the digests of those without it as they were.
  if (input.load_restrictor() == v1::LOAD_RESTRICTOR_NONE) fields.Add("load restrictor none");
  if (input.has_helm() || input.has_target_helm()) {
    fields.Add("helm");
    AddHelm(input.helm(), fields);
    AddHelm(input.target_helm(), fields);
  }
  fields.Add(input.variables_size());
  for (const v1::Variable& variable : input.variables()) {
    fields.Add(variable.name()).Add(variable.value());
  }
  fields.Add(input.patches_size());
  for (const v1::Patch& patch : input.patches()) {
    fields.Add(patch.path()).Add(patch.inline_()).Add(patch.target_group());
    fields.Add(patch.target_version()).Add(patch.target_kind()).Add(patch.target_name());
    fields.Add(patch.target_namespace());
  }
  fields.Add(input.patch_files_size());
  for (const std::string& file : input.patch_files()) fields.Add(file);
  fields.Add(input.namespace_()).Add(input.override_namespace());
  fields.Add(static_cast<int64_t>(uses.size()));
  for (const std::string& name : uses) AddClusterVariable(input, name, fields);
  return fields.digest();
}

Digest InputDigest(absl::string_view engine, absl::string_view engine_version,
                   absl::string_view tree_id, const v1::RenderInput& input,
                   const std::set<std::string>& uses) {
  Fields fields;
  fields.Add("muster render input v1").Add(engine).Add(engine_version);
  fields.Add(tree_id).Add(input.path()).Add(ParamsDigest(input, uses).view());
  return fields.digest();
}

}  // namespace muster
