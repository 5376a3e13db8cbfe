// HelmProgram with a program in Helm's place: what it may not do, and what happens at its limits.
#include "common/helm/helm_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/digest.h"

namespace muster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class HelmProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = absl::StrCat(testing::TempDir(), "/helm.XXXXXX");
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    program_ = absl::StrCat(getenv("TEST_SRCDIR"), "/", getenv("TEST_WORKSPACE"),
                            "/common/helm/fake_helm");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  HelmProgram::Options Options() {
    return {.path = program_, .digest = "", .scratch = absl::StrCat(folder_, "/scratch")};
  }

  static v1::HelmCall Call(const std::string& behaviour) {
    v1::HelmCall call;
    call.set_chart("chart");
    call.set_release_name("web");
    call.set_namespace_("shop");
    v1::HelmFile* file = call.add_files();
    file->set_path("chart/behaviour");
    file->set_content(behaviour);
    return call;
  }

  static std::string DigestOf(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    return absl::StrCat("sha256:", Digest::Of(bytes).hex());
  }

  std::string folder_, program_;
};

TEST_F(HelmProgramTest, SaysWhichItIs) {
  HelmProgram helm(Options());
  const absl::StatusOr<HelmIdentity> identity = helm.Identity();
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->version, "9.8.7");
  EXPECT_EQ(identity->digest, DigestOf(program_));
}

TEST_F(HelmProgramTest, RunsTheOneThatIsMeantAndNoOther) {
  HelmProgram::Options options = Options();
  options.digest = DigestOf(program_);
  EXPECT_TRUE(HelmProgram(options).Check().ok());
  options.digest = absl::StrCat("sha256:", std::string(64, '0'));
  HelmProgram other(options);
  const absl::Status refused = other.Template(Call("")).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(DigestOf(program_)));
}

TEST_F(HelmProgramTest, LooksAgainWhenTheFileChanged) {
  const std::string copy = absl::StrCat(folder_, "/helm");
  std::filesystem::copy_file(program_, copy);
  HelmProgram::Options options = Options();
  options.path = copy;
  options.digest = DigestOf(copy);
  HelmProgram helm(options);
  ASSERT_TRUE(helm.Template(Call("")).ok());
  std::filesystem::remove(copy);
  std::filesystem::copy_file(program_, copy);
  std::ofstream(copy, std::ios::app) << "x";
  EXPECT_EQ(helm.Template(Call("")).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(HelmProgramTest, SaysWhatIsMissing) {
  HelmProgram::Options options = Options();
  options.path = absl::StrCat(folder_, "/nowhere");
  HelmProgram helm(options);
  const absl::Status missing = helm.Identity().status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("--helm PATH"));
}

TEST_F(HelmProgramTest, GivesTheChartAndTheValuesInOrder) {
  v1::HelmCall call = Call("");
  for (const char* text : {"first: 1\n", "second: 2\n"}) {
    v1::HelmFile* file = call.add_files();
    file->set_path(absl::StrCat("values/", call.values_files_size(), ".yaml"));
    file->set_content(text);
    call.add_values_files(file->path());
  }
  call.set_kubernetes_version("v1.32.3");
  HelmProgram helm(Options());
  const absl::StatusOr<HelmOutput> output = helm.Template(call);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_THAT(output->first,
              HasSubstr("arguments: \"template --namespace=shop --include-crds "
                        "--kube-version=v1.32.3 --values=values/0.yaml --values=values/1.yaml -- "
                        "web ./chart \""));
  EXPECT_THAT(output->first, HasSubstr("0.yaml: \"first: 1 \""));
  EXPECT_THAT(output->first, HasSubstr("1.yaml: \"second: 2 \""));
  EXPECT_EQ(output->second, "");
  // Nothing stays behind.
  EXPECT_TRUE(std::filesystem::is_empty(absl::StrCat(folder_, "/scratch")));
}

TEST_F(HelmProgramTest, RefusesPathsThatLeaveTheDirectory) {
  v1::HelmCall call = Call("");
  call.add_files()->set_path("../../out");
  HelmProgram helm(Options());
  EXPECT_EQ(helm.Template(call).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HelmProgramTest, PointsHelmAtNothingButTheFilesOfTheCall) {
  HelmProgram helm(Options());
  v1::HelmCall values = Call("");
  values.add_values_files("/etc/passwd");
  EXPECT_THAT(std::string(helm.Template(values).status().message()), HasSubstr("a values file"));
  v1::HelmCall chart = Call("");
  chart.set_chart("/etc");
  EXPECT_THAT(std::string(helm.Template(chart).status().message()), HasSubstr("the chart is not"));
  v1::HelmCall twice = Call("");
  for (const char* path : {"chart/x", "chart/./x"}) twice.add_files()->set_path(path);
  EXPECT_EQ(helm.Template(twice).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(HelmProgramTest, ShowsWhatDiffersWhenRunTwice) {
  HelmProgram helm(Options());
  const absl::StatusOr<HelmOutput> output = helm.Template(Call("clock"));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_NE(output->second, "");
  EXPECT_NE(output->first, output->second);
}

TEST_F(HelmProgramTest, GivesTheProgramsOwnWords) {
  HelmProgram helm(Options());
  const absl::Status failed = helm.Template(Call("fail")).status();
  EXPECT_EQ(failed.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(failed.message()), HasSubstr("web/templates/web.yaml:3:5"));
}

// The hazards: whatever the program does, it is alone with its chart, and it ends.

TEST_F(HelmProgramTest, SeesNothingButItsDirectory) {
  setenv("A_SECRET", "of ours", 1);
  HelmProgram helm(Options());
  const absl::StatusOr<HelmOutput> output = helm.Template(Call("probe"));
  ASSERT_TRUE(output.ok()) << output.status();
  for (const char* what : {"socket", "unix", "fork"}) {
    EXPECT_THAT(output->first, HasSubstr(absl::StrCat(what, ": \"Operation not permitted\"")));
  }
  EXPECT_THAT(output->first, HasSubstr("exec: \"Operation not permitted\""));
  EXPECT_THAT(output->first, HasSubstr("files: \"0 1 2 \""));
  EXPECT_THAT(output->first, Not(HasSubstr("A_SECRET")));
  // Where the kernel has Landlock; root's rights do not help.
  if (absl::StrContains(output->first, "read: \"Permission denied\"")) {
    for (const char* what : {"list", "write", "home"}) {
      EXPECT_THAT(output->first, HasSubstr(absl::StrCat(what, ": \"Permission denied\"")));
    }
  } else {
    // No file can be written without it either: their size may be nothing at all.
    GTEST_SKIP() << "the kernel has no Landlock: files are not restricted";
  }
}

TEST_F(HelmProgramTest, EndsOneThatHangs) {
  HelmProgram::Options options = Options();
  options.time_max = absl::Milliseconds(200);
  HelmProgram helm(options);
  const absl::Status ended = helm.Template(Call("hang")).status();
  EXPECT_EQ(ended.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(ended.message()), HasSubstr("had not rendered the chart after 200ms"));
}

TEST_F(HelmProgramTest, EndsOneThatSpins) {
  HelmProgram::Options options = Options();
  options.time_max = absl::Seconds(1);
  HelmProgram helm(options);
  EXPECT_EQ(helm.Template(Call("spin")).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(HelmProgramTest, EndsOneThatPrintsTooMuch) {
  HelmProgram::Options options = Options();
  options.output_bytes_max = 2u << 20;
  HelmProgram helm(options);
  const absl::Status ended = helm.Template(Call("flood")).status();
  EXPECT_EQ(ended.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(ended.message()), HasSubstr("prints more than 2 MiB"));
}

TEST_F(HelmProgramTest, GivesOneNoMoreMemoryThanItsShare) {
  HelmProgram helm(Options());
  const absl::Status ended = helm.Template(Call("eat")).status();
  EXPECT_EQ(ended.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(ended.message()), HasSubstr("MiB of memory"));
}

TEST(TemplateArguments, NeverTakeTextForFlags) {
  v1::HelmCall call;
  call.set_release_name("--post-renderer=/bin/sh");
  call.set_namespace_("--debug");
  call.set_chart("-x");
  call.set_skip_crds(true);
  call.set_skip_hooks(true);
  EXPECT_THAT(TemplateArguments(call),
              ElementsAre("helm", "template", "--namespace=--debug", "--skip-crds", "--no-hooks",
                          "--", "--post-renderer=/bin/sh", "./-x"));
}

TEST(ProgramDigest, IsAlgorithmAndDigits) {
  EXPECT_TRUE(IsProgramDigest(absl::StrCat("sha256:", std::string(64, 'a'))));
  EXPECT_FALSE(IsProgramDigest(std::string(64, 'a')));
  EXPECT_FALSE(IsProgramDigest(absl::StrCat("sha256:", std::string(63, 'a'))));
  EXPECT_FALSE(IsProgramDigest(absl::StrCat("sha256:", std::string(64, 'A'))));
}

}  // namespace
}  // namespace muster
