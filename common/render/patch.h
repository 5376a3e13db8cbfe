// Patches: which objects a patch means, and changing them.
//
// A patch is a map, merged strategically (strategic_merge.h), or a list, applied as a JSON patch
// (json_patch.h). With target fields it means every object that they match: regular expressions of
// RE2, each for the whole of a field, absent ones matching all. Without them it means the object
// that its own apiVersion, kind and metadata.name say. A patch that means nothing is an error,
// because it was written for something. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/manifest/object.h"
#include "common/manifest/sealed.h"
#include "proto/fleet.pb.h"

namespace muster {

// An object and where it was written.
struct RenderedObject {
  Object object;
  std::string file;
  int line = 0;      // zero: not known
  int32_t wave = 0;  // what a hook of a chart becomes; zero: as the object is annotated
  // Not empty: the object is for the agent to open (manifest/sealed.h), and this is what it opens.
  // `object` then is the SOPS document as Git has it, with the metadata that it is to have.
  std::vector<SealedText> sealed = {};

  // "apps/web.yaml:12", for messages.
  std::string Where() const;
};

// Whether the patch has target fields.
bool HasTarget(const v1::Patch& patch);

// kInvalidArgument when a target field is no regular expression.
absl::Status CheckPatchTarget(const v1::Patch& patch);

// Applies the documents of `text`, in order, to the objects that they mean; `patch` gives the
// target, `name` is what messages call it ("apps/web/patches/prod.yaml"). Objects without a
// namespace count as standing in `default_namespace`. Errors name the patch and line:
// kInvalidArgument, kNotFound when it means no object, kFailedPrecondition when a JSON patch does
// not fit.
absl::Status ApplyPatch(const v1::Patch& patch, absl::string_view text, const std::string& name,
                        absl::string_view default_namespace, std::vector<RenderedObject>& objects);

}  // namespace muster
