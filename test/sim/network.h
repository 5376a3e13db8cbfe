// Network: the streams between the agents and the hub of a simulated world, with delay, loss,
// duplication and cuts.
//
// A stream delivers in order. Losing or repeating a message inside one is more than TCP would do;
// the protocol is level-triggered and has to bear it. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/core/event.h"
#include "agent/rpc/hub_link.h"
#include "common/base/backoff.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/random.h"
#include "hub/core/event.h"
#include "hub/push.h"
#include "hub/rpc/agent_links.h"
#include "proto/agent_service.pb.h"
#include "test/sim/event_queue.h"
#include "test/sim/trace.h"

namespace muster::sim {

// How bad it is out there. Changed while the world runs; shares are per thousand messages.
struct Weather {
  absl::Duration delay_min = absl::Milliseconds(1);
  absl::Duration delay_max = absl::Milliseconds(20);
  int loss = 0;
  int duplication = 0;
};

// One end of the network at an agent: who it is, and how events reach it.
struct AgentPort {
  std::string name;
  ClusterId cluster;
  Digest spki;
  std::function<void(agent::Event)> post;
};

class Network final : public hub::AgentLinks {
 public:
  struct Parts {
    EventQueue& queue;
    Random& random;
    Trace& trace;
  };

  explicit Network(Parts parts) : parts_(parts) {}

  Weather& weather() { return weather_; }

  // ---- the hub's end

  // The hub is up and takes streams; `pushes` makes what it sends. Both must live until HubDown.
  void HubUp(std::function<void(hub::Event)> post, hub::PushBuilder* pushes);
  // Every stream breaks; agents notice after a while.
  void HubDown();

  void Post(hub::Send send) override;
  void Close(const hub::CloseLink& close) override;

  // ---- the agents' ends, by their index

  // The agent is up and dials until AgentDown.
  void AgentUp(int agent, AgentPort port);
  void AgentDown(int agent);
  void SendToHub(int agent, v1::AgentMessage message);

  // ---- faults

  // Breaks the agent's stream, if it has one.
  void Cut(int agent);
  // While parted, the agent cannot dial, and its stream is silent both ways until a keepalive.
  void Part(int agent, bool parted);

  // Called when the hub acknowledges a report: whose it is, and the digests of the states of that
  // report and of later ones that have arrived, one of which must be on the hub's disk.
  using AckCheck = std::function<void(int agent, const std::set<Digest>& acceptable)>;
  void set_ack_check(AckCheck check) { ack_check_ = std::move(check); }

  bool Connected(int agent) const { return ends_.count(agent) && ends_.at(agent).link != 0; }
  int64_t messages() const { return messages_; }

 private:
  struct End {
    AgentPort port;
    uint64_t life = 0;     // rises with each AgentUp: what was meant for a former life is dropped
    hub::LinkId link = 0;  // zero: none
    bool parted = false;
    Backoff backoff{absl::Seconds(1), absl::Seconds(30)};
  };
  struct Stream {
    int agent = 0;
    bool hello_seen = false;
    absl::Time last_up;                  // when the newest message towards the hub arrives
    absl::Time last_down;                // likewise towards the agent
    std::map<uint64_t, Digest> reports;  // that arrived: number -> digest of the state
  };

  void Dial(int agent);
  void Break(hub::LinkId link, bool tell_hub);
  absl::Duration Delay();
  bool Lost() { return parts_.random.Below(1000) < static_cast<uint64_t>(weather_.loss); }
  int Copies() {
    return parts_.random.Below(1000) < static_cast<uint64_t>(weather_.duplication) ? 2 : 1;
  }
  void ArriveAtHub(hub::LinkId link, const v1::AgentMessage& message);
  void ToAgent(hub::LinkId link, agent::Event event);
  void CheckAck(hub::LinkId link, uint64_t number);

  Parts parts_;
  Weather weather_;
  AckCheck ack_check_;
  std::function<void(hub::Event)> post_to_hub_;  // null while the hub is down
  hub::PushBuilder* pushes_ = nullptr;
  std::map<int, End> ends_;
  std::map<hub::LinkId, Stream> streams_;
  hub::LinkId next_link_ = 1;
  uint64_t next_life_ = 1;
  int64_t messages_ = 0;
};

// The agent's view of the network.
class SimLink final : public agent::HubLink {
 public:
  SimLink(Network& network, int agent) : network_(network), agent_(agent) {}
  void Send(v1::AgentMessage message) override { network_.SendToHub(agent_, std::move(message)); }

 private:
  Network& network_;
  const int agent_;
};

}  // namespace muster::sim
