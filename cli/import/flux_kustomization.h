// FluxKustomization: a Flux `Kustomization` read field by field: what of it Muster says too, and
// notes about the rest. Pure; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cli/import/import_report.h"
#include "cli/import/kustomize_form.h"
#include "cli/import/source_objects.h"
#include "common/manifest/value.h"

namespace muster::cli {

bool IsFluxObject(const Value& object);
bool IsKustomization(const Value& object);
bool IsHelmRelease(const Value& object);
bool IsChartSource(const Value& object);  // HelmRepository, OCIRepository or HelmChart

// The cluster that the name of a Secret with its kubeconfig speaks of; "" for none.
std::string ClusterOfSecret(const std::string& secret);

struct FluxReference {
  std::string kind;
  std::string namespace_;
  std::string name;
};

struct FluxKustomization {
  std::string name;
  std::string namespace_;
  std::string path;  // normalised, from the source's root
  FluxReference source;
  KustomizeEdits edits;  // components relative to `path`, as written
  std::vector<std::string> components;
  std::map<std::string, std::string> variables;
  bool substitutes = false;
  bool variables_known = true;  // false: some come from where nobody can see them
  std::vector<FluxReference> depends_on;
  std::string kubeconfig;  // name of the Secret with another cluster's; empty: Flux's own cluster
  Value::Map common;       // of Package.spec: sync, health, onRemoval, serviceAccount
  bool suspended = false;
};

// The data of a ConfigMap; null when it is not in the tree.
using FindConfigMap =
    std::function<const Value::Map*(const std::string& namespace_, const std::string& name)>;

// What `flux bootstrap` would have made for a folder whose own files are not there.
SourceObject BootstrapOf(const std::string& folder);

FluxKustomization ReadFluxKustomization(const Value& object, const FindConfigMap& find_config_map,
                                        ImportItem& item);

}  // namespace muster::cli
