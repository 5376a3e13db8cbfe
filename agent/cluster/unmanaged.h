// What is nobody's package and yet no stranger: objects that Kubernetes makes by itself, and the
// tools by which people write.
//
// Pure; any thread.
#pragma once

#include "absl/strings/string_view.h"
#include "common/manifest/object.h"

namespace muster::agent {

// Whether Kubernetes itself makes objects like this one, so that it says nothing about people: the
// `default` service account, kube-root-ca.crt, endpoints, events, leases, pods' metrics, tokens.
bool IsMadeByKubernetes(const ObjectKey& key);

// Whether a field manager is a person at a keyboard: kubectl in its ways, well-known consoles. What
// they own is never a conflict: a hand edit is drift.
bool IsHandTool(absl::string_view manager);

}  // namespace muster::agent
