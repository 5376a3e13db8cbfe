// The simulation bench: how fast a world runs. Prints JSON Lines.
//
//   bazel run -c opt //test/bench:sim -- --agents 1000 --minutes 60
#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "test/bench/metric.h"
#include "test/sim/world.h"

int main(int argc, char** argv) {
  muster::sim::WorldSettings settings;
  settings.agents = 1'000;
  settings.keep_json = true;
  int minutes = 60;
  CLI::App app("A simulated fleet, timed");
  app.add_option("--agents", settings.agents);
  app.add_option("--minutes", minutes, "of simulated time");
  app.add_option("--seed", settings.seed);
  CLI11_PARSE(app, argc, argv);
  settings.storm = absl::Minutes(minutes);

  const absl::Time start = absl::Now();
  muster::sim::World world(settings);
  world.Run();
  const std::string extra = absl::StrCat("\"agents\":", settings.agents, ",\"simulated_s\":",
                                         minutes * 60, ",\"turns\":", world.tally().turns);
  muster::bench::PrintMetric("sim", "wall", absl::ToDoubleSeconds(absl::Now() - start), "s", extra);
}
