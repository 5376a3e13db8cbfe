// The main of integration tests: their own binary is also the hub's children.
#include <optional>

#include "common/net/grpc_log.h"
#include "common/net/tls.h"
#include "gtest/gtest.h"
#include "hub/child/child_process.h"
#include "hub/child/fetch_child.h"
#include "hub/join/join_child.h"

int main(int argc, char** argv) {
  const std::optional<int> child =
      muster::hub::RunAsChild(argc, argv,
                              {{"fetch", &muster::hub::FetchChildMain},
                               {"render", &muster::hub::RenderChildMain},
                               {muster::hub::kJoinChildName, &muster::hub::JoinChildMain}});
  if (child.has_value()) return *child;
  muster::PrepareGrpc();
  muster::RouteGrpcLog();
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
