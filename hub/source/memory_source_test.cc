#include "hub/source/memory_source.h"

#include <gtest/gtest.h>

#include "hub/source/git_source_conformance.h"

namespace muster::hub {
namespace {

class MemoryWorld final : public GitWorld {
 public:
  GitSource& source() override { return source_; }
  std::string UrlOf(const std::string& server) const override {
    return absl::StrCat("https://git.example.com/", server, ".git");
  }
  void Create(const std::string& server) override { remotes_.Create(UrlOf(server)); }
  std::string Commit(const std::string& server, const std::string& branch, const Files& files,
                     const std::string& subject) override {
    return remotes_.Commit(UrlOf(server), branch, files, {.subject = subject});
  }
  void SetBranch(const std::string& server, const std::string& branch,
                 const std::string& commit) override {
    remotes_.SetBranch(UrlOf(server), branch, commit);
  }
  void DeleteBranch(const std::string& server, const std::string& branch) override {
    remotes_.DeleteBranch(UrlOf(server), branch);
  }
  void SetTag(const std::string& server, const std::string& tag,
              const std::string& commit) override {
    remotes_.SetTag(UrlOf(server), tag, commit);
  }
  void SetReachable(const std::string& server, bool reachable) override {
    remotes_.SetReachable(UrlOf(server), reachable);
  }

 private:
  MemoryRemotes remotes_;
  MemorySource source_{&remotes_};
};

std::unique_ptr<GitWorld> MakeWorld() { return std::make_unique<MemoryWorld>(); }

INSTANTIATE_TEST_SUITE_P(Memory, GitSourceConformance, testing::Values(&MakeWorld));

TEST(MemorySource, GivesTheSameIdsEveryTime) {
  MemoryRemotes one, two;
  const MemoryRemotes::Message message{.subject = "s", .committed_ms = 5};
  EXPECT_EQ(one.Commit("https://h/a", "main", {{"x", "y"}}, message),
            two.Commit("https://h/a", "main", {{"x", "y"}}, message));
  EXPECT_NE(one.Commit("https://h/a", "main", {{"x", "z"}}, message),
            two.Commit("https://h/a", "main", {{"xz", ""}}, message));
}

TEST(MemorySource, AnUnreachableServerIsUnavailable) {
  MemoryRemotes remotes;
  MemorySource source(&remotes);
  remotes.Commit("https://h/a", "main", {{"x", "y"}}, {});
  remotes.SetReachable("https://h/a", false);
  v1::FetchRequest request;
  request.set_repository("a");
  request.set_url("https://h/a");
  request.set_branch("main");
  EXPECT_EQ(source.Fetch(request).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace muster::hub
