// FleetYaml: a `fleet.yaml` read field by field: what of it Muster says too, and notes about the
// rest. Pure; one thread.
#pragma once

#include <string>
#include <vector>

#include "cli/import/import_report.h"
#include "common/manifest/value.h"

namespace muster::cli {

// How files become objects; a target may have its own.
struct FleetVariant {
  std::string kustomize_dir;          // below the bundle; empty: the bundle itself
  std::vector<std::string> overlays;  // of raw YAML

  friend bool operator==(const FleetVariant&, const FleetVariant&) = default;
};

// Values for a chart: Fleet lays the files over the values.
struct FleetValues {
  Value values = Value::Map();
  std::vector<std::string> files;  // relative to the bundle
};

// `helm` of a bundle.
struct FleetChart {
  std::string chart;
  std::string repo;
  std::string version;
  std::string release_name;
  bool preprocesses = true;  // values are templates
  std::string why_not;       // a field that no Package can say
};

struct FleetCustomization {
  std::string name;
  Value target;  // with clusterName, clusterSelector, clusterGroup or clusterGroupSelector
  FleetVariant variant;
  FleetValues values;
  bool excluded = false;  // doNotDeploy
};

struct FleetYaml {
  std::string name;  // empty: none of its own
  FleetVariant variant;
  std::vector<FleetCustomization> customizations;  // the first that matches decides
  std::vector<Value> override_targets;             // instead of the GitRepo's
  bool overrides_targets = false;
  std::vector<Value> depends_on;  // entries
  Value::Map labels;
  Value::Map common;  // of Package.spec: namespace, sync, onRemoval
  bool paused = false;
  FleetChart chart;
  FleetValues values;
};

// `value` is the file's map; null for a bundle without one. `corrects_drift` as its GitRepo has it.
FleetYaml ReadFleetYaml(const Value& value, bool corrects_drift, ImportItem& item);

}  // namespace muster::cli
