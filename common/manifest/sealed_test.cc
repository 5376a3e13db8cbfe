#include "common/manifest/sealed.h"

#include <gtest/gtest.h>

#include "common/manifest/json.h"

namespace muster {
namespace {

Value Json(absl::string_view text) { return *ParseJson(text); }

TEST(Sealed, ADocumentIsKnownByItsMac) {
  EXPECT_TRUE(IsSopsDocument(Json(R"({"sops":{"mac":"ENC[x]"}})")));
  EXPECT_FALSE(IsSopsDocument(Json(R"({"sops":{"mac":""}})")));
  EXPECT_FALSE(IsSopsDocument(Json(R"({"sops":{"note":"of mine"}})")));
  EXPECT_FALSE(IsSopsDocument(Json(R"({"sops":"mac"})")));
  EXPECT_FALSE(IsSopsDocument(Json(R"([])")));
}

TEST(Sealed, WhatAnOperatorOpensIsLeftToIt) {
  EXPECT_TRUE(IsToBeOpened(Json(R"({"apiVersion":"v1","kind":"Secret","sops":{"mac":"x"}})")));
  EXPECT_FALSE(IsToBeOpened(Json(
      R"({"apiVersion":"isindir.github.com/v1alpha3","kind":"SopsSecret","sops":{"mac":"x"}})")));
  EXPECT_FALSE(IsToBeOpened(Json(
      R"({"metadata":{"annotations":{"muster.dev/decrypt":"disabled"}},"sops":{"mac":"x"}})")));
}

TEST(Sealed, FilesAreKnownByTheirText) {
  const std::string value = "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]";
  EXPECT_TRUE(LooksLikeSops("a: " + value + "\nsops:\n  mac: x\n"));
  EXPECT_TRUE(LooksLikeSops("sops:\n  mac: x\na: " + value + "\n"));
  EXPECT_TRUE(LooksLikeSops("{\"data\": \"" + value + "\", \"sops\": {}}"));
  EXPECT_TRUE(LooksLikeSops("A=" + value + "\nsops_mac=x\n"));
  EXPECT_FALSE(LooksLikeSops("sops:\n  mac: x\n"));
  EXPECT_FALSE(LooksLikeSops("a: " + value + "\n"));
  EXPECT_FALSE(LooksLikeSops(""));
}

TEST(Sealed, ASopsFileIsRefusedWithTheRemedy) {
  const std::string text = "A=ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\nsops_mac=x\n";
  const absl::Status status = RefuseSopsFile(text, "web/app.env", "Helm values");
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("web/app.env:2: the file is encrypted with SOPS and cannot be "
                                  "read for Helm values"),
            std::string::npos);
  EXPECT_NE(status.message().find("object of its own"), std::string::npos);
  EXPECT_TRUE(RefuseSopsFile("A=1\n", "web/app.env", "Helm values").ok());
}

TEST(Sealed, CiphertextWithoutItsBlockIsSeen) {
  EXPECT_TRUE(HoldsOrphanedCiphertext(
      Json(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"ENC[AES256_GCM,data:"}})")));
  EXPECT_FALSE(HoldsOrphanedCiphertext(Json(
      R"({"apiVersion":"v1","kind":"Secret","sops":{},"data":{"a":"ENC[AES256_GCM,data:"}})")));
  EXPECT_FALSE(
      HoldsOrphanedCiphertext(Json(R"({"apiVersion":"v1","kind":"Secret","data":{"a":"YQ=="}})")));
}

TEST(Sealed, TheFormInABundleIsReadBack) {
  const Value object = Json(
      R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"data":{"x":"E"},"sops":{}})");
  const std::vector<SealedText> texts = {
      {.file = "a.yaml", .format = "yaml", .text = "kind: Secret", .document = 2, .key = ""}};
  const Value form = SealedForm(object, texts);
  EXPECT_EQ(CanonicalJson(form),
            R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"sealed":[{"document":2,)"
            R"("file":"a.yaml","format":"yaml","text":"kind: Secret"}]})");
  const absl::StatusOr<SealedObject> read = ReadSealedForm(form);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->texts, texts);
  EXPECT_EQ(read->shown.Get("sealed"), nullptr);
  EXPECT_EQ(read->shown.Get("data"), nullptr);
}

TEST(Sealed, ASecretWithFilesKeepsWhatItHas) {
  const Value object =
      Json(R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"Opaque"})");
  const std::vector<SealedText> texts = {
      {.file = "a.env", .format = "dotenv", .text = "A=1", .document = 0, .key = ""},
      {.file = "b", .format = "binary", .text = "{}", .document = 0, .key = "b"}};
  const absl::StatusOr<SealedObject> read = ReadSealedForm(SealedForm(object, texts));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->texts, texts);
  EXPECT_EQ(CanonicalJson(read->shown), CanonicalJson(object));
}

TEST(Sealed, OtherFormsAreRefused) {
  for (const char* text :
       {"{}", R"({"sealed":[]})", R"({"sealed":"x"})", R"({"sealed":["x"]})",
        R"({"sealed":[{"format":"toml","text":"x"}]})", R"({"sealed":[{"format":"yaml"}]})",
        R"({"sealed":[{"format":"yaml","text":"x","document":-1}]})",
        R"({"sealed":[{"format":"yaml","text":"x","document":1.5}]})",
        R"({"sealed":[{"format":"yaml","text":"x"},{"format":"yaml","text":"x"}]})"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadSealedForm(Json(text)).status())) << text;
  }
}

}  // namespace
}  // namespace muster
