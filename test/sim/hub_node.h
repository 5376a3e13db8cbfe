// HubNode: the hub of a simulated world: the real shell and core over a disk, a network and a Git
// host that are not.
//
// One thread.
#pragma once

#include <memory>
#include <string>

#include "common/base/random.h"
#include "common/trust/ed25519.h"
#include "hub/answers.h"
#include "hub/hub.h"
#include "hub/jobs.h"
#include "hub/push.h"
#include "hub/source/memory_source.h"
#include "test/sim/network.h"
#include "test/sim/node.h"

namespace muster::sim {

class HubNode final : public Node {
 public:
  struct Setup {
    World world;
    Network& network;
    hub::MemoryRemotes& remotes;
    Ed25519PrivateKey signing_key;
    std::string hub_id;
    uint64_t seed = 0;
  };

  explicit HubNode(Setup setup);
  ~HubNode() override;

  // What people see; null while the hub is down.
  std::shared_ptr<const hub::FleetView> view() const;

  // An operator's command. Dropped when the hub is down.
  void Ask(hub::OperatorCommand command);

 protected:
  void Build() override;
  void Destroy() override;
  void RunTurn(absl::Time now) override;
  absl::Time NextWake() const override { return hub_->NextWake(); }

 private:
  class Jobs;
  class NoAnswers;

  void Post(hub::Event event);

  Setup setup_;
  hub::MemorySource clones_;  // outlive the process, as a directory of clones does
  Ed25519Signer signer_;
  std::unique_ptr<NoAnswers> answers_;

  // Of the present life.
  std::unique_ptr<SeededRandom> random_;
  std::unique_ptr<hub::HubCore> core_;
  std::unique_ptr<hub::PushBuilder> pushes_;
  std::unique_ptr<Jobs> jobs_;
  std::unique_ptr<hub::Hub> hub_;
  hub::RequestId next_request_ = 1;
};

}  // namespace muster::sim
