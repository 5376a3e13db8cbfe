#include "agent/rpc/signers.h"

#include <utility>
#include <vector>

#include "common/base/log.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"

namespace muster::agent {

std::shared_ptr<const Verifier> VerifierOf(
    absl::string_view root_der, const google::protobuf::RepeatedPtrField<std::string>& signer_ders,
    absl::Time now) {
  std::vector<Ed25519PublicKey> keys;
  for (const std::string& signer : signer_ders) {
    absl::StatusOr<Ed25519PublicKey> key = SignerKey(root_der, signer, now);
    if (key.ok()) {
      keys.push_back(*std::move(key));
    } else {
      log::Warning("a signer of desired states is not trusted",
                   {{"reason", std::string(key.status().message())}});
    }
  }
  if (keys.empty()) return nullptr;
  return std::make_shared<Ed25519Verifier>(std::move(keys), 1);
}

}  // namespace muster::agent
