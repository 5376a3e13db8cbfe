#include "test/sim/network.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/check.h"

namespace muster::sim {
namespace {

// How long an end takes to notice that a silent stream is dead.
constexpr absl::Duration kKeepalive = absl::Seconds(20);

}  // namespace

void Network::HubUp(std::function<void(hub::Event)> post, hub::PushBuilder* pushes) {
  post_to_hub_ = std::move(post);
  pushes_ = pushes;
}

void Network::HubDown() {
  post_to_hub_ = nullptr;
  pushes_ = nullptr;
  while (!streams_.empty()) Break(streams_.begin()->first, /*tell_hub=*/false);
}

void Network::AgentUp(int agent, AgentPort port) {
  End& end = ends_[agent];
  end.port = std::move(port);
  end.life = next_life_++;
  end.link = 0;
  end.backoff.Reset();
  parts_.queue.After(end.backoff.Next(parts_.random), [this, agent] { Dial(agent); });
}

void Network::AgentDown(int agent) {
  End& end = ends_[agent];
  end.life = next_life_++;
  end.port.post = nullptr;
  if (end.link != 0) Break(end.link, /*tell_hub=*/true);
}

void Network::Dial(int agent) {
  End& end = ends_[agent];
  if (end.port.post == nullptr || end.link != 0) return;
  if (post_to_hub_ == nullptr || end.parted) {
    parts_.queue.After(end.backoff.NextAtLeastHalf(parts_.random), [this, agent, life = end.life] {
      if (ends_[agent].life == life) Dial(agent);
    });
    return;
  }
  end.backoff.Reset();
  end.link = next_link_++;
  streams_[end.link] = Stream{.agent = agent};
  parts_.trace.Note(parts_.queue.Now(), end.port.name, absl::StrCat("dials, link ", end.link));
  ToAgent(end.link, agent::LinkUp());
}

absl::Duration Network::Delay() {
  const int64_t span = absl::ToInt64Microseconds(weather_.delay_max - weather_.delay_min);
  return weather_.delay_min +
         absl::Microseconds(static_cast<int64_t>(parts_.random.Below(span + 1)));
}

void Network::Break(hub::LinkId link, bool tell_hub) {
  const auto found = streams_.find(link);
  if (found == streams_.end()) return;
  const int agent = found->second.agent;
  const bool known_to_hub = found->second.hello_seen;
  streams_.erase(found);
  if (tell_hub && known_to_hub && post_to_hub_ != nullptr) {
    parts_.queue.After(Delay(), [this, link] {
      if (post_to_hub_ != nullptr) post_to_hub_(hub::AgentDisconnected{link});
    });
  }
  End& end = ends_[agent];
  if (end.link != link) return;
  end.link = 0;
  parts_.queue.After(Delay(), [this, agent, life = end.life] {
    End& now = ends_[agent];
    if (now.life != life || now.port.post == nullptr) return;
    now.port.post(agent::LinkDown{absl::UnavailableError("the stream broke")});
    parts_.queue.After(now.backoff.Next(parts_.random), [this, agent, life] {
      if (ends_[agent].life == life) Dial(agent);
    });
  });
}

void Network::Cut(int agent) {
  if (Connected(agent)) Break(ends_[agent].link, /*tell_hub=*/true);
}

void Network::Part(int agent, bool parted) {
  End& end = ends_[agent];
  end.parted = parted;
  if (!parted || end.link == 0) return;
  parts_.queue.After(kKeepalive, [this, agent, link = end.link] {
    if (ends_[agent].link == link) Break(link, /*tell_hub=*/true);
  });
}

// ---------------------------------------------------------------- towards the hub

void Network::SendToHub(int agent, v1::AgentMessage message) {
  const End& end = ends_[agent];
  const auto found = streams_.find(end.link);
  if (found == streams_.end()) return;
  ++messages_;
  if (end.parted || (!message.has_hello() && Lost())) return;
  const int copies = message.has_hello() ? 1 : Copies();
  for (int copy = 0; copy < copies; ++copy) {
    Stream& stream = found->second;
    stream.last_up = std::max(parts_.queue.Now() + Delay(), stream.last_up);
    parts_.queue.At(stream.last_up,
                    [this, link = end.link, message] { ArriveAtHub(link, message); });
  }
}

void Network::ArriveAtHub(hub::LinkId link, const v1::AgentMessage& message) {
  const auto found = streams_.find(link);
  if (found == streams_.end() || post_to_hub_ == nullptr) return;
  const End& end = ends_[found->second.agent];
  switch (message.message_case()) {
    case v1::AgentMessage::kHello:
      found->second.hello_seen = true;
      return post_to_hub_(hub::AgentConnected{link, end.port.cluster, end.port.spki, end.port.name,
                                              message.hello()});
    case v1::AgentMessage::kHeartbeat:
      if (found->second.hello_seen) post_to_hub_(hub::AgentHeartbeat{link, message.heartbeat()});
      return;
    case v1::AgentMessage::kReport:
      if (!found->second.hello_seen) return;
      found->second.reports[message.report().number()] =
          Digest::Of(message.report().state().SerializeAsString());
      return post_to_hub_(hub::AgentReport{link, message.report()});
    case v1::AgentMessage::kReceipts:
      if (found->second.hello_seen) post_to_hub_(hub::AgentReceipts{link, message.receipts()});
      return;
    case v1::AgentMessage::MESSAGE_NOT_SET:
      CHECK(false) << end.port.name << " sent an empty message";
  }
}

// ---------------------------------------------------------------- towards the agents

void Network::ToAgent(hub::LinkId link, agent::Event event) {
  const auto found = streams_.find(link);
  if (found == streams_.end()) return;
  const int agent = found->second.agent;
  ++messages_;
  const bool first = std::holds_alternative<agent::LinkUp>(event);
  if (!first && ends_[agent].parted) return;
  if (!first && Lost()) {
    // Without its greeting a stream is none: the real link gives up on it.
    if (std::holds_alternative<agent::Welcomed>(event)) Break(link, /*tell_hub=*/true);
    return;
  }
  const int copies = first ? 1 : Copies();
  for (int copy = 0; copy < copies; ++copy) {
    found->second.last_down = std::max(parts_.queue.Now() + Delay(), found->second.last_down);
    parts_.queue.At(found->second.last_down, [this, link, agent, life = ends_[agent].life, event] {
      const End& end = ends_[agent];
      if (end.link == link && end.life == life && end.port.post != nullptr) end.port.post(event);
    });
  }
}

void Network::Post(hub::Send send) {
  if (const auto* push = std::get_if<hub::PushDesired>(&send.message)) {
    absl::StatusOr<v1::Push> built = pushes_->Build(*push);
    CHECK_OK(built);
    ToAgent(send.link, agent::Pushed{*std::move(built)});
  } else if (const auto* welcome = std::get_if<v1::Welcome>(&send.message)) {
    ToAgent(send.link, agent::Welcomed{*welcome});
  } else if (const auto* ack = std::get_if<v1::ReportAck>(&send.message)) {
    if (ack->number() != 0) CheckAck(send.link, ack->number());
    ToAgent(send.link, agent::ReportAcked{ack->number(), ack->receipt()});
  } else {
    ToAgent(send.link, agent::ReportWanted());
  }
}

void Network::CheckAck(hub::LinkId link, uint64_t number) {
  const auto found = streams_.find(link);
  if (found == streams_.end() || !ack_check_) return;
  std::set<Digest> acceptable;
  for (auto at = found->second.reports.lower_bound(number); at != found->second.reports.end();
       ++at) {
    acceptable.insert(at->second);
  }
  ack_check_(found->second.agent, acceptable);
}

void Network::Close(const hub::CloseLink& close) { Break(close.link, /*tell_hub=*/true); }

}  // namespace muster::sim
