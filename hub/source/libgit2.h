// What the files around libgit2 share: owned handles, its errors as absl::Status, its global
// options. Included by hub/source/libgit2_*.cc and nothing else: the door to libgit2.
#pragma once

#include <git2.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace muster::hub::libgit2 {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* handle) const {
    kFree(handle);
  }
};

using Repository = std::unique_ptr<git_repository, Freer<git_repository_free>>;
using Remote = std::unique_ptr<git_remote, Freer<git_remote_free>>;
using Object = std::unique_ptr<git_object, Freer<git_object_free>>;
using CommitHandle = std::unique_ptr<git_commit, Freer<git_commit_free>>;
using Tree = std::unique_ptr<git_tree, Freer<git_tree_free>>;
using TreeEntry = std::unique_ptr<git_tree_entry, Freer<git_tree_entry_free>>;
using Blob = std::unique_ptr<git_blob, Freer<git_blob_free>>;
using Odb = std::unique_ptr<git_odb, Freer<git_odb_free>>;
using Walk = std::unique_ptr<git_revwalk, Freer<git_revwalk_free>>;
using Reference = std::unique_ptr<git_reference, Freer<git_reference_free>>;
using Signature = std::unique_ptr<git_signature, Freer<git_signature_free>>;
using TreeBuilder = std::unique_ptr<git_treebuilder, Freer<git_treebuilder_free>>;

// Starts libgit2 and sets its global options, once a process: limits of memory, strict objects,
// and no configuration file of the machine is read.
void Start();

// From now on https servers must show a certificate signed by one in the file `authorities`; empty
// for the machine's own. kPermissionDenied when there is none: nothing would be trusted.
absl::Status TrustAuthorities(const std::string& authorities);

// From now on ssh prefers the kinds of host key that `home`/.ssh/known_hosts names; whether a key
// is good is decided elsewhere. Changes this process's environment: no other thread may read it.
void PreferHostKeysOf(const std::string& home);

// libgit2's last error, if `code` is one, with `what` before it. kUnavailable for network and
// transport errors, kNotFound, kResourceExhausted (memory), kDataLoss (a broken object).
absl::Status ToStatus(int code, absl::string_view what);

std::string Hex(const git_oid& id);

}  // namespace muster::hub::libgit2
