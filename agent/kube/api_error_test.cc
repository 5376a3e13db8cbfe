#include "agent/kube/api_error.h"

#include <gtest/gtest.h>

#include "common/manifest/json.h"

namespace muster::agent {
namespace {

TEST(ApiError, GivesTheServersOwnWords) {
  const ApiError error = ParseApiError(
      422, R"({"kind":"Status","reason":"Invalid","message":"spec.x: Required value"})");
  EXPECT_EQ(error.status, absl::InvalidArgumentError("spec.x: Required value"));
  EXPECT_FALSE(error.immutable);
}

TEST(ApiError, EachCodeHasItsMeaning) {
  const auto code = [](int http) { return ParseApiError(http, "").status.code(); };
  EXPECT_EQ(code(400), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(401), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(code(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(code(404), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(409), absl::StatusCode::kAborted);
  EXPECT_EQ(code(410), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(code(415), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code(429), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(500), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(504), absl::StatusCode::kDeadlineExceeded);
}

TEST(ApiError, WhatIsNoStatusIsQuotedAndShort) {
  const ApiError error = ParseApiError(502, "<html>\n" + std::string(1000, 'x'));
  EXPECT_EQ(error.status.message().substr(0, 19), "HTTP 502: <html>\\nx");
  EXPECT_LT(error.status.message().size(), 300u);
}

TEST(ApiError, NamesTheManagersAndFieldsOfAConflict) {
  const Value object = *ParseJson(
      R"({"metadata":{"labels":{"app.kubernetes.io/name":"x"}},
          "spec":{"template":{"spec":{"containers":[{"name":"a"},{"name":"app","image":"i"}]}}}})");
  const ApiError error = ParseApiError(
      409, R"({"kind":"Status","reason":"Conflict","message":"Apply failed with 3 conflicts",
        "details":{"causes":[
        {"reason":"FieldManagerConflict","message":"conflict with \"helm\" using apps/v1",
         "field":".spec.template.spec.containers[name=\"app\"].image"},
        {"reason":"FieldManagerConflict","message":"conflict with \"flux\" using apps/v1",
         "field":".metadata.labels.app.kubernetes.io/name"},
        {"reason":"FieldManagerConflict","message":"conflict with \"x\" using apps/v1",
         "field":".spec.unheard.of"}]}})",
      &object);
  EXPECT_TRUE(absl::IsFailedPrecondition(error.status));
  EXPECT_FALSE(error.version_changed);
  EXPECT_EQ(error.conflicts,
            (std::vector<FieldConflict>{{"helm", "/spec/template/spec/containers/1/image"},
                                        {"flux", "/metadata/labels/app.kubernetes.io~1name"},
                                        {"x", ".spec.unheard.of"}}));
}

TEST(ApiError, TellsAVersionThatChangedFromAnObjectThatExists) {
  EXPECT_TRUE(
      ParseApiError(409, R"({"kind":"Status","reason":"Conflict","message":"x"})").version_changed);
  EXPECT_TRUE(absl::IsAlreadyExists(
      ParseApiError(409, R"({"kind":"Status","reason":"AlreadyExists","message":"x"})").status));
}

TEST(ApiError, KnowsAWebhookANamespaceThatGoesAndAnImmutableField) {
  EXPECT_TRUE(ParseApiError(400, R"({"kind":"Status","message":
      "admission webhook \"w\" denied the request: no"})")
                  .by_webhook);
  EXPECT_TRUE(absl::IsAborted(
      ParseApiError(403, R"({"kind":"Status","reason":"Forbidden","message":"terminating",
        "details":{"causes":[{"reason":"NamespaceTerminating"}]}})")
          .status));
  EXPECT_TRUE(ParseApiError(422, R"({"kind":"Status","reason":"Invalid",
      "message":"spec.selector: Invalid value: {}: field is immutable"})")
                  .immutable);
  EXPECT_TRUE(absl::IsInvalidArgument(ParseApiError(500, R"({"kind":"Status","message":
        "failed to create typed patch object (a; v1): .spec.x: field not declared in schema"})")
                                          .status));
}

}  // namespace
}  // namespace muster::agent
