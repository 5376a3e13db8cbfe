#include "hub/rpc/connections.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace muster::hub {

std::string PeerOfSocket(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &ipv4.sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(ipv4.sin_port));
  }
  if (address.ss_family != AF_INET6) return "";
  const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(address);
  if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
    inet_ntop(AF_INET, &ipv6.sin6_addr.s6_addr[12], text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(ipv6.sin6_port));
  }
  inet_ntop(AF_INET6, &ipv6.sin6_addr, text, sizeof(text));
  return absl::StrCat("ipv6:%5B", text, "%5D:", ntohs(ipv6.sin6_port));
}

// Compares and acts on a duplicate, so that the number cannot come to mean another socket between.
bool ShutDownIfPeer(int descriptor, absl::string_view peer) {
  const int socket = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (socket < 0) return false;
  const bool same = PeerOfSocket(socket) == peer;
  if (same) shutdown(socket, SHUT_RDWR);
  close(socket);
  return same;
}

bool ShutDownConnection(absl::string_view peer) {
  if (peer.empty()) return false;  // what is no connection has no peer
  DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return false;
  bool found = false;
  while (const dirent* const entry = readdir(directory)) {
    int descriptor = -1;
    if (!absl::SimpleAtoi(entry->d_name, &descriptor)) continue;
    if (ShutDownIfPeer(descriptor, peer)) found = true;
  }
  closedir(directory);
  return found;
}

}  // namespace muster::hub
