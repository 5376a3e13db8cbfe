// RouteGrpcLog: gRPC's errors as lines of our log, instead of its own format on stderr.
//
// Call once in main. Refused handshakes are among them: they are written, shortened, as warnings.
#pragma once

namespace muster {

void RouteGrpcLog();

}  // namespace muster
