// Addresses: where a hub listens, and how others learn of it.
//
// Blocks on a small file; any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace muster::hub {

// host:port each; the console's may be empty: none.
struct ListenAddresses {
  std::string agent;
  std::string operators;
  std::string join;
  std::string console;
};

// The same addresses, with a free port in place of each port 0. kInvalidArgument for one that is
// not host:port.
absl::StatusOr<ListenAddresses> ChooseAddresses(ListenAddresses wanted);

// What to tell others: `advertised` if it is not empty, else `listen`, with this machine's name in
// place of "every address".
std::string Advertised(const std::string& advertised, const std::string& listen);

// Writes DIR/addresses, one line each: "agent=host:port", "operator=", "join=" and, if
// there is one, "console=". Appears whole, and
// only once the hub is ready.
absl::Status WriteAddresses(const std::string& data_directory, const ListenAddresses& addresses);

// Removes that file.
void RemoveAddresses(const std::string& data_directory);

}  // namespace muster::hub
