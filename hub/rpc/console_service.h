// ConsoleService: turns an operator's certificate into a code that signs a browser in. Stands on
// the operators' listener, beside OperatorService. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace muster::hub {

struct ConsoleLogin {
  std::string url;
  std::string code;
  absl::Time expires;
  std::string fingerprint;
  bool private_authority = true;
};

class ConsoleService {
 public:
  // `create` makes a code for the operator of that name; any thread.
  ConsoleService(std::string hub_id,
                 std::function<absl::StatusOr<ConsoleLogin>(const std::string& actor)> create);
  ~ConsoleService();

  // For the server, which must be shut down before the service is destroyed.
  grpc::Service* service();

 private:
  class Calls;
  std::unique_ptr<Calls> calls_;
};

}  // namespace muster::hub
