#include "hub/source/libgit2_fixture.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "hub/source/libgit2.h"

namespace muster::hub {
namespace {

using Index = std::unique_ptr<git_index, libgit2::Freer<git_index_free>>;

void Must(int code) { CHECK_OK(libgit2::ToStatus(code, "fixture")); }

git_oid Parse(const std::string& id) {
  git_oid oid;
  Must(git_oid_fromstr(&oid, id.c_str()));
  return oid;
}

libgit2::Repository Open(const std::string& path) {
  git_repository* repository = nullptr;
  Must(git_repository_open_bare(&repository, path.c_str()));
  return libgit2::Repository(repository);
}

void AddTo(git_index* index, const std::string& path, const std::string& id, uint32_t mode) {
  git_index_entry entry = {};
  entry.path = path.c_str();
  entry.mode = mode;
  entry.id = Parse(id);
  Must(git_index_add(index, &entry));
}

std::string WriteIndex(git_repository* repository, git_index* index) {
  git_oid tree;
  Must(git_index_write_tree_to(&tree, index, repository));
  return libgit2::Hex(tree);
}

Index NewIndex() {
  git_index* index = nullptr;
  Must(git_index_new(&index));
  return Index(index);
}

}  // namespace

GitFixture::GitFixture(std::string path) : path_(std::move(path)) {
  libgit2::Start();
  git_repository* repository = nullptr;
  if (git_repository_open_bare(&repository, path_.c_str()) < 0) {
    git_repository_init_options options = GIT_REPOSITORY_INIT_OPTIONS_INIT;
    options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
    options.initial_head = "main";
    Must(git_repository_init_ext(&repository, path_.c_str(), &options));
  }
  git_repository_free(repository);
}

std::string GitFixture::WriteBlob(const std::string& bytes) {
  const libgit2::Repository repository = Open(path_);
  git_oid id;
  Must(git_blob_create_from_buffer(&id, repository.get(), bytes.data(), bytes.size()));
  return libgit2::Hex(id);
}

std::string GitFixture::TreeWith(uint32_t mode, const std::string& path, const std::string& id) {
  const Index index = NewIndex();
  AddTo(index.get(), path, id, mode);
  return WriteIndex(Open(path_).get(), index.get());
}

std::string GitFixture::CommitTree(const std::string& branch, const std::string& tree,
                                   const std::string& subject) {
  const libgit2::Repository repository = Open(path_);
  const std::string ref = absl::StrCat("refs/heads/", branch);
  git_signature* signature = nullptr;
  Must(git_signature_new(&signature, "Ada", "ada@example.com", time_++, 0));
  const libgit2::Signature author(signature);

  git_tree* tree_handle = nullptr;
  const git_oid tree_id = Parse(tree);
  Must(git_tree_lookup(&tree_handle, repository.get(), &tree_id));
  const libgit2::Tree owned_tree(tree_handle);

  git_oid parent_id;
  git_commit* parent = nullptr;
  if (git_reference_name_to_id(&parent_id, repository.get(), ref.c_str()) == 0) {
    Must(git_commit_lookup(&parent, repository.get(), &parent_id));
  }
  const libgit2::CommitHandle owned_parent(parent);
  const git_commit* parents[] = {parent};
  git_oid id;
  Must(git_commit_create(&id, repository.get(), ref.c_str(), signature, signature, nullptr,
                         subject.c_str(), tree_handle, parent == nullptr ? 0 : 1, parents));
  return libgit2::Hex(id);
}

std::string GitFixture::Commit(const std::string& branch, const Files& files,
                               const std::string& subject) {
  const Index index = NewIndex();
  for (const auto& [path, bytes] : files) {
    AddTo(index.get(), path, WriteBlob(bytes), GIT_FILEMODE_BLOB);
  }
  return CommitTree(branch, WriteIndex(Open(path_).get(), index.get()), subject);
}

std::string GitFixture::CommitWithLink(const std::string& branch, const std::string& path,
                                       const std::string& target) {
  return CommitTree(branch, TreeWith(GIT_FILEMODE_LINK, path, WriteBlob(target)), "a link");
}

std::string GitFixture::CommitWithSubmodule(const std::string& branch, const std::string& path) {
  return CommitTree(branch, TreeWith(GIT_FILEMODE_COMMIT, path, std::string(40, '1')),
                    "a submodule");
}

// A tree of one entry, as bytes: "mode name\0id".
std::string GitFixture::WriteRawTree(absl::string_view mode, absl::string_view name,
                                     const std::string& id) {
  const libgit2::Repository repository = Open(path_);
  const git_oid entry = Parse(id);
  std::string bytes = absl::StrCat(mode, " ", name);
  bytes.push_back('\0');
  bytes.append(reinterpret_cast<const char*>(entry.id), GIT_OID_RAWSZ);
  git_odb* odb = nullptr;
  Must(git_repository_odb(&odb, repository.get()));
  const libgit2::Odb owned(odb);
  git_oid tree;
  Must(git_odb_write(&tree, odb, bytes.data(), bytes.size(), GIT_OBJECT_TREE));
  return libgit2::Hex(tree);
}

std::string GitFixture::CommitWithRawName(const std::string& branch, absl::string_view name) {
  return CommitTree(branch, WriteRawTree("100644", name, WriteBlob("x")), "a strange name");
}

std::string GitFixture::CommitDeep(const std::string& branch, int depth) {
  std::string tree = WriteRawTree("100644", "a.yaml", WriteBlob("x"));
  for (int i = 0; i < depth; ++i) tree = WriteRawTree("40000", "d", tree);
  return CommitTree(branch, tree, "deep");
}

void GitFixture::SetBranch(const std::string& branch, const std::string& commit) {
  const git_oid id = Parse(commit);
  git_reference* reference = nullptr;
  Must(git_reference_create(&reference, Open(path_).get(),
                            absl::StrCat("refs/heads/", branch).c_str(), &id, 1, nullptr));
  git_reference_free(reference);
}

void GitFixture::DeleteBranch(const std::string& branch) {
  Must(git_reference_remove(Open(path_).get(), absl::StrCat("refs/heads/", branch).c_str()));
}

void GitFixture::SetTag(const std::string& tag, const std::string& commit, bool annotated) {
  const libgit2::Repository repository = Open(path_);
  const git_oid id = Parse(commit);
  git_object* target = nullptr;
  Must(git_object_lookup(&target, repository.get(), &id, GIT_OBJECT_COMMIT));
  const libgit2::Object owned(target);
  git_oid made;
  if (!annotated) {
    Must(git_tag_create_lightweight(&made, repository.get(), tag.c_str(), target, 1));
    return;
  }
  git_signature* signature = nullptr;
  Must(git_signature_new(&signature, "Ada", "ada@example.com", time_++, 0));
  const libgit2::Signature tagger(signature);
  Must(git_tag_create(&made, repository.get(), tag.c_str(), target, signature, "a tag", 1));
}

}  // namespace muster::hub
