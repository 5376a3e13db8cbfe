#include "common/render/patch.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml.h"
#include "common/render/json_patch.h"
#include "common/render/strategic_merge.h"
#include "re2/re2.h"

namespace muster {
namespace {

// One target field. Absent matches all.
class FieldPattern {
 public:
  FieldPattern(absl::string_view field, const std::string& text) : field_(field) {
    if (text.empty()) return;
    RE2::Options options;
    options.set_log_errors(false);
    pattern_ = std::make_unique<RE2>(text, options);
  }

  absl::Status status() const {
    if (pattern_ == nullptr || pattern_->ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("target.", field_, ": is no regular expression (RE2): ", pattern_->error()));
  }

  bool Matches(absl::string_view text) const {
    return pattern_ == nullptr ||
           RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *pattern_);
  }

 private:
  const absl::string_view field_;
  std::unique_ptr<RE2> pattern_;
};

class TargetPattern {
 public:
  explicit TargetPattern(const v1::Patch& patch)
      : group_("group", patch.target_group()),
        version_("version", patch.target_version()),
        kind_("kind", patch.target_kind()),
        name_("name", patch.target_name()),
        namespace_("namespace", patch.target_namespace()) {}

  absl::Status status() const {
    for (const FieldPattern* field : {&group_, &version_, &kind_, &name_, &namespace_}) {
      RETURN_IF_ERROR(field->status());
    }
    return absl::OkStatus();
  }

  bool Matches(const ObjectKey& key, absl::string_view default_namespace) const {
    return group_.Matches(key.group()) && version_.Matches(key.version()) &&
           kind_.Matches(key.kind) && name_.Matches(key.name) &&
           namespace_.Matches(key.namespace_.empty() ? default_namespace : key.namespace_);
  }

 private:
  FieldPattern group_, version_, kind_, name_, namespace_;
};

std::string TextAt(const Value& value, absl::string_view pointer) {
  const Value* found = value.Find(pointer);
  return found != nullptr && found->is_string() ? found->string() : std::string();
}

// The positions of the objects that the patch's own identity means.
absl::StatusOr<std::vector<size_t>> FindByIdentity(const Value& patch,
                                                   absl::string_view default_namespace,
                                                   const std::vector<RenderedObject>& objects) {
  const std::string api_version = TextAt(patch, "/apiVersion"), kind = TextAt(patch, "/kind"),
                    name = TextAt(patch, "/metadata/name"),
                    space = TextAt(patch, "/metadata/namespace");
  if (api_version.empty() || kind.empty() || name.empty()) {
    return absl::InvalidArgumentError(
        "names no object; give it apiVersion, kind and metadata.name, or give the patch a target");
  }
  std::vector<size_t> found, found_in_default;
  for (size_t i = 0; i < objects.size(); ++i) {
    const ObjectKey& key = objects[i].object.key;
    if (key.api_version != api_version || key.kind != kind || key.name != name) continue;
    const absl::string_view stands =
        key.namespace_.empty() ? default_namespace : absl::string_view(key.namespace_);
    if (!space.empty() && space != stands) continue;
    found.push_back(i);
    if (stands == default_namespace) found_in_default.push_back(i);
  }
  // A patch without a namespace means the only object of that name, or the one in the default.
  if (found.size() > 1 && found_in_default.size() == 1) return found_in_default;
  const std::string what = absl::StrCat(api_version, " ", kind, " '", name, "'");
  if (found.empty()) {
    return absl::NotFoundError(absl::StrCat("means ", what, space.empty() ? "" : " in namespace '",
                                            space, space.empty() ? "" : "'",
                                            ", which the package does not have"));
  }
  if (found.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("means ", what, ", of which there are ",
                                                   found.size(), "; add metadata.namespace"));
  }
  return found;
}

absl::Status ApplyTo(const Value& patch, RenderedObject& rendered, bool& deleted) {
  const ObjectKey key = rendered.object.key;
  Value value = rendered.object.value;
  if (patch.is_list()) {
    RETURN_IF_ERROR(ApplyJsonPatch(patch, value));
  } else {
    ASSIGN_OR_RETURN(const MergeResult result,
                     MergeStrategically(patch, key.group(), key.kind, value));
    deleted = result == MergeResult::kDeleted;
    if (deleted) return absl::OkStatus();
  }
  absl::StatusOr<Object> object = MakeObject(std::move(value));
  if (!object.ok()) return Annotate(object.status(), "what it makes is no object");
  rendered.object = *std::move(object);
  return absl::OkStatus();
}

}  // namespace

std::string RenderedObject::Where() const {
  return line == 0 ? file : absl::StrCat(file, ":", line);
}

bool HasTarget(const v1::Patch& patch) {
  return !patch.target_group().empty() || !patch.target_version().empty() ||
         !patch.target_kind().empty() || !patch.target_name().empty() ||
         !patch.target_namespace().empty();
}

absl::Status CheckPatchTarget(const v1::Patch& patch) { return TargetPattern(patch).status(); }

absl::Status ApplyPatch(const v1::Patch& patch, absl::string_view text, const std::string& name,
                        absl::string_view default_namespace, std::vector<RenderedObject>& objects) {
  ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(text, name));
  if (documents.empty()) return absl::InvalidArgumentError(absl::StrCat(name, ": holds no patch"));
  const TargetPattern target(patch);
  RETURN_IF_ERROR(Annotate(target.status(), name));
  for (const Document& document : documents) {
    const std::string where = absl::StrCat(document.Where(""), ": patch");
    if (!document.value.is_map() && !document.value.is_list()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": must be a map (strategic merge) or a list (JSON patch)"));
    }
    std::vector<size_t> meant;
    if (HasTarget(patch)) {
      for (size_t i = 0; i < objects.size(); ++i) {
        if (target.Matches(objects[i].object.key, default_namespace)) meant.push_back(i);
      }
      if (meant.empty()) {
        return absl::NotFoundError(
            absl::StrCat(where, ": its target matches no object of the package"));
      }
    } else if (document.value.is_list()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": a JSON patch needs a target; give at least its kind"));
    } else {
      absl::StatusOr<std::vector<size_t>> found =
          FindByIdentity(document.value, default_namespace, objects);
      if (!found.ok()) return Annotate(found.status(), where);
      meant = *std::move(found);
    }
    // From the back, so that deleting leaves the positions before alone.
    for (auto i = meant.rbegin(); i != meant.rend(); ++i) {
      bool deleted = false;
      RETURN_IF_ERROR(Annotate(ApplyTo(document.value, objects[*i], deleted),
                               absl::StrCat(where, " of ", objects[*i].object.key.text())));
      if (deleted) objects.erase(objects.begin() + static_cast<ptrdiff_t>(*i));
    }
  }
  return absl::OkStatus();
}

}  // namespace muster
