// TLS: how hub, agents and operators meet. Every credential and every limit of a connection is made
// here, so that no listener and no channel can be more lenient than another.
//
// TLS 1.3 only; the hub's pinned root is the only authority, never the web's. Server certificates
// are read once: a hub makes itself a new one when it starts. An agent that has renewed its
// certificate makes a new channel. Any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/digest.h"
#include "common/trust/identity.h"

namespace grpc {
class AuthContext;
class Channel;
class ChannelCredentials;
class ServerBuilder;
class ServerCredentials;
}  // namespace grpc

namespace muster {

// Prepares this process for gRPC: TLS 1.3 is the only version that it speaks, and its mutexes do
// not look for deadlocks, which costs time and memory with each lock. Call first in main, before
// anything of gRPC; the functions below CHECK that it was called.
void PrepareGrpc();

// A certificate and its key, both in PEM.
struct TlsKeyPair {
  std::string certificate_pem;
  std::string private_key_pem;
};

// For the agent and operator listeners: a peer without a certificate by `root_pem` is refused
// before a byte of HTTP is read.
std::shared_ptr<grpc::ServerCredentials> MutualTlsServer(const std::string& root_pem,
                                                         const TlsKeyPair& server);

// For the join listener: asks no certificate of the peer.
std::shared_ptr<grpc::ServerCredentials> JoinTlsServer(const TlsKeyPair& server);

// The limits of a listener: handshake time, message and metadata sizes, streams, keepalive.
void LimitServer(grpc::ServerBuilder& builder);

// A channel to the hub at `address` ("host:port"), verified by `root_pem` and kHubServerName.
// `client` is absent for the join listener only. Each channel has connections of its own, so that a
// new one uses the new certificate.
std::shared_ptr<grpc::Channel> DialHub(const std::string& address, const std::string& root_pem,
                                       const std::optional<TlsKeyPair>& client);

// Who is at the other end of a verified connection.
struct PeerIdentity {
  Identity identity;
  Digest spki;  // of the certificate's key: for the allow-list
};

// Reads the peer's certificate. kUnauthenticated when there is none, or it is no cluster's or
// operator's of the hub `hub_id`. Costs about half a millisecond: once a stream, not a message.
// `context` is ServerContextBase::auth_context().
absl::StatusOr<PeerIdentity> PeerIdentityOf(const grpc::AuthContext& context,
                                            const std::string& hub_id);

}  // namespace muster
