#include "agent/kube/watch_set.h"

namespace muster::agent {
namespace {

constexpr size_t kNamespacesOneByOne = 3;

}  // namespace

std::set<View> WatchSet::ViewsOf(const Need& need) const {
  if (!need.api.lists || !need.api.watches) return {};
  const bool one_by_one =
      need.api.namespaced && (need.namespaces.size() <= kNamespacesOneByOne ||
                              not_as_a_whole_.contains({need.api_version, need.kind}));
  if (!one_by_one) return {{need.api_version, need.kind, ""}};
  std::set<View> views;
  for (const std::string& name : need.namespaces) {
    if (!name.empty()) views.insert({need.api_version, need.kind, name});
  }
  return views;
}

std::vector<WatchSet::Coverage> WatchSet::Cover(const std::vector<Need>& needs) {
  std::vector<std::set<View>> views;
  std::set<View> wanted;
  for (const Need& need : needs) {
    views.push_back(ViewsOf(need));
    wanted.insert(views.back().begin(), views.back().end());
  }
  std::erase_if(reflectors_, [&](const auto& each) { return !wanted.contains(each.first); });
  std::vector<Coverage> coverage;
  for (size_t i = 0; i < needs.size(); ++i) {
    for (const View& view : views[i]) {
      std::unique_ptr<Reflector>& reflector = reflectors_[view];
      if (reflector != nullptr) continue;
      reflector = std::make_unique<Reflector>(client_, cache_, view, needs[i].api, settled_);
    }
    coverage.push_back(CoverageOf(needs[i], views[i]));
  }
  return coverage;
}

WatchSet::Coverage WatchSet::CoverageOf(const Need& need, const std::set<View>& views) {
  using State = Coverage::State;
  if (views.empty()) return {.state = State::kUnwatched};
  Coverage coverage{.state = State::kLive};
  for (const View& view : views) {
    const Reflector& reflector = *reflectors_.at(view);
    if (reflector.live()) continue;
    const absl::Status& why = reflector.failure();
    if (why.ok()) {
      if (coverage.state == State::kLive) coverage.state = State::kPending;
    } else if (absl::IsPermissionDenied(why) || absl::IsUnimplemented(why)) {
      if (view.namespace_.empty() && need.api.namespaced) {
        not_as_a_whole_.insert({need.api_version, need.kind});
        settled_();  // The next Cover watches each namespace.
        return {.state = State::kPending};
      }
      coverage.state = State::kUnwatched;
    } else if (absl::IsNotFound(why)) {
      return {.state = State::kGone};
    } else {
      return {.state = State::kFailed, .why = why, .answered = reflector.answered()};
    }
  }
  return coverage;
}

void WatchSet::Hurry() {
  for (const auto& [view, reflector] : reflectors_) reflector->Hurry();
}

void WatchSet::Relist(const Need& need) {
  for (const View& view : ViewsOf(need)) reflectors_.erase(view);
}

}  // namespace muster::agent
