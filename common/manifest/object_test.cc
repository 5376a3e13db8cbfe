// Objects: what has an identity, what has none and why; lists; the order of applying.
#include "common/manifest/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"

namespace muster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Refusal(absl::string_view json) {
  const auto object = MakeObject(*ParseJson(json));
  return object.ok() ? "accepted" : std::string(object.status().message());
}

TEST(Object, HasAKey) {
  const Object object = *MakeObject(*ParseJson(
      R"({"apiVersion":"apps/v1","kind":"Deployment",
          "metadata":{"namespace":"web","name":"front"}})"));
  EXPECT_EQ(object.key, (ObjectKey{"apps/v1", "Deployment", "web", "front"}));
  EXPECT_EQ(object.key.group(), "apps");
  EXPECT_EQ(object.key.version(), "v1");
  EXPECT_EQ(*object.value.Find("/metadata/name"), Value("front"));
}

TEST(Object, TakesNamesThatClustersTake) {
  EXPECT_EQ(Refusal(R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole",
                        "metadata":{"name":"system:controller:Foo_bar"}})"),
            "accepted");
  EXPECT_EQ(
      Refusal(R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n","namespace":null}})"),
      "accepted");
}

TEST(Object, SaysWhatIsMissing) {
  EXPECT_EQ(Refusal(R"({"metadata":{"name":"a"}})"), "'a': no apiVersion");
  EXPECT_EQ(Refusal(R"({"apiVersion":"v1","metadata":{"name":"a"}})"), "'a': no kind");
  EXPECT_EQ(Refusal(R"({"apiVersion":"v1","kind":"Pod"})"), "Pod: no metadata.name");
  EXPECT_EQ(Refusal(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":""}})"),
            "Pod '': no metadata.name");
  EXPECT_EQ(
      Refusal(R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"generateName":"j-"}})"),
      "Job: only generateName 'j-'; what is kept in step with Git needs a fixed metadata.name");
}

TEST(Object, SaysWhatHasTheWrongType) {
  EXPECT_THAT(Refusal("[]"), HasSubstr("an object must be a map, this is a list"));
  EXPECT_THAT(Refusal(R"({"apiVersion":1,"kind":"Pod"})"),
              HasSubstr("apiVersion is a number, a string is needed; quote it"));
  EXPECT_THAT(Refusal(R"({"apiVersion":"v1","kind":["Pod"]})"), HasSubstr("kind is a list"));
  EXPECT_THAT(Refusal(R"({"apiVersion":"v1","kind":"Pod","metadata":"a"})"),
              HasSubstr("metadata is a string, a map is needed"));
  EXPECT_THAT(Refusal(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":123}})"),
              HasSubstr("metadata/name is a number, a string is needed; quote it"));
}

TEST(Object, WantsTextInLabelsAndAnnotations) {
  const auto with = [](absl::string_view field, absl::string_view json) {
    return Refusal(absl::StrCat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a",")",
                                field, R"(":)", json, "}}"));
  };
  for (const char* field : {"labels", "annotations"}) {
    EXPECT_EQ(with(field, R"({"a":"true","b":null})"), "accepted");
    EXPECT_EQ(with(field, "null"), "accepted");
    EXPECT_THAT(with(field, R"({"a/b":true})"),
                HasSubstr("b is a bool, a string is needed; quote"));
    EXPECT_THAT(with(field, R"({"a":1})"),
                HasSubstr("a is a number, a string is needed; quote it"));
    EXPECT_THAT(with(field, R"({"a":{}})"), HasSubstr("a is a map, a string is needed"));
    EXPECT_THAT(with(field, "[]"), HasSubstr("is a list, a map is needed"));
  }
}

// Names become paths and keys: nothing that leads elsewhere may pass.
TEST(Object, RefusesNamesThatNoClusterTakes) {
  const auto named = [](absl::string_view name) {
    return CanonicalJson(Value::Map{
        {"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", Value::Map{{"name", name}}}});
  };
  for (const char* name : {".", "..", "a/b", "../a", "a%2fb", "a b", "a\nb", "\x7F"}) {
    EXPECT_THAT(Refusal(named(name)), HasSubstr("metadata/name '")) << name;
  }
  EXPECT_EQ(Refusal(named(std::string(253, 'a'))), "accepted");
  EXPECT_THAT(Refusal(named(std::string(254, 'a'))), HasSubstr("longer than 253 bytes"));
  for (const char* space : {"../x", "Web", "a.b", "-a", "a/b"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a",)",
                                     R"("namespace":")", space, R"("}})")),
                HasSubstr("is no DNS label"))
        << space;
  }
  for (const char* version :
       {"../v1", "core", "v1/v1", "v", "a/b/c", "apps/", "/v1", "apps/v1 ", "Apps/v1"}) {
    EXPECT_THAT(Refusal(absl::StrCat(R"({"apiVersion":")", version,
                                     R"(","kind":"Pod","metadata":{"name":"a"}})")),
                HasSubstr("apiVersion '"))
        << version;
  }
  EXPECT_THAT(Refusal(R"({"apiVersion":"v1","kind":"../Pod","metadata":{"name":"a"}})"),
              HasSubstr("kind '../Pod' has the wrong form"));
}

TEST(ObjectKey, ReadsBackItsOwnText) {
  const std::vector<ObjectKey> keys = {{"apps/v1", "Deployment", "web", "front"},
                                       {"v1", "Namespace", "", "web"},
                                       {"v1", "Pod", "a", "b"},
                                       {"v1", "lowercase", "a", "b"},
                                       {"example.com/v1", "lowercase", "", "b"},
                                       {"rbac.authorization.k8s.io/v1", "ClusterRole", "", "x:y"}};
  for (const ObjectKey& key : keys) EXPECT_EQ(*ObjectKey::FromText(key.text()), key);
  EXPECT_EQ(keys[0].text(), "apps/v1/Deployment/web/front");
  EXPECT_EQ(keys[1].text(), "v1/Namespace/web");
}

TEST(ObjectKey, RefusesOtherText) {
  for (const char* text :
       {"", "v1", "v1/Pod", "apps/v1/Deployment", "v1/Pod/a/b/c", "apps/v1/Deployment/a/b/c",
        "v1//a", "v1/Pod/", "v1/Pod/../b", "v1/Pod/A/b", "/v1/Pod/a"}) {
    EXPECT_FALSE(ObjectKey::FromText(text).ok()) << text;
  }
}

TEST(ExpandLists, TakesListsWithinListsApart) {
  const auto items = *ExpandLists(*ParseJson(R"({"kind":"List","items":[
      {"kind":"A"},{"kind":"ConfigMapList","items":[{"kind":"B"},{"kind":"C"}]}]})"));
  std::vector<std::string> found;
  for (const ListItem& item : items) {
    found.push_back(item.pointer + "=" + item.value.Find("/kind")->string());
  }
  EXPECT_THAT(found, ElementsAre("/items/0=A", "/items/1/items/0=B", "/items/1/items/1=C"));
}

TEST(ExpandLists, LeavesOtherDocumentsAlone) {
  for (const char* json :
       {R"({"kind":"Pod"})", R"({"kind":"IPAllowList","items":[1],"metadata":{"name":"a"}})",
        R"({"kind":"AllowList"})", "[1]"}) {
    const auto items = *ExpandLists(*ParseJson(json));
    ASSERT_EQ(items.size(), 1u) << json;
    EXPECT_EQ(items[0].value, *ParseJson(json));
    EXPECT_EQ(items[0].pointer, "");
  }
  EXPECT_TRUE(ExpandLists(*ParseJson(R"({"kind":"List","items":[]})"))->empty());
  EXPECT_TRUE(ExpandLists(*ParseJson(R"({"kind":"List","items":null})"))->empty());
}

TEST(ExpandLists, RefusesItemsThatAreNoObjects) {
  EXPECT_THAT(ExpandLists(*ParseJson(R"({"kind":"List","items":{}})")).status().message(),
              HasSubstr("items is a map, a list is needed"));
  EXPECT_THAT(ExpandLists(*ParseJson(R"({"kind":"List","items":[{},2]})")).status().message(),
              HasSubstr("items/1 is a number"));
}

TEST(Kinds, KnowsWhatIsClusterScoped) {
  EXPECT_TRUE(IsClusterScoped("", "Namespace"));
  EXPECT_TRUE(IsClusterScoped("rbac.authorization.k8s.io", "ClusterRoleBinding"));
  EXPECT_TRUE(IsClusterScoped("constraints.gatekeeper.sh", "K8sAllowedRepos"));
  EXPECT_FALSE(IsClusterScoped("", "ConfigMap"));
  EXPECT_FALSE(IsClusterScoped("apps", "Namespace"));
  EXPECT_FALSE(IsClusterScoped("cluster.x-k8s.io", "Cluster"));
}

TEST(Kinds, ApplyInSafeOrder) {
  std::vector<ObjectKey> keys = {
      {"admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "w"},
      {"example.com/v1", "Widget", "web", "x"},
      {"apps/v1", "Deployment", "web", "b"},
      {"apps/v1", "Deployment", "web", "a"},
      {"v1", "Service", "web", "s"},
      {"v1", "ConfigMap", "web", "c"},
      {"rbac.authorization.k8s.io/v1", "RoleBinding", "web", "rb"},
      {"rbac.authorization.k8s.io/v1", "Role", "web", "r"},
      {"v1", "ServiceAccount", "web", "sa"},
      {"apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "widgets.example.com"},
      {"v1", "Namespace", "", "web"},
      // A custom kind that is named like one of Kubernetes' own.
      {"serving.knative.dev/v1", "Service", "web", "s"},
  };
  std::sort(keys.begin(), keys.end(), AppliesBefore);
  std::vector<std::string> order;
  for (const ObjectKey& key : keys) order.push_back(key.kind + "/" + key.name);
  EXPECT_THAT(order, ElementsAre("Namespace/web", "CustomResourceDefinition/widgets.example.com",
                                 "ServiceAccount/sa", "Role/r", "RoleBinding/rb", "ConfigMap/c",
                                 "Service/s", "Deployment/a", "Deployment/b", "Widget/x",
                                 "Service/s", "ValidatingWebhookConfiguration/w"));
}

}  // namespace
}  // namespace muster
