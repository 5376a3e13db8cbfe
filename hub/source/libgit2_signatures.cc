#include "hub/source/libgit2_signatures.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/trust/commit_signature.h"

namespace muster::hub::libgit2 {
namespace {

// Of a commit or tag; larger ones than any person writes are not looked at.
constexpr size_t kObjectBytesMax = 1u << 20;

using OdbObject = std::unique_ptr<git_odb_object, Freer<git_odb_object_free>>;

absl::StatusOr<OdbObject> ReadObject(git_odb* odb, const git_oid& id) {
  git_odb_object* object = nullptr;
  if (const int code = git_odb_read(&object, odb, &id); code < 0) {
    return ToStatus(code, absl::StrCat("read ", Hex(id)));
  }
  return OdbObject(object);
}

absl::string_view BytesOf(const OdbObject& object) {
  return {static_cast<const char*>(git_odb_object_data(object.get())),
          git_odb_object_size(object.get())};
}

bool IsTooLarge(const OdbObject& object) {
  return git_odb_object_size(object.get()) > kObjectBytesMax;
}

v1::CommitSignature TooLarge(const std::string& commit) {
  v1::CommitSignature signature;
  signature.set_commit(commit);
  signature.set_result(v1::SIGNATURE_RESULT_MALFORMED);
  signature.set_detail("the object is too large");
  return signature;
}

absl::Status AddCommit(git_odb* odb, const std::string& commit, const v1::VerifyPolicy& policy,
                       v1::FetchResponse& response) {
  git_oid id;
  if (git_oid_fromstr(&id, commit.c_str()) != 0) return absl::DataLossError("no commit's id");
  ASSIGN_OR_RETURN(const OdbObject object, ReadObject(odb, id));
  *response.add_signatures() =
      IsTooLarge(object) ? TooLarge(commit) : CheckCommitSignature(commit, BytesOf(object), policy);
  return absl::OkStatus();
}

}  // namespace

absl::Status AddSignatures(git_repository* repository, const git_oid& ref, const std::string& tag,
                           const v1::VerifyPolicy& policy, v1::FetchResponse& response) {
  git_odb* handle = nullptr;
  if (const int code = git_repository_odb(&handle, repository); code < 0) {
    return ToStatus(code, "open the objects");
  }
  const Odb odb(handle);
  if (!tag.empty()) {
    ASSIGN_OR_RETURN(const OdbObject object, ReadObject(odb.get(), ref));
    if (git_odb_object_type(object.get()) == GIT_OBJECT_TAG) {
      v1::CommitSignature signature =
          IsTooLarge(object) ? TooLarge("") : CheckTagSignature(tag, BytesOf(object), policy);
      // What is wrong with a tag is wrong with the head that it leads to.
      if (signature.result() != v1::SIGNATURE_RESULT_GOOD) signature.set_commit(response.commit());
      signature.set_tag(true);
      const bool signed_at_all = signature.result() != v1::SIGNATURE_RESULT_UNSPECIFIED;
      if (signed_at_all) *response.add_signatures() = std::move(signature);
    }
  }
  const int commits = response.commits_size();
  const bool has_head = commits > 0 && response.commits(commits - 1).id() == response.commit();
  if (!has_head) RETURN_IF_ERROR(AddCommit(odb.get(), response.commit(), policy, response));
  for (int i = commits - 1; i >= 0; --i) {
    RETURN_IF_ERROR(AddCommit(odb.get(), response.commits(i).id(), policy, response));
  }
  return absl::OkStatus();
}

}  // namespace muster::hub::libgit2
