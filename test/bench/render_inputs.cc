#include "test/bench/render_inputs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/check.h"

namespace muster::bench {
namespace {

constexpr char kDeployment[] = R"(apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
  labels:
    app: NAME
spec:
  replicas: 1
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
    spec:
      serviceAccountName: NAME
      containers:
      - name: web
        image: example/web:1.0
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: MODE
          value: "normal"
        envFrom:
        - configMapRef:
            name: settings
        resources:
          requests: {cpu: 100m, memory: 64Mi}
          limits: {memory: 128Mi}
)";

constexpr char kService[] = R"(apiVersion: v1
kind: Service
metadata:
  name: NAME
spec:
  selector:
    app: NAME
  ports:
  - name: http
    port: 80
    targetPort: http
)";

constexpr char kAccount[] = R"(apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
)";

constexpr char kConfigMap[] = R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  settings.ini: |
    [server]
    port = 8080
    name = NAME
)";

std::string Named(absl::string_view text, const std::string& name) {
  return absl::StrReplaceAll(text, {{"NAME", name}});
}

void Add(const std::string& path, std::string text, RenderInputs& inputs) {
  CHECK(inputs.files.Add(path, std::move(text)).ok());
}

}  // namespace

RenderInputs SmallestOverlay() {
  RenderInputs inputs;
  Add("base/deployment.yaml", Named(kDeployment, "web"), inputs);
  Add("base/service.yaml", Named(kService, "web"), inputs);
  Add("base/kustomization.yaml",
      "resources: [deployment.yaml, service.yaml]\n"
      "configMapGenerator:\n- name: settings\n  literals: [mode=normal]\n",
      inputs);
  Add("overlay/kustomization.yaml",
      "resources: [../base]\nnamePrefix: prod-\nnamespace: web\n"
      "labels:\n- pairs: {env: prod}\n"
      "patches:\n- path: replicas.yaml\n",
      inputs);
  Add("overlay/replicas.yaml",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
      inputs);
  inputs.directories = {"overlay"};
  return inputs;
}

RenderInputs ManyObjects(int objects) {
  RenderInputs inputs;
  std::string base = "resources:\n";
  for (int i = 0; i < objects / 4; ++i) {
    const std::string name = absl::StrCat("app-", i);
    Add(absl::StrCat("base/", name, ".yaml"),
        absl::StrCat(Named(kDeployment, name), "---\n", Named(kService, name), "---\n",
                     Named(kAccount, name), "---\n", Named(kConfigMap, name)),
        inputs);
    absl::StrAppend(&base, "- ", name, ".yaml\n");
  }
  Add("base/kustomization.yaml", std::move(base), inputs);
  Add("overlay/kustomization.yaml",
      "resources: [../base]\nnamespace: web\nlabels:\n- pairs: {env: prod}\n"
      "images:\n- name: example/web\n  newTag: \"1.1\"\n",
      inputs);
  inputs.directories = {"overlay"};
  return inputs;
}

RenderInputs ManyOverlays(int count) {
  RenderInputs inputs;
  Add("base/all.yaml",
      absl::StrCat(Named(kDeployment, "web"), "---\n", Named(kService, "web"), "---\n",
                   Named(kAccount, "web")),
      inputs);
  Add("base/kustomization.yaml", "resources: [all.yaml]\n", inputs);
  for (int i = 0; i < count; ++i) {
    const std::string directory = absl::StrCat("clusters/c", i);
    Add(absl::StrCat(directory, "/kustomization.yaml"),
        absl::StrCat("resources: [../../base]\nnamespace: team-", i, "\n",
                     "configMapGenerator:\n- name: settings\n  literals: [cluster=c", i, "]\n",
                     "images:\n- name: example/web\n  newTag: \"1.", i, "\"\n",
                     "patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n"
                     "    metadata: {name: web}\n    spec: {replicas: ",
                     i % 7 + 1, "}\n"),
        inputs);
    inputs.directories.push_back(directory);
  }
  return inputs;
}

}  // namespace muster::bench
