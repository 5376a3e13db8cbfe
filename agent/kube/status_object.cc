#include "agent/kube/status_object.h"

#include <utility>

#include "common/manifest/annotations.h"

namespace muster::agent {

std::string SuspensionIn(const Value& object) {
  const absl::string_view text = AnnotationOf(object, kSuspendAnnotation);
  if (text == "false") return "";
  if (!text.empty()) return std::string(text);
  // An empty text stops the agent too: whoever wrote it meant something.
  const Value* annotations = object.Find("/metadata/annotations");
  const bool there = annotations != nullptr && annotations->Get(kSuspendAnnotation) != nullptr;
  return there ? "suspended" : "";
}

std::string StatusObject::TellSuspension() {
  MutexLock lock(mutex_);
  told_ = suspended_;
  return told_;
}

void StatusObject::Told(const std::string& suspended) {
  MutexLock lock(mutex_);
  told_ = suspended;
}

std::string StatusObject::uid() const {
  MutexLock lock(mutex_);
  return uid_;
}

void StatusObject::Set(std::string suspended, std::string uid, uint64_t version) {
  bool news;
  {
    MutexLock lock(mutex_);
    seen_ = true;
    if (version != 0 && version < version_ && uid == uid_) return;
    version_ = version;
    uid_ = std::move(uid);
    suspended_ = std::move(suspended);
    news = suspended_ != told_;
  }
  if (news) changed_();
}

void StatusObject::Saw(const ObjectKey& key, const Value& object) {
  if (key.name != name_) return;
  const Value* uid = object.Find("/metadata/uid");
  Set(SuspensionIn(object), uid != nullptr && uid->is_string() ? uid->string() : "",
      VersionOf(object));
}

void StatusObject::SawGone(const ObjectKey& key, uint64_t) {
  if (key.name == name_) Set("", "", 0);
}

uint64_t StatusObject::BeginList() {
  MutexLock lock(mutex_);
  seen_ = false;
  return 0;
}

void StatusObject::EndList(const View&, uint64_t, uint64_t) {
  {
    MutexLock lock(mutex_);
    if (seen_) return;
  }
  Set("", "", 0);
}

}  // namespace muster::agent
