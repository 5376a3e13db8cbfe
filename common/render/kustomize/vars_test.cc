// What Kustomize 5.5 made of the same vars.
#include "common/render/kustomize/vars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/render/kustomize/build_texts.h"

namespace muster::kustomize {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kPod[] = R"yaml(apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: a
    args: ["$(NAME)", "x-$(NAME)-$(PORT)", "$$(NAME)", "$(NOPE) $", "$(PORT)", "a$b $(NAME"]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432}]}
)yaml";

std::string Build(const std::string& vars) {
  return BuildTexts({{"r.yaml", kPod},
                     {"kustomization.yaml", "resources: [r.yaml]\nnamePrefix: p-\nvars:\n" + vars}},
                    "");
}

TEST(Vars, AreReplacedInArgumentsTypeAndAll) {
  EXPECT_THAT(Build("- {name: NAME, objref: {apiVersion: v1, kind: Service, name: db}}\n"
                    "- {name: PORT, objref: {apiVersion: v1, kind: Service, name: db}, "
                    "fieldref: {fieldPath: 'spec.ports[0].port'}}\n"),
              HasSubstr("  - args:\n    - p-db\n    - x-p-db-5432\n    - $(NAME)\n"
                        "    - $(NOPE) $\n    - 5432\n    - a$b $(NAME\n"));
}

TEST(Vars, NeedAResourceAndAField) {
  EXPECT_THAT(Build("- {name: A, objref: {apiVersion: v1, kind: Service, name: nope}}\n"),
              AllOf(HasSubstr("kustomization.yaml:4"), HasSubstr("no resource of the build")));
  EXPECT_THAT(Build("- {name: A, objref: {apiVersion: v1, kind: Service, name: db}, fieldref: "
                    "{fieldPath: spec.nope}}\n"),
              AllOf(HasSubstr("kustomization.yaml:4"), HasSubstr("has no field 'spec.nope'")));
  EXPECT_THAT(Build("- {name: A, objref: {apiVersion: v1, kind: Service, name: db}}\n"
                    "- {name: A, objref: {apiVersion: v1, kind: Pod, name: web}}\n"),
              AllOf(HasSubstr("kustomization.yaml:5"), HasSubstr("var 'A' is there already")));
}

TEST(Vars, LookWhereConfigurationsSay) {
  const std::string built = BuildTexts(
      {{"r.yaml",
        "apiVersion: example.com/v1\nkind: T\nmetadata: {name: t}\nspec: {a: $(A), "
        "m: {x: $(A)-1, y: 2}}\n"},
       {"c.yaml", "varReference:\n- {path: spec/a, kind: T}\n- {path: spec/m, kind: T}\n"},
       {"kustomization.yaml",
        "resources: [r.yaml]\nconfigurations: [c.yaml]\nvars:\n"
        "- {name: A, objref: {apiVersion: example.com/v1, kind: T, name: t}}\n"}},
      "");
  EXPECT_THAT(built, HasSubstr("spec:\n  a: t\n  m:\n    x: t-1\n    \"y\": 2\n"));
}

}  // namespace
}  // namespace muster::kustomize
