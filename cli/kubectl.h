// Kubectl: a cluster as `muster bootstrap` sees it, by way of the kubectl that its user has. What
// logs them in (exec plugins, proxies, hardware keys) works here too, and Muster keeps none of it.
//
// Blocks; one thread. Errors say what was attempted and carry kubectl's own words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cli/session.h"
#include "common/manifest/value.h"

namespace muster::cli {

struct KubectlOptions {
  std::string kubeconfig;  // empty: as kubectl chooses
  std::string context;     // likewise
};

class Kubectl {
 public:
  // `session` must outlive it.
  Kubectl(Session& session, KubectlOptions options);

  // The context that is used.
  absl::StatusOr<std::string> Context();

  // Whether we may do everything there; kPermissionDenied names what we may not.
  absl::Status CheckAdmin();

  // One object, or none.
  absl::StatusOr<std::optional<Value>> Find(const std::string& name_space,
                                            const std::string& resource, const std::string& name);

  // The objects with this label.
  absl::StatusOr<Value::List> List(const std::string& name_space, const std::string& resource,
                                   const std::string& selector);

  // Server-side apply as "muster-bootstrap", which takes over fields that somebody else set: the
  // agent is as Muster says. Returns kubectl's lines, one an object.
  absl::StatusOr<std::string> Apply(absl::Span<const Value> objects);

 private:
  absl::StatusOr<std::string> Run(const std::string& attempt, std::vector<std::string> words,
                                  const std::string& input);

  Session& session_;
  const KubectlOptions options_;
};

}  // namespace muster::cli
