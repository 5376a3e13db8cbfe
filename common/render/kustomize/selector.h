// SelectorMatcher: which resources of a build a Selector means. Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/render/kustomize/kustomization.h"
#include "common/render/kustomize/res_map.h"

namespace muster::kustomize {

// A label selector in Kubernetes' syntax: "app=web,tier in (a, b),!legacy".
class LabelSelector {
 public:
  static absl::StatusOr<LabelSelector> Parse(const std::string& text);
  bool Matches(const std::vector<std::pair<std::string, std::string>>& labels) const;

 private:
  struct Requirement {
    enum class Kind { kIn, kNotIn, kExists, kAbsent, kGreater, kLess } kind;
    std::string key;
    std::vector<std::string> values;
  };
  std::vector<Requirement> requirements_;
};

class SelectorMatcher {
 public:
  // kInvalidArgument for what is no regular expression or label selector.
  static absl::StatusOr<SelectorMatcher> Make(const Selector& selector);

  // Name and namespace match as they were first or as they are now.
  bool Matches(const Resource& resource) const;
  std::vector<size_t> FindIn(const ResMap& map) const;

  // The parts, for replacements, which ask them of every former id.
  bool MatchesGvk(const Gvk& gvk) const;
  bool MatchesName(const std::string& name) const;
  bool MatchesNamespace(const std::string& namespace_) const;
  bool MatchesLabels(const Resource& resource) const;  // and annotations

 private:
  class Pattern;
  std::shared_ptr<const Pattern> group_, version_, kind_, name_, namespace_;
  LabelSelector labels_, annotations_;
  bool has_labels_ = false, has_annotations_ = false;
};

}  // namespace muster::kustomize
