// Prints the JSON Schema of a kind: bazel run //common/config:print_schema -- Package
#include <iostream>

#include "common/config/schema.h"
#include "common/config/schema_json.h"

int main(int argc, char** argv) {
  const muster::KindSpec* kind = argc == 2 ? muster::FindKind(argv[1]) : nullptr;
  if (kind == nullptr || !kind->built) {
    std::cerr << "usage: print_schema Cluster|Package|Repository|RolloutPlan|Signers\n";
    return 2;
  }
  std::cout << muster::KindSchemaText(*kind);
  return 0;
}
