#include "cli/test_run.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/app.h"
#include "common/base/check.h"
#include "common/trust/key_file.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kConfig = R"(apiVersion: muster.dev/v1alpha1
kind: Config
currentContext: test
contexts:
  - {name: test, hub: "hub.test:7444", ca: root, certificate: mine, key: secret}
  - {name: other, hub: "other.test:7444", ca: root, certificate: mine, key: secret}
)";

std::string FreshFolder() {
  static int number = 0;
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string folder = absl::StrCat(testing::TempDir(), "muster-cli-",
                                          test == nullptr ? "" : test->name(), "-", ++number);
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

TestRun::TestRun()
    : clock(absl::FromCivil(absl::CivilSecond(2026, 11, 21, 12), absl::UTCTimeZone())),
      folder(FreshFolder()) {
  const std::string config = absl::StrCat(folder, "/config.yaml");
  CHECK_OK(WriteKeyFile(config, kConfig));
  variables["MUSTER_CONFIG"] = config;
  hub->hub.set_now_ms(absl::ToUnixMillis(clock.Now()));
  hub->hub.set_started_ms(Ago(absl::Hours(3)));
  hub->hub.set_version("0.1.0");
  hub->hub.set_join_address("hub.test:7445");
  hub->hub.set_fleet_commit(std::string(40, 'f'));
  hub->pass_time = [this](absl::Time deadline) { clock.Set(deadline); };
}

int TestRun::operator()(const std::vector<std::string>& arguments) {
  std::istringstream input(in);
  std::ostringstream output;
  std::ostringstream error;
  Environment env{.in = input,
                  .out = output,
                  .err = error,
                  .in_terminal = terminal,
                  .out_terminal = terminal,
                  .err_terminal = terminal,
                  .width = width,
                  .variables = variables,
                  .clock = clock,
                  .connect = [this](const HubAddress&,
                                    absl::Duration) -> absl::StatusOr<std::shared_ptr<HubClient>> {
                    if (!connect.ok()) return connect;
                    return hub;
                  },
                  .sleep = [this](absl::Duration time) { clock.Set(clock.Now() + time); },
                  .run = [this](const std::string& program,
                                const std::vector<std::string>& words) -> absl::StatusOr<int> {
                    programs.push_back({program});
                    programs.back().insert(programs.back().end(), words.begin(), words.end());
                    return on_program ? on_program() : 0;
                  },
                  .capture = [this](const std::vector<std::string>& words,
                                    const std::string& text) -> absl::StatusOr<ProgramResult> {
                    if (!on_capture) return absl::NotFoundError("start kubectl: no such file");
                    return on_capture(words, text);
                  }};
  const int code = RunMuster(env, arguments);
  out_ = output.str();
  err_ = error.str();
  return code;
}

v1::ClusterView MakeCluster(const TestRun& run, const std::string& name) {
  v1::ClusterView view;
  view.set_name(name);
  view.set_id(std::string(32, 'c'));
  view.set_project("default");
  v1::Label& label = *view.add_labels();
  label.set_key("env");
  label.set_value("prod");
  view.set_state("Enrolled");
  view.set_connection(v1::CONNECTION_STATUS_CONNECTED);
  view.set_sync(v1::SYNC_STATUS_SYNCED);
  view.set_health(v1::HEALTH_STATUS_HEALTHY);
  view.set_mode(v1::CLUSTER_MODE_ENFORCE);
  view.set_desired_generation(4);
  view.set_applied_generation(4);
  view.set_desired_revision("apps@1a2b3c4");
  view.set_applied_revision("apps@1a2b3c4");
  view.set_last_seen_ms(run.Ago(absl::Seconds(5)));
  view.set_enrolled_ms(run.Ago(absl::Hours(24 * 9)));
  view.set_applied_ms(run.Ago(absl::Minutes(5)));
  view.set_agent_version("0.1.0");
  view.set_driver("directory");
  view.set_objects(12);
  view.set_desired_digest(std::string(32, '\x12'));
  return view;
}

}  // namespace muster::cli
