// View and ViewSink: a watch's field of view, and who is told what it shows.
//
// A Reflector calls its sink on the loop's thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "common/manifest/object.h"
#include "common/manifest/value.h"

namespace muster::agent {

// One kind, in one namespace or (empty) everywhere.
struct View {
  std::string api_version;
  std::string kind;
  std::string namespace_;

  bool Sees(const ObjectKey& key) const {
    return key.api_version == api_version && key.kind == kind &&
           (namespace_.empty() || key.namespace_ == namespace_);
  }
  friend auto operator<=>(const View&, const View&) = default;
};

// The version in an object's or a list's metadata; zero when there is none that is a number.
uint64_t VersionOf(const Value& object);

class ViewSink {
 public:
  virtual ~ViewSink() = default;

  // An object as somebody saw it; older news than what is known is to be dropped.
  virtual void Saw(const ObjectKey& key, const Value& object) = 0;
  // It was gone at `version`; zero: now.
  virtual void SawGone(const ObjectKey& key, uint64_t version) = 0;

  // A list of a view at `version`: what it should have shown and did not is gone. The mark is taken
  // before it is asked for.
  virtual uint64_t BeginList() = 0;
  virtual void EndList(const View& view, uint64_t mark, uint64_t version) = 0;
};

}  // namespace muster::agent
