// Stories of sealed objects in an agent, with files that the real sops made.
#include "agent/secrets/unsealer.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "agent/secrets/keys.h"
#include "common/manifest/json.h"
#include "common/manifest/sealed.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
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

const ObjectKey kWeb{"v1", "Secret", "shop", "web"};

Value Shown(absl::string_view metadata = R"({"name":"web","namespace":"shop"})") {
  return *ParseJson(
      absl::StrCat(R"({"apiVersion":"v1","kind":"Secret","metadata":)", metadata, "}"));
}

SealedText Text(const std::string& fixture, const std::string& format = "yaml") {
  return {.file = "apps/" + fixture,
          .format = format,
          .text = ReadFixture(fixture),
          .document = 0,
          .key = ""};
}

std::string Form(const Value& shown, const std::vector<SealedText>& texts) {
  return CanonicalJson(SealedForm(shown, texts));
}

Unsealer WithKeys(const std::string& name) { return Unsealer(Keys(name), nullptr); }

TEST(Unsealer, GivesTheObjectThatWasSealed) {
  const auto opened = WithKeys("cluster.age").Open(kWeb, Form(Shown(), {Text("secret.yaml")}));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(*opened,
            R"({"apiVersion":"v1","data":{"empty":"","note":"dHdvCmxpbmVzCg==",)"
            R"("password":"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==","retries":"Mw=="},)"
            R"("kind":"Secret","metadata":{"name":"web","namespace":"shop"},"type":"Opaque"})");
}

TEST(Unsealer, TheMetadataIsThatWhichTravelsBesideIt) {
  const Value shown = Shown(R"({"name":"my-web","namespace":"prod","labels":{"team":"blue"}})");
  const auto opened =
      WithKeys("cluster.age")
          .Open({"v1", "Secret", "prod", "my-web"}, Form(shown, {Text("secret.yaml")}));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(CanonicalJson(*ParseJson(*opened)->Get("metadata")),
            R"({"labels":{"team":"blue"},"name":"my-web","namespace":"prod"})");
}

TEST(Unsealer, TakesTheDocumentThatIsMeant) {
  SealedText text = Text("several.yaml");
  text.document = 1;
  const Value shown = Shown(R"({"name":"second"})");
  const ObjectKey key{"v1", "Secret", "", "second"};
  const auto opened = WithKeys("cluster.age").Open(key, Form(shown, {text}));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(absl::StrContains(*opened, absl::Base64Escape("two of two")));
  text.document = 2;
  EXPECT_TRUE(
      absl::IsInvalidArgument(WithKeys("cluster.age").Open(key, Form(shown, {text})).status()));
}

TEST(Unsealer, AFurtherKeyOpensToo) {
  std::vector<AgeIdentity> keys = {AgeIdentity::Generate(), Keys("other.age")[0]};
  EXPECT_TRUE(Unsealer(keys, nullptr).Open(kWeb, Form(Shown(), {Text("to-other.yaml")})).ok());
}

TEST(Unsealer, TheWrongKeyNamesFileObjectAndRecipients) {
  const absl::Status status =
      WithKeys("cluster.age").Open(kWeb, Form(Shown(), {Text("to-other.yaml")})).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  for (const std::string& word :
       {std::string("apps/to-other.yaml"), std::string("Secret shop/web"),
        Keys("other.age")[0].recipient().text(), Keys("cluster.age")[0].recipient().text(),
        std::string("muster secret seal")}) {
    EXPECT_TRUE(absl::StrContains(status.message(), word)) << word << " in " << status;
  }
}

TEST(Unsealer, WhatWasAlteredIsRefusedAndNeverLooksLikeALostBlob) {
  SealedText text = Text("secret.yaml");
  text.text = absl::StrReplaceAll(text.text, {{"type: Opaque", "type: Other"}});
  const absl::Status status = WithKeys("cluster.age").Open(kWeb, Form(Shown(), {text})).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "MAC")) << status;
  EXPECT_FALSE(absl::StrContains(status.message(), "horse")) << status;
}

TEST(Unsealer, ASecretDoesNotBecomeAnythingElse) {
  Value shown = Shown();
  shown.Set("/kind", "ConfigMap");
  const absl::Status status =
      WithKeys("cluster.age")
          .Open({"v1", "ConfigMap", "shop", "web"}, Form(shown, {Text("secret.yaml")}))
          .status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "another kind")) << status;
}

TEST(Unsealer, TheObjectIsTheOneThatWasAskedFor) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      WithKeys("cluster.age")
          .Open({"v1", "Secret", "other", "web"}, Form(Shown(), {Text("secret.yaml")}))
          .status()));
  EXPECT_TRUE(absl::IsInvalidArgument(WithKeys("cluster.age").Open(kWeb, "{}").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(WithKeys("cluster.age").Open(kWeb, "").status()));
}

TEST(Unsealer, FilesBecomeEntriesOfASecret) {
  SealedText binary = Text("tls.key.sops", "binary");
  binary.key = "tls.key";
  const auto opened =
      WithKeys("cluster.age").Open(kWeb, Form(Shown(), {Text("app.env", "dotenv"), binary}));
  ASSERT_TRUE(opened.ok()) << opened.status();
  const Value object = *ParseJson(*opened);
  std::string decoded;
  ASSERT_TRUE(absl::Base64Unescape(object.Find("/data/tls.key")->string(), &decoded));
  EXPECT_EQ(decoded, ReadFixture("plain/tls.key"));
  ASSERT_TRUE(absl::Base64Unescape(object.Find("/data/DATABASE_URL")->string(), &decoded));
  EXPECT_EQ(decoded, "postgres://web:horse-battery@db/shop");
  EXPECT_EQ(object.Find("/data/EMPTY")->string(), "");
}

TEST(Unsealer, NoEntryIsThereTwice) {
  const std::string form = Form(Shown(), {Text("app.env", "dotenv"), Text("app.env", "dotenv")});
  const absl::Status status = WithKeys("cluster.age").Open(kWeb, form).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "'DATABASE_URL' is there twice")) << status;
}

TEST(Unsealer, ValuesAreHiddenInWhatOthersSay) {
  const std::string opened =
      R"({"apiVersion":"v1","data":{"a":"aG9yc2UtYmF0dGVyeQ=="},"kind":"Secret",)"
      R"("metadata":{"name":"web"},"stringData":{"b":"staple gun"}})";
  const absl::Status hidden = HideValues(
      absl::InvalidArgumentError("Secret \"web\" is invalid: \"staple gun\", aG9yc2UtYmF0dGVyeQ== "
                                 "or horse-battery"),
      opened);
  EXPECT_EQ(hidden.message(), "Secret \"web\" is invalid: \"(hidden)\", (hidden) or (hidden)");
}

// ---------------------------------------------------------------- keys

class KeysTest : public testing::Test {
 protected:
  KeysTest() {
    // A short path: gpg's sockets stand in it, and their names have a limit.
    std::string name = "/tmp/keysXXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~KeysTest() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::ofstream(folder_ + "/" + name) << text;
    chmod((folder_ + "/" + name).c_str(), mode);
  }
  mode_t ModeOf(const std::string& name) {
    struct stat facts {};
    EXPECT_EQ(stat((folder_ + "/" + name).c_str(), &facts), 0);
    return facts.st_mode & 0777;
  }
  std::string folder_;
};

TEST_F(KeysTest, AKeyIsMadeOnceAndKept) {
  const auto made = LoadAgeIdentities({.data_directory = folder_});
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(made->size(), 1u);
  EXPECT_EQ(ModeOf("age.key"), 0600u);
  const auto again = LoadAgeIdentities({.data_directory = folder_});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ((*again)[0].text(), (*made)[0].text());
}

TEST_F(KeysTest, AKeyThatAVolumeMadeReadableIsClosedAgain) {
  Write("age.key", ReadFixture("cluster.age"), 0660);
  const auto keys = LoadAgeIdentities({.data_directory = folder_});
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_EQ(ModeOf("age.key"), 0600u);
}

TEST_F(KeysTest, FurtherKeysFollowTheClustersOwn) {
  Write("team.age", ReadFixture("other.age"));
  const auto keys =
      LoadAgeIdentities({.data_directory = folder_, .age_identities = {folder_ + "/team.age"}});
  ASSERT_TRUE(keys.ok()) << keys.status();
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[1].text(), Keys("other.age")[0].text());
}

TEST_F(KeysTest, FurtherKeysThatCannotBeUsedAreRefused) {
  const auto load = [&] {
    return LoadAgeIdentities({.data_directory = folder_, .age_identities = {folder_ + "/team.age"}})
        .status();
  };
  EXPECT_TRUE(absl::StrContains(load().message(), "--age-identity"));
  Write("team.age", ReadFixture("other.age"), 0644);
  EXPECT_TRUE(absl::StrContains(load().message(), "chmod 600")) << load();
  Write("team.age", "AGE-SECRET-KEY-1NONSENSE\n");
  EXPECT_TRUE(absl::StrContains(load().message(), "line 1")) << load();
  EXPECT_FALSE(absl::StrContains(load().message(), "NONSENSE")) << load();
}

// As Kubernetes shows a Secret: files that are links into a hidden folder, readable for the group.
TEST_F(KeysTest, KeysInAFolderMayComeAndGo) {
  const std::string mounted = folder_ + "/mounted";
  std::filesystem::create_directories(mounted);
  const KeyPlaces places{.data_directory = folder_, .age_identities = {mounted}};
  const auto own = LoadAgeIdentities(places);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->size(), 1u);
  const Unsealer unsealer(*own, nullptr, FurtherIdentities(places));
  const std::string form = Form(Shown(), {Text("to-other.yaml")});
  EXPECT_TRUE(absl::IsFailedPrecondition(unsealer.Open(kWeb, form).status()));

  std::filesystem::create_directories(mounted + "/..1");
  std::filesystem::create_directory_symlink("..1", mounted + "/..data");
  Write("mounted/..1/keys.txt", ReadFixture("other.age"), 0440);
  Write("mounted/..1/notes", "not a key", 0440);
  for (const char* name : {"keys.txt", "notes"}) {
    std::filesystem::create_symlink(absl::StrCat("..data/", name),
                                    absl::StrCat(mounted, "/", name));
  }
  EXPECT_TRUE(unsealer.Open(kWeb, form).ok()) << unsealer.Open(kWeb, form).status();

  std::filesystem::remove(mounted + "/keys.txt");
  EXPECT_TRUE(absl::IsFailedPrecondition(unsealer.Open(kWeb, form).status()));
}

TEST_F(KeysTest, KeysInAFolderThatAnybodyMayReadAreNotUsed) {
  Write("keys.txt", ReadFixture("other.age"), 0444);
  const KeyPlaces places{.data_directory = folder_, .age_identities = {folder_}};
  EXPECT_TRUE(FurtherIdentities(places)().empty());
  Write("keys.txt", ReadFixture("other.age"), 0460);
  EXPECT_TRUE(FurtherIdentities(places)().empty());
  Write("keys.txt", ReadFixture("other.age"), 0440);
  EXPECT_EQ(FurtherIdentities(places)().size(), 1u);
  EXPECT_EQ(FurtherIdentities({.data_directory = folder_}), nullptr);
}

TEST_F(KeysTest, OpenPgpIsOpenedThroughGpg) {
  if (std::system("gpg --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no gpg here";
  const std::string home = folder_ + "/gnupg";
  ASSERT_EQ(mkdir(home.c_str(), 0700), 0);
  const std::string import = absl::StrCat("gpg --batch --quiet --homedir ", home,
                                          " --import common/secrets/testdata/openpgp.asc 2>&1");
  ASSERT_EQ(std::system(import.c_str()), 0);
  const std::string form = Form(Shown(), {Text("openpgp.yaml")});
  const auto opened = Unsealer({}, OpenPgpBy(home)).Open(kWeb, form);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(absl::StrContains(*opened, absl::Base64Escape("correct horse battery staple")));

  const std::string stranger = folder_ + "/stranger";
  ASSERT_EQ(mkdir(stranger.c_str(), 0700), 0);
  const absl::Status refused = Unsealer({}, OpenPgpBy(stranger)).Open(kWeb, form).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_TRUE(absl::IsFailedPrecondition(Unsealer({}, nullptr).Open(kWeb, form).status()));
  EXPECT_EQ(OpenPgpBy(""), nullptr);
  for (const std::string& one : {home, stranger}) {
    EXPECT_EQ(std::system(absl::StrCat("gpgconf --homedir ", one, " --kill all").c_str()), 0);
  }
}

}  // namespace
}  // namespace muster::agent
