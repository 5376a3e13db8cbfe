// Connections: ends TCP connections of this process by the address of their peer. gRPC can end a
// stream but not the connection under it, and counts no connections.
//
// ShutDownConnection looks at every descriptor of the process (about a microsecond each), so it is
// for rare events and for threads that may wait. Any thread.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace muster::hub {

// `peer` as gRPC names it: "ipv4:192.0.2.1:5000", "ipv6:%5B2001:db8::1%5D:5000". Returns whether
// there was such a connection. Its owner sees it broken, as if the peer had reset it.
bool ShutDownConnection(absl::string_view peer);

// The peer of the socket `descriptor`, as gRPC names it; empty for anything but a connection.
std::string PeerOfSocket(int descriptor);

// Ends the connection that is `descriptor` if it is still with `peer`; returns whether it was.
bool ShutDownIfPeer(int descriptor, absl::string_view peer);

}  // namespace muster::hub
