// Sealed objects in a rendering: what of Git travels to the agent as it is.
//
// A SOPS document is opened by the cluster only, and its MAC covers the text that stands in Git: so
// that text is what travels, and on the way nothing of the object may change but its metadata
// (namespace, name, labels, annotations). Pure but for the source; one thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/value.h"
#include "common/render/kustomize/file_source.h"
#include "common/render/patch.h"

namespace muster {

// What can be said of a SOPS document before anything is done with it; OK for all others.
// kInvalidArgument, with the remedy: its metadata is encrypted too, or it is a list of objects.
absl::Status CheckSopsDocument(const Value& document);

// Gives each object that the agent opens its texts, when all changes are made. Files that a Secret
// names by kSopsFilesAnnotation are looked for beside it; `outside_root` says that objects may
// stand outside of `root`, and then those files may not. kInvalidArgument for an object of which
// more than metadata was changed, and for encrypted values that nobody could open.
absl::Status AddSealedTexts(kustomize::FileSource& files, const std::string& root,
                            bool outside_root, std::vector<RenderedObject>& objects);

}  // namespace muster
