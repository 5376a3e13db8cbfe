#include "agent/kube/managed_fields.h"

#include <gtest/gtest.h>

#include "common/manifest/json.h"

namespace muster::agent {
namespace {

Value Json(absl::string_view text) { return *ParseJson(text); }

TEST(ManagedFields, ProjectsMembersElementsByKeyAndSets) {
  const Value live = Json(R"({"apiVersion":"apps/v1","kind":"Deployment",
    "metadata":{"name":"web","namespace":"shop","uid":"1","finalizers":["a/b","c/d"],
                "labels":{"app.kubernetes.io/name":"web","theirs":"1"}},
    "spec":{"replicas":3,"template":{"spec":{"dnsPolicy":"ClusterFirst","containers":[
      {"name":"sidecar","image":"s:1"},
      {"name":"app","image":"a:1","ports":[{"containerPort":80,"protocol":"TCP"}]}]}}},
    "status":{"replicas":3}})");
  const Value fields = Json(R"({"f:metadata":{"f:labels":{"f:app.kubernetes.io/name":{}},
      "f:finalizers":{"v:\"a/b\"":{}}},
    "f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{".":{},
      "f:name":{},"f:image":{},
      "f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},
        "f:containerPort":{}}}}}}}}})");
  EXPECT_EQ(CanonicalJson(Project(live, fields)),
            R"({"apiVersion":"apps/v1","kind":"Deployment",)"
            R"("metadata":{"finalizers":["a/b"],"labels":{"app.kubernetes.io/name":"web"},)"
            R"("name":"web","namespace":"shop"},)"
            R"("spec":{"template":{"spec":{"containers":[{"image":"a:1","name":"app",)"
            R"("ports":[{"containerPort":80}]}]}}}})");
}

TEST(ManagedFields, ALeafCoversAllThatIsBelow) {
  const Value live = Json(R"({"apiVersion":"v1","kind":"X","metadata":{"name":"x"},
                              "spec":{"args":["a","b"],"map":{"deep":{"er":1}},"other":1}})");
  const Value fields = Json(R"({"f:spec":{"f:args":{},"f:map":{}}})");
  EXPECT_EQ(*Project(live, fields).Find("/spec"), Json(R"({"args":["a","b"],
                                                           "map":{"deep":{"er":1}}})"));
}

TEST(ManagedFields, WhatIsGoneFromTheObjectIsLeftOut) {
  const Value live = Json(R"({"apiVersion":"v1","kind":"X","metadata":{"name":"x"}})");
  const Value fields = Json(R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{"f:image":{}}}}})");
  EXPECT_EQ(Project(live, fields), live);
}

TEST(ManagedFields, OnlyWhatWeAppliedOurselvesIsOurs) {
  const Value object = Json(R"({"metadata":{"managedFields":[
    {"manager":"muster","operation":"Update","fieldsV1":{"f:a":{}}},
    {"manager":"muster","operation":"Apply","subresource":"status","fieldsV1":{"f:b":{}}},
    {"manager":"helm","operation":"Apply","fieldsV1":{"f:c":{}}},
    {"manager":"muster","operation":"Apply","fieldsV1":{"f:d":{}}}]}})");
  ASSERT_NE(AppliedFields(object, "muster"), nullptr);
  EXPECT_EQ(*AppliedFields(object, "muster"), Json(R"({"f:d":{}})"));
  EXPECT_EQ(AppliedFields(object, "flux"), nullptr);
  EXPECT_EQ(AppliedFields(Json("{}"), "muster"), nullptr);
}

TEST(ManagedFields, TellsWhoWroteLastBesidesUsAndTheStatusWriters) {
  const Value object = Json(R"({"metadata":{"managedFields":[
    {"manager":"kubectl-edit","operation":"Update","time":"2026-01-02T00:00:00Z"},
    {"manager":"helm","operation":"Apply","time":"2026-01-01T00:00:00Z"},
    {"manager":"muster","operation":"Apply","time":"2026-01-04T00:00:00Z"},
    {"manager":"kube-controller-manager","operation":"Update","subresource":"status",
     "time":"2026-01-03T00:00:00Z"}]}})");
  EXPECT_EQ(LastChangeOf(object, "muster").manager, "kubectl-edit");
  EXPECT_EQ(LastChangeOf(Json("{}"), "muster").manager, "");
}

TEST(ManagedFields, KnowsWhetherAPointerIsCovered) {
  const Value fields = Json(R"({"f:spec":{"f:replicas":{},"f:map":{"f:a":{}}}})");
  EXPECT_TRUE(Covers(fields, "/spec/replicas"));
  EXPECT_TRUE(Covers(fields, "/spec/map/a/below"));
  EXPECT_FALSE(Covers(fields, "/spec/map/b"));
  EXPECT_FALSE(Covers(Json("{}"), "/spec/replicas"));
}

TEST(ManagedFields, AUnionKeepsTheWiderClaim) {
  EXPECT_EQ(UnionOfFields(Json(R"({"f:a":{"f:b":{}},"f:c":{}})"),
                          Json(R"({"f:a":{"f:d":{}},"f:c":{"f:e":{}}})")),
            Json(R"({"f:a":{"f:b":{},"f:d":{}},"f:c":{}})"));
}

TEST(ManagedFields, EqualButForWhatEachWriteChanges) {
  const Value a = Json(R"({"metadata":{"name":"a","resourceVersion":"1"},"data":{"x":"1"}})");
  EXPECT_TRUE(EqualButForWriting(
      a, Json(R"({"metadata":{"name":"a","resourceVersion":"2","managedFields":[]},
                  "data":{"x":"1"}})")));
  EXPECT_FALSE(EqualButForWriting(a, Json(R"({"metadata":{"name":"a"},"data":{"x":"2"}})")));
}

}  // namespace
}  // namespace muster::agent
