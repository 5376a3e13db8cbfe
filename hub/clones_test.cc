#include "hub/clones.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;

class ClonesTest : public testing::Test {
 protected:
  ClonesTest() {
    std::string name = absl::StrCat(testing::TempDir(), "/clones.XXXXXX");
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    parent_ = name;
  }
  ~ClonesTest() override { fs::remove_all(parent_); }

  std::string clones() const { return parent_ + "/data/git"; }
  void Write() const {
    fs::create_directory(clones() + "/apps.git");
    std::ofstream(clones() + "/apps.git/HEAD") << "x";
  }
  bool HasClone() const { return fs::exists(clones() + "/apps.git/HEAD"); }

  std::string parent_;
};

TEST_F(ClonesTest, AreForTheirOwnerAlone) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  struct stat info;
  ASSERT_EQ(stat(clones().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(ClonesTest, AKilledHubFindsThemAgain) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  Write();
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  EXPECT_TRUE(HasClone());
}

TEST_F(ClonesTest, APowerCutEmptiesThem) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  Write();
  ASSERT_TRUE(OpenClones(clones(), "boot 2").ok());
  EXPECT_FALSE(HasClone());
  Write();  // and they serve on
  ASSERT_TRUE(OpenClones(clones(), "boot 2").ok());
  EXPECT_TRUE(HasClone());
}

TEST_F(ClonesTest, ARebootInOrderKeepsThem) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  Write();
  CloseClones(clones());
  ASSERT_TRUE(OpenClones(clones(), "boot 2").ok());
  EXPECT_TRUE(HasClone());
  // Being closed counts once.
  ASSERT_TRUE(OpenClones(clones(), "boot 3").ok());
  EXPECT_FALSE(HasClone());
}

TEST_F(ClonesTest, WithoutABootIdNothingIsBelieved) {
  ASSERT_TRUE(OpenClones(clones(), "").ok());
  Write();
  ASSERT_TRUE(OpenClones(clones(), "").ok());
  EXPECT_FALSE(HasClone());
}

TEST_F(ClonesTest, ADirectoryThatCannotBeMadeIsAnError) {
  std::ofstream(parent_ + "/data") << "a file";
  EXPECT_EQ(OpenClones(clones(), "boot 1").code(), absl::StatusCode::kUnavailable);
}

TEST(BootId, IsThereOnLinux) { EXPECT_FALSE(BootId().empty()); }

TEST_F(ClonesTest, OneIsListedAndRemovedAlone) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  Write();
  fs::create_directory(clones() + "/.fleet.git");
  fs::create_directory(clones() + "/.scratch-0");
  EXPECT_EQ(ClonedRepositories(clones()), (std::vector<std::string>{".fleet", "apps"}));
  EXPECT_TRUE(RemoveClone(clones(), "apps"));
  EXPECT_FALSE(HasClone());
  EXPECT_EQ(ClonedRepositories(clones()), std::vector<std::string>{".fleet"});
  EXPECT_FALSE(RemoveClone(clones(), "apps")) << "it is gone already";
  EXPECT_TRUE(fs::exists(clones() + "/.scratch-0"));
}

TEST_F(ClonesTest, ARemovalThatWasCutShortIsDoneWithTheNextOne) {
  ASSERT_TRUE(OpenClones(clones(), "boot 1").ok());
  fs::create_directories(clones() + "/.gone/objects");
  Write();
  EXPECT_TRUE(RemoveClone(clones(), "apps"));
  EXPECT_FALSE(fs::exists(clones() + "/.gone"));
}

}  // namespace
}  // namespace muster::hub
