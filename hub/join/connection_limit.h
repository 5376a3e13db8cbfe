// ConnectionLimit: how many connections one address may have open at a time. gRPC counts none, so
// this looks at the process's sockets and ends what is too much, the newest descriptors first.
//
// A look costs about a microsecond a descriptor, so it may be taken several times a second. One
// thread.
#pragma once

#include <functional>
#include <string>

namespace muster::hub {

struct ConnectionLimitOptions {
  int descriptors = 0;  // the process has none from this number on
  int per_address = 0;
  // Whether connections of this address (see AddressOfPeer) are left alone.
  std::function<bool(const std::string& address)> is_exempt;
};

// Ends the surplus connections of every address. Returns how many there were.
int EndSurplusConnections(const ConnectionLimitOptions& options);

}  // namespace muster::hub
