#include "hub/core/signatures.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "hub/core/journal.h"

namespace muster::hub {
namespace pb = muster::v1;
namespace {

std::string KeyText(const pb::CommitSignature& signature) {
  if (signature.signer().empty()) return signature.key();
  return absl::StrCat(signature.key(), " (", signature.signer(), ")");
}

// What is wrong with a signature, as the end of "commit 1a2b3c4 ...".
Refusal Explain(const pb::CommitSignature& signature, const pb::VerifyPolicy& policy) {
  const std::string key = KeyText(signature);
  // Without control characters; quotes do no harm.
  const std::string detail =
      absl::StrReplaceAll(absl::CHexEscape(signature.detail()), {{"\\'", "'"}});
  const std::string names =
      policy.signers().empty()
          ? "the signers that were pinned"
          : absl::StrCat("the Signers ", absl::StrJoin(policy.signers(), ", "));
  switch (signature.result()) {
    case pb::SIGNATURE_RESULT_UNSIGNED:
      return {"Unsigned", "is not signed; sign it ('git commit -S') and push again"};
    case pb::SIGNATURE_RESULT_UNKNOWN_KEY:
      return {"UnknownKey", absl::StrCat("is signed with the key ", key, ", which is none of ",
                                         names, "; sign with one that is, or add the key to them")};
    case pb::SIGNATURE_RESULT_BAD:
      if (signature.key().empty()) {  // a tag that is shown under another name than it was given
        return {"BadSignature",
                absl::StrCat("does not count: ", detail,
                             "; follow it under that name, or sign it again under this one")};
      }
      return {"BadSignature",
              absl::StrCat("bears a signature of the key ", key, " that is not its own",
                           detail.empty() ? "" : ": ", detail,
                           "; it was changed after it was signed, or somebody forged it")};
    case pb::SIGNATURE_RESULT_MALFORMED:
      return {"MalformedSignature",
              absl::StrCat("bears a malformed signature: ", detail, "; sign it again")};
    case pb::SIGNATURE_RESULT_WRONG_NAMESPACE:
      return {"WrongNamespace", absl::StrCat("bears a signature of the key ", key,
                                             " that was not made for Git: ", detail)};
    case pb::SIGNATURE_RESULT_KEY_EXPIRED:
      return {"KeyExpired", absl::StrCat("is signed with the key ", key,
                                         ", whose time was over: ", detail, "; sign with another")};
    case pb::SIGNATURE_RESULT_KEY_NOT_YET_VALID:
      return {"KeyNotYetValid",
              absl::StrCat("is signed with the key ", key, ", whose time had not come: ", detail)};
    case pb::SIGNATURE_RESULT_UNSUPPORTED:
      return {"UnsupportedSignature",
              absl::StrCat("bears a signature that does not count: ", detail)};
    default:
      return {"NotChecked", "was not looked at; this is a fault of the hub"};
  }
}

bool AuthorMay(const pb::VerifyPolicy& policy, const std::string& address) {
  if (policy.authors().empty()) return true;
  const std::string author = absl::AsciiStrToLower(address);
  return std::any_of(policy.authors().begin(), policy.authors().end(), [&](const auto& pattern) {
    if (!absl::StartsWith(pattern, "*@")) return author == pattern;
    const absl::string_view domain = absl::string_view(pattern).substr(1);
    return author.size() > domain.size() && absl::EndsWith(author, domain) &&
           author.find('@') == author.size() - domain.size();
  });
}

Refusal About(absl::string_view thing, const std::string& commit, Refusal refusal) {
  refusal.message = absl::StrCat(thing, " ", ShortCommit(commit), " ", refusal.message);
  return refusal;
}

// One commit by itself; `vouched` when a signed tag stands for its signature.
std::optional<Refusal> Judge(const pb::VerifyPolicy& policy, const pb::CommitSignature& signature,
                             bool vouched) {
  if (!vouched && signature.result() != pb::SIGNATURE_RESULT_GOOD) {
    return About("commit", signature.commit(), Explain(signature, policy));
  }
  if (AuthorMay(policy, signature.author_email())) return std::nullopt;
  return About("commit", signature.commit(),
               {"AuthorNotAllowed",
                absl::StrCat("has the author <", absl::CHexEscape(signature.author_email()),
                             ">, whom spec.verify.authors does not name")});
}

}  // namespace

std::optional<Refusal> JudgeSignatures(const pb::VerifyPolicy& policy,
                                       const pb::FetchResponse& response) {
  const pb::CommitSignature* head = nullptr;
  bool vouched = false;
  for (const pb::CommitSignature& signature : response.signatures()) {
    if (signature.commit() != response.commit()) continue;
    if (!signature.tag()) {
      head = &signature;
    } else if (signature.result() == pb::SIGNATURE_RESULT_GOOD) {
      vouched = true;
    } else {
      return About("the tag of commit", response.commit(), Explain(signature, policy));
    }
  }
  if (head == nullptr) {
    return About("commit", response.commit(), Explain(pb::CommitSignature(), policy));
  }
  if (std::optional<Refusal> refusal = Judge(policy, *head, vouched)) return refusal;
  const bool sealed = head->seal() && head->result() == pb::SIGNATURE_RESULT_GOOD;
  if (!policy.every_commit() || sealed) return std::nullopt;
  if (response.more_commits()) {
    return About("commit", response.commit(),
                 {"TooManyCommits",
                  absl::StrCat("stands on more commits that are new here than are looked at one by "
                               "one; put a signed commit with the trailer 'Muster-Seal: why' on "
                               "top")});
  }
  std::set<std::string> looked_at;
  // Children come before their parents, so what a seal vouches for is known when it comes.
  std::set<std::string> below_a_seal;
  for (const pb::CommitSignature& signature : response.signatures()) {
    if (signature.tag()) continue;
    looked_at.insert(signature.commit());
    bool covered = below_a_seal.contains(signature.commit());
    if (!covered && &signature != head) {
      if (std::optional<Refusal> refusal = Judge(policy, signature, false)) {
        absl::StrAppend(&refusal->message,
                        "; or put a signed commit with the trailer 'Muster-Seal: why' on top");
        return refusal;
      }
      covered = signature.seal();
    }
    if (covered) below_a_seal.insert(signature.parents().begin(), signature.parents().end());
  }
  for (const pb::Commit& commit : response.commits()) {
    if (looked_at.contains(commit.id())) continue;
    return About("commit", commit.id(), Explain(pb::CommitSignature(), policy));
  }
  return std::nullopt;
}

void NameSigners(pb::FetchResponse& response) {
  for (pb::Commit& commit : *response.mutable_commits()) {
    for (const pb::CommitSignature& signature : response.signatures()) {
      if (signature.commit() != commit.id() || signature.result() != pb::SIGNATURE_RESULT_GOOD) {
        continue;
      }
      commit.set_signer(signature.signer());
      commit.set_signing_key(signature.key());
      break;
    }
  }
}

std::string VerifyText(const pb::VerifyPolicy& policy) {
  if (policy.ssh().empty() && policy.signers().empty()) return "";
  return absl::StrCat(
      "signed by ",
      policy.signers().empty() ? "the pinned signers" : absl::StrJoin(policy.signers(), ", "),
      policy.every_commit() ? ", every commit" : "",
      policy.authors().empty() ? "" : ", written by ", absl::StrJoin(policy.authors(), ", "));
}

}  // namespace muster::hub
