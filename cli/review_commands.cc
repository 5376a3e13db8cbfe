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

}  // namespace muster::cli
