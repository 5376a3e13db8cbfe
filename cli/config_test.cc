#include "cli/config.h"

#include "cli/problem.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

constexpr char kText[] = R"(apiVersion: muster.dev/v1alpha1
kind: Config
currentContext: prod
contexts:
  - name: prod
    hub: hub.example.com:7444
    caFile: root.pem
    certificateFile: operator.pem
    keyFile: operator-key.pem
)";

TEST(Config, IsReadAndWrittenBack) {
  const Config config = *ParseConfig(kText, "config.yaml");
  EXPECT_EQ(config.current, "prod");
  ASSERT_EQ(config.contexts.size(), 1u);
  EXPECT_EQ(config.contexts[0].hub, "hub.example.com:7444");
  EXPECT_EQ(config.contexts[0].key_file, "operator-key.pem");
  const Config again = *ParseConfig(ConfigText(config), "config.yaml");
  EXPECT_EQ(ConfigText(again), ConfigText(config));
  EXPECT_EQ(again.contexts[0].ca_file, "root.pem");
}

TEST(Config, MayBeEmpty) {
  EXPECT_TRUE(ParseConfig("", "config.yaml")->contexts.empty());
  EXPECT_TRUE(ParseConfig("apiVersion: muster.dev/v1alpha1\nkind: Config\ncontexts: []\n", "c")
                  ->contexts.empty());
}

std::string ProblemWith(const std::string& text) {
  const absl::StatusOr<Config> config = ParseConfig(text, "config.yaml");
  return config.ok() ? "no problem" : ProblemText(config.status());
}

TEST(Config, RefusesAnUnknownFieldByNameAndLine) {
  const std::string text = ProblemWith(
      "apiVersion: muster.dev/v1alpha1\nkind: Config\ncontexts:\n- name: a\n  hub: b:1\n"
      "  keyfile: c\n");
  EXPECT_EQ(text,
            "error: cannot read the contexts\n"
            "  where: config.yaml:6:3\n"
            "  why: unknown field 'keyfile'; did you mean 'keyFile'?\n"
            "  hint: docs/cli.md shows the file\n");
}

TEST(Config, RefusesWhatItCannotUse) {
  const std::string head = "apiVersion: muster.dev/v1alpha1\nkind: Config\n";
  EXPECT_NE(ProblemWith("kind: Config\n").find("apiVersion"), std::string::npos);
  EXPECT_NE(ProblemWith(head + "contexts: {}\n").find("must be a list"), std::string::npos);
  EXPECT_NE(ProblemWith(head + "contexts:\n- {hub: b:1}\n").find("no name"), std::string::npos);
  EXPECT_NE(ProblemWith(head + "contexts:\n- {name: a}\n").find("has no hub"), std::string::npos);
  EXPECT_NE(ProblemWith(head + "contexts:\n- {name: a, hub: [b]}\n").find("must be a string"),
            std::string::npos);
  EXPECT_NE(ProblemWith(head + "contexts:\n- {name: a, hub: b}\n- {name: a, hub: c}\n")
                .find("a second context is called 'a'"),
            std::string::npos);
  EXPECT_NE(ProblemWith("a: [\n").find("config.yaml"), std::string::npos);
}

TEST(PutContext, ReplacesTheOneOfItsName) {
  Config config = *ParseConfig(kText, "config.yaml");
  PutContext(config, {.name = "prod", .hub = "new:1"});
  PutContext(config, {.name = "dev", .hub = "dev:1"});
  ASSERT_EQ(config.contexts.size(), 2u);
  EXPECT_EQ(config.Find("prod")->hub, "new:1");
  EXPECT_EQ(config.Find("dev")->hub, "dev:1");
  EXPECT_EQ(config.Find("no"), nullptr);
}

}  // namespace
}  // namespace muster::cli
