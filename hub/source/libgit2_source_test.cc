#include "hub/source/libgit2_source.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_join.h"
#include "common/base/limits.h"
#include "common/base/random.h"
#include "hub/source/git_source_conformance.h"
#include "hub/source/libgit2_fixture.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;

// A directory of this test's own, gone with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = absl::StrCat(testing::TempDir(), "/source.XXXXXX");
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class Libgit2World final : public GitWorld {
 public:
  Libgit2World() {
    fs::create_directories(clones());
    Restart();
  }

  // Another process over the same clones.
  void Restart(size_t download_bytes_max = limits::kPackBytesMax) {
    source_ = std::make_unique<Libgit2Source>(
        Libgit2Source::Options{clones(), absl::StrCat(clones(), "/.scratch"), download_bytes_max});
  }

  GitSource& source() override { return *source_; }
  std::string PathOf(const std::string& server) const {
    return absl::StrCat(directory_.path(), "/servers/", server, ".git");
  }
  std::string clones() const { return absl::StrCat(directory_.path(), "/clones"); }
  std::string UrlOf(const std::string& server) const override {
    return absl::StrCat("file://", PathOf(server));
  }
  GitFixture At(const std::string& server) const { return GitFixture(PathOf(server)); }
  void Create(const std::string& server) override { At(server); }
  std::string Commit(const std::string& server, const std::string& branch, const Files& files,
                     const std::string& subject) override {
    return At(server).Commit(branch, files, subject);
  }
  void SetBranch(const std::string& server, const std::string& branch,
                 const std::string& commit) override {
    At(server).SetBranch(branch, commit);
  }
  void DeleteBranch(const std::string& server, const std::string& branch) override {
    At(server).DeleteBranch(branch);
  }
  void SetTag(const std::string& server, const std::string& tag,
              const std::string& commit) override {
    At(server).SetTag(tag, commit, /*annotated=*/true);
  }
  void SetReachable(const std::string& server, bool reachable) override {
    const std::string away = PathOf(server) + ".away";
    if (reachable) {
      fs::rename(away, PathOf(server));
    } else {
      fs::rename(PathOf(server), away);
    }
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Libgit2Source> source_;
};

std::unique_ptr<GitWorld> MakeWorld() { return std::make_unique<Libgit2World>(); }

INSTANTIATE_TEST_SUITE_P(Libgit2, GitSourceConformance, testing::Values(&MakeWorld));

class Libgit2SourceTest : public testing::Test {
 protected:
  v1::FetchRequest Request(const std::string& known = "") {
    v1::FetchRequest request;
    request.set_repository("apps");
    request.set_url(world_.UrlOf("server"));
    request.set_branch("main");
    request.set_known_commit(known);
    request.set_allow_file(true);
    return request;
  }

  // Fetches `commit`, and says how reading `path` ends.
  absl::Status StatusOfRead(const std::string& commit, const std::string& path) {
    const auto fetched = world_.source().Fetch(Request());
    EXPECT_TRUE(fetched.ok()) << fetched.status();
    return world_.source().Read("apps", commit, path).status();
  }

  Libgit2World world_;
};

// "c3 c2": the commits whose signatures an answer speaks of.
std::string Spoken(const v1::FetchResponse& response) {
  std::vector<std::string> ids;
  for (const v1::CommitSignature& one : response.signatures()) {
    ids.push_back(absl::StrCat(one.tag() ? "tag " : "", one.commit()));
  }
  return absl::StrJoin(ids, " ");
}

TEST_F(Libgit2SourceTest, SaysOfEveryNewCommitThatNobodySignedIt) {
  const std::string c1 = world_.Commit("server", "main", {{"a.yaml", "1"}}, "one");
  const std::string c2 = world_.Commit("server", "main", {{"a.yaml", "2"}}, "two");
  const std::string c3 = world_.Commit("server", "main", {{"a.yaml", "3"}}, "three");
  v1::FetchRequest request = Request();
  EXPECT_EQ(world_.source().Fetch(request)->signatures_size(), 0) << "nobody asked";
  request.mutable_verify();
  EXPECT_EQ(Spoken(*world_.source().Fetch(request)), c3) << "no commit was known";
  EXPECT_TRUE(world_.source().Fetch(request)->more_commits()) << "and nobody looked below it";
  request.set_known_commit(c1);
  const auto fetched = world_.source().Fetch(request);
  EXPECT_EQ(Spoken(*fetched), absl::StrCat(c3, " ", c2));
  EXPECT_EQ(fetched->signatures(0).result(), v1::SIGNATURE_RESULT_UNSIGNED);
  ASSERT_EQ(fetched->signatures(0).parents_size(), 1);
  EXPECT_EQ(fetched->signatures(0).parents(0), c2);
  EXPECT_FALSE(fetched->more_commits());
  request.set_known_commit(c3);
  EXPECT_EQ(Spoken(*world_.source().Fetch(request)), c3) << "what rules is looked at again";
  // A pinned commit is not asked for again, and looked at all the same.
  request.clear_branch();
  request.set_commit(c2);
  EXPECT_EQ(Spoken(*world_.source().Fetch(request)), c2);
  // An annotated tag without a signature leaves it to the commit.
  request.clear_commit();
  request.set_tag("v1");
  world_.At("server").SetTag("v1", c3, /*annotated=*/true);
  EXPECT_EQ(Spoken(*world_.source().Fetch(request)), c3);
}

TEST_F(Libgit2SourceTest, FetchesAPlainTagToo) {
  const std::string head = world_.Commit("server", "main", {{"a.yaml", "1"}}, "one");
  world_.At("server").SetTag("light", head, /*annotated=*/false);
  v1::FetchRequest request = Request();
  request.clear_branch();
  request.set_tag("light");
  const auto fetched = world_.source().Fetch(request);
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commit(), head);
}

TEST_F(Libgit2SourceTest, ABranchMayTakeTheNameThatWasAnothersDirectory) {
  world_.Commit("server", "release", {{"a.yaml", "1"}}, "one");
  v1::FetchRequest request = Request();
  request.set_branch("release");
  ASSERT_TRUE(world_.source().Fetch(request).ok());
  world_.DeleteBranch("server", "release");
  world_.Commit("server", "release/1.x", {{"a.yaml", "2"}}, "two");
  request.set_branch("release/1.x");
  const auto fetched = world_.source().Fetch(request);
  EXPECT_TRUE(fetched.ok()) << fetched.status();
}

TEST_F(Libgit2SourceTest, KeepsItsClonesOverARestart) {
  const std::string head = world_.Commit("server", "main", {{"a.yaml", "1"}}, "one");
  ASSERT_TRUE(world_.source().Fetch(Request()).ok());
  world_.Restart();
  EXPECT_TRUE(world_.source().Read("apps", head, "a.yaml").ok());
}

// A fetch that was killed half-way leaves locks and half a pack; the next one must not trip.
TEST_F(Libgit2SourceTest, LeftoversOfAKilledFetchDoNotStopTheNext) {
  const std::string head = world_.Commit("server", "main", {{"a.yaml", "1"}}, "one");
  ASSERT_TRUE(world_.source().Fetch(Request()).ok());
  const std::string clone = world_.clones() + "/apps.git";
  for (const auto& entry : fs::directory_iterator(clone + "/refs/muster")) {
    std::ofstream(entry.path().string() + ".lock") << "x";
  }
  std::ofstream(clone + "/packed-refs.lock") << "x";
  const std::string half_a_pack = clone + "/objects/pack/pack_git2_abcdef";
  std::ofstream(half_a_pack) << "PACK";
  world_.Commit("server", "main", {{"a.yaml", "2"}}, "two");

  const auto fetched = world_.source().Fetch(Request(head));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commits_size(), 1);
  EXPECT_FALSE(fs::exists(half_a_pack));
}

TEST_F(Libgit2SourceTest, ADownloadThatIsTooLargeIsBrokenOffAndLeavesNothing) {
  const std::string head = world_.Commit("server", "main", {{"a.yaml", "1"}}, "small");
  world_.Restart(/*download_bytes_max=*/1u << 20);
  ASSERT_TRUE(world_.source().Fetch(Request()).ok());
  SeededRandom random(1);
  world_.Commit("server", "main", {{"big.bin", random.Bytes(3u << 20)}}, "large");

  const auto refused = world_.source().Fetch(Request(head));

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted) << refused.status();
  EXPECT_TRUE(absl::StrContains(refused.status().message(), "larger than 1 MiB"));
  EXPECT_TRUE(world_.source().Read("apps", head, "").ok());
  size_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(world_.clones() + "/apps.git/objects/pack")) {
    bytes += entry.file_size();
  }
  EXPECT_LT(bytes, 1u << 20);
}

TEST_F(Libgit2SourceTest, ABrokenCloneIsFetchedAnew) {
  const std::string head = world_.Commit("server", "main", {{"a.yaml", "1"}}, "one");
  ASSERT_TRUE(world_.source().Fetch(Request()).ok());
  fs::remove(world_.clones() + "/apps.git/HEAD");
  fs::remove_all(world_.clones() + "/apps.git/refs");

  const auto fetched = world_.source().Fetch(Request(head));

  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_TRUE(fetched->descends());
  EXPECT_TRUE(world_.source().Read("apps", head, "a.yaml").ok());
}

// Each fetch brings a pack; they must not grow without end, and nothing may be lost on the way.
TEST_F(Libgit2SourceTest, PacksAreJoinedAndNothingIsLost) {
  GitFixture fixture = world_.At("server");
  std::vector<std::string> commits;
  const auto fetch_one = [&](const std::string& branch) {
    commits.push_back(fixture.Commit(branch, {{"a.yaml", absl::StrCat(commits.size())}}, "change"));
    v1::FetchRequest request = Request();
    request.set_branch(branch);
    ASSERT_TRUE(world_.source().Fetch(request).ok());
  };
  fetch_one("gone");  // reachable from nothing later on
  fixture.DeleteBranch("gone");
  for (int i = 0; i < 120; ++i) fetch_one("main");

  int packs = 0;
  for (const auto& entry : fs::directory_iterator(world_.clones() + "/apps.git/objects/pack")) {
    packs += entry.path().extension() == ".pack" ? 1 : 0;
  }
  EXPECT_LE(packs, 60);
  for (size_t i = 0; i < commits.size(); ++i) {
    const auto files = world_.source().Read("apps", commits[i], "");
    ASSERT_TRUE(files.ok()) << i << ": " << files.status();
    EXPECT_EQ(*files->Find("a.yaml"), absl::StrCat(i));
  }
}

TEST_F(Libgit2SourceTest, RefusesSymbolicLinks) {
  const std::string head = world_.At("server").CommitWithLink("main", "web/link", "/etc/passwd");
  for (const char* path : {"", "web", "web/link", "web/link/x"}) {
    const absl::Status status = StatusOfRead(head, path);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "'web/link' is a symbolic link")) << status;
  }
  // What does not lie below the path is nobody's business.
  const std::string other = world_.Commit("server", "main", {{"db/a.yaml", "1"}}, "db");
  EXPECT_TRUE(StatusOfRead(other, "db").ok());
}

TEST_F(Libgit2SourceTest, RefusesSubmodules) {
  const std::string head = world_.At("server").CommitWithSubmodule("main", "web/sub");
  const absl::Status status = StatusOfRead(head, "web");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "'web/sub' is a submodule")) << status;
}

TEST_F(Libgit2SourceTest, RefusesNamesThatNoFileMayHave) {
  for (const std::string name : {"..", ".", ".git", ".GIT", "a\\b", "a\rb", "a\x1b[31m"}) {
    const std::string head = world_.At("server").CommitWithRawName("main", name);
    const absl::Status status = StatusOfRead(head, "");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << ": " << status;
  }
}

TEST_F(Libgit2SourceTest, BoundsDepthFilesAndSizes) {
  std::string head = world_.At("server").CommitDeep("main", limits::kPathDepthMax + 2);
  absl::Status status = StatusOfRead(head, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "deeper")) << status;

  head = world_.Commit("server", "main", {{"big.bin", std::string(limits::kBlobBytesMax + 1, 'x')}},
                       "a big file");
  status = StatusOfRead(head, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "'big.bin'")) << status;

  GitWorld::Files many;
  for (int i = 0; i <= limits::kFilesPerPathMax; ++i) many[absl::StrCat("f", i)] = "same";
  head = world_.Commit("server", "main", many, "many files");
  status = StatusOfRead(head, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "files")) << status;
}

TEST_F(Libgit2SourceTest, ATextThatIsNotUtf8IsShownHarmlessly) {
  world_.Commit("server", "main", {{"a.yaml", "1"}}, "J\xfcrgen \x1b[31m was here");
  const auto fetched = world_.source().Fetch(Request());
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_EQ(fetched->commits(0).subject(), "J\xef\xbf\xbdrgen  [31m was here");
}

TEST_F(Libgit2SourceTest, ListsNoMoreCommitsThanAllowedAndTheNewestOfThem) {
  const std::string known = world_.Commit("server", "main", {{"a.yaml", "0"}}, "known");
  GitFixture fixture = world_.At("server");
  for (int i = 0; i < limits::kCommitsPerFetchMax + 5; ++i) {
    fixture.Commit("main", {{"a.yaml", "1"}}, absl::StrCat("change ", i));
  }
  const auto fetched = world_.source().Fetch(Request(known));
  ASSERT_TRUE(fetched.ok()) << fetched.status();
  EXPECT_TRUE(fetched->descends());
  ASSERT_EQ(fetched->commits_size(), limits::kCommitsPerFetchMax);
  EXPECT_EQ(fetched->commits(0).subject(), "change 5");
  EXPECT_EQ(fetched->commits().rbegin()->id(), fetched->commit());
}

}  // namespace
}  // namespace muster::hub
