#include "hub/addresses.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
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

// Ports of which the kernel gives none to connections that go out, so that none takes ours between
// now and when we listen.
constexpr uint32_t kFirstPort = 15'000;
constexpr uint32_t kPorts = 17'000;
constexpr int kTries = 64;

// Whether the port, which is set in `where`, can be listened on.
absl::Status TryPort(const addrinfo& where) {
  const int socket = ::socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ok = socket >= 0 && bind(socket, where.ai_addr, where.ai_addrlen) == 0;
  const int error = errno;
  if (socket >= 0) close(socket);
  return ok ? absl::OkStatus() : absl::UnavailableError(std::strerror(error));
}

// A port that nobody has at this moment.
absl::StatusOr<int> FreePort(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  absl::Status last;
  for (int i = 0; i < kTries; ++i) {
    const uint32_t port = kFirstPort + arc4random_uniform(kPorts);
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found)) {
      return absl::InvalidArgumentError(
          absl::StrCat("listen on ", host, ": ", gai_strerror(error)));
    }
    last = TryPort(*found);
    freeaddrinfo(found);
    if (last.ok()) return static_cast<int>(port);
  }
  return Annotate(last, absl::StrCat("listen on ", host));
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
  if (!wanted.console.empty()) RETURN_IF_ERROR(Choose(wanted.console));
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
                                   "\njoin=", addresses.join, "\n",
                                   addresses.console.empty() ? "" : "console=", addresses.console,
                                   addresses.console.empty() ? "" : "\n"));
}

void RemoveAddresses(const std::string& data_directory) {
  unlink(absl::StrCat(data_directory, "/addresses").c_str());
}

}  // namespace muster::hub
