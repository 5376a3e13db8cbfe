// What an OCI registry says, read: challenges, tokens, tags and manifests of charts.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace muster {

// "oci://host:5000/org/charts": where a Repository of type oci is.
struct OciPlace {
  std::string host;  // with its port
  std::string path;  // without '/' at either end; may be empty
};

// kInvalidArgument, saying why.
absl::StatusOr<OciPlace> ParseOciUrl(absl::string_view url);

// kInvalidArgument for what cannot name a chart below a registry: "web", "org/web".
absl::Status CheckOciName(absl::string_view name);

// The header WWW-Authenticate.
struct Challenge {
  bool bearer = false;  // else Basic
  std::string realm;    // where a token is to be had
  std::string service;
  std::string scope;
};

// Bearer before Basic; kInvalidArgument when there is neither.
absl::StatusOr<Challenge> ParseChallenge(const std::vector<std::string>& headers);

// The token in a token server's answer.
absl::StatusOr<std::string> ParseToken(absl::string_view json);

// `tags` of an answer to tags/list.
absl::StatusOr<std::vector<std::string>> ParseTags(absl::string_view json);

// The version that a tag stands for, and back: '+' is written '_' there.
std::string VersionOfTag(absl::string_view tag);
std::string TagOfVersion(absl::string_view version);

struct ChartManifest {
  std::string layer_digest;  // "sha256:..." of the packed chart
  uint64_t layer_bytes = 0;
};

// kInvalidArgument, saying what it is instead, for a manifest of something else.
absl::StatusOr<ChartManifest> ParseChartManifest(absl::string_view json);

}  // namespace muster
