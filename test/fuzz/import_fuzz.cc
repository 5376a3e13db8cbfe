// Trees of other tools, from anywhere: never a crash, a hang or memory without end; what an import
// writes, our own parser reads. The first byte chooses the tool; a NUL parts the files.
// Run: bazel run --config=fuzz //test/fuzz:import_fuzz -- -runs=1000000
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/import/import.h"
#include "common/base/check.h"

namespace muster::cli {
namespace {

constexpr size_t kInputBytesMax = 16 << 10;
constexpr const char* kTools[] = {"flux", "argocd", "fleet"};
constexpr const char* kNames[] = {"apps/web/fleet.yaml", "clusters/a/apps.yaml",
                                  "apps/web/values.yaml", "apps/web/kustomization.yaml"};

constexpr char kObjects[] = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "${a}"}
)";

FileTree TreeOf(const std::vector<absl::string_view>& texts) {
  FileTree tree;
  for (size_t i = 0; i < texts.size() && i < std::size(kNames); ++i) {
    CHECK_OK(tree.Add(kNames[i], std::string(texts[i])));
  }
  CHECK_OK(tree.Add("apps/web/objects.yaml", kObjects));
  CHECK_OK(tree.Add("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"));
  CHECK_OK(tree.Add("charts/web/templates/a.yaml", "kind: {{ lookup 1 }}\n"));
  return tree;
}

// The plan and all that is said about it.
std::string TextOf(const absl::StatusOr<ImportResult>& result, const char* tool) {
  if (!result.ok()) return result.status().ToString();
  const absl::StatusOr<FileTree> files = WriteFleet(result->fleet, tool);
  CHECK_OK(files.status());
  std::string text = absl::StrCat(OutcomeTable(result->report).rows.size(), "\n",
                                  NotesText(result->report, false));
  for (const auto& [path, bytes] : *files) absl::StrAppend(&text, path, "\n", bytes);
  return text;
}

void Try(absl::string_view input) {
  const char* tool = kTools[static_cast<uint8_t>(input[0]) % std::size(kTools)];
  const std::vector<absl::string_view> texts =
      absl::StrSplit(input.substr(1), absl::MaxSplits('\0', std::size(kNames) - 1));
  const FileTree tree = TreeOf(texts);
  const ImportRequest request{.files = tree,
                              .start = "",
                              .output = "muster",
                              .folder = "home",
                              .url = "https://git.example.com/me/home",
                              .branch = "main",
                              .cluster = ""};
  const std::string text = TextOf(ImportTool(tool, request), tool);
  CHECK(TextOf(ImportTool(tool, request), tool) == text);
}

}  // namespace
}  // namespace muster::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > muster::cli::kInputBytesMax) return 0;
  muster::cli::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
