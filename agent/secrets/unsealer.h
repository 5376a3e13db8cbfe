// Unsealer: makes objects of what Git has sealed for this cluster (common/manifest/sealed.h).
//
// The only place where a SOPS document is opened. What comes out goes to the cluster driver and
// nowhere else: not to the store, not into a log or a message. Messages name the file, the object
// and the recipients. Any thread; blocks while gpg runs.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/object.h"
#include "common/secrets/age.h"
#include "common/secrets/sops.h"

namespace muster::agent {

class Unsealer {
 public:
  // Opens a data key that is sealed to an OpenPGP recipient. kNotFound: to none that is known here.
  using OpenPgp = std::function<absl::StatusOr<std::string>(const SopsRecipient&)>;

  // Identities that may come and go while the agent runs; asked for what no other opens. Any
  // thread.
  using Further = std::function<std::vector<AgeIdentity>()>;

  // `identities`: the cluster's own first. `openpgp` and `further` may be null.
  Unsealer(std::vector<AgeIdentity> identities, OpenPgp openpgp, Further further = nullptr);

  // The object, as canonical JSON, of the sealed form `json`; its key is `key`, its metadata that
  // of the form, all else what was sealed; a Secret's `stringData` is in its `data`.
  // kFailedPrecondition when it is sealed to other keys only; kInvalidArgument for what somebody
  // altered and for what is no such form. Never kDataLoss, which would mean that a blob has to be
  // fetched again.
  absl::StatusOr<std::string> Open(const ObjectKey& key, absl::string_view json) const;

 private:
  absl::StatusOr<std::string> DataKeyOf(const SopsFile& file) const;

  const std::vector<AgeIdentity> identities_;
  const OpenPgp openpgp_;
  const Further further_;
};

// The status without any of the values that `opened` (what Open returned) has outside of its
// metadata: an API server may quote what it finds wrong.
absl::Status HideValues(const absl::Status& status, absl::string_view opened);

}  // namespace muster::agent
