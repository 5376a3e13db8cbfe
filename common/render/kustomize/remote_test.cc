#include "common/render/kustomize/remote.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/render/kustomize/build.h"

namespace muster::kustomize {
namespace {

std::string Parsed(absl::string_view address) {
  const RemoteAddress remote = ParseRemote(address);
  return absl::StrCat(remote.repository, " | ", remote.path, " | ", remote.ref);
}

TEST(Remote, IsEverythingThatKustomizeWouldFetch) {
  for (const absl::string_view address :
       {"https://example.com/a.yaml", "http://example.com/a", "ssh://git@example.com/a/b",
        "git::https://example.com/a", "git@example.com:a/b.git", "me@example.com:a/b",
        "github.com/a/b", "GitHub.com/a/b", "file:///srv/a"}) {
    EXPECT_TRUE(IsRemote(address)) << address;
  }
  for (const absl::string_view path : {"../base", "a/b@c:d", "https.yaml", "github", "a:b"}) {
    EXPECT_FALSE(IsRemote(path)) << path;
  }
}

TEST(Remote, ReadsEverySpelling) {
  EXPECT_EQ(Parsed("https://github.com/org/repo//a/b?ref=v1"), "github.com/org/repo | a/b | v1");
  EXPECT_EQ(Parsed("github.com/org/repo/a/b?ref=v1"), "github.com/org/repo | a/b | v1");
  EXPECT_EQ(Parsed("https://GitHub.com/org/repo.git?ref=v1"), "github.com/org/repo |  | v1");
  EXPECT_EQ(Parsed("git@github.com:org/repo.git//a?ref=feature/x&timeout=90s"),
            "github.com/org/repo | a | feature/x");
  EXPECT_EQ(Parsed("git::ssh://git@example.com/deep/er/repo.git/a?submodules=false&version=2"),
            "example.com/deep/er/repo | a | 2");
  EXPECT_EQ(Parsed("https://example.com:8443/deep/er/repo//a"),
            "example.com:8443/deep/er/repo | a | ");
  EXPECT_EQ(Parsed("https://example.com/deep/er/repo"), "example.com/deep/er/repo |  | ");
  EXPECT_EQ(Parsed("https://www.github.com/org/repo/"), "github.com/org/repo |  | ");
  EXPECT_EQ(Parsed("file:///srv/git/repo//a?ref=main"), "/srv/git/repo | a | main");
}

const std::vector<DeclaredRepository>& Declared() {
  static const auto& declared = *new std::vector<DeclaredRepository>{
      {"library", "https://github.com/org/library", "main", "", "", "c0ffee"},
      {"library-v1", "ssh://git@github.com/org/library.git", "", "v1", "", "beef"},
      {"pinned", "https://example.com/x/pinned", "", "", "abcd", "abcd"},
      {"young", "https://example.com/x/young", "main", "", "", ""},
  };
  return declared;
}

std::string Located(absl::string_view address, std::vector<std::string>* asked = nullptr) {
  std::vector<std::string> ignored;
  const auto path = LocateRemote(address, Declared(), asked == nullptr ? &ignored : asked);
  return path.ok() ? *path : std::string(path.status().message());
}

TEST(Remote, IsTheRepositoryThatFollowsTheRef) {
  EXPECT_EQ(Located("https://github.com/org/library//base?ref=main"), "repository:library/base");
  EXPECT_EQ(Located("github.com/org/library/base?ref=v1"), "repository:library-v1/base");
  EXPECT_EQ(Located("git@github.com:org/library?ref=c0ffee"), "repository:library");
  EXPECT_EQ(Located("https://example.com/x/pinned.git//./a//b/?ref=abcd"), "repository:pinned/a/b");
}

TEST(Remote, SaysWhatToDeclare) {
  std::vector<std::string> asked;
  EXPECT_EQ(
      Located("https://github.com/org/other//base?ref=v2", &asked),
      "'https://github.com/org/other//base?ref=v2' is remote, and rendering fetches nothing; "
      "declare a Repository for https://github.com/org/other that follows 'v2', or copy what is "
      "needed into this one");
  EXPECT_EQ(asked, std::vector<std::string>());
  EXPECT_EQ(
      Located("https://github.com/org/library//base?ref=v2", &asked),
      "'https://github.com/org/library//base?ref=v2' asks for ref 'v2', and declared for this "
      "address is 'library' (branch 'main'), 'library-v1' (tag 'v1'); give ?ref= the branch, "
      "tag or commit that one of them follows, or declare a Repository for the ref");
  EXPECT_EQ(asked, (std::vector<std::string>{"library", "library-v1"}));
  EXPECT_EQ(
      Located("https://example.com/x/pinned"),
      "'https://example.com/x/pinned' names no ref, and declared for this address is 'pinned' "
      "(commit abcd); give ?ref= the branch, tag or commit that one of them follows, or declare "
      "a Repository for the ref");
  EXPECT_EQ(
      Located("https://example.com/x/young?ref=main"),
      "'https://example.com/x/young?ref=main' is Repository 'young', which has not been fetched "
      "yet; this is rendered when it has been");
  EXPECT_NE(Located("https://example.com/x/pinned//../../etc?ref=abcd").find("..'"),
            std::string::npos);
}

// A source that has declared repositories beside its own files.
class TwoRepositories : public FileTreeSource {
 public:
  explicit TwoRepositories(const FileTree& files) : FileTreeSource(files) {}
  absl::StatusOr<std::string> Locate(absl::string_view address) override {
    std::vector<std::string> asked;
    return LocateRemote(address, Declared(), &asked);
  }
};

std::string Built(const FileTree& tree, const std::string& directory) {
  TwoRepositories source(tree);
  BuildCache cache(source);
  const auto built = BuildKustomization(cache, directory, {});
  if (!built.ok()) return std::string(built.status().message());
  std::string text;
  for (const BuiltObject& object : *built) {
    absl::StrAppend(&text, ResId::OfObject(*object.value).name, " ", object.place.text(), "\n");
  }
  return text;
}

FileTree Tree(const std::vector<std::pair<std::string, std::string>>& files) {
  FileTree tree;
  for (const auto& [path, bytes] : files) EXPECT_TRUE(tree.Add(path, bytes).ok()) << path;
  return tree;
}

constexpr char kObject[] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

TEST(Remote, BasesAreBuiltWithWhatTheyLeadTo) {
  const FileTree tree = Tree({
      {"k/kustomization.yaml",
       "namePrefix: x-\nresources:\n- https://github.com/org/library//base?ref=main\n"},
      {"repository:library/base/kustomization.yaml", "resources: [../deep, b.yaml]\n"},
      {"repository:library/base/b.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"},
      {"repository:library/deep/kustomization.yaml", "resources: [a.yaml]\n"},
      {"repository:library/deep/a.yaml", kObject},
  });
  EXPECT_EQ(Built(tree, "k"),
            "x-a repository:library/deep/a.yaml:1\nx-b repository:library/base/b.yaml:1\n");
  TwoRepositories source(tree);
  BuildCache cache(source);
  const auto inputs = BuildInputs(cache, "k", {});
  ASSERT_TRUE(inputs.ok());
  EXPECT_EQ(*inputs,
            (std::set<std::string>{"k", "repository:library/base", "repository:library/deep"}));
}

TEST(Remote, RepositoriesAreApart) {
  // Not out of it, not into it but by its address, and nothing but directories.
  EXPECT_EQ(Built(Tree({{"k/kustomization.yaml",
                         "resources:\n- https://github.com/org/library//base?ref=main\n"},
                        {"repository:library/base/kustomization.yaml", "resources: [../../k]\n"}}),
                  "k"),
            "k/kustomization.yaml:2: repository:library/base/kustomization.yaml:1: '../../k' leads "
            "out of the repository, seen from 'repository:library/base'");
  EXPECT_EQ(Built(Tree({{"kustomization.yaml", "resources: [\"repository:library/base\"]\n"},
                        {"repository:library/base/kustomization.yaml", "resources: []\n"}}),
                  ""),
            "kustomization.yaml:1: 'repository:library/base': no path begins like that; give the "
            "repository's URL");
  EXPECT_EQ(Built(Tree({{"kustomization.yaml",
                         "resources: [a.yaml]\npatches:\n"
                         "- path: https://github.com/org/library//p.yaml?ref=main\n"},
                        {"a.yaml", kObject},
                        {"repository:library/p.yaml", kObject}}),
                  ""),
            "kustomization.yaml:3: patch: 'https://github.com/org/library//p.yaml?ref=main' is "
            "remote; only "
            "bases and components can be in another repository");
}

TEST(Remote, CyclesAreSeenAcrossRepositories) {
  const std::string to_x = "resources:\n- https://example.com/x/pinned//x?ref=abcd\n";
  EXPECT_NE(Built(Tree({{"k/kustomization.yaml", to_x},
                        {"repository:pinned/x/kustomization.yaml", to_x}}),
                  "k")
                .find("this is a cycle: 'repository:pinned/x' is being built already"),
            std::string::npos);
}

}  // namespace
}  // namespace muster::kustomize
