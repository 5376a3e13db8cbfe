#include "common/render/strategic_merge.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/manifest/json.h"
#include "common/render/merge_keys.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

Value Json(absl::string_view text) {
  absl::StatusOr<Value> value = ParseJson(text);
  EXPECT_TRUE(value.ok()) << value.status() << " in " << text;
  return value.ok() ? *std::move(value) : Value();
}

std::string Merged(absl::string_view group, absl::string_view kind, absl::string_view object,
                   absl::string_view patch) {
  Value value = Json(object);
  const auto result = MergeStrategically(Json(patch), group, kind, value);
  if (result.ok() && *result == MergeResult::kDeleted) return "deleted";
  if (result.ok()) return CanonicalJson(value);
  EXPECT_EQ(CanonicalJson(value), CanonicalJson(Json(object)));
  return absl::StrCat("error: ", result.status().message());
}

// Both sides as the spec of a Pod.
std::string Pod(absl::string_view object, absl::string_view patch) {
  std::string merged = Merged("", "Pod", absl::StrCat("{\"spec\":", object, "}"),
                              absl::StrCat("{\"spec\":", patch, "}"));
  if (merged.rfind("{\"spec\":", 0) != 0) return merged;
  return merged.substr(8, merged.size() - 9);
}

TEST(StrategicMerge, MergesContainersByNameInTheApiServersOrder) {
  EXPECT_EQ(
      Pod(R"({"containers":[{"name":"a","image":"a:1"},{"name":"b","image":"b:1"}]})",
          R"({"containers":[{"name":"c"},{"name":"b","image":"b:2"}]})"),
      R"({"containers":[{"name":"c"},{"image":"a:1","name":"a"},{"image":"b:2","name":"b"}]})");
}

TEST(StrategicMerge, WeavesOldElementsIntoTheOrderOfThePatch) {
  EXPECT_EQ(Pod(R"({"containers":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]})",
                R"({"containers":[{"name":"d"},{"name":"b"}]})"),
            R"({"containers":[{"name":"a"},{"name":"c"},{"name":"d"},{"name":"b"}]})");
}

TEST(StrategicMerge, FollowsTheApiWhereItMergesLess) {
  EXPECT_EQ(
      Merged("policy", "PodDisruptionBudget", R"({"spec":{"selector":{"matchLabels":{"a":"1"}}}})",
             R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})"),
      R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})");
  EXPECT_EQ(Merged("", "ServiceAccount", R"({"imagePullSecrets":[{"name":"a"}]})",
                   R"({"imagePullSecrets":[{"name":"b"}]})"),
            R"({"imagePullSecrets":[{"name":"b"}]})");
  EXPECT_EQ(
      Merged("autoscaling", "HorizontalPodAutoscaler", R"({"metadata":{"finalizers":["a","b"]}})",
             R"({"metadata":{"finalizers":["b"]}})"),
      R"({"metadata":{"finalizers":["a","b"]}})");
}

TEST(StrategicMerge, ReachesContainersOfEveryWorkload) {
  const std::string object = R"({"spec":{"containers":[{"name":"a","image":"a:1"},{"name":"b"}]}})";
  const std::string patch = R"({"spec":{"containers":[{"name":"a","image":"a:2"}]}})";
  const std::string wanted = R"({"spec":{"containers":[{"image":"a:2","name":"a"},{"name":"b"}]}})";
  for (const char* kind : {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}) {
    EXPECT_EQ(Merged("apps", kind, absl::StrCat(R"({"spec":{"template":)", object, "}}"),
                     absl::StrCat(R"({"spec":{"template":)", patch, "}}")),
              absl::StrCat(R"({"spec":{"template":)", wanted, "}}"))
        << kind;
  }
  EXPECT_EQ(Merged("batch", "CronJob",
                   absl::StrCat(R"({"spec":{"jobTemplate":{"spec":{"template":)", object, "}}}}"),
                   absl::StrCat(R"({"spec":{"jobTemplate":{"spec":{"template":)", patch, "}}}}")),
            absl::StrCat(R"({"spec":{"jobTemplate":{"spec":{"template":)", wanted, "}}}}"));
}

TEST(StrategicMerge, KnowsTheKeysOfThePodSpec) {
  EXPECT_EQ(Pod(R"({"containers":[{"name":"a","env":[{"name":"X","value":"1"}],
                    "volumeMounts":[{"mountPath":"/a","name":"v"}]}]})",
                R"({"containers":[{"name":"a","env":[{"name":"X","value":"2"},{"name":"Y"}],
                    "volumeMounts":[{"mountPath":"/a","readOnly":true}]}]})"),
            R"({"containers":[{"env":[{"name":"X","value":"2"},{"name":"Y"}],"name":"a",)"
            R"("volumeMounts":[{"mountPath":"/a","name":"v","readOnly":true}]}]})");
  EXPECT_EQ(Pod(R"({"volumes":[{"name":"v","emptyDir":{}}],
                    "hostAliases":[{"ip":"1.1.1.1","hostnames":["a"]}]})",
                R"({"volumes":[{"name":"w"}],"hostAliases":[{"ip":"1.1.1.1","hostnames":["b"]}]})"),
            R"({"hostAliases":[{"hostnames":["b"],"ip":"1.1.1.1"}],)"
            R"("volumes":[{"name":"w"},{"emptyDir":{},"name":"v"}]})");
}

TEST(StrategicMerge, ReplacesAtomicLists) {
  EXPECT_EQ(Pod(R"({"tolerations":[{"key":"a"}],"containers":[{"name":"a","args":["1","2"]}]})",
                R"({"tolerations":[{"key":"b"}],"containers":[{"name":"a","args":["3"]}]})"),
            R"({"containers":[{"args":["3"],"name":"a"}],"tolerations":[{"key":"b"}]})");
}

TEST(StrategicMerge, TellsPortsApartByProtocolToo) {
  const char* object =
      R"({"spec":{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"name":"tcp"}]}})";
  EXPECT_EQ(Merged("", "Service", object,
                   R"({"spec":{"ports":[{"port":53,"nodePort":1},
                                        {"port":53,"protocol":"UDP","name":"udp"}]}})"),
            R"({"spec":{"ports":[{"name":"tcp","nodePort":1,"port":53},)"
            R"({"name":"udp","port":53,"protocol":"UDP"}]}})");
  // A patch that leaves the protocol out means the only port of that number.
  EXPECT_EQ(Merged("", "Service", R"({"spec":{"ports":[{"port":53,"protocol":"UDP"}]}})",
                   R"({"spec":{"ports":[{"port":53,"name":"dns"}]}})"),
            R"({"spec":{"ports":[{"name":"dns","port":53,"protocol":"UDP"}]}})");
}

TEST(StrategicMerge, NullRemovesAndNothingStaysNull) {
  EXPECT_EQ(
      Pod(R"({"a":1,"b":{"c":2,"d":3}})", R"({"a":null,"b":{"c":null},"e":{"f":null,"g":1}})"),
      R"({"b":{"d":3},"e":{"g":1}})");
}

TEST(StrategicMerge, DeletesAndReplacesByDirective) {
  EXPECT_EQ(Pod(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                R"({"containers":[{"name":"a","$patch":"delete"}]})"),
            R"({"containers":[{"name":"b"}]})");
  EXPECT_EQ(Pod(R"({"containers":[{"name":"a","image":"1"},{"name":"b"}]})",
                R"({"containers":[{"name":"a","tty":true,"$patch":"replace"}]})"),
            R"({"containers":[{"name":"a","tty":true},{"name":"b"}]})");
  EXPECT_EQ(Pod(R"({"containers":[{"name":"a"},{"name":"b"}]})",
                R"({"containers":[{"$patch":"replace"},{"name":"c"}]})"),
            R"({"containers":[{"name":"c"}]})");
  EXPECT_EQ(
      Pod(R"({"nodeSelector":{"a":"1"}})", R"({"nodeSelector":{"$patch":"replace","b":"2"}})"),
      R"({"nodeSelector":{"b":"2"}})");
  EXPECT_EQ(Pod(R"({"affinity":{"a":1},"x":1})", R"({"affinity":{"$patch":"delete"}})"),
            R"({"x":1})");
  EXPECT_EQ(Pod(R"({"x":{"a":1}})", R"({"x":{"$patch":"merge","b":2}})"), R"({"x":{"a":1,"b":2}})");
  EXPECT_EQ(Merged("", "Pod", "{}", R"({"$patch":"delete"})"), "deleted");
}

TEST(StrategicMerge, KeepsDirectivesOutOfListsThatDoNotMerge) {
  EXPECT_EQ(Pod(R"({"tolerations":[{"key":"a"}]})",
                R"({"tolerations":[{"$patch":"replace"},{"key":"b"}]})"),
            R"({"tolerations":[{"key":"b"}]})");
  EXPECT_EQ(
      Pod(R"({"tolerations":[{"key":"a"}]})", R"({"tolerations":[{"key":"a","$patch":"delete"}]})"),
      "error: /spec/tolerations/0: $patch has no meaning here: this list does not merge, it is "
      "replaced whole");
}

TEST(StrategicMerge, ReplacesAWholeObjectButNotItsIdentity) {
  EXPECT_EQ(
      Merged("", "ConfigMap",
             R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"x":"y"}},
                       "data":{"a":"1"}})",
             R"({"$patch":"replace","metadata":{"name":"other"},"data":{"b":"2"}})"),
      R"({"apiVersion":"v1","data":{"b":"2"},"kind":"ConfigMap","metadata":{"name":"a"}})");
}

TEST(StrategicMerge, MergesSetsAndTakesScalarsOut) {
  EXPECT_EQ(
      Merged("apps", "Deployment", R"({"metadata":{"finalizers":["a","b"]}})",
             R"({"metadata":{"finalizers":["c","a"],"$deleteFromPrimitiveList/finalizers":["b"],
                       "$setElementOrder/finalizers":["c","a"]}})"),
      R"({"metadata":{"finalizers":["c","a"]}})");
}

TEST(StrategicMerge, RetainsOnlyNamedKeys) {
  EXPECT_EQ(
      Merged("apps", "Deployment",
             R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})",
             R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})"),
      R"({"spec":{"strategy":{"type":"Recreate"}}})");
  EXPECT_EQ(Pod(R"({"x":{"a":1}})", R"({"x":{"$retainKeys":["a"],"b":1}})"),
            "error: /spec/x: sets 'b', which its $retainKeys leaves out");
}

// RFC 7386, appendix A: for kinds that are not built in.
TEST(StrategicMerge, UnknownKindsMergeAsJson) {
  const auto merge = [](const char* object, const char* patch) {
    return Merged("example.com", "Thing", object, patch);
  };
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merge(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merge(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merge(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merge(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merge(R"({"e":null})", R"({"a":1})"), R"({"a":1,"e":null})");
  EXPECT_EQ(merge(R"({})", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
  EXPECT_EQ(merge(R"({"spec":{"containers":[{"name":"a"}]}})",
                  R"({"spec":{"containers":[{"name":"b"}]}})"),
            R"({"spec":{"containers":[{"name":"b"}]}})");
}

TEST(StrategicMerge, RefusesWhatItCannotMeanAndNamesTheField) {
  EXPECT_EQ(Pod(R"({"containers":[]})", R"({"containers":[{"image":"x"}]})"),
            "error: /spec/containers/0: needs 'name', by which the elements of this list are told "
            "apart");
  EXPECT_EQ(Pod(R"({})", R"({"containers":["x"]})").substr(0, 27), "error: /spec/containers/0: ");
  EXPECT_EQ(Pod(R"({})", R"({"a":{"$patch":"remove"}})"),
            "error: /spec/a: $patch must be merge, replace or delete");
  EXPECT_EQ(Pod(R"({})", R"({"$path":"delete"})"),
            "error: /spec/$path: is no directive that is known");
  EXPECT_EQ(Merged("", "Pod", "{}", "[]"), "error: a strategic merge patch is a map");
}

// The table knows the built-in kinds by group and kind, and nothing of all others.
TEST(MergeKeys, LeadFromEveryKindToItsLists) {
  EXPECT_EQ(MergeTypeOf("apps", "Deployment"), "Workload");
  EXPECT_EQ(MergeTypeOf("example.com", "Deployment"), "");
  EXPECT_EQ(MergeFieldOf("", "containers").list, ListMerge::kAtomic);
  EXPECT_EQ(MergeFieldOf("PodSpec", "containers").key, "name");
  EXPECT_EQ(MergeFieldOf("PodSpec", "tolerations").list, ListMerge::kAtomic);
}

}  // namespace
}  // namespace muster
