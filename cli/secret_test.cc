// muster secret: what is sealed can be opened by those it is sealed to, and what was read is told
// to nobody.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/test_run.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "common/secrets/age.h"
#include "common/secrets/sops.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: open-sesame}\n";

class SecretCommand : public testing::Test {
 protected:
  SecretCommand() {
    Add("dev-1", "dev", dev_.recipient().text());
    Add("prod-1", "prod", one_.recipient().text());
    Add("prod-2", "prod", two_.recipient().text());
    run_.in = kSecret;
  }

  void Add(const std::string& name, const std::string& env, const std::string& recipient) {
    v1::ClusterView view = MakeCluster(run_, name);
    view.clear_labels();
    v1::Label& label = *view.add_labels();
    label.set_key("env");
    label.set_value(env);
    view.set_recipient(recipient);
    run_.hub->clusters.push_back(view);
  }

  // Whether this key opens what was printed last; what it then is, as JSON.
  std::string Opened(const AgeIdentity& identity) {
    const absl::StatusOr<SopsFile> file = ReadSops(run_.out(), SopsFormat::kYaml, "printed");
    EXPECT_TRUE(file.ok()) << file.status();
    if (!file.ok()) return "";
    for (const SopsRecipient& recipient : file->metadata.recipients) {
      const absl::StatusOr<std::string> key = OpenAge({identity}, recipient.sealed_key);
      if (key.ok()) return CanonicalJson(OpenSops(*file, *key)->front());
    }
    return "closed";
  }

  const AgeIdentity dev_ = AgeIdentity::Generate();
  const AgeIdentity one_ = AgeIdentity::Generate();
  const AgeIdentity two_ = AgeIdentity::Generate();
  TestRun run_;
};

TEST_F(SecretCommand, SealsToOneCluster) {
  EXPECT_EQ(run_({"secret", "seal", "--cluster", "prod-1"}), 0) << run_.err();
  EXPECT_THAT(run_.out(), AllOf(HasSubstr("name: db"), Not(HasSubstr("open-sesame"))));
  EXPECT_THAT(Opened(one_), HasSubstr(R"("stringData":{"password":"open-sesame"})"));
  EXPECT_EQ(Opened(two_), "closed");
  EXPECT_EQ(run_.err(), "");
}

TEST_F(SecretCommand, SealsToASelectionAndToAFurtherKey) {
  const AgeIdentity mine = AgeIdentity::Generate();
  EXPECT_EQ(run_({"secret", "seal", "-", "-l", "env=prod", "--recipient", mine.recipient().text()}),
            0)
      << run_.err();
  for (const AgeIdentity* identity : {&one_, &two_, &mine}) {
    EXPECT_THAT(Opened(*identity), HasSubstr("open-sesame"));
  }
  EXPECT_EQ(Opened(dev_), "closed");
}

TEST_F(SecretCommand, AsksNoHubForAKeyThatIsGiven) {
  EXPECT_EQ(run_({"secret", "seal", "--recipient", dev_.recipient().text()}), 0) << run_.err();
  EXPECT_TRUE(run_.hub->calls.empty());
  EXPECT_THAT(Opened(dev_), HasSubstr("open-sesame"));
}

TEST_F(SecretCommand, SealsEachObjectOfAFile) {
  const std::string path = run_.folder + "/db.yaml";
  std::ofstream(path) << kSecret << "---\n" << kSecret;
  EXPECT_EQ(run_({"secret", "seal", path, "--all"}), 0) << run_.err();
  const auto documents = ParseYaml(run_.out(), "printed");
  ASSERT_TRUE(documents.ok()) << documents.status();
  EXPECT_EQ(documents->size(), 2u);
  EXPECT_THAT(run_.out(), Not(HasSubstr("open-sesame")));
}

TEST_F(SecretCommand, RefusesWhatItCannotSeal) {
  const auto refused = [&](const std::vector<std::string>& words, const std::string& why) {
    EXPECT_NE(run_(words), 0);
    EXPECT_EQ(run_.out(), "");
    EXPECT_THAT(run_.err(), AllOf(HasSubstr(why), Not(HasSubstr("open-sesame"))));
  };
  refused({"secret", "seal"}, "to whom");
  refused({"secret", "seal", "-l", "env=none"}, "no cluster has these labels");
  refused({"secret", "seal", "--cluster", "prod-9"}, "cannot get cluster/prod-9");
  refused({"secret", "seal", "--recipient", "age1nonsense"}, "age1nonsense");
  Add("old-1", "dev", "");
  refused({"secret", "seal", "--all"}, "cannot seal to cluster/old-1");
  const std::vector<std::string> seal = {"secret", "seal", "--cluster", "dev-1"};
  run_.in = "";
  refused(seal, "nothing came on stdin");
  run_.in = "password: open-sesame\n";
  refused(seal, "stdin:1");
  run_.in = "password: open-sesame\n\t- {";
  refused(seal, "stdin:");
  run_.in = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nspec: {a: open-sesame}\n";
  refused(seal, "neither data nor stringData");
  run_.in = std::string(kSecret) + "sops: {mac: x}\n";
  refused(seal, "is sealed already");
}

TEST_F(SecretCommand, ListsKeys) {
  EXPECT_EQ(run_({"secret", "recipients", "-l", "env=dev"}), 0) << run_.err();
  EXPECT_THAT(run_.out(), AllOf(HasSubstr("CLUSTER"), HasSubstr(dev_.recipient().text()),
                                Not(HasSubstr(one_.recipient().text()))));
  EXPECT_EQ(run_({"secret", "recipients", "-o", "json"}), 0) << run_.err();
  const auto document = ParseJson(run_.out());
  ASSERT_TRUE(document.ok()) << document.status();
  ASSERT_EQ(document->Get("items")->list().size(), 3u);
  EXPECT_EQ(document->Find("/items/1/cluster")->string(), "prod-1");
  EXPECT_EQ(document->Find("/items/1/recipient")->string(), one_.recipient().text());
}

TEST_F(SecretCommand, DescribeShowsTheKey) {
  EXPECT_EQ(run_({"describe", "cluster", "dev-1"}), 0) << run_.err();
  EXPECT_THAT(run_.out(), HasSubstr(dev_.recipient().text()));
}

}  // namespace
}  // namespace muster::cli
