// What objects do to a driver: conflicts, finalizers, definitions that come late, servers that are
// not what they say.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "agent/kube/kube_driver_fixture.h"

namespace muster::agent {
namespace {

using KubeDriverObject = KubeDriverFixture;

// ---------------------------------------------------------------- objects

TEST_F(KubeDriverObject, AnotherControllersFieldIsAConflictUnlessForced) {
  Apply(Request(Key("a"), "1"));
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("a")), Json(Key("a"), "2"), "some-operator");
  });
  ApplyRequest request = Request(Key("a"), "1", true);
  DriverResult result = Apply(request);
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status)) << result.status;
  EXPECT_EQ(result.conflicts, (std::vector<FieldConflict>{{"some-operator", "/data/value"}}));
  request.force = true;
  EXPECT_TRUE(Apply(request).status.ok());
}

// A server makes `data` of `stringData`, and its owner would own nothing of it.
TEST_F(KubeDriverObject, TheStringDataOfASecretIsOursAsData) {
  const ObjectKey key{.api_version = "v1", .kind = "Secret", .namespace_ = "web", .name = "db"};
  const std::string path = "/api/v1/namespaces/web/secrets/db";
  ApplyRequest request{.key = key,
                       .json = R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db",)"
                               R"("namespace":"web"},"stringData":{"password":"one"}})"};
  const DriverResult first = Apply(request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  server_.Do([&](StubCluster& cluster) {
    const Value* live = cluster.Get(path);
    ASSERT_NE(live, nullptr);
    ASSERT_NE(live->Find("/data/password"), nullptr);
    EXPECT_EQ(live->Find("/data/password")->string(), "b25l");
    EXPECT_EQ(live->Find("/stringData"), nullptr);
    cluster.Update(path,
                   R"({"apiVersion":"v1","data":{"password":"dHdv"},"kind":"Secret",)"
                   R"("metadata":{"name":"db","namespace":"web"}})",
                   "kubectl-edit");
  });
  EXPECT_TRUE(ListUntil(
      key, [&](const auto& live) { return live.size() == 1 && live[0].digest != first.digest; }));
  request.ours = true;
  request.dry_run = true;
  const DriverResult drift = Apply(request);
  ASSERT_EQ(drift.changes.size(), 1u);
  EXPECT_EQ(drift.changes[0].pointer, "/data/password");
}

TEST_F(KubeDriverObject, AnObjectThatAppearsMeanwhileIsNotWrittenOver) {
  ASSERT_TRUE(driver_->List({Key("a")}, false)->empty());
  // Between our look and our write, before the watch tells.
  auto once = std::make_shared<bool>(true);
  server_.Do([&](StubCluster& cluster) {
    cluster.intercept = [&cluster, once](const StubRequest& request) -> Answer {
      if (request.method == "PATCH" && std::exchange(*once, false)) {
        cluster.Update(Path(Key("a")), Json(Key("a"), "theirs"), "some-operator");
      }
      return std::nullopt;
    };
  });
  EXPECT_TRUE(absl::IsAlreadyExists(Apply(Request(Key("a"), "1")).status));
  EXPECT_TRUE(ListUntil(Key("a"), [](const auto& live) { return live.size() == 1; }));
}

TEST_F(KubeDriverObject, AnImmutableFieldIsToldAndReplacedOnlyWhenAllowed) {
  const DriverResult first = Apply(Request(Key("a"), "1"));
  auto version = std::make_shared<std::string>(first.uid);
  server_.Do([&](StubCluster& cluster) {
    cluster.intercept = [&cluster, version](const StubRequest& request) -> Answer {
      const Value* live = cluster.Get(request.path);
      if (request.method != "PATCH" || live == nullptr) return std::nullopt;
      return StubCluster::Error(422, "Invalid", "data: Forbidden: field is immutable");
    };
  });
  ApplyRequest request = Request(Key("a"), "2", true);
  DriverResult result = Apply(request);
  EXPECT_TRUE(absl::IsInvalidArgument(result.status)) << result.status;
  EXPECT_TRUE(result.immutable);
  request.may_replace = true;
  result = Apply(request);
  ASSERT_TRUE(result.status.ok()) << result.status;
  EXPECT_TRUE(result.replaced);
  EXPECT_NE(result.uid, first.uid);
}

// It holds nobody up for long, says what it waits for, and the next try goes on from there.
TEST_F(KubeDriverObject, WhatIsToBeMadeAnewWaitsForTheFinalizersOfTheOld) {
  const ObjectKey key = Key("a");
  server_.Do([&](StubCluster& cluster) {
    cluster.intercept = [&cluster, key](const StubRequest& request) -> Answer {
      const bool there = cluster.Get(Path(key)) != nullptr;
      if (request.method != "PATCH" || !there) return std::nullopt;
      return StubCluster::Error(422, "Invalid", "data: Invalid value: field is immutable");
    };
    cluster.Update(Path(key), Json(key, "1", R"("finalizers":["x/y"],)"), "kubectl");
  });
  ApplyRequest request = Request(key, "2", true);
  request.may_replace = true;
  const DriverResult waits = Apply(request);
  EXPECT_TRUE(absl::IsDeadlineExceeded(waits.status)) << waits.status;
  EXPECT_TRUE(absl::StrContains(waits.status.message(), "finalizers")) << waits.status;
  server_.Do([&](StubCluster& cluster) { cluster.Delete(Path(key)); });
  const DriverResult made = Apply(request);
  EXPECT_TRUE(made.status.ok()) << made.status;
}

TEST_F(KubeDriverObject, AKindWhoseDefinitionIsInTheBatchIsWaitedFor) {
  const ObjectKey definition{.api_version = "apiextensions.k8s.io/v1",
                             .kind = "CustomResourceDefinition",
                             .name = "widgets.example.org"};
  const ObjectKey widget{
      .api_version = "example.org/v1", .kind = "Widget", .namespace_ = "web", .name = "w"};
  // The kind is served a few looks after its definition was written.
  server_.Do([&](StubCluster& cluster) {
    auto looks = std::make_shared<int>(0);
    cluster.intercept = [&cluster, looks, definition](const StubRequest& request) -> Answer {
      const bool defined =
          cluster.Get(absl::StrCat("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/",
                                   definition.name)) != nullptr;
      if (request.path == "/apis" && defined && ++*looks == 2) {
        cluster.Serve({"example.org/v1", "Widget", "widgets", true});
      }
      return std::nullopt;
    };
  });
  EXPECT_TRUE(absl::IsNotFound(Apply(Request(widget, "1")).status));
  const auto results = driver_->Apply(
      {{.key = definition,
        .json = R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",)"
                R"("metadata":{"name":"widgets.example.org"},"spec":{"scope":"Namespaced"}})"},
       Request(widget, "1")});
  EXPECT_TRUE(results[0].status.ok()) << results[0].status;
  EXPECT_TRUE(results[1].status.ok()) << results[1].status;
}

TEST_F(KubeDriverObject, AClusterScopedObjectLosesTheNamespaceThatItsPackageGaveIt) {
  server_.Do([](StubCluster& c) { c.Serve({"example.org/v1", "Realm", "realms", false}); });
  const ObjectKey realm{
      .api_version = "example.org/v1", .kind = "Realm", .namespace_ = "web", .name = "r"};
  ASSERT_TRUE(Apply(Request(realm, "1")).status.ok());
  const auto live = driver_->List({realm}, false);
  ASSERT_EQ(live->size(), 1u);
  EXPECT_EQ(live->at(0).key, realm);
  server_.Do([](StubCluster& cluster) {
    const Value* object = cluster.Get("/apis/example.org/v1/realms/r");
    ASSERT_NE(object, nullptr);
    EXPECT_EQ(object->Find("/metadata/namespace"), nullptr);
  });
}

// ---------------------------------------------------------------- removal

TEST_F(KubeDriverObject, RemovesInTheVersionThatItLookedAt) {
  const DriverResult applied = Apply(Request(Key("a"), "1"));
  ASSERT_TRUE(driver_->List({Key("a")}, false).ok());
  // Somebody forbids the removal after our look, before the watch tells.
  server_.Do([&](StubCluster& cluster) {
    auto once = std::make_shared<bool>(true);
    cluster.intercept = [&cluster, once](const StubRequest& request) -> Answer {
      if (request.method == "DELETE" && std::exchange(*once, false)) {
        cluster.Update(Path(Key("a")),
                       Json(Key("a"), "1", R"("annotations":{"muster.dev/prune":"never"},)"),
                       "kubectl-annotate");
      }
      return std::nullopt;
    };
  });
  const DriverResult result = driver_->Remove({{Key("a"), applied.uid}})[0];
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status)) << result.status;
  EXPECT_EQ(driver_->List({Key("a")}, false)->size(), 1u);
}

TEST_F(KubeDriverObject, AnObjectWithFinalizersIsThereUntilItIsGone) {
  server_.Do([&](StubCluster& cluster) {
    cluster.Update(Path(Key("a")), Json(Key("a"), "1", R"("finalizers":["x/y"],)"), "kubectl");
  });
  const std::string uid = driver_->List({Key("a")}, false)->at(0).uid;
  ASSERT_TRUE(driver_->Remove({{Key("a"), uid}})[0].status.ok());
  EXPECT_TRUE(driver_->List({Key("a")}, false)->at(0).terminating);
  ASSERT_TRUE(driver_->Remove({{Key("a"), uid}})[0].status.ok());
  EXPECT_EQ(CountRequests("DELETE", "/configmaps/a"), 1u);
  server_.Do([&](StubCluster& cluster) { cluster.Delete(Path(Key("a"))); });
  EXPECT_TRUE(ListUntil(Key("a"), [](const auto& live) { return live.empty(); }));
}

TEST_F(KubeDriverObject, AWebhookThatDeniesARemovalIsNamed) {
  const DriverResult applied = Apply(Request(Key("a"), "1"));
  Intercept([](const StubRequest& request) -> Answer {
    if (request.method != "DELETE") return std::nullopt;
    return StubCluster::Error(403, "Forbidden",
                              "admission webhook \"guard.example.org\" denied the request: no");
  });
  const DriverResult result = driver_->Remove({{Key("a"), applied.uid}})[0];
  EXPECT_TRUE(absl::IsFailedPrecondition(result.status)) << result.status;
  EXPECT_TRUE(absl::StrContains(result.status.message(), "guard.example.org"));
  EXPECT_EQ(driver_->List({Key("a")}, false)->size(), 1u);
}

// ---------------------------------------------------------------- what nobody manages

TEST_F(KubeDriverObject, CountsWhatNobodyManagesPageByPage) {
  server_.Do([&](StubCluster& cluster) {
    for (int i = 0; i < 700; ++i) {
      const ObjectKey key = Key(absl::StrCat("x", i));
      cluster.Update(Path(key), Json(key, "1"), "kubectl");
    }
    const ObjectKey owned = Key("owned");
    cluster.Update(Path(owned),
                   Json(owned, "1", R"("ownerReferences":[{"kind":"Deployment","name":"d"}],)"),
                   "controller");
    const ObjectKey root = Key("kube-root-ca.crt");
    cluster.Update(Path(root), Json(root, "1"), "controller");
    const ObjectKey elsewhere = Key("x", "elsewhere");
    cluster.Update(Path(elsewhere), Json(elsewhere, "1"), "kubectl");
  });
  const auto unmanaged =
      driver_->ListUnmanaged({.namespaces = {"web"}, .managed = {Key("x3")}, .keys_max = 2});
  ASSERT_TRUE(unmanaged.ok()) << unmanaged.status();
  EXPECT_EQ(unmanaged->count, 699);
  EXPECT_EQ(unmanaged->keys, (std::vector<ObjectKey>{Key("x0"), Key("x1")}));
}

// ---------------------------------------------------------------- older servers, strict ones

TEST_F(KubeDriverObject, AnOlderServerIsAskedGroupByGroup) {
  server_.Do([](StubCluster& cluster) { cluster.aggregated_discovery = false; });
  EXPECT_TRUE(Apply(Request(Key("a"), "1")).status.ok());
  const ObjectKey deployment{
      .api_version = "apps/v1", .kind = "Deployment", .namespace_ = "web", .name = "d"};
  EXPECT_TRUE(Apply(Request(deployment, "1")).status.ok());
}

TEST_F(KubeDriverObject, AServerOfAnotherAuthorityIsRefused) {
  StubServer other;
  KubeDriverOptions options;
  options.client.endpoint = server_.endpoint();
  options.client.endpoint.ca.text = other.ca_pem();
  KubeDriver driver(options, random_);
  const absl::Status status = driver.List({Key("a")}, false).status();
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "certificate is not trusted")) << status;
}

TEST_F(KubeDriverObject, AServerUnderAnotherNameIsRefused) {
  KubeDriverOptions options;
  options.client.endpoint = server_.endpoint();
  options.client.endpoint.server_name = "elsewhere.example.org";
  KubeDriver driver(options, random_);
  EXPECT_TRUE(absl::IsUnauthenticated(driver.List({Key("a")}, false).status()));
  options.client.endpoint.server_name = "stub.example.org";
  KubeDriver known(options, random_);
  EXPECT_TRUE(known.List({Key("a")}, false).ok());
}

TEST_F(KubeDriverObject, GivesItsCertificateToAServerThatAsks) {
  StubServer strict;
  strict.RequireClientCertificate();
  KubeDriverOptions options;
  options.client.endpoint = strict.endpoint();
  KubeDriver driver(options, random_);
  EXPECT_TRUE(driver.List({Key("a")}, false).ok());
  EXPECT_EQ(*driver.ServerVersion(absl::Seconds(10)), "v1.34.0-stub");
  options.client.endpoint.client_certificate = {};
  options.client.endpoint.client_key = {};
  KubeDriver nobody(options, random_);
  EXPECT_FALSE(nobody.List({Key("a")}, false).ok());
}

}  // namespace
}  // namespace muster::agent
