#include "hub/join/connection_limit.h"

#include <map>

#include "hub/join/address_limit.h"
#include "hub/rpc/connections.h"

namespace muster::hub {

int EndSurplusConnections(const ConnectionLimitOptions& options) {
  std::map<std::string, int> open;
  int ended = 0;
  for (int descriptor = 0; descriptor < options.descriptors; ++descriptor) {
    const std::string peer = PeerOfSocket(descriptor);
    if (peer.empty()) continue;
    const std::string address = AddressOfPeer(peer);
    if (++open[address] <= options.per_address || options.is_exempt(address)) continue;
    ended += ShutDownIfPeer(descriptor, peer);
  }
  return ended;
}

}  // namespace muster::hub
