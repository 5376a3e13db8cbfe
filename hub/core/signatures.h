// Signatures: whether a commit may rule, by what the fetch found out about its signature and those
// of the commits that come with it. Default deny: what was not found good is refused, and so is an
// answer that does not say. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "proto/child.pb.h"
#include "proto/signing.pb.h"

namespace muster::hub {

// Why a head may not rule.
struct Refusal {
  std::string reason;   // one UpperCamel word: "Unsigned", "UnknownKey", ...
  std::string message;  // which commit, which key, why and what to do
};

// Nullopt when the head of `response` may rule under `policy`.
std::optional<Refusal> JudgeSignatures(const v1::VerifyPolicy& policy,
                                       const v1::FetchResponse& response);

// Writes who signed into the commits of `response`, where a signature was found good.
void NameSigners(v1::FetchResponse& response);

// "signed by platform-team, every commit": the policy for people; empty without one.
std::string VerifyText(const v1::VerifyPolicy& policy);

}  // namespace muster::hub
