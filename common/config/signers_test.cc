#include "common/config/signers.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/config.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

v1::FleetConfig Parse(const Files& files) {
  FileTree tree;
  for (const auto& [name, bytes] : files) EXPECT_TRUE(tree.Add(name, bytes).ok()) << name;
  return ParseFleetConfig(tree, {.path = "fleet"});
}

std::string ErrorsOf(const v1::FleetConfig& config) {
  std::vector<std::string> lines;
  for (const v1::ConfigError& error : config.errors()) lines.push_back(ConfigErrorText(error));
  return absl::StrJoin(lines, "\n");
}

// An Ed25519 key as a line of allowed_signers.
std::string Line(const std::string& who, char seed) {
  const std::string key =
      absl::StrCat(absl::string_view("\0\0\0\13ssh-ed25519\0\0\0\40", 19), std::string(32, seed));
  return absl::StrCat(who, " ssh-ed25519 ", absl::Base64Escape(key));
}

std::string Signers(const std::string& name, const std::vector<std::string>& lines) {
  return absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Signers\nmetadata: {name: ", name,
                      "}\nspec:\n  ssh: |\n    ", absl::StrJoin(lines, "\n    "), "\n");
}

std::string Repository(const std::string& verify) {
  return absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: apps}\n",
                      "spec:\n  url: https://git.example.com/a.git\n  ref: {branch: main}\n",
                      "  verify: ", verify, "\n");
}

std::string ErrorsIn(const std::string& verify) {
  return ErrorsOf(Parse({{"fleet/r.yaml", Repository(verify)},
                         {"fleet/s.yaml", Signers("team", {Line("ada@example.com", 'a')})}}));
}

TEST(Signers, TheirKeysAreInThePolicyOfWhoNamesThem) {
  const v1::FleetConfig config = Parse(
      {{"fleet/r.yaml",
        Repository("{signers: [team, admins], commits: all, authors: ['*@Example.com', b@c]}")},
       {"fleet/s.yaml", Signers("team", {"# the team", Line("ada@example.com", 'a'),
                                         Line("bob@example.com", 'b')})},
       {"fleet/t.yaml", Signers("admins", {Line("ada@example.com", 'a')})},
       {"fleet/u.yaml", Signers("others", {Line("eve@example.com", 'e')})}});
  ASSERT_EQ(ErrorsOf(config), "");
  ASSERT_EQ(config.signers_size(), 3);
  const v1::VerifyPolicy& policy = config.repositories(0).verify();
  EXPECT_EQ(absl::StrJoin(policy.signers(), " "), "admins team");
  EXPECT_TRUE(policy.every_commit());
  EXPECT_EQ(absl::StrJoin(policy.authors(), " "), "*@example.com b@c");
  ASSERT_EQ(policy.ssh_size(), 2) << "a key in both counts once";
  EXPECT_EQ(policy.ssh(0).principals(), "ada@example.com");
  EXPECT_EQ(policy.ssh(1).principals(), "bob@example.com");
}

TEST(Signers, AbsentVerifyAsksForNothing) {
  const v1::FleetConfig config =
      Parse({{"fleet/r.yaml",
              "apiVersion: muster.dev/v1alpha1\nkind: Repository\nmetadata: {name: "
              "apps}\nspec: {url: 'https://a.example/b.git', ref: {branch: a}}\n"}});
  ASSERT_EQ(ErrorsOf(config), "");
  EXPECT_FALSE(config.repositories(0).has_verify());
}

TEST(Signers, RefusesWhatWouldLetNobodyOrAnybodySign) {
  EXPECT_NE(ErrorsIn("{signers: []}").find("r.yaml:7: spec.verify.signers: names nobody"),
            std::string::npos);
  EXPECT_NE(ErrorsIn("{}").find("spec.verify.signers: is missing"), std::string::npos)
      << ErrorsIn("{}");
  EXPECT_NE(ErrorsIn("{signers: [tean]}").find("there is no Signers 'tean'; did you mean 'team'?"),
            std::string::npos);
  EXPECT_NE(ErrorsIn("{signers: [team], commits: some}").find("spec.verify.commits"),
            std::string::npos);
  for (const char* author : {"ada", "@example.com", "*", "a*@b", "*@*", "a@b@c", "a b@c"}) {
    EXPECT_NE(ErrorsIn(absl::StrCat("{signers: [team], authors: ['", author, "']}"))
                  .find("spec.verify.authors[0]"),
              std::string::npos)
        << author;
  }
  EXPECT_NE(ErrorsOf(Parse({{"fleet/s.yaml", Signers("team", {"# nobody yet"})}}))
                .find("spec.ssh: has no key"),
            std::string::npos);
  EXPECT_NE(ErrorsOf(Parse({{"fleet/s.yaml", Signers("team", {"# ok", "ada@example.com"})}}))
                .find("fleet/s.yaml:5: spec.ssh: line 2: has no key"),
            std::string::npos);
  EXPECT_NE(
      ErrorsOf(Parse({{"fleet/s.yaml", Signers("team", {Line("a", 'a')}) + "  openpgp: x\n"}}))
          .find("not built yet"),
      std::string::npos);
}

// With fewer keys a good commit would be refused, and with an error in one file the declarations of
// it are kept as they were: so are those that need it.
TEST(Signers, ARepositoryWhoseSignersHaveAnErrorKeepsItsPolicy) {
  const v1::FleetConfig config = Parse(
      {{"fleet/r.yaml", Repository("{signers: [team]}") + "---\n" +
                            Signers("second", {Line("bob@example.com", 'b')})},
       {"fleet/s.yaml", Signers("team", {"ada@example.com ssh-ed25519 AAAA"})},
       {"fleet/t.yaml", absl::StrCat("apiVersion: muster.dev/v1alpha1\nkind: Repository\n",
                                     "metadata: {name: more}\nspec: {url: 'https://a.b/c', "
                                     "ref: {branch: main}, verify: {signers: [second]}}\n")}});
  EXPECT_EQ(config.repositories_size(), 0);
  EXPECT_EQ(config.signers_size(), 0);
  const std::string errors = ErrorsOf(config);
  EXPECT_NE(errors.find("fleet/r.yaml:1: spec.verify.signers: the Signers 'team' stand in a file "
                        "with an error"),
            std::string::npos)
      << errors;
  EXPECT_NE(errors.find("the Signers 'second' stand in a file with an error"), std::string::npos);
}

}  // namespace
}  // namespace muster
