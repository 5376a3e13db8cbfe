// Environment: everything outside the process that a command touches: streams, variables, files'
// places, the clock, the hub. main.cc makes the real one, tests make their own. One thread.
#pragma once

#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/hub_client.h"
#include "cli/program.h"
#include "common/base/clock.h"

namespace muster::cli {

struct Environment {
  std::istream& in;
  std::ostream& out;  // data
  std::ostream& err;  // messages
  bool in_terminal = false;
  bool out_terminal = false;
  bool err_terminal = false;
  int width = 0;  // of the terminal; zero: unlimited
  std::map<std::string, std::string> variables;
  const Clock& clock;

  // Makes a client; see ConnectHub.
  std::function<absl::StatusOr<std::shared_ptr<HubClient>>(const HubAddress&, absl::Duration)>
      connect;
  // Waits.
  std::function<void(absl::Duration)> sleep;
  // Runs a program of ours ("muster-hub"), found beside this one or on PATH, with our streams.
  // Returns its exit code.
  std::function<absl::StatusOr<int>(const std::string& program,
                                    const std::vector<std::string>& arguments)>
      run;
  // Runs any program on PATH with `input` on its stdin, and keeps what it prints.
  std::function<absl::StatusOr<ProgramResult>(const std::vector<std::string>& words,
                                              const std::string& input)>
      capture;

  // The variable's value; empty when it is not set.
  std::string Variable(const std::string& name) const {
    const auto found = variables.find(name);
    return found == variables.end() ? "" : found->second;
  }
};

}  // namespace muster::cli
