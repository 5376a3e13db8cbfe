// SOPS documents (getsops/sops, format version 3): read, opened and made.
//
// A document whose values are encrypted and whose keys are not, with a `sops` block that says to
// whom: the data key that sealed the values is itself sealed to each recipient. What is opened was
// sealed by somebody who had the data key, in this place of this document, and nothing was left
// out: its MAC is always checked. Any thread.
//
// Not understood, and refused by name: keys split over several groups (Shamir), and rules that go
// by comments.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/manifest/value.h"
#include "common/secrets/age.h"

namespace muster {

enum class SopsFormat { kYaml, kJson, kDotenv, kBinary };

// One way to the data key.
struct SopsRecipient {
  enum class Kind { kAge, kOpenPgp, kOther };
  Kind kind = Kind::kOther;
  std::string name;  // "age1...", a fingerprint, "a key of kms"; for people, and no secret
  std::string sealed_key;
};

// The `sops` block.
struct SopsMetadata {
  std::vector<SopsRecipient> recipients;
  std::string last_modified;
  std::string mac;
  std::string version;
  // Which values are encrypted: by at most one of these; none: all but those below a key that ends
  // in "_unencrypted".
  std::string encrypted_suffix, unencrypted_suffix, encrypted_regex, unencrypted_regex;
  bool mac_only_encrypted = false;
};

struct SopsFile {
  std::string file;  // for messages
  SopsFormat format = SopsFormat::kYaml;
  // As they stand in the file, without their `sops` blocks; their order and that of their members
  // is part of what the MAC covers.
  std::vector<Value> documents;
  SopsMetadata metadata;
};

// Reads a file. Errors name `file` and never show a value: kInvalidArgument for what is no SOPS
// file, kUnimplemented for what is not understood, kResourceExhausted for a limit.
absl::StatusOr<SopsFile> ReadSops(absl::string_view text, SopsFormat format,
                                  absl::string_view file);

// "yaml", "json", "dotenv" or "binary".
absl::string_view SopsFormatName(SopsFormat format);
absl::StatusOr<SopsFormat> SopsFormatNamed(absl::string_view name);

// The documents with their values opened. kDataLoss when `data_key` is another one or anything was
// altered, moved, added or left out; the message names the place, never a value. A binary file has
// one document, {"data": BYTES}; the strings of all others are UTF-8 (else kInvalidArgument), and a
// dotenv file holds strings alone.
absl::StatusOr<std::vector<Value>> OpenSops(const SopsFile& file, absl::string_view data_key);

// "age1abc..., 85D77543B3D624B63CEA9E6DBC17301B491B3F21": for messages.
std::string NamesOf(absl::Span<const SopsRecipient> recipients);

// Seals the `data` and `stringData` of an object to the recipients and gives the document as YAML,
// which sops reads. Requires: at least one recipient; a map without a `sops` block.
// kInvalidArgument when the object has a member that no SOPS document can have.
absl::StatusOr<std::string> SealObject(const Value& object,
                                       absl::Span<const AgeRecipient> recipients, absl::Time now);

}  // namespace muster
