#include "hub/addresses.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/trust/key_file.h"

namespace muster::hub {
namespace {

struct HostPort {
  std::string host;  // without brackets
  int port = 0;
};

absl::StatusOr<HostPort> Split(const std::string& address) {
  HostPort parts;
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(address.substr(colon + 1), &parts.port) || parts.port < 0 ||
      parts.port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen address '", address, "' is not of the form host:port"));
  }
  parts.host = address.substr(0, colon);
  if (parts.host.front() == '[' && parts.host.back() == ']') {
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  return parts;
}

// A port that nobody has at this moment. Somebody could take it before we do; then listening fails.
absl::StatusOr<int> FreePort(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), "0", &hints, &found)) {
    return absl::InvalidArgumentError(absl::StrCat("listen on ", host, ": ", gai_strerror(error)));
  }
  const int socket = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  const bool ok = bind(socket, found->ai_addr, found->ai_addrlen) == 0 &&
                  getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) == 0;
  const int error = errno;
  freeaddrinfo(found);
  close(socket);
  if (!ok) {
    return absl::UnavailableError(absl::StrCat("listen on ", host, ": ", std::strerror(error)));
  }
  char port[NI_MAXSERV] = {};
  getnameinfo(reinterpret_cast<sockaddr*>(&bound), size, nullptr, 0, port, sizeof(port),
              NI_NUMERICSERV);
  int number = 0;
  (void)absl::SimpleAtoi(port, &number);
  return number;
}

absl::Status Choose(std::string& address) {
  ASSIGN_OR_RETURN(const HostPort parts, Split(address));
  if (parts.port != 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int port, FreePort(parts.host));
  address = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListenAddresses> ChooseAddresses(ListenAddresses wanted) {
  RETURN_IF_ERROR(Choose(wanted.agent));
  RETURN_IF_ERROR(Choose(wanted.operators));
  RETURN_IF_ERROR(Choose(wanted.join));
  return wanted;
}

std::string Advertised(const std::string& advertised, const std::string& listen) {
  if (!advertised.empty()) return advertised;
  if (!absl::StartsWith(listen, "0.0.0.0:") && !absl::StartsWith(listen, "[::]:")) return listen;
  char name[256] = {};
  if (gethostname(name, sizeof(name) - 1) != 0) return listen;
  return absl::StrCat(name, listen.substr(listen.rfind(':')));
}

absl::Status WriteAddresses(const std::string& data_directory, const ListenAddresses& addresses) {
  return WriteKeyFile(absl::StrCat(data_directory, "/addresses"),
                      absl::StrCat("agent=", addresses.agent, "\noperator=", addresses.operators,
                                   "\njoin=", addresses.join, "\n"));
}

void RemoveAddresses(const std::string& data_directory) {
  unlink(absl::StrCat(data_directory, "/addresses").c_str());
}

}  // namespace muster::hub
