// What Kustomize 5.5 made of the same generators, hashes included.
#include "common/render/kustomize/generators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/render/kustomize/build_texts.h"

namespace muster::kustomize {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kBinary[] = "\xff\xfe\x02\x01";

std::string Build(const std::string& kustomization) {
  return BuildTexts({{"o/kustomization.yaml", kustomization},
                     {"o/b.bin", kBinary},
                     {"o/e.env",
                      "\xEF\xBB\xBF"
                      "A=\"x y\"\r\n# no\n  B=1=2\nC\n=no\n"},
                     {"o/f.txt", "one\r\ntwo\n"}},
                    "o");
}

TEST(Generators, TakeLiteralsFilesAndEnvs) {
  EXPECT_EQ(Build(R"(
configMapGenerator:
- name: settings
  literals: [a="quoted", "b=it's", "c=<&>", e=]
  files: [f.txt, blob=b.bin]
  envs: [e.env]
)"),
            R"(apiVersion: v1
binaryData:
  blob: //4CAQ==
data:
  A: '"x y"'
  B: 1=2
  C: ""
  a: quoted
  b: it's
  c: <&>
  e: ""
  f.txt: "one\r\ntwo\n"
kind: ConfigMap
metadata:
  name: settings-285652g88b
)");
}

TEST(Generators, TakeTruthsOfOldYaml) {
  for (const char* yes : {"yes", "on", "Y", "true"}) {
    EXPECT_THAT(Build(absl::StrCat("generatorOptions: {disableNameSuffixHash: ", yes,
                                   "}\nconfigMapGenerator: [{name: fixed, literals: [a=b]}]\n")),
                HasSubstr("name: fixed\n"));
  }
  EXPECT_THAT(Build("generatorOptions: {disableNameSuffixHash: off}\n"
                    "configMapGenerator: [{name: hashed, literals: [a=b]}]\n"),
              HasSubstr("name: hashed-"));
  EXPECT_THAT(Build("generatorOptions: {disableNameSuffixHash: yep}\n"),
              HasSubstr("disableNameSuffixHash must be a bool"));
}

TEST(Generators, MergeOptions) {
  EXPECT_EQ(Build(R"(
generatorOptions:
  labels: {team: web, app: global}
  annotations: {note: all}
configMapGenerator:
- name: fixed
  namespace: other
  literals: [k=v]
  options: {disableNameSuffixHash: true, immutable: true, labels: {app: own}}
- name: empty
)"),
            R"(apiVersion: v1
data:
  k: v
immutable: true
kind: ConfigMap
metadata:
  annotations:
    note: all
  labels:
    app: own
    team: web
  name: fixed
  namespace: other
---
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    note: all
  labels:
    app: global
    team: web
  name: empty-6ct58987ht
)");
}

TEST(Generators, EncodeSecretsInLines) {
  EXPECT_EQ(Build(R"(
secretGenerator:
- name: token
  type: example.com/token
  literals: [password=0123456789012345678901234567890123456789012345678901234567890123456789]
)"),
            R"(apiVersion: v1
data:
  password: |
    MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMT
    IzNDU2Nzg5MDEyMzQ1Njc4OQ==
kind: Secret
metadata:
  name: token-k97bbb4g7k
type: example.com/token
)");
}

TEST(Generators, MergeIntoThoseOfABase) {
  const std::string built = BuildTexts(
      {{"b/kustomization.yaml", "configMapGenerator: [{name: a, literals: [x=1, y=2]}]\n"},
       {"o/kustomization.yaml",
        "resources: [../b]\n"
        "configMapGenerator: [{name: a, behavior: merge, literals: [y=3, z=4]}]\n"}},
      "o");
  EXPECT_THAT(built, HasSubstr("data:\n  x: \"1\"\n  \"y\": \"3\"\n  z: \"4\"\n"));
  EXPECT_THAT(built, HasSubstr("name: a-k8dh89fh59\n"));
}

TEST(Generators, RefuseWhatKustomizeRefuses) {
  const std::pair<const char*, const char*> cases[] = {
      {"{name: a, literals: [x=1, x=2]}", "key 'x' is given twice"},
      {"{name: a, literals: [x]}", "literal 1 has no '='"},
      {"{name: a, literals: [a=1, '=x']}", "literal 2 has no key"},
      {"{name: a, files: [a=b=c]}", "neither the key nor the path may hold a second '='"},
      {"{name: a, files: [a=]}", "has no path"},
      {"{name: a, files: [=a]}", "has no key"},
      {"{name: a, files: [none.txt]}", "none.txt"},
      {"{name: a, envs: [b.bin]}", "o/b.bin:1: not UTF-8"},
      {"{literals: [a=b]}", "needs a name"},
      {"{name: a, behavior: merge, literals: [a=b]}", "merge"},
  };
  for (const auto& [generator, message] : cases) {
    EXPECT_THAT(Build(std::string("configMapGenerator:\n- ") + generator + "\n"),
                AllOf(HasSubstr(message), HasSubstr("o/kustomization.yaml:2")))
        << generator;
  }
  // A secret's content is in no message.
  EXPECT_THAT(Build("secretGenerator: [{name: a, literals: ['hunter2 x']}]\n"),
              AllOf(HasSubstr("secretGenerator 'a'"), testing::Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace muster::kustomize
