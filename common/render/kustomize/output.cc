#include "common/render/kustomize/output.h"

#include "common/manifest/kubectl_yaml.h"

namespace muster::kustomize {

std::string WriteKustomizeYaml(const std::vector<BuiltObject>& objects) {
  std::string out;
  for (const BuiltObject& object : objects) {
    if (!out.empty()) out += "---\n";
    AppendKubectlYaml(*object.value, out);
  }
  return out;
}

}  // namespace muster::kustomize
