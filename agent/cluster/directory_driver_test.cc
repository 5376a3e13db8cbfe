#include "agent/cluster/directory_driver.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "agent/cluster/driver_conformance.h"
#include "agent/cluster/yaml_text.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"

namespace muster::agent {
namespace {

namespace fs = std::filesystem;

class TestFolder {
 public:
  TestFolder() {
    std::string name = fs::temp_directory_path() / "cluster.XXXXXX";
    CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() { fs::remove_all(path_); }
  std::string operator/(const std::string& path) const { return path_ + "/" + path; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// As an editor does it: written beside, then renamed.
void WriteFile(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path + "~") << text;
  fs::rename(path + "~", path);
}

template <DirectoryLayout kLayout>
class DirectoryHarness final : public DriverHarness {
 public:
  DirectoryHarness() { Restart(); }
  ClusterDriver& driver() override { return *driver_; }

  void Edit(const ObjectKey& key, const std::string& json) override {
    const std::string path = Path(key);
    const std::string before = fs::exists(path) ? ReadFile(path) : "";
    const std::string header =
        absl::StartsWith(before, "#") ? before.substr(0, before.find('\n') + 1) : "";
    WriteFile(path, header + json);
  }
  void Delete(const ObjectKey& key) override { fs::remove(Path(key)); }

  void Restart() override {
    driver_.reset();
    auto driver = OpenDirectoryDriver({.root = folder_.path(), .layout = kLayout}, random_);
    CHECK_OK(driver);
    driver_ = *std::move(driver);
  }

 private:
  std::string Path(const ObjectKey& key) {
    const auto path = DirectoryPath(key, kLayout);
    CHECK_OK(path);
    return folder_ / *path;
  }

  TestFolder folder_;
  SeededRandom random_{1};
  std::unique_ptr<ClusterDriver> driver_;
};

std::unique_ptr<DriverHarness> MakeTree() {
  return std::make_unique<DirectoryHarness<DirectoryLayout::kTree>>();
}
std::unique_ptr<DriverHarness> MakeFlat() {
  return std::make_unique<DirectoryHarness<DirectoryLayout::kFlat>>();
}

INSTANTIATE_TEST_SUITE_P(Tree, DriverConformance, testing::Values(&MakeTree));
INSTANTIATE_TEST_SUITE_P(Flat, DriverConformance, testing::Values(&MakeFlat));

// ---------------------------------------------------------------- paths

ObjectKey Deployment(const std::string& name, const std::string& ns = "web") {
  return {.api_version = "apps/v1", .kind = "Deployment", .namespace_ = ns, .name = name};
}

TEST(DirectoryPath, SaysWhereAnObjectIs) {
  EXPECT_EQ(*DirectoryPath(Deployment("front"), DirectoryLayout::kTree),
            "web/deployment.apps/front.yaml");
  EXPECT_EQ(*DirectoryPath(Deployment("front"), DirectoryLayout::kFlat),
            "web_deployment.apps_front.yaml");
  const ObjectKey ns{.api_version = "v1", .kind = "Namespace", .namespace_ = "", .name = "web"};
  EXPECT_EQ(*DirectoryPath(ns, DirectoryLayout::kTree), "_cluster/namespace/web.yaml");
  EXPECT_EQ(*DirectoryPath(ns, DirectoryLayout::kFlat), "_cluster_namespace_web.yaml");
}

TEST(DirectoryPath, NoNameLeadsOutOfTheRoot) {
  for (const std::string& name :
       std::vector<std::string>{"..", ".", "../../etc/passwd", "a/b", "/etc/passwd", ".hidden",
                                "a\nb", "a%2Fb", std::string("a\0b", 3)}) {
    for (const auto layout : {DirectoryLayout::kTree, DirectoryLayout::kFlat}) {
      const auto path = DirectoryPath(Deployment(name, name), layout);
      ASSERT_TRUE(path.ok()) << name;
      const std::vector<std::string> parts = absl::StrSplit(*path, '/');
      EXPECT_EQ(parts.size(), layout == DirectoryLayout::kTree ? 3u : 1u) << *path;
      for (const std::string& part : parts) {
        EXPECT_NE(part[0], '.') << *path;
        EXPECT_EQ(part.find('\0'), std::string::npos);
      }
    }
  }
}

TEST(DirectoryPath, DifferentObjectsHaveDifferentFiles) {
  EXPECT_NE(*DirectoryPath(Deployment("a%2Fb"), DirectoryLayout::kTree),
            *DirectoryPath(Deployment("a/b"), DirectoryLayout::kTree));
  EXPECT_NE(*DirectoryPath(Deployment("b_c", "a"), DirectoryLayout::kFlat),
            *DirectoryPath(Deployment("c", "a_b"), DirectoryLayout::kFlat));
  EXPECT_NE(*DirectoryPath(Deployment("x", "_cluster"), DirectoryLayout::kTree),
            *DirectoryPath(Deployment("x", ""), DirectoryLayout::kTree));
}

TEST(DirectoryPath, RefusesWhatIsTooLongForAFile) {
  EXPECT_FALSE(DirectoryPath(Deployment(std::string(253, 'a')), DirectoryLayout::kTree).ok());
  EXPECT_FALSE(DirectoryPath(Deployment(""), DirectoryLayout::kTree).ok());
}

// ---------------------------------------------------------------- files

class DirectoryDriverTest : public testing::Test {
 protected:
  DirectoryDriverTest() {
    auto driver = OpenDirectoryDriver({.root = folder_ / "c"}, random_);
    CHECK_OK(driver);
    driver_ = *std::move(driver);
  }

  DriverResult Apply(const std::string& value, bool ours = false) {
    return driver_->Apply({{.key = key_, .json = Json(value), .ours = ours}})[0];
  }
  static std::string Json(const std::string& value) {
    return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":)"
           R"("web"},"spec":{"text":")" +
           value + R"("}})";
  }
  LiveObject Live() {
    const auto listed = driver_->List({key_}, true);
    CHECK_OK(listed);
    CHECK_EQ(listed->size(), 1u);
    return (*listed)[0];
  }

  TestFolder folder_;
  SeededRandom random_{1};
  std::unique_ptr<ClusterDriver> driver_;
  const ObjectKey key_ = Deployment("a");
  const std::string file_ = folder_ / "c/web/deployment.apps/a.yaml";
};

TEST_F(DirectoryDriverTest, WritesYamlThatPeopleCanRead) {
  const std::string uid = Apply("hello").uid;
  EXPECT_EQ(ReadFile(file_), "# Written by Muster, uid " + uid +
                                 "; edits are put right or reported.\n"
                                 "apiVersion: apps/v1\n"
                                 "kind: Deployment\n"
                                 "metadata:\n"
                                 "  name: a\n"
                                 "  namespace: web\n"
                                 "spec:\n"
                                 "  text: hello\n");
}

TEST_F(DirectoryDriverTest, AnEditThatChangesNothingIsNoDrift) {
  const DriverResult applied = Apply("x");
  const std::string text = ReadFile(file_);
  WriteFile(file_, text + "# a comment\n");
  EXPECT_EQ(Live().digest, applied.digest);
}

TEST_F(DirectoryDriverTest, AnEditInPlaceOfTheSameSizeIsSeen) {
  const DriverResult applied = Apply("x");
  std::string text = ReadFile(file_);
  text[text.rfind('x')] = 'y';
  std::ofstream(file_) << text;
  EXPECT_EQ(Live().json, Json("y"));
  EXPECT_NE(driver_->List({key_}, false)->at(0).digest, applied.digest);
}

TEST_F(DirectoryDriverTest, AFileThatCannotBeReadIsDriftAndIsPutRight) {
  const DriverResult applied = Apply("x");
  WriteFile(file_, ReadFile(file_) + "  : [broken\n");
  EXPECT_NE(Live().digest, applied.digest);
  EXPECT_EQ(Live().uid, applied.uid);
  EXPECT_EQ(Live().json, "");
  ASSERT_TRUE(Apply("x", true).status.ok());
  EXPECT_EQ(Live().digest, applied.digest);
}

TEST_F(DirectoryDriverTest, AFileThatWasReplacedAsAWholeIsAnotherAndIsPutRight) {
  const DriverResult applied = Apply("x");
  WriteFile(file_, "kind: Other\n");
  EXPECT_NE(Live().uid, applied.uid);
  EXPECT_EQ(driver_->Remove({{key_, applied.uid}})[0].status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReadFile(file_), "kind: Other\n");
  ASSERT_TRUE(Apply("x", true).status.ok());
  EXPECT_EQ(Live().json, Json("x"));
}

TEST_F(DirectoryDriverTest, NeverFollowsALinkInPlaceOfAFile) {
  const std::string victim = folder_ / "victim";
  WriteFile(victim, "precious\n");
  fs::create_directories(fs::path(file_).parent_path());
  fs::create_symlink(victim, file_);
  EXPECT_FALSE(Apply("x").status.ok());
  ASSERT_TRUE(Apply("x", true).status.ok());  // the link is replaced, not what it leads to
  EXPECT_EQ(ReadFile(victim), "precious\n");
  EXPECT_FALSE(fs::is_symlink(file_));
}

TEST_F(DirectoryDriverTest, NeverFollowsALinkInPlaceOfAFolder) {
  const std::string outside = folder_ / "outside";
  fs::create_directory(outside);
  fs::create_directory_symlink(outside, folder_ / "c/web");
  EXPECT_FALSE(Apply("x", true).status.ok());
  EXPECT_TRUE(fs::is_empty(outside));
  // It shows as something else, and stops no other object.
  EXPECT_EQ(Live().json, "");
  WriteFile(outside + "/deployment.apps/a.yaml", Json("x"));
  EXPECT_FALSE(driver_->Remove({{key_, Live().uid}})[0].status.ok());
  EXPECT_TRUE(fs::exists(outside + "/deployment.apps/a.yaml"));
}

TEST_F(DirectoryDriverTest, APipeInPlaceOfAFileHoldsNobody) {
  fs::create_directories(fs::path(file_).parent_path());
  ASSERT_EQ(mkfifo(file_.c_str(), 0600), 0);
  EXPECT_EQ(Live().json, "");
  EXPECT_TRUE(Apply("x", true).status.ok());
  EXPECT_EQ(Live().json, Json("x"));
}

TEST_F(DirectoryDriverTest, LeavesNoEmptyFoldersAndNoTemporaryFiles) {
  const std::string uid = Apply("x").uid;
  ASSERT_TRUE(driver_->Remove({{key_, uid}})[0].status.ok());
  EXPECT_FALSE(fs::exists(folder_ / "c/web"));
  ASSERT_TRUE(Apply("x").status.ok());
  WriteFile(folder_ / "c/web/notes.txt", "mine");
  ASSERT_TRUE(driver_->Remove({{key_, Live().uid}})[0].status.ok());
  EXPECT_EQ(ReadFile(folder_ / "c/web/notes.txt"), "mine");
  EXPECT_FALSE(fs::exists(folder_ / "c/web/deployment.apps"));
}

TEST_F(DirectoryDriverTest, MakesFoldersAgainThatSomebodyRemoved) {
  Apply("x");
  fs::remove_all(folder_ / "c/web");
  EXPECT_TRUE(driver_->List({key_}, false)->empty());
  EXPECT_TRUE(Apply("x", true).status.ok());
  EXPECT_EQ(Live().json, Json("x"));
}

TEST_F(DirectoryDriverTest, RefusesASecondAgent) {
  const auto second = OpenDirectoryDriver({.root = folder_ / "c"}, random_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DirectoryDriverTest, RefusesARootWithoutAParent) {
  EXPECT_FALSE(OpenDirectoryDriver({.root = folder_ / "no/such"}, random_).ok());
}

TEST_F(DirectoryDriverTest, OthersMayNotReadWhatItWrites) {
  Apply("x");
  struct stat status;
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(DirectoryDriverTest, HintsAtADeletionButNotAtItsOwnWork) {
  std::promise<void> hinted;
  int hints = 0;
  driver_->Watch([&] {
    if (++hints == 1) hinted.set_value();
  });
  auto hint = hinted.get_future();
  for (const std::string value : {"1", "2", "3"}) Apply(value, true);
  EXPECT_EQ(hint.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  fs::remove(file_);
  EXPECT_EQ(hint.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

// ---------------------------------------------------------------- text

TEST(YamlText, ReadsBackEqualWhateverTheValue) {
  for (const std::string json :
       {R"({"a":"yes","b":"1","c":"null","d":"0x1F","e":"","f":" x","g":"x: y","h":"#"})",
        R"({"script":"#!/bin/sh\necho ${x}\n","two":"a\n\n  b","end":"a\n\n","tab":"\tx\ny"})",
        R"({"list":[[],{},[1,[2,{"x":[]}]],{"a":1,"b":[{"c":null}]},"-"],"1":true,"~":1.5e3})",
        R"({"cr":"a\r\nb","bell":"\u0007","nel":"a\u0085b\nc","emoji":"\ud83d\ude00","q":"'\"\\"})",
        R"({"s":"\u2028\ufeff\u007f"})",
        R"({"long":12345678901234567890,"on":"On","dash":"- x","tilde":"~","colon":":"})", R"([])",
        R"({})", R"("x")"}) {
    const auto value = ParseJson(json);
    ASSERT_TRUE(value.ok()) << value.status();
    const std::string text = YamlText(*value);
    const auto read = ParseYaml(text, "t");
    ASSERT_TRUE(read.ok()) << read.status() << "\n" << text;
    ASSERT_EQ(read->size(), 1u);
    EXPECT_EQ(CanonicalJson((*read)[0].value), CanonicalJson(*value)) << text;
  }
}

TEST(YamlText, WritesListsAndLongTextsAsPeopleDo) {
  const auto value =
      ParseJson(R"({"a":[{"name":"x","ports":[80,"http"]},{"name":"y"}],"text":"one\ntwo\n"})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(YamlText(*value),
            "a:\n"
            "- name: x\n"
            "  ports:\n"
            "  - 80\n"
            "  - http\n"
            "- name: \"y\"\n"
            "text: |\n"
            "  one\n"
            "  two\n");
}

}  // namespace
}  // namespace muster::agent
