// One conversation with a Git server: what it has, and the pack of what we lack. Certificates and
// host keys are always checked, sizes are bounded, and no redirect leads to another host or out of
// TLS (within a host libgit2 follows them).
//
// For Libgit2Source only. One thread; blocks as long as the server likes: run it where it can be
// killed.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config/repository_url.h"
#include "hub/source/libgit2.h"
#include "proto/child.pb.h"

namespace muster::hub::libgit2 {

struct RemoteHead {
  std::string name;  // "refs/heads/main"
  git_oid id;
};

class RemoteSession {
 public:
  // `url` and `credential` must outlive the session.
  RemoteSession(const RepositoryUrl& url, const v1::GitCredential& credential,
                size_t download_bytes_max);
  RemoteSession(const RemoteSession&) = delete;
  RemoteSession& operator=(const RemoteSession&) = delete;

  // Connects and lists what the server has. Requires: called once, before Download.
  absl::StatusOr<std::vector<RemoteHead>> Connect(git_repository* repository);

  // Downloads what `refs` (full names) need and `repository` lacks. Nothing is kept on failure, and
  // no local ref is moved.
  absl::Status Download(const std::vector<std::string>& refs);

 private:
  // Why a callback broke off; the error of libgit2 says only that one did.
  static int OnCredential(git_credential** out, const char* url, const char* user,
                          unsigned int allowed, void* self);
  static int OnCertificate(git_cert* certificate, int valid, const char* host, void* self);
  static int OnProgress(const git_indexer_progress* progress, void* self);

  int GiveCredential(git_credential** out, const char* user, unsigned int allowed);
  int CheckSize(size_t received);
  int CheckHost(git_cert* certificate, bool valid);
  int Refuse(absl::Status why);
  absl::Status Explain(int code, absl::string_view what) const;
  git_fetch_options Options();

  const RepositoryUrl& url_;
  const v1::GitCredential& credential_;
  const size_t download_bytes_max_;
  Remote remote_;
  bool credential_given_ = false;
  absl::Status refusal_;
};

}  // namespace muster::hub::libgit2
