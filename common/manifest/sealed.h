// Sealed objects: those whose content is a SOPS document that only the cluster's agent can open.
//
// What Git has is kept as the text that it is, because a SOPS document is bound to its text by a
// MAC; what may change on the way (metadata) travels beside it. In a bundle such an object is
//
//   {"apiVersion": ..., "kind": ..., "metadata": {...},
//    "sealed": [{"file": ..., "format": "yaml", "text": ...}]}
//
// and its entry in the manifest says `sealed`. Nobody but the agent opens anything. Pure; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster {

// `disabled`: the object is applied as it stands, SOPS document or not; something in the cluster
// opens it.
inline constexpr absl::string_view kDecryptAnnotation = "muster.dev/decrypt";
// On a Secret: SOPS files beside it (dotenv, binary) whose content becomes its `data`; see
// docs/secrets.md.
inline constexpr absl::string_view kSopsFilesAnnotation = "muster.dev/sops-files";

// A SOPS file that travels.
struct SealedText {
  std::string file;    // where it was in Git; for messages
  std::string format;  // "yaml", "json": the whole object; "dotenv", "binary": entries of `data`
  std::string text;
  int document = 0;  // yaml: which of its documents is the object
  std::string key;   // binary: of the entry

  friend bool operator==(const SealedText&, const SealedText&) = default;
};

struct SealedObject {
  Value shown;  // apiVersion, kind, metadata; with dotenv and binary also all else
  std::vector<SealedText> texts;
};

// Whether the document has a `sops` block with a MAC.
bool IsSopsDocument(const Value& document);

// Whether the agent should open it: a SOPS document, but for objects that say kDecryptAnnotation
// and those of the operator that opens SOPS documents by itself (SopsSecret).
bool IsToBeOpened(const Value& document);

// Whether a text is a file that SOPS encrypted, of whatever format. Cheap.
bool LooksLikeSops(absl::string_view text);

// Whether an object holds encrypted values while nothing says how to open them.
bool HoldsOrphanedCiphertext(const Value& object);

// OK unless `text` is a SOPS file, which nothing before the cluster can read: kInvalidArgument with
// the remedy. `use` says what it was read for: "a configMapGenerator", "Helm values".
absl::Status RefuseSopsFile(absl::string_view text, absl::string_view file, absl::string_view use);

// The object as it stands in a bundle.
Value SealedForm(const Value& shown, const std::vector<SealedText>& texts);

// Reads that form. kInvalidArgument for anything else.
absl::StatusOr<SealedObject> ReadSealedForm(const Value& object);

}  // namespace muster
