#include "hub/join/connection_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace muster::hub {
namespace {

constexpr int kDescriptors = 256;

// Connections of this process with itself, all from 127.0.0.1.
class Loops {
 public:
  explicit Loops(int count) {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, plain, size), 0);
    EXPECT_EQ(listen(listener, count), 0);
    EXPECT_EQ(getsockname(listener, plain, &size), 0);
    for (int i = 0; i < count; ++i) {
      const int client = socket(AF_INET, SOCK_STREAM, 0);
      EXPECT_EQ(connect(client, plain, size), 0);
      clients_.push_back(client);
      servers_.push_back(accept(listener, nullptr, nullptr));
    }
    close(listener);
  }
  ~Loops() {
    for (const int client : clients_) close(client);
    for (const int server : servers_) close(server);
  }

  int Open() const {
    int open = 0;
    for (size_t i = 0; i < clients_.size(); ++i) {
      char byte = 0;
      open += send(clients_[i], "x", 1, MSG_NOSIGNAL) == 1 &&
              recv(servers_[i], &byte, 1, MSG_DONTWAIT) == 1;
    }
    return open;
  }

 private:
  std::vector<int> clients_;
  std::vector<int> servers_;
};

ConnectionLimitOptions Limit(int per_address, bool exempt) {
  return {.descriptors = kDescriptors,
          .per_address = per_address,
          .is_exempt = [exempt](const std::string&) { return exempt; }};
}

// Both ends are in this process, so one connection counts twice.
TEST(ConnectionLimit, EndsWhatIsTooMuch) {
  const Loops loops(10);
  EXPECT_EQ(EndSurplusConnections(Limit(8, false)), 12);
  EXPECT_EQ(loops.Open(), 4);
}

TEST(ConnectionLimit, LeavesWhatIsWithin) {
  const Loops loops(4);
  EXPECT_EQ(EndSurplusConnections(Limit(8, false)), 0);
  EXPECT_EQ(loops.Open(), 4);
}

TEST(ConnectionLimit, LeavesTheExemptAlone) {
  const Loops loops(10);
  EXPECT_EQ(EndSurplusConnections(Limit(1, true)), 0);
  EXPECT_EQ(loops.Open(), 10);
}

}  // namespace
}  // namespace muster::hub
