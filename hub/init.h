// Init: makes the data directory of a new hub: its keys, its first record, and the first operator's
// certificate with a file of contexts for the command line; and the same for further operators.
//
//   DIR/keys/       see keyring.h
//   DIR/store/      the embedded store, with the HubMeta record
//   DIR/admin/      config.yaml (a context "admin"), root.pem, operator.pem, operator-key.pem
//
// All or nothing: the directory appears complete or not at all. Blocks.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace muster::hub {

// Of the whole store. Raised when its records change so that an older hub must not touch them.
inline constexpr int kStoreFormat = 1;

struct InitOptions {
  std::string data_directory;  // must not exist, or be empty
  std::string fleet_url;       // repository with the fleet's declarations
  std::string fleet_branch = "main";
  std::string fleet_path = ".";
  std::string fleet_credentials;  // name of a credential; empty for none
  // Who must have signed the fleet repository's commits, as a file of allowed_signers; empty: they
  // need no signature.
  std::string fleet_signers;
  bool fleet_every_commit = false;  // every commit, not only the head
  bool if_absent = false;           // a hub that is there already is left as it is
  std::string operator_name = "admin";
  std::string operator_address = "127.0.0.1:7444";  // for the context
  absl::Time now;
};

struct InitResult {
  std::string hub_id;       // fingerprint of the root
  std::string config_path;  // of the contexts' file
  bool was_there = false;   // and nothing was made; only with `if_absent`
};

// kAlreadyExists when the directory is in use; kInvalidArgument for a missing or bad option.
absl::StatusOr<InitResult> InitHub(const InitOptions& options);

struct FleetSignersOptions {
  std::string data_directory;  // of a hub that does not run
  std::string fleet_signers;  // as in InitOptions, in place of those before; empty: nobody any more
  bool fleet_every_commit = false;
};

// Pins other signers of the fleet repository. Returns how many keys count from now on.
// kFailedPrecondition while the hub runs.
absl::StatusOr<int> PinFleetSigners(const FleetSignersOptions& options);

struct OperatorOptions {
  std::string data_directory;  // of the hub, which may be running
  std::string name;            // of the person or program
  std::string output;          // directory to make, as DIR/admin above
  std::string operator_address = "127.0.0.1:7444";
  absl::Time now;
};

// Makes an operator's certificate; also for one whose own has ended. Returns the path of the
// contexts' file. kAlreadyExists when `output` is there.
absl::StatusOr<std::string> AddOperator(const OperatorOptions& options);

}  // namespace muster::hub
