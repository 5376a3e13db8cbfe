// The keys by which an agent opens what is sealed for its cluster.
//
// Its own is made once and stays in its data directory, in age.key, which only the agent may read;
// whoever keeps it elsewhere too can open the cluster's secrets elsewhere. Further ones are given
// by whoever runs the agent, such as a key that several clusters share. Blocks; at start.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/secrets/unsealer.h"
#include "common/secrets/age.h"

namespace muster::agent {

struct KeyPlaces {
  std::string data_directory;
  // Key files too (see common/trust/key_file.h), and folders of them, such as a mounted Secret.
  std::vector<std::string> age_identities;
  std::string gnupg_home;  // of gpg's keys; empty: OpenPGP is not opened
};

// The identities to open with, the cluster's own first; it is made if it is not there yet. Without
// those in folders.
absl::StatusOr<std::vector<AgeIdentity>> LoadAgeIdentities(const KeyPlaces& places);

// Those in the folders, as they are whenever it is called: a Secret may come or change while the
// agent runs. A file that holds no key is left out, and named in the log once. Null without
// folders.
Unsealer::Further FurtherIdentities(const KeyPlaces& places);

// Opens data keys through gpg, with the keys in `gnupg_home`, which must be free of passphrases;
// null when that is empty.
Unsealer::OpenPgp OpenPgpBy(const std::string& gnupg_home);

}  // namespace muster::agent
