#include "agent/kube/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace muster::agent {
namespace {

absl::StatusOr<std::vector<SocketAddress>> LookUp(const std::string& host, int port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return absl::UnavailableError(absl::StrCat("look up '", host, "': ", gai_strerror(failed)));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    addresses.push_back(
        {at->ai_family, std::string(reinterpret_cast<const char*>(at->ai_addr), at->ai_addrlen)});
  }
  freeaddrinfo(found);
  return addresses;
}

}  // namespace

void Resolver::Resolve(const std::string& host, int port, Answer answer) {
  absl::StatusOr<std::vector<SocketAddress>> literal = LookUp(host, port, AI_NUMERICHOST);
  if (literal.ok()) {
    loop_.Post([answer = std::move(answer), literal = std::move(literal)] { answer(literal); });
    return;
  }
  if (workers_ == nullptr) workers_ = std::make_unique<Workers>("resolve", 1);
  workers_->Run([&loop = loop_, host, port, answer = std::move(answer)] {
    loop.Post([answer, found = LookUp(host, port, 0)] { answer(found); });
  });
}

}  // namespace muster::agent
