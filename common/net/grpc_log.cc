#include "common/net/grpc_log.h"

#include <grpc/support/log.h>

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/log.h"

namespace muster {
namespace {

// Some of gRPC's messages list every setting of a channel.
constexpr size_t kTextMax = 240;

void Forward(gpr_log_func_args* line) {
  const absl::string_view text(line->message);
  log::Warning("grpc", {{"text", std::string(text.substr(0, kTextMax))}});
}

}  // namespace

void RouteGrpcLog() {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(&Forward);
}

}  // namespace muster
