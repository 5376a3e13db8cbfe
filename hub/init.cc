#include "hub/init.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/store/rocksdb_store.h"
#include "common/trust/allowed_signers.h"
#include "common/trust/key_file.h"
#include "hub/core/keys.h"
#include "hub/keyring.h"
#include "proto/storage.pb.h"

namespace muster::hub {

namespace pb = muster::v1;
namespace fs = std::filesystem;

namespace {

absl::Status CheckOptions(const InitOptions& options) {
  if (options.data_directory.empty()) {
    return absl::InvalidArgumentError("init: no data directory; give --data DIR");
  }
  if (options.fleet_url.empty()) {
    return absl::InvalidArgumentError(
        "init: no fleet repository; give --fleet-url URL of the Git repository that declares the "
        "fleet");
  }
  for (const absl::string_view part : absl::StrSplit(options.fleet_path, '/')) {
    if (part == "..") {
      return absl::InvalidArgumentError(
          absl::StrCat("init: --fleet-path '", options.fleet_path, "' leaves the repository"));
    }
  }
  if (absl::StartsWith(options.fleet_path, "/")) {
    return absl::InvalidArgumentError(absl::StrCat("init: --fleet-path '", options.fleet_path,
                                                   "' must be relative to the repository"));
  }
  std::error_code error;
  if (fs::exists(options.data_directory, error) && !fs::is_empty(options.data_directory, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat("init: ", options.data_directory,
                     " exists and is not empty; a hub is made in a directory of its own"));
  }
  return absl::OkStatus();
}

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("create ", path, ": ", std::strerror(errno)));
}

// Nothing for an empty text.
absl::Status PinSigners(const std::string& text, bool every_commit, pb::HubMeta& meta) {
  meta.clear_fleet_verify();
  if (text.empty()) return absl::OkStatus();
  absl::StatusOr<std::vector<pb::SshSigner>> signers = ParseAllowedSigners(text);
  RETURN_IF_ERROR(Annotate(signers.status(), "--signer"));
  if (signers->empty()) {
    return absl::InvalidArgumentError("--signer: the file has no key that may sign for Git");
  }
  pb::VerifyPolicy& policy = *meta.mutable_fleet_verify();
  policy.set_every_commit(every_commit);
  for (pb::SshSigner& signer : *signers) *policy.add_ssh() = std::move(signer);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& directory) {
  RocksdbStoreOptions options;
  options.directory = absl::StrCat(directory, "/store");
  return OpenRocksdbStore(options);
}

absl::Status WriteMeta(const std::string& directory, const std::string& hub_id,
                       const InitOptions& options) {
  pb::HubMeta meta;
  meta.set_format(kStoreFormat);
  meta.set_hub_id(hub_id);
  meta.set_fleet_url(options.fleet_url);
  meta.set_fleet_branch(options.fleet_branch);
  meta.set_fleet_path(options.fleet_path);
  meta.set_fleet_credentials(options.fleet_credentials);
  meta.set_created_ms(absl::ToUnixMillis(options.now));
  RETURN_IF_ERROR(PinSigners(options.fleet_signers, options.fleet_every_commit, meta));
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenStore(directory));
  Batch batch;
  batch.Put(keys::kMeta, meta.SerializeAsString());
  batch.MarkEssential();  // how much of the disk to keep in reserve is said when the hub is started
  return store->Commit(batch);
}

// Everything that an operator needs, in a new directory.
absl::Status WriteOperator(const std::string& directory, const Keyring& keyring,
                           const std::string& name, const std::string& address, absl::Time now) {
  ASSIGN_OR_RETURN(const TlsKeyPair pair, MakeOperatorKeyPair(keyring.authority, name, now));
  RETURN_IF_ERROR(MakeDirectory(directory));
  RETURN_IF_ERROR(WriteKeyFile(absl::StrCat(directory, "/root.pem"), keyring.root_pem()));
  RETURN_IF_ERROR(WriteKeyFile(absl::StrCat(directory, "/operator.pem"), pair.certificate_pem));
  RETURN_IF_ERROR(WriteKeyFile(absl::StrCat(directory, "/operator-key.pem"), pair.private_key_pem));
  return WriteKeyFile(absl::StrCat(directory, "/config.yaml"),
                      absl::StrCat("apiVersion: muster.dev/v1alpha1\n"
                                   "kind: Config\n"
                                   "currentContext: admin\n"
                                   "contexts:\n"
                                   "  - name: admin\n"
                                   "    hub: ",
                                   address,
                                   "\n"
                                   "    caFile: root.pem\n"
                                   "    certificateFile: operator.pem\n"
                                   "    keyFile: operator-key.pem\n"));
}

absl::StatusOr<InitResult> Fill(const std::string& directory, const InitOptions& options) {
  RETURN_IF_ERROR(MakeDirectory(directory));
  ASSIGN_OR_RETURN(const Keyring keyring, CreateKeyring(directory, options.now));
  RETURN_IF_ERROR(WriteMeta(directory, keyring.hub_id(), options));
  RETURN_IF_ERROR(WriteOperator(absl::StrCat(directory, "/admin"), keyring, options.operator_name,
                                options.operator_address, options.now));
  return InitResult{keyring.hub_id(), absl::StrCat(options.data_directory, "/admin/config.yaml")};
}

}  // namespace

absl::StatusOr<InitResult> InitHub(const InitOptions& options) {
  // A hub appears complete, so that its store tells of the whole.
  std::error_code absent;
  if (options.if_absent && fs::exists(absl::StrCat(options.data_directory, "/store"), absent)) {
    ASSIGN_OR_RETURN(const Keyring keyring, LoadKeyring(options.data_directory, options.now));
    return InitResult{.hub_id = keyring.hub_id(),
                      .config_path = absl::StrCat(options.data_directory, "/admin/config.yaml"),
                      .was_there = true};
  }
  RETURN_IF_ERROR(CheckOptions(options));
  // Made beside its place and moved there when complete: half a hub is never found.
  fs::path place(options.data_directory);
  if (place.filename().empty()) place = place.parent_path();
  const std::string making = absl::StrCat(place.string(), ".init-", getpid());
  std::error_code error;
  if (!place.parent_path().empty()) fs::create_directories(place.parent_path(), error);
  fs::remove_all(making, error);  // of one that was killed: in a container, all have the same pid
  absl::StatusOr<InitResult> result = Fill(making, options);
  if (result.ok() && rename(making.c_str(), place.c_str()) != 0) {
    result = absl::UnavailableError(
        absl::StrCat("init: move the new hub to ", place.string(), ": ", std::strerror(errno)));
  }
  if (!result.ok()) fs::remove_all(making, error);
  return result;
}

absl::StatusOr<int> PinFleetSigners(const FleetSignersOptions& options) {
  std::error_code error;
  if (!fs::exists(absl::StrCat(options.data_directory, "/store"), error)) {
    return absl::NotFoundError(absl::StrCat("fleet-signers: there is no hub in '",
                                            options.data_directory, "'; see 'muster-hub init'"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenStore(options.data_directory));
  ASSIGN_OR_RETURN(const std::string bytes, store->Get(keys::kMeta));
  pb::HubMeta meta;
  if (!meta.ParseFromString(bytes)) {
    return absl::DataLossError("fleet-signers: the hub's first record cannot be read");
  }
  RETURN_IF_ERROR(PinSigners(options.fleet_signers, options.fleet_every_commit, meta));
  Batch batch;
  batch.Put(keys::kMeta, meta.SerializeAsString());
  batch.MarkEssential();
  RETURN_IF_ERROR(store->Commit(batch));
  return meta.fleet_verify().ssh_size();
}

absl::StatusOr<std::string> AddOperator(const OperatorOptions& options) {
  if (options.name.empty())
    return absl::InvalidArgumentError("operator: no name; give --name NAME");
  std::error_code error;
  if (fs::exists(options.output, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat("operator: ", options.output, " exists; give --output a new directory"));
  }
  ASSIGN_OR_RETURN(const Keyring keyring, LoadKeyring(options.data_directory, options.now));
  RETURN_IF_ERROR(
      WriteOperator(options.output, keyring, options.name, options.operator_address, options.now));
  return absl::StrCat(options.output, "/config.yaml");
}

}  // namespace muster::hub
