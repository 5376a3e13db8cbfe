// The render bench: builds in process and as a whole program, beside the reference in the same run.
// Prints JSON Lines; docs/performance.md says what each metric means. In process it is CPU time
// that counts, for whole programs the time on the wall.
//
//   bazel run -c opt //test/bench:render
//
// Without the reference (test/tools/build-kustomize says why), or without the collection, a line
// says what is skipped and why, and the bounds on our own figures still bind: exit code 1 when one
// is missed.
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/check.h"
#include "common/manifest/yaml.h"
#include "common/render/kustomize/build.h"
#include "common/render/kustomize/output.h"
#include "test/bench/metric.h"
#include "test/bench/peer.h"
#include "test/bench/process.h"
#include "test/bench/render_inputs.h"
#include "test/cases/collection.h"

namespace muster::bench {
namespace {

using kustomize::BuildCache;
using kustomize::BuildOptions;
using kustomize::FileTreeSource;

constexpr int kGrowthMax = 8 << 20;  // of memory, over nine tenths of the overlays

// Beside the checkout that `bazel run` was started in.
std::string CasesBeside() {
  const char* checkout = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  return checkout == nullptr ? "" : absl::StrCat(checkout, "/../shared/cases");
}

struct Settings {
  std::string muster = "cli/muster";
  std::string build_kustomize = "test/tools/build-kustomize";
  std::string cases = CasesBeside();
  int overlays = 10'000;
  int stride = 1;  // of the cases, those that are built
};

absl::Duration Median(std::vector<absl::Duration> times) {
  CHECK(!times.empty());
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

absl::Duration CpuTime() {
  timespec now;
  CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
  return absl::DurationFromTimespec(now);
}

// In CPU time: one thread works, and a busy machine does not change the figure much.
absl::Duration Time(const std::function<void()>& work) {
  const absl::Duration start = CpuTime();
  work();
  return CpuTime() - start;
}

// Builds from text to text, nothing kept.
size_t BuildFresh(const FileTree& files, const std::string& directory,
                  const BuildOptions& options) {
  FileTreeSource source(files);
  BuildCache cache(source);
  const auto built = BuildKustomization(cache, directory, options);
  return built.ok() ? kustomize::WriteKustomizeYaml(*built).size() : 0;
}

// Builds directories of one commit after another, as the hub does.
class SharedCache {
 public:
  void Build(const cases::Case& each) {
    if (each.files != files_) {
      cache_.reset();
      files_ = each.files;
      source_.emplace(*files_);
      cache_.emplace(*source_);
    }
    const auto built = BuildKustomization(*cache_, each.directory, each.options);
    if (built.ok()) CHECK(!kustomize::WriteKustomizeYaml(*built).empty() || built->empty());
  }

 private:
  std::shared_ptr<const FileTree> files_;
  std::optional<FileTreeSource> source_;
  std::optional<BuildCache> cache_;
};

class Bench {
 public:
  explicit Bench(const Settings& settings) : settings_(settings) {
    const auto peer = FirstLineOf(settings.build_kustomize);
    if (peer.ok()) {
      peer_ = *peer;
    } else {
      no_peer_ = std::string(peer.status().message());
    }
  }

  void SmallOverlay() {
    const RenderInputs inputs = SmallestOverlay();
    const std::string& directory = inputs.directories[0];
    std::vector<absl::Duration> times;
    for (int i = 0; i < 301; ++i) {
      times.push_back(Time([&] { CHECK(BuildFresh(inputs.files, directory, {}) > 0); }));
    }
    // Reading each file once is the least that a build can do.
    std::vector<absl::Duration> floors;
    for (int i = 0; i < 301; ++i) {
      floors.push_back(Time([&] {
        for (const auto& [path, bytes] : inputs.files) {
          CHECK(ParseYaml(bytes, path, YamlReaders::kOne).ok());
        }
      }));
    }
    const double value = absl::ToDoubleMilliseconds(Median(times));
    PrintMetric(
        "render", "smallest_overlay", value, "ms",
        absl::StrFormat("\"floor\":%.4g,\"max\":1", absl::ToDoubleMilliseconds(Median(floors))));
    Bound("smallest_overlay", value <= 1);
    WholeProcess("smallest_overlay_process", inputs, 31, 2);
  }

  void ThousandObjects() {
    const RenderInputs inputs = ManyObjects(1'000);
    std::vector<absl::Duration> times;
    for (int i = 0; i < 7; ++i) {
      times.push_back(Time([&] { CHECK(BuildFresh(inputs.files, "overlay", {}) > 0); }));
    }
    PrintMetric("render", "objects_1000", absl::ToDoubleMilliseconds(Median(times)), "ms", "");
    WholeProcess("objects_1000_process", inputs, 7, 15);
  }

  void ManyClusters() {
    const RenderInputs inputs = ManyOverlays(settings_.overlays);
    FileTreeSource source(inputs.files);
    BuildCache cache(source);
    size_t bytes = 0, done = 0;
    int64_t before = 0;
    const absl::Duration taken = Time([&] {
      for (const std::string& directory : inputs.directories) {
        // By then everything has been used that is used at all.
        if (++done == inputs.directories.size() / 10) before = RssBytes(getpid());
        const auto built = BuildKustomization(cache, directory, {});
        CHECK(built.ok() && built->size() == 4) << built.status();
        bytes += kustomize::WriteKustomizeYaml(*built).size();
      }
    });
    const double seconds = absl::ToDoubleSeconds(taken);
    PrintMetric("render", "overlays", seconds, "s",
                absl::StrFormat("\"overlays\":%d,\"objects\":4,\"output_bytes\":%d,\"max\":3",
                                settings_.overlays, bytes));
    Bound("overlays", settings_.overlays > 10'000 || seconds <= 3);
    const double growth = static_cast<double>(RssBytes(getpid()) - before);
    PrintMetric(
        "render", "overlays_memory_growth", growth, "B",
        absl::StrFormat("\"from_overlay\":%d,\"max\":%d", settings_.overlays / 10, kGrowthMax));
    Bound("overlays_memory_growth", growth <= kGrowthMax);
  }

  void Cases() {
    const auto all = cases::ReadCollection(settings_.cases);
    if (!all.ok()) {
      Skip("case_set", all.status().message());
      return;
    }
    std::vector<const cases::Case*> cases;
    for (size_t i = 0; i < all->size(); i += settings_.stride) cases.push_back(&(*all)[i]);
    if (!peer_.has_value()) {
      PrintCases(cases, TimeCases(cases));
      return Skip("case_set_beside_peer", no_peer_);
    }
    // The reference goes first, and says by that which cases both can build.
    const Taken theirs = TimePeer(cases);
    const Taken ours = TimeCases(cases);
    PrintCases(cases, ours);
    const double ratio = absl::FDivDuration(theirs.wall, ours.wall);
    PrintMetric("render", "case_set_beside_peer", absl::ToDoubleMilliseconds(ours.wall), "ms",
                absl::StrFormat("\"cases\":%d,\"of\":%d,\"peer\":%.5g,\"ratio\":%.4g,"
                                "\"cpu_ratio\":%.4g,\"ratio_min\":100",
                                cases.size(), all->size(), absl::ToDoubleMilliseconds(theirs.wall),
                                ratio, absl::FDivDuration(theirs.cpu, ours.cpu)));
    Bound("case_set_beside_peer", ratio >= 100);
  }

  bool good() const { return good_; }

 private:
  void Bound(absl::string_view metric, bool held) {
    if (held) return;
    absl::FPrintF(stderr, "%s: misses its bound\n", metric);
    good_ = false;
  }

  void Skip(absl::string_view metric, absl::string_view why) {
    const std::string text = absl::StrReplaceAll(why, {{"\\", ""}, {"\"", "'"}, {"\n", " "}});
    absl::PrintF("{\"bench\":\"render\",\"metric\":\"%s\",\"skipped\":\"%s\"}\n", metric, text);
    std::fflush(stdout);
  }

  // Both programs on the same files, in turns.
  void WholeProcess(const std::string& metric, const RenderInputs& inputs, int rounds,
                    double ratio_min) {
    const FolderOnDisk folder(inputs.files);
    const std::string directory = folder.At(inputs.directories[0]);
    std::vector<absl::Duration> ours, theirs;
    for (int i = 0; i < rounds; ++i) {
      const auto time = TimeCommand({settings_.muster, "render", directory});
      CHECK(time.ok()) << time.status();
      ours.push_back(time->wall);
      if (!peer_.has_value()) continue;
      const auto peer = TimeCommand({*peer_, "build", directory});
      CHECK(peer.ok()) << peer.status();
      theirs.push_back(peer->wall);
    }
    std::string extra;
    const double value = absl::ToDoubleMilliseconds(Median(ours));
    if (peer_.has_value()) {
      const double peer = absl::ToDoubleMilliseconds(Median(theirs));
      extra = absl::StrFormat("\"peer\":%.4g,\"ratio\":%.3g,\"ratio_min\":%g", peer, peer / value,
                              ratio_min);
      Bound(metric, peer / value >= ratio_min);
    }
    PrintMetric("render", metric, value, "ms", extra);
    if (!peer_.has_value()) Skip(absl::StrCat(metric, "_ratio"), no_peer_);
  }

  // All cases as the hub builds them: one commit after another, what a commit shares read once. The
  // median of five rounds by the wall; nothing is kept from one to the next.
  static Taken TimeCases(const std::vector<const cases::Case*>& cases) {
    std::vector<Taken> rounds;
    for (int round = 0; round < 5; ++round) {
      SharedCache cache;
      const absl::Time start = absl::Now();
      const absl::Duration cpu = Time([&] {
        for (const cases::Case* each : cases) cache.Build(*each);
      });
      rounds.push_back({absl::Now() - start, cpu});
    }
    std::nth_element(rounds.begin(), rounds.begin() + 2, rounds.end(),
                     [](const Taken& a, const Taken& b) { return a.wall < b.wall; });
    return rounds[2];
  }

  // The reference starts once for each directory, as it does in every tool that runs it. Leaves the
  // cases that it builds.
  Taken TimePeer(std::vector<const cases::Case*>& cases) const {
    Taken all;
    std::vector<const cases::Case*> built;
    std::shared_ptr<const FileTree> files;
    std::unique_ptr<FolderOnDisk> folder;
    for (const cases::Case* each : cases) {
      if (!each->expected.has_value()) continue;
      if (each->files != files) {
        files = each->files;
        folder = std::make_unique<FolderOnDisk>(*files);
      }
      std::vector<std::string> command = {*peer_, "build", folder->At(each->directory)};
      if (each->options.restrictor == kustomize::LoadRestrictor::kNone) {
        command.push_back("--load-restrictor=LoadRestrictionsNone");
      }
      const auto taken = TimeCommand(command);
      if (!taken.ok()) continue;
      all += *taken;
      built.push_back(each);
    }
    cases = std::move(built);
    return all;
  }

  static void PrintCases(const std::vector<const cases::Case*>& cases, const Taken& taken) {
    PrintMetric("render", "case_set", absl::ToDoubleMilliseconds(taken.cpu), "ms",
                absl::StrFormat("\"cases\":%d", cases.size()));
  }

  const Settings settings_;
  std::optional<std::string> peer_;
  std::string no_peer_;  // why there is none
  bool good_ = true;
};

}  // namespace
}  // namespace muster::bench

int main(int argc, char** argv) {
  muster::bench::Settings settings;
  CLI::App app("Rendering, timed");
  app.add_option("--cases", settings.cases, "the public case collection");
  app.add_option("--overlays", settings.overlays, "over one base");
  app.add_option("--stride", settings.stride, "build one of so many cases; 1: all");
  app.add_option("--muster", settings.muster, "the program");
  CLI11_PARSE(app, argc, argv);
  muster::bench::Bench bench(settings);
  bench.SmallOverlay();
  bench.ThousandObjects();
  bench.ManyClusters();
  bench.Cases();
  return bench.good() ? 0 : 1;
}
