// ResMap: the resources of a build, in their order, found by id.
//
// Ids are unique (group, version, kind, name, effective namespace). Look-ups go through an index
// that is made when it is needed and forgotten when somebody may have changed an id: appending n
// resources and looking up n ids costs O(n). Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/render/kustomize/resource.h"

namespace muster::kustomize {

class ResMap {
 public:
  ResMap() = default;
  // Copies leave the index behind.
  ResMap(const ResMap& other) : resources_(other.resources_) {}
  ResMap& operator=(const ResMap& other) {
    resources_ = other.resources_;
    indexed_ = false;
    return *this;
  }
  ResMap(ResMap&&) = default;
  ResMap& operator=(ResMap&&) = default;

  size_t size() const { return resources_.size(); }
  bool empty() const { return resources_.empty(); }
  const std::vector<Resource>& resources() const { return resources_; }
  // To change them: forgets the index.
  std::vector<Resource>& Mutable();

  // Adds at the end. kInvalidArgument when the id is taken, naming both places.
  absl::Status Append(Resource resource);
  absl::Status AppendAll(ResMap other);

  // Adds what a generator made: creates, replaces or merges as its behavior says.
  absl::Status Absorb(Resource resource);

  // Positions of the resources that have or had this id. In order.
  std::vector<size_t> FindByAnyId(const ResId& id) const;
  // Of those that have it now.
  std::vector<size_t> FindByCurrentId(const ResId& id) const;

  // Takes out what Drop() emptied.
  void RemoveDropped();

 private:
  void BuildIndex() const;
  void IndexResource(size_t position) const;
  static std::string KeyOf(const ResId& id);

  std::vector<Resource> resources_;
  mutable bool indexed_ = false;
  mutable std::map<std::string, std::vector<size_t>> current_;  // by KeyOf
  mutable std::map<std::string, std::vector<size_t>> any_;
};

}  // namespace muster::kustomize
