// Resource: an object on its way through a build, with what Kustomize remembers about it.
//
// The value is shared until somebody changes it: bases are parsed and built once and copied for
// nothing into any number of overlays. Copies are cheap; Mutable() makes the value one's own.
// Pure; one thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/manifest/value.h"
#include "common/render/kustomize/res_id.h"
#include "common/render/kustomize/shared_texts.h"

namespace muster::kustomize {

// A place in a file: for messages and for where an object came from.
struct Place {
  std::shared_ptr<const std::string> file;  // from the repository's root; null when unknown
  int line = 0;

  std::string text() const;  // "apps/web/kustomization.yaml:12"
};

// What a generated resource does to one of the same id. Plain resources have kUnspecified.
enum class Behavior { kUnspecified, kCreate, kReplace, kMerge };

// For `buildMetadata: [originAnnotations, transformerAnnotations]`. Kept beside the value and
// written into annotations at the end of a build.
struct Origin {
  std::string path;
  std::string repo;
  std::string ref;
  std::string configured_in;
  std::string configured_by_api_version, configured_by_kind, configured_by_name,
      configured_by_namespace;
};

// A former name; group and version are always the current ones.
struct PreviousId {
  std::string name;
  std::string namespace_;  // effective (ResId::EffectiveNamespace)
  std::string kind;
};

class Resource {
 public:
  Resource(std::shared_ptr<const Value> value, Place place)
      : place(std::move(place)), value_(std::move(value)) {}
  Resource(Value value, Place place)
      : Resource(std::make_shared<Value>(std::move(value)), std::move(place)) {}

  const Value& value() const { return *value_; }
  const std::shared_ptr<const Value>& shared_value() const { return value_; }
  // The value to change: a copy of one's own where it was shared. Whoever changes apiVersion, kind,
  // name or namespace must have called StorePreviousId before, where Kustomize does so.
  Value& Mutable();
  void Replace(Value value) { value_ = std::make_shared<Value>(std::move(value)); }
  // An empty resource is dropped after the transformer that emptied it.
  void Drop() { value_ = std::make_shared<Value>(); }
  bool dropped() const { return value_->is_null(); }

  // ---- identity
  ResId CurrentId() const { return ResId::OfObject(*value_); }
  // The first that it had.
  ResId OriginalId() const;
  // All that it had before the current one, oldest first.
  std::vector<ResId> PreviousIds() const;
  // Remembers the current id: called before a name, namespace or kind changes. References to that
  // name are then carried over at the end of the build (name_references.h).
  void StorePreviousId();
  std::string name() const;
  std::string namespace_() const;
  std::string kind() const;

  // Labels and annotations that are one node in several fields (shared_texts.h).
  const SharedTexts* shared_texts() const { return shared_texts_.get(); }
  void SetSharedTexts(SharedTexts texts);
  // Kustomize writes all annotations anew when it notes something among them.
  void RewriteAnnotations();
  // Call after `field`, a part of Mutable(), got another text in place.
  void SpreadText(const Value& field);

  // Metadata as maps of text; missing ones are empty.
  std::vector<std::pair<std::string, std::string>> Labels() const;
  std::vector<std::pair<std::string, std::string>> Annotations() const;

  Place place;
  std::vector<PreviousId> previous;
  std::vector<std::string> prefixes, suffixes;  // innermost first
  Behavior behavior = Behavior::kUnspecified;
  bool needs_hash = false;  // a content hash goes to the end of its name
  bool allow_name_change = false, allow_kind_change = false;  // of patches
  std::vector<std::string> var_names;                         // vars that read from it
  std::optional<Origin> origin;
  std::vector<Origin> transformations;
  // JSON pointers to nulls that the text spelled as nothing at all ("emptyDir:"). A strategic merge
  // drops those, but keeps a null that was written out.
  std::shared_ptr<const std::vector<std::string>> bare_nulls;

 private:
  std::shared_ptr<const Value> value_;               // points to a Value that was not made const
  std::shared_ptr<const SharedTexts> shared_texts_;  // null: there are none
};

}  // namespace muster::kustomize
