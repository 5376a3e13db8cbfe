#include "common/render/kustomize/resource.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::kustomize {
namespace {

std::string MetadataText(const Value& object, absl::string_view field) {
  const Value* metadata = object.Get("metadata");
  const Value* found = metadata == nullptr ? nullptr : metadata->Get(field);
  return found == nullptr ? std::string() : ScalarText(*found);
}

std::vector<std::pair<std::string, std::string>> MetadataMap(const Value& object,
                                                             absl::string_view field) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const Value* metadata = object.Get("metadata");
  const Value* map = metadata == nullptr ? nullptr : metadata->Get(field);
  if (map == nullptr || !map->is_map()) return pairs;
  for (const Member& member : map->map()) pairs.emplace_back(member.key, ScalarText(member.value));
  return pairs;
}

}  // namespace

std::string Place::text() const {
  if (file == nullptr) return "";
  return line == 0 ? *file : absl::StrCat(*file, ":", line);
}

Value& Resource::Mutable() {
  if (value_.use_count() > 1) value_ = std::make_shared<Value>(*value_);
  return const_cast<Value&>(*value_);
}

ResId Resource::OriginalId() const {
  if (previous.empty()) return CurrentId();
  ResId id{Gvk::OfObject(*value_), previous.front().name, previous.front().namespace_};
  id.gvk.kind = previous.front().kind;
  return id;
}

std::vector<ResId> Resource::PreviousIds() const {
  std::vector<ResId> ids;
  ids.reserve(previous.size());
  if (previous.empty()) return ids;
  const Gvk gvk = Gvk::OfObject(*value_);
  for (const PreviousId& id : previous) {
    ids.push_back({{gvk.group, gvk.version, id.kind}, id.name, id.namespace_});
  }
  return ids;
}

void Resource::StorePreviousId() {
  const ResId id = CurrentId();
  previous.push_back({id.name, id.EffectiveNamespace(), id.gvk.kind});
  RewriteAnnotations();  // that is where Kustomize keeps it
}

void Resource::RewriteAnnotations() {
  if (shared_texts_ == nullptr) return;
  SharedTexts texts = *shared_texts_;
  texts.Forget("/metadata/annotations");
  SetSharedTexts(std::move(texts));
}

void Resource::SetSharedTexts(SharedTexts texts) {
  shared_texts_ = texts.empty() ? nullptr : std::make_shared<const SharedTexts>(std::move(texts));
}

void Resource::SpreadText(const Value& field) {
  if (shared_texts_ != nullptr) shared_texts_->Spread(field, Mutable());
}

std::string Resource::name() const { return MetadataText(*value_, "name"); }
std::string Resource::namespace_() const { return MetadataText(*value_, "namespace"); }

std::string Resource::kind() const {
  const Value* kind = value_->Get("kind");
  return kind == nullptr ? std::string() : ScalarText(*kind);
}

std::vector<std::pair<std::string, std::string>> Resource::Labels() const {
  return MetadataMap(*value_, "labels");
}

std::vector<std::pair<std::string, std::string>> Resource::Annotations() const {
  return MetadataMap(*value_, "annotations");
}

}  // namespace muster::kustomize
