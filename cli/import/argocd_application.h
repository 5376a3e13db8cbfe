// ArgocdApplication: an Argo CD `Application`, as it stands in the tree or as an ApplicationSet
// makes it, read field by field: what of it Muster says too, and notes about the rest. Pure; one
// thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/import/import_report.h"
#include "cli/import/kustomize_form.h"
#include "common/manifest/value.h"

namespace muster::cli {

// `source.helm`, and where its chart is.
struct ArgocdChart {
  std::string name;  // in a registry; empty: the chart at the path
  std::string release_name;
  std::vector<std::string> value_files;  // as written
  bool ignores_missing_files = false;
  Value values = Value::Map();  // of valuesObject, else of values
  struct Parameter {
    std::string name, value;
    bool as_string = false;
  };
  std::vector<Parameter> parameters;
  std::vector<Parameter> file_parameters;  // the value is a path
  bool skips_crds = false;
};

// Another source of an Application, that values files come from: `$ref/path`.
struct ArgocdReference {
  std::string repo_url;
  std::string revision;
};

struct ArgocdApplication {
  std::string name;
  std::string repo_url;
  std::string revision;
  std::string path;          // as written
  std::string server;        // of the destination; either this
  std::string cluster_name;  // or this
  bool readable = false;     // false: a note says why no package can be made of it

  bool has_chart_options = false;  // it is a chart whatever stands at the path
  ArgocdChart chart;
  std::map<std::string, ArgocdReference> references;

  KustomizeEdits edits;
  std::vector<std::string> components;  // relative to the path
  bool has_directory_options = false;   // include, exclude or recurse
  bool recurse = false;
  std::string include;
  std::string exclude;
  bool uses_kustomize_options = false;

  Value::Map common;  // of Package.spec: namespace, sync, onRemoval
};

// `generated`: by an ApplicationSet, whose Applications delete their objects unless it is told not
// to.
ArgocdApplication ReadArgocdApplication(const Value& object, bool generated, ImportItem& item);

// An entry of `images` as a kustomization has it, from "name=new:tag", "name:tag" or "name@digest".
Value ArgocdImage(const std::string& text);

}  // namespace muster::cli
