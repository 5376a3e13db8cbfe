// Repeats one run of the simulation, from the line that a failing test printed.
//
//   bazel run //test/sim:replay -- --seed 17 --agents 50
#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/time/clock.h"
#include "test/sim/world.h"

int main(int argc, char** argv) {
  muster::sim::WorldSettings settings;
  int storm_minutes = 10;
  int tail = 0;
  bool calm = false;
  CLI::App app("One seeded run of the simulated world");
  app.add_option("--seed", settings.seed);
  app.add_option("--agents", settings.agents);
  app.add_option("--commits", settings.commits);
  app.add_option("--minutes", storm_minutes, "of simulated storm");
  app.add_option("--tail", tail, "newest lines of the trace to print");
  app.add_flag("--no-faults", calm);
  CLI11_PARSE(app, argc, argv);
  settings.storm = absl::Minutes(storm_minutes);
  settings.faults = !calm;

  const absl::Time start = absl::Now();
  muster::sim::World world(settings);
  world.Run();
  std::cout << world.trace().Tail(tail) << "seed " << settings.seed << ": converged, trace "
            << world.trace().digest().short_hex() << ", " << world.tally().turns << " turns, "
            << world.network().messages() << " messages, "
            << absl::FormatDuration(absl::Now() - start) << "\n";
}
