#include "common/trust/commit_signature.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/trust/allowed_signers.h"
#include "common/trust/sshsig.h"

namespace muster {
namespace pb = muster::v1;
namespace {

constexpr absl::string_view kNamespace = "git";

struct Verdict {
  pb::SignatureResult result = pb::SIGNATURE_RESULT_UNSPECIFIED;
  std::string detail;
};

// Whether one of the key's entries in the policy was in force at `time_ms`.
Verdict Timely(absl::string_view public_key, int64_t time_ms, const pb::VerifyPolicy& policy,
               std::string& signer) {
  Verdict verdict = {pb::SIGNATURE_RESULT_UNKNOWN_KEY, ""};
  for (const pb::SshSigner& one : policy.ssh()) {
    if (one.public_key() != public_key) continue;
    signer = one.principals();
    if (one.valid_before_ms() != 0 && time_ms >= one.valid_before_ms()) {
      verdict = {pb::SIGNATURE_RESULT_KEY_EXPIRED, "valid-before is over at the commit's time"};
    } else if (time_ms < one.valid_after_ms()) {
      verdict = {pb::SIGNATURE_RESULT_KEY_NOT_YET_VALID,
                 "valid-after lies behind the commit's time"};
    } else {
      return {pb::SIGNATURE_RESULT_GOOD, ""};
    }
  }
  return verdict;
}

Verdict CheckSsh(const SignedObject& object, const pb::VerifyPolicy& policy,
                 pb::CommitSignature& out) {
  const absl::StatusOr<SshSignature> signature = ParseSshSignature(object.signature);
  if (!signature.ok()) {
    return {pb::SIGNATURE_RESULT_MALFORMED, std::string(signature.status().message())};
  }
  out.set_key(SshFingerprint(signature->public_key));
  if (signature->name_space != kNamespace) {
    return {pb::SIGNATURE_RESULT_WRONG_NAMESPACE,
            absl::StrCat("it was made for '", absl::CHexEscape(signature->name_space.substr(0, 64)),
                         "'")};
  }
  const absl::Status usable = CheckSshPublicKey(signature->public_key).status();
  if (!usable.ok()) return {pb::SIGNATURE_RESULT_UNSUPPORTED, std::string(usable.message())};
  Verdict verdict = Timely(signature->public_key, object.time_ms, policy, *out.mutable_signer());
  if (verdict.result == pb::SIGNATURE_RESULT_UNKNOWN_KEY) return verdict;
  const absl::StatusOr<bool> holds = VerifySshSignature(*signature, object.payload);
  if (!holds.ok()) {
    return {pb::SIGNATURE_RESULT_UNSUPPORTED, std::string(holds.status().message())};
  }
  return *holds ? verdict : Verdict{pb::SIGNATURE_RESULT_BAD, ""};
}

void Check(const SignedObject& object, const pb::VerifyPolicy& policy, pb::CommitSignature& out) {
  Verdict verdict;
  if (object.signature.empty()) {
    verdict.result = pb::SIGNATURE_RESULT_UNSIGNED;
  } else if (absl::StartsWith(object.signature, kSshSignatureBegin)) {
    verdict = CheckSsh(object, policy, out);
  } else if (absl::StartsWith(object.signature, "-----BEGIN PGP ")) {
    verdict = {pb::SIGNATURE_RESULT_UNSUPPORTED,
               "OpenPGP signatures are not built yet in this version; sign with an SSH key"};
  } else if (absl::StartsWith(object.signature, "-----BEGIN SIGNED MESSAGE-----")) {
    verdict = {pb::SIGNATURE_RESULT_UNSUPPORTED,
               "X.509 signatures do not count; sign with an SSH key"};
  } else {
    verdict = {pb::SIGNATURE_RESULT_MALFORMED, "it is of no known kind"};
  }
  out.set_result(verdict.result);
  out.set_detail(verdict.detail);
  if (verdict.result == pb::SIGNATURE_RESULT_BAD ||
      verdict.result == pb::SIGNATURE_RESULT_UNKNOWN_KEY) {
    out.clear_signer();
  }
}

}  // namespace

pb::CommitSignature CheckCommitSignature(absl::string_view id, absl::string_view raw,
                                         const pb::VerifyPolicy& policy) {
  pb::CommitSignature out;
  out.set_commit(std::string(id));
  const absl::StatusOr<SignedObject> object = ParseCommitObject(raw);
  if (!object.ok()) {
    out.set_result(pb::SIGNATURE_RESULT_MALFORMED);
    out.set_detail(absl::StrCat("the commit is not in Git's form: ", object.status().message()));
    return out;
  }
  for (const std::string& parent : object->parents) out.add_parents(parent);
  out.set_author_email(absl::CHexEscape(object->author_email));
  out.set_seal(object->seal);
  Check(*object, policy, out);
  return out;
}

pb::CommitSignature CheckTagSignature(absl::string_view ref_name, absl::string_view raw,
                                      const pb::VerifyPolicy& policy) {
  pb::CommitSignature out;
  out.set_tag(true);
  const absl::StatusOr<SignedObject> object = ParseTagObject(raw);
  if (!object.ok()) {
    out.set_result(pb::SIGNATURE_RESULT_MALFORMED);
    out.set_detail(absl::StrCat("the tag is not in Git's form: ", object.status().message()));
    return out;
  }
  if (object->signature.empty()) return out;
  out.set_commit(object->target);
  if (object->target_type != "commit") {
    out.set_result(pb::SIGNATURE_RESULT_UNSUPPORTED);
    out.set_detail("the tag names no commit but another object");
  } else if (object->name != ref_name) {
    // Somebody signed it as another version.
    out.set_result(pb::SIGNATURE_RESULT_BAD);
    out.set_detail(absl::StrCat("the tag was signed as '",
                                absl::CHexEscape(object->name.substr(0, 100)), "'"));
  } else {
    Check(*object, policy, out);
  }
  return out;
}

}  // namespace muster
