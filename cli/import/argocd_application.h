// ArgocdApplication: an Argo CD `Application`, as it stands in the tree or as an ApplicationSet
// makes it, read field by field: what of it Muster says too, and notes about the rest. Pure; one
// thread.
#pragma once

#include <string>
#include <vector>

#include "cli/import/import_report.h"
#include "cli/import/kustomize_form.h"
#include "common/manifest/value.h"

namespace muster::cli {

struct ArgocdApplication {
  std::string name;
  std::string repo_url;
  std::string revision;
  std::string path;          // as written
  std::string server;        // of the destination; either this
  std::string cluster_name;  // or this
  bool readable = false;     // false: a note says why no package can be made of it

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
