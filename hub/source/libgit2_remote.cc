#include "hub/source/libgit2_remote.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "hub/source/known_hosts.h"

namespace muster::hub::libgit2 {
namespace {

constexpr size_t kRemoteRefsMax = 200'000;

RemoteSession* Self(void* self) { return static_cast<RemoteSession*>(self); }

}  // namespace

RemoteSession::RemoteSession(const RepositoryUrl& url, const v1::GitCredential& credential,
                             size_t download_bytes_max)
    : url_(url), credential_(credential), download_bytes_max_(download_bytes_max) {}

absl::StatusOr<std::vector<RemoteHead>> RemoteSession::Connect(git_repository* repository) {
  git_remote* remote = nullptr;
  int code = git_remote_create_anonymous(&remote, repository, url_.git.c_str());
  if (code < 0) return Explain(code, "read the URL");
  remote_.reset(remote);

  const git_fetch_options fetch = Options();
  git_remote_connect_options options = GIT_REMOTE_CONNECT_OPTIONS_INIT;
  options.callbacks = fetch.callbacks;
  options.proxy_opts = fetch.proxy_opts;
  options.follow_redirects = fetch.follow_redirects;
  code = git_remote_connect_ext(remote_.get(), GIT_DIRECTION_FETCH, &options);
  if (code < 0) return Explain(code, "connect");

  const git_remote_head** heads = nullptr;
  size_t count = 0;
  code = git_remote_ls(&heads, &count, remote_.get());
  if (code < 0) return Explain(code, "list the refs");
  if (count > kRemoteRefsMax) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("the repository has %d refs; %d are allowed", count, kRemoteRefsMax));
  }
  std::vector<RemoteHead> result;
  result.reserve(count);
  for (size_t i = 0; i < count; ++i) result.push_back({heads[i]->name, heads[i]->oid});
  return result;
}

absl::Status RemoteSession::Download(const std::vector<std::string>& refs) {
  CHECK(remote_ != nullptr) << "download before connect";
  // The names on the right are never written: the caller moves its own refs when all is there.
  std::vector<std::string> specs;
  for (const std::string& ref : refs) specs.push_back(absl::StrCat("+", ref, ":", ref));
  std::vector<char*> pointers;
  for (std::string& spec : specs) pointers.push_back(spec.data());
  const git_strarray array = {pointers.data(), pointers.size()};
  const git_fetch_options options = Options();
  const int code = git_remote_download(remote_.get(), &array, &options);
  if (code < 0) return Explain(code, "download");
  return absl::OkStatus();
}

git_fetch_options RemoteSession::Options() {
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks.payload = this;
  options.callbacks.credentials = &OnCredential;
  options.callbacks.certificate_check = &OnCertificate;
  options.callbacks.transfer_progress = &OnProgress;
  options.update_fetchhead = 0;
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  options.proxy_opts.type = GIT_PROXY_NONE;
  return options;
}

int RemoteSession::OnCredential(git_credential** out, const char*, const char* user,
                                unsigned int allowed, void* self) {
  return Self(self)->GiveCredential(out, user, allowed);
}

int RemoteSession::OnCertificate(git_cert* certificate, int valid, const char*, void* self) {
  return Self(self)->CheckHost(certificate, valid != 0);
}

int RemoteSession::OnProgress(const git_indexer_progress* progress, void* self) {
  return Self(self)->CheckSize(progress->received_bytes);
}

int RemoteSession::CheckSize(size_t received) {
  if (received <= download_bytes_max_) return 0;
  return Refuse(absl::ResourceExhaustedError(
      absl::StrFormat("the download is larger than %d MiB; split the repository or remove large "
                      "files from its history",
                      download_bytes_max_ >> 20)));
}

int RemoteSession::Refuse(absl::Status why) {
  refusal_ = std::move(why);
  return GIT_EUSER;
}

// Called once more after each credential that the server did not take: each is offered once.
int RemoteSession::GiveCredential(git_credential** out, const char* user, unsigned int allowed) {
  const std::string name = !credential_.username().empty()      ? credential_.username()
                           : user != nullptr && user[0] != '\0' ? user
                                                                : "git";
  if (credential_given_) {
    const bool ssh = url_.scheme == RepositoryUrl::Scheme::kSsh;
    return Refuse(absl::UnauthenticatedError(absl::StrCat(
        "the server refused the credential of user '", name, "'; ",
        ssh ? "check that the key's public half is authorised there (ed25519 and ECDSA keys work; "
              "RSA keys do not)"
            : "check its user name, and whether its password or token has expired")));
  }
  if ((allowed & GIT_CREDENTIAL_SSH_MEMORY) != 0 && !credential_.ssh_private_key().empty()) {
    credential_given_ = true;
    // The password, when there is one, opens the key.
    return git_credential_ssh_key_memory_new(
        out, name.c_str(), nullptr, credential_.ssh_private_key().c_str(),
        credential_.password().empty() ? nullptr : credential_.password().c_str());
  }
  if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) != 0 && !credential_.password().empty() &&
      credential_.ssh_private_key().empty()) {
    credential_given_ = true;
    return git_credential_userpass_plaintext_new(out, name.c_str(), credential_.password().c_str());
  }
  if (allowed == GIT_CREDENTIAL_USERNAME) return git_credential_username_new(out, name.c_str());
  return Refuse(absl::UnauthenticatedError(absl::StrCat(
      "the server asks for ",
      url_.scheme == RepositoryUrl::Scheme::kSsh ? "an SSH key"
                                                 : "a user name and a password or token",
      ", and the repository's credential holds none; name one in spec.credentials")));
}

int RemoteSession::CheckHost(git_cert* certificate, bool valid) {
  if (certificate->cert_type == GIT_CERT_X509) {
    if (valid) return 0;
    return Refuse(absl::PermissionDeniedError(
        absl::StrCat("the TLS certificate of '", url_.host, "' is not signed by ",
                     credential_.ca_pem().empty() ? "an authority that this machine trusts"
                                                  : "the authority of the credential (ca_pem)",
                     ", has expired or is for another name; if the authority is your own, give its "
                     "certificate in the credential")));
  }
  if (certificate->cert_type != GIT_CERT_HOSTKEY_LIBSSH2) {
    return Refuse(absl::PermissionDeniedError("the server shows an unknown kind of identity"));
  }
  const auto* host = reinterpret_cast<const git_cert_hostkey*>(certificate);
  if ((host->type & GIT_CERT_SSH_RAW) == 0) {
    return Refuse(absl::PermissionDeniedError("the server shows no SSH host key"));
  }
  const absl::string_view key(host->hostkey, host->hostkey_len);
  const std::string shown =
      absl::StrCat("the SSH host key of '", url_.host, "' (", HostKeyFingerprint(key), ")");
  switch (CheckHostKey(credential_.ssh_known_hosts(), url_.host, url_.port, key)) {
    case HostKeyVerdict::kKnown:
      return 0;
    case HostKeyVerdict::kUnknown:
      return Refuse(absl::PermissionDeniedError(
          absl::StrCat(shown,
                       " is not known; if that is its true fingerprint, add to the credential's "
                       "known hosts: ",
                       KnownHostsLine(url_.host, url_.port, key))));
    case HostKeyVerdict::kChanged:
      return Refuse(absl::PermissionDeniedError(
          absl::StrCat(shown,
                       " is not the one that the credential's known hosts name; someone may be in "
                       "between, or the server has a new key: ask its owner")));
    case HostKeyVerdict::kRevoked:
      return Refuse(absl::PermissionDeniedError(absl::StrCat(shown, " is revoked")));
  }
  return GIT_EUSER;
}

absl::Status RemoteSession::Explain(int code, absl::string_view what) const {
  if (!refusal_.ok()) return refusal_;
  const absl::Status status = ToStatus(code, what);
  if (absl::StrContains(status.message(), "unexpected http status code: 30") ||
      absl::StrContains(status.message(), "redirect")) {
    return absl::PermissionDeniedError(
        "the server redirects to another host or out of TLS; such redirects are not followed, "
        "because a credential would follow them; give the final URL");
  }
  if (credential_given_ && absl::StrContains(status.message(), "authenticate SSH session")) {
    return absl::UnauthenticatedError(
        absl::StrCat("the credential's SSH key cannot be used (", status.message(),
                     "); give an ed25519 or ECDSA private key as ssh-keygen writes it, and its "
                     "passphrase, if it has one, as the password"));
  }
  return status;
}

}  // namespace muster::hub::libgit2
