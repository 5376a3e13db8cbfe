#include "hub/rpc/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace muster::hub {
namespace {

// A TCP connection of this process with itself.
class Loop {
 public:
  Loop() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, plain, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, plain, &size), 0);
    client_ = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(client_, plain, size), 0);
    server_ = accept(listener, plain, &size);
    EXPECT_GE(server_, 0);
    peer_ = absl::StrCat("ipv4:127.0.0.1:", ntohs(address.sin_port));
    close(listener);
  }
  ~Loop() {
    close(client_);
    close(server_);
  }

  // Whom the server's end is connected to.
  const std::string& peer() const { return peer_; }

  bool IsOpen() const {
    char byte = 0;
    return send(client_, "x", 1, MSG_NOSIGNAL) == 1 && recv(server_, &byte, 1, MSG_DONTWAIT) == 1;
  }

 private:
  int client_ = -1;
  int server_ = -1;
  std::string peer_;
};

TEST(ShutDownConnection, EndsTheOneOfThatPeerAndNoOther) {
  const Loop doomed;
  const Loop other;
  ASSERT_TRUE(doomed.IsOpen());
  EXPECT_TRUE(ShutDownConnection(doomed.peer()));
  EXPECT_FALSE(doomed.IsOpen());
  EXPECT_TRUE(other.IsOpen());
}

TEST(ShutDownConnection, SaysWhenThereIsNone) {
  std::string peer;
  {
    const Loop gone;
    peer = gone.peer();
  }
  EXPECT_FALSE(ShutDownConnection(peer));
  EXPECT_FALSE(ShutDownConnection("ipv4:192.0.2.1:5000"));
  EXPECT_FALSE(ShutDownConnection(""));
}

}  // namespace
}  // namespace muster::hub
