#include "hub/core/remote_bases.h"

#include <algorithm>

#include "hub/core/keys.h"

namespace muster::hub {
namespace pb = muster::v1;

void DeclareRepositories(const State& state, pb::RenderRequest& request,
                         RenderUnderWay& under_way) {
  for (const auto& [name, repository] : state.repositories) {
    if (name.text() == keys::kFleetRepository) continue;
    pb::DeclaredRepository& declared = *request.add_declared();
    *declared.mutable_spec() = repository.record.spec();
    declared.set_commit(repository.record.commit());
    *declared.mutable_charts() = repository.record.charts();
    under_way.declared.emplace(name, repository.record.commit());
  }
}

bool MustRenderAgain(const State& state, const RenderUnderWay& under_way, const Rendered& result) {
  const auto moved = [&](const std::string& name) {
    const auto seen = under_way.declared.find(RepositoryName(name));
    const auto now = state.repositories.find(RepositoryName(name));
    return seen == under_way.declared.end() || now == state.repositories.end() ||
           seen->second != now->second.record.commit();
  };
  const auto is_new = [&](const auto& repository) {
    return repository.first.text() != keys::kFleetRepository &&
           !under_way.declared.contains(repository.first);
  };
  if (std::any_of(result.repositories.begin(), result.repositories.end(), moved)) return true;
  return !result.status.ok() &&
         std::any_of(state.repositories.begin(), state.repositories.end(), is_new);
}

void RenderBasesAgain(Turn& turn, const RepositoryName& name, bool failed_too) {
  for (auto& [package_name, package] : turn.state.packages) {
    for (auto& [params, variant] : package.variants) {
      const bool failed = failed_too && variant.error != nullptr;
      if (!failed && !variant.repositories.contains(name)) continue;
      variant.again = true;
      turn.state.marks.render.insert(RepositoryName(package.record.spec().repository()));
    }
  }
}

}  // namespace muster::hub
