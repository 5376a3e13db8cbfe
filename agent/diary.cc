#include "agent/diary.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agent/core/story.h"
#include "common/base/log.h"

namespace muster::agent {
namespace pb = muster::v1;
namespace {

// "drift corrected" of "DriftCorrected"; what happens to an object says so.
std::string Words(absl::string_view reason, bool of_object) {
  std::string text = of_object ? "object" : "";
  for (const char c : reason) {
    if (absl::ascii_isupper(c) && !text.empty()) text.push_back(' ');
    text.push_back(absl::ascii_tolower(c));
  }
  return text;
}

bool IsWell(const pb::ObservedPackage& package) {
  return package.failed() == 0 && package.held() == 0 &&
         package.health() <= pb::HEALTH_STATUS_SUSPENDED;
}

bool IsBad(const pb::ObservedPackage& package) {
  return package.failed() > 0 || package.held() > 0 ||
         package.health() == pb::HEALTH_STATUS_DEGRADED;
}

}  // namespace

std::vector<DiaryLine> DiaryLinesBetween(const pb::ObservedState& before,
                                         const pb::ObservedState& after) {
  std::vector<DiaryLine> lines;
  for (Happening& happening : HappeningsBetween(before, after)) {
    const bool of_object = !happening.about.kind.empty();
    lines.push_back(DiaryLine{.warning = happening.warning,
                              .text = Words(happening.reason, of_object),
                              .about = of_object ? happening.about.text() : "",
                              .why = std::move(happening.message)});
  }
  for (const pb::ObservedPackage& package : after.packages()) {
    if (!IsWell(package)) continue;
    for (const pb::ObservedPackage& old : before.packages()) {
      if (old.name() != package.name() || !IsBad(old)) continue;
      lines.push_back(DiaryLine{.text = absl::StrCat("package ", package.name(),
                                                     " is well again: nothing failed or held")});
    }
  }
  return lines;
}

void Diary::Look(const pb::ObservedState& observed, const Digest& digest) {
  if (digest == seen_digest_) return;
  // At the start nothing is known, and what it was before the start is no news.
  if (!seen_digest_.empty()) {
    for (const DiaryLine& line : DiaryLinesBetween(seen_, observed)) {
      const auto tell = line.warning ? log::Warning : log::Info;
      if (line.about.empty()) {
        line.why.empty() ? tell(line.text, {}) : tell(line.text, {{"what", line.why}});
      } else {
        tell(line.text, {{"object", line.about}, {"what", line.why}});
      }
    }
  }
  seen_ = observed;
  seen_digest_ = digest;
}

}  // namespace muster::agent
