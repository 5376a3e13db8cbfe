// JoinChild: the join listener, a process of its own: the only port of the hub that answers without
// a client certificate. It can do one thing: hand an EnrollRequest to the hub and bring the answer
// back. It holds its server key and nothing else of value, and is limited in memory and rights.
//
// What it stops by itself: slow handshakes, long messages, connections that stay, and addresses
// that ask too often (loopback excepted, where agents of one machine share an address).
#pragma once

#include <string>
#include <vector>

namespace muster::hub {

// The name for RunAsChild.
inline constexpr char kJoinChildName[] = "join";

// The child's program: serves until its parent goes away.
int JoinChildMain(const std::vector<std::string>& arguments);

}  // namespace muster::hub
