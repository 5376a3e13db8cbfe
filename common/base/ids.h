// Ids are types, never bare strings, so that a cluster's id cannot be passed as a package's name.
//
// An id compares, orders, hashes and prints as its text. Any thread.
#pragma once

#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace muster {

template <typename Tag>
class Id {
 public:
  Id() = default;
  explicit Id(absl::string_view text) : text_(text) {}

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }

  friend auto operator<=>(const Id&, const Id&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.text_; }

  template <typename H>
  friend H AbslHashValue(H state, const Id& id) {
    return H::combine(std::move(state), id.text_);
  }
  template <typename Sink>
  friend void AbslStringify(Sink& sink, const Id& id) {
    sink.Append(id.text_);
  }

 private:
  std::string text_;
};

// A cluster's identity: 128 random bits as 32 hexadecimal digits, given at enrolment, never reused.
// A cluster that is enrolled anew under its old name is another cluster.
using ClusterId = Id<struct ClusterIdTag>;

// metadata.name of a Repository, Package or Cluster.
using RepositoryName = Id<struct RepositoryNameTag>;
using PackageName = Id<struct PackageNameTag>;
using ClusterName = Id<struct ClusterNameTag>;

// The public half of a join token: 16 hexadecimal digits.
using TokenId = Id<struct TokenIdTag>;

}  // namespace muster
