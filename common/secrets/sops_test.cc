#include "common/secrets/sops.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "common/secrets/cipher.h"
#include "common/secrets/sops_value.h"

namespace muster {
namespace {

std::string ReadFixture(const std::string& name) {
  std::ifstream file(absl::StrCat("common/secrets/testdata/", name), std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file.good()) << name;
  return text.str();
}

std::vector<AgeIdentity> Keys(const std::string& name) {
  return *ParseAgeIdentities(ReadFixture(name));
}

absl::StatusOr<std::string> DataKeyOf(const SopsFile& file, const std::string& keys) {
  for (const SopsRecipient& recipient : file.metadata.recipients) {
    if (recipient.kind != SopsRecipient::Kind::kAge) continue;
    absl::StatusOr<std::string> key = OpenAge(Keys(keys), recipient.sealed_key);
    if (key.ok()) return key;
  }
  return absl::NotFoundError("none");
}

absl::StatusOr<std::vector<Value>> OpenText(const std::string& text, SopsFormat format,
                                            const std::string& keys = "cluster.age") {
  absl::StatusOr<SopsFile> file = ReadSops(text, format, "apps/sealed");
  if (!file.ok()) return file.status();
  absl::StatusOr<std::string> key = DataKeyOf(*file, keys);
  if (!key.ok()) return key.status();
  return OpenSops(*file, *key);
}

std::vector<Value> Plain(const std::string& name) {
  std::vector<Value> values;
  const absl::StatusOr<std::vector<Document>> documents =
      ParseYaml(ReadFixture("plain/" + name), name);
  EXPECT_TRUE(documents.ok()) << documents.status();
  for (const Document& document : *documents) values.push_back(document.value);
  return values;
}

std::string Texts(const std::vector<Value>& values) {
  std::string text;
  for (const Value& value : values) absl::StrAppend(&text, CanonicalJson(value), "\n");
  return text;
}

// ---------------------------------------------------------------- what the real sops made

class RealSops : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RealSops, IsOpenedToWhatWasSealed) {
  const auto& [name, plain] = GetParam();
  const SopsFormat format = absl::EndsWith(name, ".json") ? SopsFormat::kJson : SopsFormat::kYaml;
  const std::string text = ReadFixture(name);
  const absl::StatusOr<std::vector<Value>> opened = OpenText(text, format);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Texts(*opened), Texts(Plain(plain)));
}

INSTANTIATE_TEST_SUITE_P(Files, RealSops,
                         testing::Values(std::pair("secret.yaml", "secret.yaml"),
                                         std::pair("to-two.yaml", "secret.yaml"),
                                         std::pair("secret.json", "secret.json"),
                                         std::pair("several.yaml", "several.yaml"),
                                         std::pair("types.yaml", "types.yaml"),
                                         std::pair("types.json", "types.json"),
                                         std::pair("suffix.yaml", "types.yaml"),
                                         std::pair("unencrypted-suffix.yaml", "types.yaml"),
                                         std::pair("unencrypted-regex.yaml", "types.yaml"),
                                         std::pair("mac-only.yaml", "types.yaml")),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param.first, {{".", "_"}, {"-", "_"}});
                         });

TEST(Sops, ADotenvFileIsOpened) {
  const absl::StatusOr<std::vector<Value>> opened =
      OpenText(ReadFixture("app.env"), SopsFormat::kDotenv);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(CanonicalJson(opened->at(0)),
            R"({"DATABASE_URL":"postgres://web:horse-battery@db/shop","EMPTY":"",)"
            R"("LINES":"one\ntwo","QUOTED":"\"as it stands\""})");
}

TEST(Sops, ABinaryFileIsOpenedToItsBytes) {
  const absl::StatusOr<std::vector<Value>> opened =
      OpenText(ReadFixture("tls.key.sops"), SopsFormat::kBinary);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->at(0).Get("data")->string(), ReadFixture("plain/tls.key"));
}

// The type of a value is not part of what is authenticated, and its MAC does not tell "1" from 1:
// whoever may write to Git must not make a number of what is taken for a text.
TEST(Sops, AChangedTypeIsRefusedWhereOnlyTextsMayBe) {
  const std::string key(cipher::kKeyBytes, 'k');
  for (const SopsFormat format : {SopsFormat::kDotenv, SopsFormat::kBinary}) {
    const std::string name = format == SopsFormat::kDotenv ? "PORT" : "data";
    cipher::Sha512 hash;
    hash.Add("123");
    const std::string mac = absl::AsciiStrToUpper(absl::BytesToHexString(hash.Finish()));
    SopsFile file{.file = "web/app.env", .format = format, .documents = {}, .metadata = {}};
    file.metadata.last_modified = "2024-01-01T00:00:00Z";
    file.metadata.mac = sops::SealValue(mac, key, file.metadata.last_modified);
    const std::string sealed = sops::SealValue("123", key, absl::StrCat(name, ":"));
    Value::Map map;
    map.Set(name, sealed);
    file.documents = {Value(map)};
    ASSERT_EQ(OpenSops(file, key)->front().Get(name)->string(), "123");
    map.Set(name, absl::StrReplaceAll(sealed, {{"type:str", "type:int"}}));
    file.documents = {Value(map)};
    const absl::Status status = OpenSops(file, key).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_TRUE(
        absl::StrContains(status.message(), absl::StrCat("web/app.env: the value at '", name)))
        << status;
    EXPECT_FALSE(absl::StrContains(status.message(), "123")) << status;
  }
}

TEST(Sops, BytesThatAreNoTextAreForBinaryFilesOnly) {
  const absl::Status status = OpenText(ReadFixture("tls.key.sops"), SopsFormat::kJson).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "horse")) << status;
}

TEST(Sops, TellsToWhomAFileIsSealed) {
  const absl::StatusOr<SopsFile> file =
      ReadSops(ReadFixture("to-two.yaml"), SopsFormat::kYaml, "apps/sealed");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(NamesOf(file->metadata.recipients),
            absl::StrCat(Keys("other.age")[0].recipient().text(), ", ",
                         Keys("cluster.age")[0].recipient().text()));
  const absl::StatusOr<SopsFile> openpgp =
      ReadSops(ReadFixture("openpgp.yaml"), SopsFormat::kYaml, "apps/sealed");
  ASSERT_TRUE(openpgp.ok()) << openpgp.status();
  ASSERT_EQ(openpgp->metadata.recipients.size(), 1u);
  EXPECT_EQ(openpgp->metadata.recipients[0].kind, SopsRecipient::Kind::kOpenPgp);
  EXPECT_EQ(openpgp->metadata.recipients[0].name.size(), 40u);
}

TEST(Sops, OpensForNobodyElse) {
  EXPECT_TRUE(absl::IsNotFound(
      OpenText(ReadFixture("secret.yaml"), SopsFormat::kYaml, "other.age").status()));
  EXPECT_TRUE(absl::IsNotFound(
      OpenText(ReadFixture("to-other.yaml"), SopsFormat::kYaml, "cluster.age").status()));
}

TEST(Sops, AnotherDataKeyOpensNothing) {
  const SopsFile file = *ReadSops(ReadFixture("secret.yaml"), SopsFormat::kYaml, "apps/sealed");
  const SopsFile other = *ReadSops(ReadFixture("types.yaml"), SopsFormat::kYaml, "apps/sealed");
  EXPECT_TRUE(absl::IsDataLoss(OpenSops(file, *DataKeyOf(other, "cluster.age")).status()));
  EXPECT_TRUE(absl::IsDataLoss(OpenSops(file, "short").status()));
}

// ---------------------------------------------------------------- what somebody changed

absl::Status Altered(const std::string& fixture, const std::string& from, const std::string& to) {
  std::string text = ReadFixture(fixture);
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const absl::Status status = OpenText(text, SopsFormat::kYaml).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "apps/sealed")) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "horse")) << status;
  return status;
}

// The whole of the first line of a fixture with `key`.
std::string LineOf(const std::string& fixture, const std::string& key) {
  for (const absl::string_view line : absl::StrSplit(ReadFixture(fixture), '\n')) {
    if (absl::StrContains(line, key)) return std::string(line);
  }
  ADD_FAILURE() << key;
  return "";
}

TEST(SopsTampering, AClearValueIsCovered) {
  EXPECT_TRUE(absl::IsDataLoss(Altered("secret.yaml", "namespace: shop", "namespace: evil")));
  EXPECT_TRUE(absl::IsDataLoss(Altered("secret.yaml", "type: Opaque", "type: Opaque2")));
}

TEST(SopsTampering, AnAddedOrMissingValueIsSeen) {
  EXPECT_TRUE(absl::IsDataLoss(Altered("secret.yaml", "type: Opaque", "type: Opaque\nmore: x")));
  EXPECT_TRUE(
      absl::IsDataLoss(Altered("secret.yaml", LineOf("secret.yaml", "retries:") + "\n", "")));
  EXPECT_TRUE(absl::IsDataLoss(
      Altered("secret.yaml", LineOf("secret.yaml", "retries:"), "    retries: ''")));
}

TEST(SopsTampering, AValueBelongsToItsKey) {
  const std::string password = LineOf("secret.yaml", "password:");
  const std::string moved = absl::StrReplaceAll(password, {{"password:", "passwort:"}});
  EXPECT_TRUE(absl::IsDataLoss(Altered("secret.yaml", password, moved)));
}

TEST(SopsTampering, ValuesOfOneListMayNotChangePlaces) {
  // Those of a list share their key, so that only the MAC tells their order.
  std::vector<std::string> lines = absl::StrSplit(ReadFixture("types.yaml"), '\n');
  size_t first = 0;
  while (!absl::StrContains(lines[first], "list_secret:")) ++first;
  ASSERT_TRUE(absl::StrContains(lines[first + 1], "- ENC"));
  ASSERT_TRUE(absl::StrContains(lines[first + 2], "- ENC"));
  std::swap(lines[first + 1], lines[first + 2]);
  const absl::Status status = OpenText(absl::StrJoin(lines, "\n"), SopsFormat::kYaml).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "MAC")) << status;
}

TEST(SopsTampering, AValueInClearIsNoSealedOne) {
  EXPECT_FALSE(
      Altered("secret.yaml", LineOf("secret.yaml", "retries:"), "    retries: \"3\"").ok());
  EXPECT_TRUE(absl::IsDataLoss(
      Altered("secret.yaml", LineOf("secret.yaml", "retries:"), "    retries: 3")));
}

TEST(SopsTampering, TheRuleMayNotChange) {
  EXPECT_FALSE(Altered("secret.yaml", "^(data|stringData)$", "^(data)$").ok());
  EXPECT_FALSE(
      Altered("types.yaml", "unencrypted_suffix: _unencrypted", "unencrypted_suffix: text_secret")
          .ok());
  EXPECT_FALSE(
      Altered("mac-only.yaml", "mac_only_encrypted: true", "mac_only_encrypted: false").ok());
}

TEST(SopsTampering, WhatTheMacDoesNotCoverMayChangeWhereSopsWasToldSo) {
  std::string text = ReadFixture("mac-only.yaml");
  text = absl::StrReplaceAll(text, {{"text: plain text", "text: other text"}});
  EXPECT_TRUE(OpenText(text, SopsFormat::kYaml).ok());
}

TEST(SopsTampering, TheMacIsNeeded) {
  const std::string mac = LineOf("secret.yaml", "    mac: ");
  EXPECT_FALSE(Altered("secret.yaml", mac + "\n", "").ok());
  EXPECT_FALSE(Altered("secret.yaml", mac, "    mac: ''").ok());
  EXPECT_FALSE(Altered("secret.yaml", mac, LineOf("types.yaml", "    mac: ")).ok());
  EXPECT_TRUE(absl::IsDataLoss(Altered("secret.yaml", LineOf("secret.yaml", "lastmodified"),
                                       "    lastmodified: \"2020-01-01T00:00:00Z\"")));
}

TEST(SopsTampering, ADocumentOfSeveralMayNotBeLeftOut) {
  std::string text = ReadFixture("several.yaml");
  text.resize(text.find("\n---\n") + 1);
  EXPECT_TRUE(absl::IsDataLoss(OpenText(text, SopsFormat::kYaml).status()));
}

TEST(SopsTampering, EveryLetterOfEverySealedValueCounts) {
  const std::string text = ReadFixture("secret.yaml");
  const SopsFile file = *ReadSops(text, SopsFormat::kYaml, "apps/sealed");
  const std::string key = *DataKeyOf(file, "cluster.age");
  int tried = 0;
  size_t end = 0;
  for (size_t begin = text.find(": ENC["); begin != text.npos; begin = text.find(": ENC[", end)) {
    end = text.find(']', begin);
    for (size_t i = begin + 2; i <= end; ++i) {
      std::string altered = text;
      altered[i] = altered[i] == 'A' ? 'B' : 'A';
      const absl::StatusOr<SopsFile> read = ReadSops(altered, SopsFormat::kYaml, "apps/sealed");
      if (!read.ok()) continue;
      const absl::StatusOr<std::vector<Value>> opened = OpenSops(*read, key);
      // Only the bits of base64 that mean nothing may change.
      if (opened.ok()) {
        EXPECT_EQ(text[i + 1], '=') << i;
        EXPECT_EQ(Texts(*opened), Texts(Plain("secret.yaml"))) << i;
      }
      ++tried;
    }
  }
  EXPECT_GT(tried, 500);
}

// ---------------------------------------------------------------- what is refused

TEST(SopsRefuses, WhatItDoesNotUnderstandByName) {
  const absl::Status split =
      ReadSops(ReadFixture("split.yaml"), SopsFormat::kYaml, "apps/sealed").status();
  EXPECT_TRUE(absl::IsUnimplemented(split)) << split;
  EXPECT_TRUE(absl::StrContains(split.message(), "Shamir")) << split;
  const absl::Status comments =
      ReadSops(ReadFixture("by-comment.yaml"), SopsFormat::kYaml, "apps/sealed").status();
  EXPECT_TRUE(absl::IsUnimplemented(comments)) << comments;
  EXPECT_TRUE(absl::StrContains(comments.message(), "encrypted_comment_regex")) << comments;
}

TEST(SopsRefuses, WhatIsNoSopsFile) {
  for (const char* text :
       {"", "a: 1\n", "- 1\n", "sops: 3\n", "sops: {}\n", "sops: {mac: x}\n",
        "sops: {mac: x, age: 3}\n", "sops: {mac: x, age: [], pgp: []}\n", "a: *b\n", "\xff\xfe"}) {
    for (const SopsFormat format :
         {SopsFormat::kYaml, SopsFormat::kJson, SopsFormat::kDotenv, SopsFormat::kBinary}) {
      const absl::Status status = ReadSops(text, format, "apps/sealed").status();
      EXPECT_FALSE(status.ok()) << text;
      EXPECT_TRUE(absl::StartsWith(status.message(), "apps/sealed")) << status;
    }
  }
}

TEST(SopsRefuses, TwoRulesAtOnce) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Altered("secret.yaml", "    lastmodified:", "    encrypted_suffix: x\n    lastmodified:")));
  EXPECT_TRUE(absl::IsInvalidArgument(Altered("secret.yaml", "^(data|stringData)$", "'^(data|'")));
}

// ---------------------------------------------------------------- what we seal

const char kObject[] = R"(kind: Secret
apiVersion: v1
type: Opaque
stringData: {user: web, password: "correct horse", empty: "", number: "007"}
data: {zeta: aG9yc2U=, alpha: YmF0dGVyeQ==}
metadata: {name: web, namespace: shop, annotations: {note: "yes"}}
immutable: true
)";

TEST(Seal, IsOpenedByItsRecipientsOnly) {
  const Value object = (*ParseYaml(kObject, "object"))[0].value;
  const AgeRecipient cluster = Keys("cluster.age")[0].recipient();
  const absl::StatusOr<std::string> text =
      SealObject(object, {Keys("other.age")[0].recipient(), cluster}, absl::FromUnixSeconds(1e9));
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_FALSE(absl::StrContains(*text, "horse"));
  EXPECT_FALSE(absl::StrContains(*text, "aG9yc2U="));
  EXPECT_TRUE(absl::StrContains(*text, "name: web"));
  EXPECT_TRUE(absl::StrContains(*text, "2001-09-09T01:46:40Z"));
  const absl::StatusOr<std::vector<Value>> opened = OpenText(*text, SopsFormat::kYaml);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(CanonicalJson(opened->at(0)), CanonicalJson(object));
  EXPECT_TRUE(OpenText(*text, SopsFormat::kYaml, "other.age").ok());
}

TEST(Seal, TheSameObjectNeverLooksTheSame) {
  const Value object = (*ParseYaml(kObject, "object"))[0].value;
  const std::vector<AgeRecipient> to = {Keys("cluster.age")[0].recipient()};
  EXPECT_NE(*SealObject(object, to, absl::UnixEpoch()), *SealObject(object, to, absl::UnixEpoch()));
}

}  // namespace
}  // namespace muster
