// What registries of charts send: indexes, archives, manifests, tags, challenges; and versions and
// ranges of them: never a crash, a hang or memory without end, and the promises of the headers
// hold. The first byte chooses what is tried; a NUL parts the texts.
// Run: bazel run --config=fuzz //test/fuzz:charts_fuzz -- -runs=1000000
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/base/check.h"
#include "common/charts/archive.h"
#include "common/charts/chart_index.h"
#include "common/charts/oci.h"
#include "common/charts/semver.h"
#include "common/render/file_tree.h"

namespace muster {
namespace {

constexpr size_t kInputBytesMax = 64 << 10;

// Every chart that is named can be asked for, and one that is not named is not found.
void TryIndex(absl::string_view text) {
  const absl::StatusOr<ChartIndex> index = ChartIndex::Parse(text);
  if (!index.ok()) {
    CHECK(!index.status().message().empty());
    return;
  }
  bool known = false;
  for (const std::string& name : index->names()) {
    CHECK_EQ(std::count(index->names().begin(), index->names().end(), name), 1) << name;
    known |= name == "no such chart";
    const absl::StatusOr<std::vector<IndexedChart>> versions = index->Versions(name);
    if (!versions.ok()) CHECK(!absl::IsNotFound(versions.status())) << versions.status();
  }
  if (!known) CHECK(absl::IsNotFound(index->Versions("no such chart").status()));
}

void TryArchive(absl::string_view bytes) {
  const ArchiveLimits limits{.bytes_max = 1 << 20, .file_bytes_max = 1 << 18, .files_max = 100};
  const absl::StatusOr<FileTree> files = UnpackChart(bytes, limits);
  if (!files.ok()) return;
  size_t all = 0, count = 0;
  for (const auto& [path, text] : *files) {
    CHECK(*NormalizePath(path) == path) << path;
    CHECK_LE(text.size(), limits.file_bytes_max);
    all += text.size();
    ++count;
  }
  CHECK_LE(all, limits.bytes_max);
  CHECK_LE(count, limits.files_max);
}

void TryRegistry(const std::vector<absl::string_view>& texts) {
  const absl::string_view text = texts[0];
  if (const auto place = ParseOciUrl(text); place.ok()) {
    CHECK(!place->host.empty());
    CHECK_EQ(place->host.find_first_of("@/?#"), std::string::npos) << place->host;
    CHECK(place->path.empty() || (place->path.front() != '/' && place->path.back() != '/'));
  }
  (void)CheckOciName(text);
  (void)ParseToken(text);
  (void)ParseTags(text);
  (void)NameSome(text, {"web", "shop", "cache"});
  if (const auto manifest = ParseChartManifest(text); manifest.ok()) {
    CHECK(absl::StartsWith(manifest->layer_digest, "sha256:"));
  }
  std::vector<std::string> headers(texts.begin(), texts.end());
  if (const auto challenge = ParseChallenge(headers); challenge.ok() && challenge->bearer) {
    CHECK(!challenge->realm.empty());
  }
  if (!absl::StrContains(text, '_')) CHECK(VersionOfTag(TagOfVersion(text)) == text) << text;
}

void TryVersions(const std::vector<absl::string_view>& texts) {
  const absl::StatusOr<SemVerRange> range = SemVerRange::Parse(texts[0]);
  std::vector<std::string> versions(texts.begin() + 1, texts.end());
  for (const std::string& a : versions) {
    const absl::StatusOr<SemVer> one = ParseSemVer(a);
    if (!one.ok()) continue;
    CHECK_EQ(Compare(*one, *one), 0);
    for (const std::string& b : versions) {
      const absl::StatusOr<SemVer> other = ParseSemVer(b);
      if (other.ok()) CHECK_EQ(Compare(*one, *other) < 0, Compare(*other, *one) > 0);
    }
  }
  if (!range.ok()) return;
  const int best = HighestIn(*range, versions);
  CHECK_LT(best, static_cast<int>(versions.size()));
  for (const std::string& text : versions) {
    const absl::StatusOr<SemVer> version = ParseSemVer(text);
    if (!version.ok() || !range->Contains(*version)) continue;
    CHECK_GE(best, 0);
    CHECK_LE(Compare(*version, *ParseSemVer(versions[best])), 0) << text;
  }
}

void Try(absl::string_view input) {
  const absl::string_view text = input.substr(1);
  const std::vector<absl::string_view> texts = absl::StrSplit(text, absl::MaxSplits('\0', 7));
  switch (static_cast<uint8_t>(input[0]) % 4) {
    case 0:
      return TryIndex(text);
    case 1:
      return TryArchive(text);
    case 2:
      return TryRegistry(texts);
    default:
      return TryVersions(texts);
  }
}

}  // namespace
}  // namespace muster

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > muster::kInputBytesMax) return 0;
  muster::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
