// Fakes: the Git repositories and agents around a hub's core in CoreFixture. For tests only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "hub/core/event.h"

namespace muster::hub {

// What the fake Git answers for one repository.
struct FakeRepository {
  absl::Status error;
  std::string commit;
  bool descends = true;
  // Of the fetched commits, when the request asks; the head is unsigned when nothing is said of it.
  std::vector<v1::CommitSignature> signatures;
  bool more_commits = false;
  v1::FetchResponse charts;                     // of a registry: goes into its answers
  v1::FetchRequest asked;                       // the newest
  std::map<std::string, std::string> files;     // path -> content, at any commit
  std::map<std::string, std::string> branches;  // commits of others than the declared one
  std::map<std::string, std::string> tags;
  std::map<std::string, std::map<std::string, std::string>> at;  // commits with files of their own
};

// An agent as the hub sees it.
struct FakeAgent {
  std::string name;
  ClusterId id;
  P256Key key = P256Key::Generate();
  Ed25519PrivateKey identity = Ed25519PrivateKey::Generate();
  LinkId link = 0;
  v1::DesiredState desired;  // last pushed
  std::string desired_bytes;
  uint64_t reports = 0;
  std::string recipient = "age1cluster";
};

}  // namespace muster::hub
