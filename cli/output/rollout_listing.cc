// How rollouts and their waves look in lists. A part of listing.h.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/listing.h"
#include "cli/output/text.h"

namespace muster::cli {
namespace {

namespace pb = muster::v1;

Tone PhaseTone(const std::string& phase) {
  if (phase == "Complete") return Tone::kGood;
  if (phase == "Progressing") return Tone::kWorking;
  if (phase == "Paused") return Tone::kPaused;
  return Tone::kBad;
}

// "approval", "soak": what it waits for tells more than that it goes on.
std::string OpenWave(const pb::RolloutView& view) {
  for (const pb::RolloutWaveView& wave : view.waves()) {
    if (wave.state() == "Open") return wave.name();
  }
  return "";
}

std::vector<Cell> RowOf(const pb::RolloutView& view, absl::Time now) {
  int clusters = 0, done = 0, failed = 0;
  for (const pb::RolloutWaveView& wave : view.waves()) {
    clusters += wave.clusters();
    done += wave.healthy() + wave.up_to_date();
    failed += wave.failed();
  }
  return {view.package(),
          view.plan(),
          Cell(view.phase(), PhaseTone(view.phase())),
          OrNone(OpenWave(view)),
          absl::StrCat(done, "/", clusters),
          Cell(absl::StrCat(failed), failed > 0 ? Tone::kBad : Tone::kPlain),
          ShortCommit(view.commit()),
          AgeOf(view.started_ms(), now),
          OrNone(view.message())};
}

// A bar of ten: what is done, what moves, what failed, what waits.
std::string BarOf(const pb::RolloutWaveView& wave) {
  constexpr int kWidth = 10;
  if (wave.clusters() == 0) return std::string(kWidth, '.');
  std::string bar;
  const auto add = [&](int count, char sign) {
    bar.append(static_cast<size_t>(count * kWidth / wave.clusters()), sign);
  };
  add(wave.healthy() + wave.up_to_date(), '#');
  add(wave.failed(), 'x');
  add(wave.in_flight(), '>');
  bar.resize(kWidth, '.');
  return bar;
}

std::vector<Cell> WaveRowOf(const pb::RolloutWaveView& wave, absl::Time) {
  const Tone tone = wave.failed() > 0          ? Tone::kBad
                    : wave.state() == "Passed" ? Tone::kGood
                    : wave.state() == "Open"   ? Tone::kWorking
                                               : Tone::kFaint;
  return {wave.name(),
          Cell(wave.state(), tone),
          BarOf(wave),
          absl::StrCat(wave.clusters()),
          absl::StrCat(wave.healthy() + wave.up_to_date()),
          absl::StrCat(wave.in_flight()),
          absl::StrCat(wave.waiting()),
          Cell(absl::StrCat(wave.failed()), wave.failed() > 0 ? Tone::kBad : Tone::kPlain),
          absl::StrCat(wave.apart())};
}

}  // namespace

template <>
const Listing<pb::RolloutView>& ListingOf() {
  static const auto* const listing = new Listing<pb::RolloutView>{
      .kind = "Rollout",
      .noun = "rollout",
      .plural = "rollouts",
      .empty = "muster get packages",
      .columns = {{"NAME"},
                  {"PLAN", /*wide_only=*/true},
                  {"PHASE"},
                  {"WAVE"},
                  {"DONE"},
                  {"FAILED"},
                  {"COMMIT"},
                  {"AGE"},
                  {"MESSAGE"}},
      .row = RowOf,
      .name = [](const pb::RolloutView& view) { return view.package(); }};
  return *listing;
}

template <>
const Listing<pb::RolloutWaveView>& ListingOf() {
  static const auto* const listing = new Listing<pb::RolloutWaveView>{
      .kind = "RolloutWave",
      .noun = "wave",
      .plural = "waves",
      .empty = "",
      .columns = {{"WAVE"},
                  {"STATE"},
                  {"PROGRESS"},
                  {"CLUSTERS"},
                  {"DONE"},
                  {"MOVING"},
                  {"WAITING"},
                  {"FAILED"},
                  {"APART"}},
      .row = WaveRowOf,
      .name = [](const pb::RolloutWaveView& view) { return view.name(); }};
  return *listing;
}

}  // namespace muster::cli
