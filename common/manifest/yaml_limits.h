// How much one YAML file may mean, once its aliases are expanded.
//
// Beside limits.h because only the reader and what writes into read values count nodes. Constants;
// any thread.
#pragma once

namespace muster {

inline constexpr int kYamlNodesMax = 700'000;  // a file, aliases expanded

}  // namespace muster
