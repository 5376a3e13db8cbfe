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

namespace {

void AddDecision(Group& group, const std::string& action, const std::string& what) {
  const auto options = std::make_shared<RolloutDecisionOptions>();
  options->action = action;
  CLI::App* command =
      group.Add(action, what, "muster rollout " + action + " web", options, DecideRollout);
  command->add_option("PACKAGE", options->package, "Name of the package")->required();
  command->add_option("--release", options->release,
                      "The release that you looked at, all 64 digits; refused if it is another");
  if (action == "approve") command->add_option("--wave", options->wave, "The wave that waits");
  command->add_option("--reason", options->reason, "For the record");
}

}  // namespace

void AddRollout(CommandTree& tree, Group& changing, const char* group) {
  CLI::App* rollout =
      AddParent(tree, group, "rollout", "See and lead how a package goes through its waves");
  Group rollouts(tree, *rollout, "Commands");
  const auto status = std::make_shared<RolloutStatusOptions>();
  CLI::App* command =
      rollouts.Add("status", "Show waves, and what is waited for (exit code 1: not complete)",
                   "muster rollout status web --watch", status, RolloutStatus);
  command->add_option("PACKAGE", status->package, "Name of the package")->required();
  command->add_flag("-w,--watch", status->watch, "Until it is complete, or stops");
  AddDecision(rollouts, "approve", "Open the gate that a release waits at");
  AddDecision(rollouts, "pause", "Move nobody else for now");
  AddDecision(rollouts, "resume", "Go on; what failed so far no longer counts");
  AddDecision(rollouts, "abort", "End it; what was moved stays");
  AddDecision(rollouts, "retry", "Begin the same release anew");
  AddDecision(rollouts, "rollback", "Give back to the moved clusters what they had");
  AddDecision(changing, "rollback", "Give back what clusters had before the package's rollout");
}

}  // namespace muster::cli
