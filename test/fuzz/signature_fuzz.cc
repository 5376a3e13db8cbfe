// Commits, tags, signatures and lists of signers from anywhere: never a crash, nothing that is good
// without a key that counts, and no signature with two spellings. Run:
//   bazel run --config=fuzz //test/fuzz:signature_fuzz -- -runs=1000000
//   common/trust/testdata/signed
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/trust/allowed_signers.h"
#include "common/trust/commit_signature.h"
#include "common/trust/signed_object.h"
#include "common/trust/sshsig.h"

namespace {

void Commit(absl::string_view raw) {
  const absl::StatusOr<muster::SignedObject> object = muster::ParseCommitObject(raw);
  if (object.ok() && object->signature.empty()) CHECK(object->payload == raw);
  if (object.ok()) CHECK(object->payload.size() <= raw.size());
  const auto found = muster::CheckCommitSignature("c", raw, {});
  CHECK(found.result() != muster::v1::SIGNATURE_RESULT_GOOD);
  CHECK(found.result() != muster::v1::SIGNATURE_RESULT_UNSPECIFIED);
}

void Tag(absl::string_view raw) {
  const absl::StatusOr<muster::SignedObject> object = muster::ParseTagObject(raw);
  if (object.ok()) CHECK(absl::StrCat(object->payload, object->signature) == raw);
  CHECK(muster::CheckTagSignature("v1", raw, {}).result() != muster::v1::SIGNATURE_RESULT_GOOD);
}

void Signature(absl::string_view armoured) {
  const absl::StatusOr<muster::SshSignature> signature = muster::ParseSshSignature(armoured);
  if (!signature.ok()) return;
  CHECK(absl::StartsWith(armoured, muster::kSshSignatureBegin));
  (void)muster::VerifySshSignature(*signature, "message");
}

void Signers(absl::string_view text) {
  const auto signers = muster::ParseAllowedSigners(text);
  if (!signers.ok()) {
    CHECK(!signers.status().message().empty());
    return;
  }
  for (const muster::v1::SshSigner& signer : *signers) {
    CHECK_OK(muster::CheckSshPublicKey(signer.public_key()));
    CHECK(!signer.principals().empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  Commit(bytes);
  Tag(bytes);
  Signature(bytes);
  Signers(bytes);
  return 0;
}
