#include "common/config/signers.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/trust/allowed_signers.h"

namespace muster {
namespace {

std::string TextOf(const Findings& findings, absl::string_view pointer) {
  const Value* value = findings.document().value.Find(pointer);
  return value == nullptr ? "" : value->string();
}

// "ada@example.com" or "*@example.com", in lower case; empty for anything else.
std::string AuthorPattern(absl::string_view text) {
  absl::string_view name = text;
  const bool any = absl::ConsumePrefix(&name, "*@");
  const size_t at = text.find('@');
  const bool good = at != absl::string_view::npos && at > 0 && at + 1 < text.size() &&
                    text.rfind('@') == at && !absl::StrContains(any ? name : text, '*') &&
                    text.find_first_of(" \t<>") == absl::string_view::npos;
  return good ? absl::AsciiStrToLower(text) : "";
}

std::set<std::string> FilesWithErrors(const v1::FleetConfig& config) {
  std::set<std::string> files;
  for (const v1::ConfigError& error : config.errors()) files.insert(error.file());
  return files;
}

// By name, those that are taken over.
std::map<std::string, const v1::Signers*> UsableSigners(const v1::FleetConfig& config) {
  const std::set<std::string> broken = FilesWithErrors(config);
  std::map<std::string, const v1::Signers*> usable;
  for (const v1::Signers& signers : config.signers()) {
    if (broken.count(signers.origin().file()) == 0) usable[signers.name()] = &signers;
  }
  return usable;
}

// Errors of repositories whose file had none; whether there were any. Each makes its file one with
// errors, and that file may hold Signers of others.
bool AddUnusable(v1::FleetConfig& config) {
  const std::set<std::string> broken = FilesWithErrors(config);
  const std::map<std::string, const v1::Signers*> usable = UsableSigners(config);
  bool added = false;
  for (const v1::Repository& repository : config.repositories()) {
    if (broken.count(repository.origin().file()) > 0) continue;
    for (const std::string& name : repository.verify().signers()) {
      if (usable.count(name) > 0) continue;
      v1::ConfigError* error = config.add_errors();
      error->set_kind("Repository");
      error->set_name(repository.name());
      error->set_file(repository.origin().file());
      error->set_line(repository.origin().line());
      error->set_message(absl::StrCat("spec.verify.signers: the Signers '", name,
                                      "' stand in a file with an error"));
      added = true;
    }
  }
  return added;
}

}  // namespace

v1::Signers ReadSigners(Findings& findings) {
  v1::Signers signers;
  signers.mutable_origin()->set_file(findings.document().file);
  signers.mutable_origin()->set_line(findings.document().positions.Find("").line);
  signers.set_name(TextOf(findings, "/metadata/name"));
  signers.set_project(TextOf(findings, "/spec/project"));
  if (signers.project().empty()) signers.set_project("default");
  absl::StatusOr<std::vector<v1::SshSigner>> ssh =
      ParseAllowedSigners(TextOf(findings, "/spec/ssh"));
  if (!ssh.ok()) {
    findings.Add("/spec/ssh", ssh.status().message());
    return signers;
  }
  if (ssh->empty()) findings.Add("/spec/ssh", "has no key that may sign for Git");
  for (v1::SshSigner& signer : *ssh) *signers.add_ssh() = std::move(signer);
  return signers;
}

void ReadVerify(Findings& findings, v1::Repository& repository) {
  const Value* verify = findings.document().value.Find("/spec/verify");
  if (verify == nullptr) return;
  if (repository.type() != v1::REPOSITORY_TYPE_UNSPECIFIED) {
    findings.Add("/spec/verify",
                 "is for Git; a registry's charts have no signed commits. Pin them by helm.digest");
    return;
  }
  v1::VerifyPolicy& policy = *repository.mutable_verify();
  std::set<std::string> names;
  for (const Value& name : verify->Get("signers")->list()) names.insert(name.string());
  if (names.empty()) {
    findings.Add("/spec/verify/signers", "names nobody, so that no commit could rule");
  }
  for (const std::string& name : names) policy.add_signers(name);
  policy.set_every_commit(TextOf(findings, "/spec/verify/commits") == "all");
  const Value* authors = verify->Get("authors");
  if (authors == nullptr) return;
  std::set<std::string> patterns;
  for (size_t i = 0; i < authors->list().size(); ++i) {
    const std::string& text = authors->list()[i].string();
    const std::string pattern = AuthorPattern(text);
    if (pattern.empty()) {
      findings.Add(absl::StrCat("/spec/verify/authors/", i),
                   absl::StrCat("'", absl::CHexEscape(text),
                                "' is no address; write ada@example.com or *@example.com"));
    }
    patterns.insert(pattern);
  }
  if (patterns.empty()) {
    findings.Add("/spec/verify/authors", "names nobody, so that no commit could rule");
  }
  for (const std::string& pattern : patterns) policy.add_authors(pattern);
}

void ResolveSigners(v1::FleetConfig& config) {
  while (AddUnusable(config)) {
  }
  const std::map<std::string, const v1::Signers*> usable = UsableSigners(config);
  for (v1::Repository& repository : *config.mutable_repositories()) {
    if (!repository.has_verify()) continue;
    v1::VerifyPolicy& policy = *repository.mutable_verify();
    std::set<std::string> keys;  // as bytes: sorted, each once
    for (const std::string& name : policy.signers()) {
      const auto signers = usable.find(name);
      if (signers == usable.end()) continue;  // its file is not taken over
      for (const v1::SshSigner& signer : signers->second->ssh()) {
        keys.insert(signer.SerializeAsString());
      }
    }
    for (const std::string& key : keys) policy.add_ssh()->ParseFromString(key);
  }
}

}  // namespace muster
