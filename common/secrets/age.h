// age (age-encryption.org/v1): a short secret sealed to X25519 keys, in its armored text form.
//
// What the data keys of SOPS documents are sealed with, and what a cluster's own key is. Only that
// much of age: no passphrases, no plugins, no ssh keys, one chunk. Any thread; random bits come
// from the system.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace muster {

// Whom something is sealed to: a public key, "age1...".
class AgeRecipient {
 public:
  // kInvalidArgument for anything but an X25519 recipient.
  static absl::StatusOr<AgeRecipient> Parse(absl::string_view text);

  const std::string& text() const { return text_; }
  const std::string& key() const { return key_; }  // 32 bytes

  friend bool operator==(const AgeRecipient&, const AgeRecipient&) = default;

 private:
  friend class AgeIdentity;
  explicit AgeRecipient(std::string key);

  std::string text_;
  std::string key_;
};

// A private key, "AGE-SECRET-KEY-1...".
class AgeIdentity {
 public:
  static AgeIdentity Generate();
  // kInvalidArgument, without a word of the text.
  static absl::StatusOr<AgeIdentity> Parse(absl::string_view text);

  ~AgeIdentity();  // wipes the key
  AgeIdentity(const AgeIdentity&) = default;
  AgeIdentity(AgeIdentity&&) = default;
  AgeIdentity& operator=(const AgeIdentity&) = default;
  AgeIdentity& operator=(AgeIdentity&&) = default;

  std::string text() const;  // a secret
  const AgeRecipient& recipient() const { return recipient_; }
  const std::string& key() const { return key_; }  // 32 bytes, secret

 private:
  explicit AgeIdentity(std::string key);

  std::string key_;
  AgeRecipient recipient_;
};

// An identity file, as age-keygen writes it: one identity a line, empty lines and '#' comments.
// kInvalidArgument names the line, and kinds of identities that are not understood. Never empty.
absl::StatusOr<std::vector<AgeIdentity>> ParseAgeIdentities(absl::string_view text);

// The identity file of one identity.
std::string AgeIdentityFile(const AgeIdentity& identity);

// Seals `secret` to each of the recipients. Requires: at least one, and at most 64 KiB.
std::string SealAge(absl::Span<const AgeRecipient> recipients, absl::string_view secret);

// Opens what SealAge, or any age, made. kNotFound when it is sealed to none of the identities;
// kDataLoss when it was altered; kInvalidArgument when it is no such text, kUnimplemented for more
// than one chunk.
absl::StatusOr<std::string> OpenAge(absl::Span<const AgeIdentity> identities,
                                    absl::string_view armored);

}  // namespace muster
