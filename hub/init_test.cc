#include "hub/init.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/limits.h"
#include "common/store/rocksdb_store.h"
#include "common/trust/certificate.h"
#include "gtest/gtest.h"
#include "hub/core/keys.h"
#include "hub/keyring.h"
#include "proto/storage.pb.h"

namespace muster::hub {
namespace {

namespace fs = std::filesystem;

// A fresh place for a hub; the directory itself is not made.
std::string NewPlace(const std::string& name) {
  const fs::path place = fs::path(testing::TempDir()) / "init_test" / name / "hub";
  fs::remove_all(place.parent_path());
  return place.string();
}

InitOptions Options(const std::string& place) {
  InitOptions options;
  options.data_directory = place;
  options.fleet_url = "https://git.example.com/fleet.git";
  options.now = absl::Now();
  return options;
}

TEST(Init, MakesAHubWhoseKeysFitTogether) {
  const std::string place = NewPlace("whole");
  const absl::StatusOr<InitResult> result = InitHub(Options(place));
  ASSERT_TRUE(result.ok()) << result.status();

  const absl::StatusOr<Keyring> keyring = LoadKeyring(place, absl::Now());
  ASSERT_TRUE(keyring.ok()) << keyring.status();
  EXPECT_EQ(keyring->hub_id(), result->hub_id);
  EXPECT_TRUE(fs::exists(result->config_path));

  RocksdbStoreOptions options;
  options.directory = place + "/store";
  const absl::StatusOr<std::unique_ptr<Store>> store = OpenRocksdbStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const absl::StatusOr<std::string> bytes = (*store)->Get(keys::kMeta);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  v1::HubMeta meta;
  ASSERT_TRUE(meta.ParseFromString(*bytes));
  EXPECT_EQ(meta.format(), uint32_t{kStoreFormat});
  EXPECT_EQ(meta.hub_id(), result->hub_id);
  EXPECT_EQ(meta.fleet_url(), "https://git.example.com/fleet.git");
}

TEST(Init, LetsNobodyElseReadTheKeys) {
  const std::string place = NewPlace("modes");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  for (const char* file : {"keys/root.key", "keys/signer.key", "keys/sealing.key",
                           "admin/operator-key.pem", "admin/config.yaml"}) {
    struct stat status = {};
    ASSERT_EQ(stat((place + "/" + file).c_str(), &status), 0) << file;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
  }
}

TEST(Init, TheFirstOperatorsCertificateIsByTheRoot) {
  const std::string place = NewPlace("operator");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  const absl::StatusOr<Keyring> keyring = LoadKeyring(place, absl::Now());
  ASSERT_TRUE(keyring.ok());
  std::ifstream file(place + "/admin/operator.pem");
  const std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const absl::StatusOr<std::string> der = CertificateFromPem(pem);
  ASSERT_TRUE(der.ok()) << der.status();
  EXPECT_TRUE(CheckIssuedBy(keyring->authority.root_der(), *der, absl::Now()).ok());
  const absl::StatusOr<Identity> identity = IdentityOf(*ParseCertificate(*der));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->kind, Identity::Kind::kOperator);
  EXPECT_EQ(identity->name, "admin");
}

TEST(Init, AFurtherOperatorGetsACertificateByTheSameRoot) {
  const std::string place = NewPlace("operators");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  OperatorOptions options{.data_directory = place, .name = "ann", .output = place + "-ann"};
  options.now = absl::Now();
  const absl::StatusOr<std::string> config = AddOperator(options);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(fs::exists(*config));
  std::ifstream file(place + "-ann/operator.pem");
  const std::string pem((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const absl::StatusOr<std::string> der = CertificateFromPem(pem);
  ASSERT_TRUE(der.ok()) << der.status();
  const absl::StatusOr<Keyring> keyring = LoadKeyring(place, absl::Now());
  ASSERT_TRUE(keyring.ok());
  EXPECT_TRUE(CheckIssuedBy(keyring->authority.root_der(), *der, absl::Now()).ok());
  const absl::StatusOr<Identity> identity = IdentityOf(*ParseCertificate(*der));
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->name, "ann");
  EXPECT_TRUE(absl::IsAlreadyExists(AddOperator(options).status()));
  options.name.clear();
  EXPECT_TRUE(absl::IsInvalidArgument(AddOperator(options).status()));
}

// An SSH key, as a line of allowed_signers.
constexpr char kSigners[] =
    "ada@example.com ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

v1::HubMeta MetaOf(const std::string& place) {
  RocksdbStoreOptions options;
  options.directory = place + "/store";
  const absl::StatusOr<std::unique_ptr<Store>> store = OpenRocksdbStore(options);
  v1::HubMeta meta;
  EXPECT_TRUE(store.ok() && meta.ParseFromString((*store)->Get(keys::kMeta).value_or("")));
  return meta;
}

TEST(Init, PinsWhoMustSignTheFleetRepositoryAndOthersLater) {
  const std::string place = NewPlace("signers");
  InitOptions options = Options(place);
  options.fleet_signers = kSigners;
  options.fleet_every_commit = true;
  ASSERT_TRUE(InitHub(options).ok());
  ASSERT_EQ(MetaOf(place).fleet_verify().ssh_size(), 1);
  EXPECT_EQ(MetaOf(place).fleet_verify().ssh(0).principals(), "ada@example.com");
  EXPECT_TRUE(MetaOf(place).fleet_verify().every_commit());

  FleetSignersOptions others{.data_directory = place, .fleet_signers = kSigners};
  EXPECT_EQ(PinFleetSigners(others).value_or(-1), 1);
  EXPECT_FALSE(MetaOf(place).fleet_verify().every_commit());
  others.fleet_signers = "ada@example.com\n";
  EXPECT_TRUE(absl::IsInvalidArgument(PinFleetSigners(others).status()));
  EXPECT_TRUE(MetaOf(place).has_fleet_verify()) << "as it was";
  others.fleet_signers = "";
  EXPECT_EQ(PinFleetSigners(others).value_or(-1), 0);
  EXPECT_FALSE(MetaOf(place).has_fleet_verify());
  others.data_directory = NewPlace("none");
  EXPECT_TRUE(absl::IsNotFound(PinFleetSigners(others).status()));
}

TEST(Init, RefusesSignersThatAreNone) {
  for (const char* text : {"# nobody\n", "ada@example.com ssh-dss AAAA\n"}) {
    InitOptions options = Options(NewPlace("bad-signers"));
    options.fleet_signers = text;
    EXPECT_TRUE(absl::IsInvalidArgument(InitHub(options).status())) << text;
    EXPECT_FALSE(fs::exists(options.data_directory));
  }
}

TEST(Init, RefusesADirectoryInUseAndLeavesItAlone) {
  const std::string place = NewPlace("in-use");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  const std::string before = LoadKeyring(place, absl::Now())->hub_id();
  const absl::StatusOr<InitResult> again = InitHub(Options(place));
  EXPECT_EQ(again.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(LoadKeyring(place, absl::Now())->hub_id(), before);
}

TEST(Init, IfAbsentMakesAHubOnceAndThenLeavesItAlone) {
  const std::string place = NewPlace("if-absent");
  InitOptions options = Options(place);
  options.if_absent = true;
  const absl::StatusOr<InitResult> first = InitHub(options);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->was_there);
  const absl::StatusOr<InitResult> second = InitHub(options);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(second->was_there);
  EXPECT_EQ(second->hub_id, first->hub_id);
}

TEST(Init, IfAbsentTakesNoOtherDirectoryForAHub) {
  const std::string place = NewPlace("if-absent-other");
  fs::create_directories(place + "/photographs");
  InitOptions options = Options(place);
  options.if_absent = true;
  EXPECT_EQ(InitHub(options).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(Init, ALeftoverOfOneThatWasKilledIsNoObstacle) {
  const std::string place = NewPlace("killed");
  fs::create_directories(absl::StrCat(place, ".init-", getpid(), "/keys"));
  EXPECT_TRUE(InitHub(Options(place)).ok());
}

TEST(Init, TakesAnEmptyDirectory) {
  const std::string place = NewPlace("empty");
  fs::create_directories(place);
  EXPECT_TRUE(InitHub(Options(place)).ok());
}

TEST(Init, RefusesAPathThatLeavesTheRepository) {
  for (const char* path : {"../secrets", "a/../../b", "/etc"}) {
    InitOptions options = Options(NewPlace("path"));
    options.fleet_path = path;
    EXPECT_EQ(InitHub(options).status().code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_FALSE(fs::exists(options.data_directory));
  }
}

TEST(Init, RefusesWithoutAFleetRepository) {
  InitOptions options = Options(NewPlace("no-url"));
  options.fleet_url.clear();
  EXPECT_EQ(InitHub(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Keyring, MakesANewCertificateForTheSignerInTime) {
  const std::string place = NewPlace("renewal");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  const absl::Time later = absl::Now() + limits::kSignerCertificateLifetime * 3 / 4;
  const absl::StatusOr<Keyring> before = LoadKeyring(place, absl::Now());
  const absl::StatusOr<Keyring> after = LoadKeyring(place, later);
  ASSERT_TRUE(before.ok() && after.ok()) << after.status();
  EXPECT_NE(before->signer_der, after->signer_der);
  EXPECT_EQ(before->signer.public_key().bytes(), after->signer.public_key().bytes());
  // It was written: the next start finds it.
  EXPECT_EQ(LoadKeyring(place, later)->signer_der, after->signer_der);
}

TEST(Keyring, ARotatedSignerIsANewKeyByTheSameRoot) {
  const std::string place = NewPlace("rotated");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  const Keyring before = *LoadKeyring(place, absl::Now());
  const std::string mark = SignerMark(place);
  const absl::StatusOr<std::string> key = RotateSigner(place, absl::Now());
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_NE(SignerMark(place), mark);
  const absl::StatusOr<Keyring> after = LoadKeyring(place, absl::Now());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->signer.public_key().KeyId(), *key);
  EXPECT_NE(after->signer.public_key().bytes(), before.signer.public_key().bytes());
  EXPECT_EQ(after->hub_id(), before.hub_id());
  EXPECT_TRUE(SignerKey(before.authority.root_der(), after->signer_der, absl::Now()).ok());
}

// The machine stops between any two steps: the hub starts all the same, with one whole pair.
TEST(Keyring, ARotationThatWasCutOffIsFinishedOrNeverWas) {
  const std::string place = NewPlace("cut");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  const std::string keys = place + "/keys/";
  const std::string old_key = LoadKeyring(place, absl::Now())->signer.public_key().bytes();
  fs::copy(keys, place + "/old");
  ASSERT_TRUE(RotateSigner(place, absl::Now()).ok());
  const std::string new_key = LoadKeyring(place, absl::Now())->signer.public_key().bytes();
  fs::copy(keys, place + "/new");
  const auto state = [&](const char* key, const char* pem, bool next_key, bool next_pem) {
    const auto put = [&](const std::string& from, const std::string& to) {
      fs::copy_file(from, keys + to, fs::copy_options::overwrite_existing);
    };
    put(absl::StrCat(place, "/", key, "/signer.key"), "signer.key");
    put(absl::StrCat(place, "/", pem, "/signer.pem"), "signer.pem");
    if (next_key) put(place + "/new/signer.key", "signer-next.key");
    if (next_pem) put(place + "/new/signer.pem", "signer-next.pem");
    const absl::StatusOr<Keyring> loaded = LoadKeyring(place, absl::Now());
    EXPECT_TRUE(loaded.ok()) << loaded.status();
    return loaded.ok() ? loaded->signer.public_key().bytes() : "";
  };
  EXPECT_EQ(state("old", "old", true, false), old_key) << "its certificate was not written yet";
  EXPECT_EQ(state("old", "old", true, true), new_key);
  EXPECT_EQ(state("new", "old", false, true), new_key);
  EXPECT_EQ(state("new", "new", false, false), new_key);
}

TEST(Keyring, RefusesTheSignerOfAnotherHub) {
  const std::string place = NewPlace("mixed");
  const std::string other = NewPlace("mixed-other");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  ASSERT_TRUE(InitHub(Options(other)).ok());
  fs::copy_file(other + "/keys/signer.key", place + "/keys/signer.key",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(LoadKeyring(place, absl::Now()).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(Keyring, RefusesAKeyThatOthersCanRead) {
  const std::string place = NewPlace("loose");
  ASSERT_TRUE(InitHub(Options(place)).ok());
  ASSERT_EQ(chmod((place + "/keys/root.key").c_str(), 0644), 0);
  EXPECT_EQ(LoadKeyring(place, absl::Now()).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace muster::hub
