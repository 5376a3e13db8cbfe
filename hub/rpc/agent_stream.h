// AgentStream: the Connect stream of one agent, seen from the hub.
//
// Made by AgentService for a peer that was let in. Reactions parse and post, and never wait: one
// read and one write are in flight, whatever else waits does so in four slots of fixed number, in
// which the newest wins, so that a slow reader costs no memory. Any thread may send or end; gRPC's
// threads read. Keeps itself alive until gRPC is done with it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/base/ids.h"
#include "common/base/mutex.h"
#include "hub/core/event.h"
#include "hub/core/outbox.h"
#include "proto/agent_service.grpc.pb.h"

namespace muster::hub {

// Who is at the other end, by the verified certificate.
struct AgentPeer {
  ClusterId cluster;
  Digest spki;
  std::string address;
};

class AgentStream final : public grpc::ServerBidiReactor<v1::AgentMessage, v1::HubMessage>,
                          public std::enable_shared_from_this<AgentStream> {
 public:
  // What the stream needs of its service, which outlives it.
  class Host {
   public:
    virtual ~Host() = default;
    virtual void Arrived(Event event) = 0;
    virtual void Ended(LinkId link) = 0;  // last word of a stream
  };

  AgentStream(LinkId link, AgentPeer peer, grpc::CallbackServerContext* context, Host& host,
              absl::Time now);

  // Starts to read. Once, before anything else.
  void Start();

  LinkId link() const { return link_; }
  const AgentPeer& peer() const { return peer_; }

  // Queues a message; dropped when the stream has ended.
  void Send(v1::Welcome welcome);
  void Send(v1::ReportWanted wanted);
  // An acknowledgement is in no hurry: it leaves with the next push or with DoUnhurried, and one
  // speaks for all before it. So a commit that reaches the whole fleet is not slowed by thousands
  // of them.
  void Send(v1::ReportAck ack);

  // Says what is to be acknowledged, and hands on the receipts that came, which then share a turn
  // and a write with those of other agents. Called each second.
  void DoUnhurried();

  // A desired state that waits to be signed; of several the newest. Returns true when none waited.
  bool Offer(PushDesired desired);
  // Takes what was offered, with a number that rises; nullopt when nothing waits.
  std::optional<std::pair<uint64_t, PushDesired>> TakeOffer();
  // Queues the signed one, unless a newer was queued before.
  void Send(uint64_t number, v1::Push push);

  // Ends the stream with `status`, at once even if the peer does not read.
  void End(absl::Status status);

  // Whether the peer has not said Hello although it had `patience`.
  bool IsMute(absl::Time now, absl::Duration patience) const;

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // Checks and posts one message; an error ends the stream.
  absl::Status Accept(v1::AgentMessage& message);
  absl::Status AcceptHello(v1::Hello& hello);
  void AcceptReport(std::unique_ptr<v1::Report> report);
  bool SpendAllowance();

  bool HasAck() const EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ack_.number() != 0 || !ack_.receipt().empty();
  }
  void WriteNext() EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLocked(absl::Status status) EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const LinkId link_;
  const AgentPeer peer_;
  grpc::CallbackServerContext* const context_;
  Host& host_;
  const absl::Time opened_;

  // Touched by reads only, one at a time.
  std::shared_ptr<AgentStream> self_;
  v1::AgentMessage arrived_;
  int allowance_;
  absl::Time allowance_time_;

  mutable Mutex mutex_;
  v1::HubMessage leaving_;  // guarded while writing_ is false; gRPC's while it is true
  bool writing_ GUARDED_BY(mutex_) = false;
  bool ended_ GUARDED_BY(mutex_) = false;
  bool greeted_ GUARDED_BY(mutex_) = false;
  bool report_wanted_ GUARDED_BY(mutex_) = false;
  bool ack_due_ GUARDED_BY(mutex_) = false;
  bool report_under_way_ GUARDED_BY(mutex_) = false;  // handed on and not acknowledged yet
  std::unique_ptr<v1::Report> next_report_ GUARDED_BY(mutex_);
  int ack_age_ GUARDED_BY(mutex_) = 0;  // of the oldest, in calls of DoUnhurried
  absl::Status last_word_ GUARDED_BY(mutex_);
  v1::ReportAck ack_ GUARDED_BY(mutex_);
  uint64_t offered_number_ GUARDED_BY(mutex_) = 0;
  uint64_t push_number_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<v1::Receipts> receipts_ GUARDED_BY(mutex_);  // that came since DoUnhurried
  std::unique_ptr<v1::Welcome> welcome_ GUARDED_BY(mutex_);
  std::unique_ptr<PushDesired> offered_ GUARDED_BY(mutex_);
  std::unique_ptr<v1::Push> push_ GUARDED_BY(mutex_);
};

}  // namespace muster::hub
