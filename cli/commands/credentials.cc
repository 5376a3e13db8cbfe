// muster credential: what the hub needs to reach Git. Written, never read back.
#include <iostream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/files.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr size_t kSecretBytesMax = 64u << 10;

absl::Status TakeFile(const std::string& path, std::string* field) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*field, Tried(absl::StrCat("read ", path), ReadFile(path, kSecretBytesMax)));
  if (field->empty()) return UsageProblem(absl::StrCat(path, " is empty"), "");
  return absl::OkStatus();
}

absl::StatusOr<pb::PutCredentialRequest> RequestOf(Session& session,
                                                   const CredentialOptions& options) {
  pb::PutCredentialRequest request;
  request.set_name(options.name);
  request.set_username(options.username);
  if (options.password_stdin) {
    std::string password;
    std::getline(session.env().in, password);
    if (password.empty()) return UsageProblem("no password came on stdin", "");
    request.set_password(password);
  }
  if (!options.password_file.empty()) {
    RETURN_IF_ERROR(TakeFile(options.password_file, request.mutable_password()));
    // The line break at the end of the file is the editor's, not the password's.
    absl::StripTrailingAsciiWhitespace(request.mutable_password());
  }
  RETURN_IF_ERROR(TakeFile(options.ssh_key_file, request.mutable_ssh_private_key()));
  RETURN_IF_ERROR(TakeFile(options.known_hosts_file, request.mutable_ssh_known_hosts()));
  RETURN_IF_ERROR(TakeFile(options.ca_file, request.mutable_ca_pem()));
  return request;
}

absl::Status CheckOptions(const CredentialOptions& options) {
  const bool password = options.password_stdin || !options.password_file.empty();
  if (options.password_stdin && !options.password_file.empty()) {
    return UsageProblem("--password-stdin and --password-file exclude each other", "leave one out");
  }
  if (!options.ssh_key_file.empty() && options.known_hosts_file.empty()) {
    return UsageProblem("an ssh key needs the host keys that the hub may accept",
                        "ssh-keyscan HOST > hosts, check them, then: --known-hosts-file hosts");
  }
  if (!password && options.ssh_key_file.empty() && options.ca_file.empty()) {
    return UsageProblem(
        "the credential would be empty",
        "--username NAME --password-stdin, or --ssh-key-file KEY --known-hosts-file HOSTS");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> CredentialPut(Session& session, const CredentialOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const pb::PutCredentialRequest request, RequestOf(session, options));
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  ASSIGN_OR_RETURN(
      const pb::DoneResponse done,
      Tried(absl::StrCat("keep credential/", options.name), hub->PutCredential(request)));
  session.PrintDone(done.message(), "muster sync");
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> CredentialDelete(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  pb::NameRequest request;
  request.set_name(name);
  ASSIGN_OR_RETURN(const pb::DoneResponse done,
                   Tried(absl::StrCat("delete credential/", name), hub->DeleteCredential(request)));
  session.PrintDone(done.message(), "muster get repositories");
  return ExitCode::kOk;
}

}  // namespace muster::cli
