// OpenApi: what an API server's OpenAPI documents say of a kind and its discovery does not: whether
// the server that is behind the kind knows dry runs.
//
// Kubernetes itself does, for its own kinds and for those of CustomResourceDefinitions. A group may
// also belong to a server of its own (APIService), and one that does not know `dryRun` takes a dry
// run for a write: an agent that only observes would change the cluster. Such a kind is therefore
// not probed.
//
// Nothing is read before a kind of a group that is not Kubernetes' own is to be probed. Then it is
// the index of documents, with the hash of each, and the document of that group and version; of it
// the answers are kept. It is read again when the index names another hash. Blocks; one thread.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agent/kube/api_client.h"
#include "agent/kube/event_loop.h"
#include "common/manifest/value.h"

namespace muster::agent {

// The kinds that a document of one group and version lets be patched, each with whether the patch
// may be a dry run. Pure.
std::map<std::string, bool> DryRunsIn(const Value& document);

class OpenApi {
 public:
  OpenApi(EventLoop& loop, ApiClient& client) : loop_(loop), client_(client) {}

  // OK when a dry run of an apply of this kind writes nothing. kFailedPrecondition when the server
  // does not say so; another error when it could not be asked.
  absl::Status MayProbe(absl::string_view api_version, absl::string_view kind);

 private:
  struct Document {
    std::string url;  // with its hash
    std::map<std::string, bool> dry_runs;
  };

  absl::Status AskIndex();
  absl::Status AskDocument(const std::string& api_version);
  absl::StatusOr<Value> Ask(const std::string& path);

  EventLoop& loop_;
  ApiClient& client_;
  std::map<std::string, std::string> index_;   // URL by group and version
  std::map<std::string, Document> documents_;  // by group and version
  bool has_index_ = true;                      // servers before Kubernetes 1.24 have none
  absl::Time asked_ = absl::InfinitePast();    // for the index
};

}  // namespace muster::agent
