#include "cli/review_commands.h"

#include <memory>

#include "cli/commands/commands.h"

namespace muster::cli {

void AddReview(Group& looking) {
  const auto options = std::make_shared<SnowflakesOptions>();
  CLI::App* snowflakes = looking.Add(
      "snowflakes",
      "Find clusters that should be equal and are not, the oddest first (exit code 1: "
      "there are some)",
      "muster snowflakes -l env=prod\n  muster snowflakes --by env,region", options, Snowflakes);
  snowflakes->add_option("-l,--selector", options->selector, "Only clusters with these labels");
  snowflakes
      ->add_option("--by", options->by,
                   "Keys of labels: who has the same values of these should be equal; without, "
                   "those for whom Git says the same")
      ->delimiter(',')
      ->allow_extra_args(false);
  snowflakes->add_option("--limit", options->limit, "At most so many (0: 100)");
}

void AddAudit(CommandTree& tree, const char* group) {
  CLI::App* audit = AddParent(tree, group, "audit", "Who did what, and the proof of it");
  Group audits(tree, *audit, "Commands");
  const auto log = std::make_shared<AuditLogOptions>();
  CLI::App* command = audits.Add("log", "List what was done and refused, newest first",
                                 "muster audit log --limit 50", log, AuditLog);
  command->add_option("--limit", log->limit, "At most so many (0: all)");
  command->add_option("--page-token", log->page_token, "Go on where the last list ended");
  const auto verify = std::make_shared<AuditVerifyOptions>();
  command =
      audits.Add("verify", "Check that no record was changed, of the hub's log or of an export",
                 "muster audit verify audit.jsonl --root root.pem", verify, AuditVerify);
  command->add_option("FILE", verify->file, "An export; without, the hub is asked");
  command->add_option("--root", verify->root,
                      "The hub's root, PEM; without, the one that this context trusts");
  const auto none = std::make_shared<int>();
  audits.Add("export", "Print the log as a file that proves itself, without the hub",
             "muster audit export > audit.jsonl", none,
             [](Session& session, int) { return AuditExport(session); });
}

}  // namespace muster::cli
