// ViewBuilder: makes the FleetView out of the state: what is marked is built anew, the rest is
// shared with the view before. Pure; the core's thread.
#pragma once

#include <memory>

#include "hub/core/state.h"

namespace muster::hub {

class ViewBuilder {
 public:
  explicit ViewBuilder(State& state) : state_(state) {}

  // Marks everything: after a load.
  void MarkAll();

  // The view of the present state; the one before when nothing changed.
  std::shared_ptr<const FleetView> Build();

 private:
  void BuildCluster(const ClusterName& name, FleetView& view);
  void BuildHeard(const ClusterId& id, FleetView& view);
  void BuildPackage(const PackageName& name, FleetView& view);
  void BuildRepository(const RepositoryName& name, FleetView& view);
  void BuildHub(FleetView& view);
  // Keeps the look-ups by id and by key in step with a row that changed; either may be null.
  void Relist(const ClusterRow* before, const ClusterRow* after, FleetView& view);

  State& state_;
};

}  // namespace muster::hub
