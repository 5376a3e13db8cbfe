#include "cli/rollout_commands.h"

#include <memory>

#include "cli/commands/commands.h"

namespace muster::cli {

void AddPlan(Group& looking) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* plan =
      looking.Add("plan",
                  "Say what a commit would change in the fleet, before it rules (exit code 1: "
                  "something, 2: it cannot be rendered, or an error)",
                  "muster plan --repository apps --revision my-branch\n"
                  "  muster plan --repository apps --local . -o markdown",
                  options, Plan);
  plan->add_option("--repository", options->repository, "Whose packages")->required();
  plan->add_option("--revision", options->revision,
                   "A branch, a tag, or the 40 digits of a commit, which the hub fetches");
  plan->add_option("--local", options->local,
                   "A working tree of the repository, rendered here, before anything is pushed");
  plan->add_option("--helm", options->helm.program,
                   "With --local: Helm's program, for charts; the one on PATH when absent");
  plan->add_option("--helm-digest", options->helm.digest, "What it must be, sha256:...");
}

}  // namespace muster::cli
