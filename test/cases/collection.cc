#include "test/cases/collection.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/base/compression.h"
#include "common/base/status_macros.h"
#include "test/cases/tar.h"

namespace muster::cases {
namespace {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;
using Row = std::vector<std::string>;

constexpr size_t kArchiveBytesMax = 256u << 20;

absl::StatusOr<std::string> ReadBytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("open ", path.string()));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<Files> ReadArchive(const fs::path& path) {
  ASSIGN_OR_RETURN(const std::string compressed, ReadBytes(path));
  ASSIGN_OR_RETURN(const std::string archive, DecompressUpTo(compressed, kArchiveBytesMax));
  return ReadTar(archive);
}

// The rows of a table, without its heading.
absl::StatusOr<std::vector<Row>> ReadRows(const fs::path& path, size_t columns) {
  ASSIGN_OR_RETURN(const std::string text, ReadBytes(path));
  std::vector<Row> rows;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    Row row = absl::StrSplit(line, '\t');
    if (row.size() != columns) {
      return absl::InvalidArgumentError(
          absl::StrCat(path.string(), ": a row of ", row.size(), " columns, not ", columns));
    }
    rows.push_back(std::move(row));
  }
  if (!rows.empty()) rows.erase(rows.begin());
  return rows;
}

// Those files that stand below `prefix`, named from there.
absl::StatusOr<std::shared_ptr<const FileTree>> TreeBelow(const Files& files,
                                                          const std::string& prefix) {
  auto tree = std::make_shared<FileTree>();
  for (auto at = files.lower_bound(prefix); at != files.end(); ++at) {
    if (!absl::StartsWith(at->first, prefix)) break;
    RETURN_IF_ERROR(tree->Add(at->first.substr(prefix.size()), at->second));
  }
  return tree;
}

std::string DirectoryOf(const std::string& column) { return column == "." ? "" : column; }

absl::Status AddRepository(const fs::path& folder, const std::vector<Row>& negatives,
                           std::vector<Case>& cases) {
  const std::string name = folder.filename().string();
  ASSIGN_OR_RETURN(const Files files, ReadArchive(folder / "tree.tar.zst"));
  ASSIGN_OR_RETURN(const Files expected, ReadArchive(folder / "expected.tar.zst"));
  ASSIGN_OR_RETURN(const std::shared_ptr<const FileTree> tree, TreeBelow(files, name + "/"));
  ASSIGN_OR_RETURN(const std::vector<Row> rows, ReadRows(folder / "cases.tsv", 4));
  for (const Row& row : rows) {
    Case each{absl::StrCat(name, "/", row[0]), tree, DirectoryOf(row[0]), {}, {}};
    if (row[1] == "none") each.options.restrictor = kustomize::LoadRestrictor::kNone;
    const std::string file = absl::StrCat(absl::StrReplaceAll(row[0], {{"/", "__"}}), ".yaml");
    const auto found = expected.find(file);
    if (found == expected.end() && row[2] != "0") {
      return absl::InvalidArgumentError(absl::StrCat(name, ": no expected ", file));
    }
    each.expected = found == expected.end() ? "" : found->second;
    cases.push_back(std::move(each));
  }
  for (const Row& row : negatives) {
    if (row[0] != name) continue;
    cases.push_back({absl::StrCat(name, "/", row[1]), tree, DirectoryOf(row[1]), {}, {}});
  }
  return absl::OkStatus();
}

absl::Status AddKrusty(const fs::path& folder, std::vector<Case>& cases) {
  ASSIGN_OR_RETURN(const Files files, ReadArchive(folder / "krusty.tar.zst"));
  ASSIGN_OR_RETURN(const std::vector<Row> rows, ReadRows(folder / "cases.tsv", 4));
  for (const Row& row : rows) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const FileTree> tree,
                     TreeBelow(files, absl::StrCat("inputs/", row[0], "/")));
    Case each{absl::StrCat("krusty/", row[0]), tree, DirectoryOf(row[2]), {}, {}};
    // The suite runs with the order of input; kubectl, with which the others were made, does not.
    if (row[3] == "order_differs") each.options.order = kustomize::Order::kFifo;
    if (row[1] == "ok") {
      const auto found = files.find(absl::StrCat("expected/", row[0], ".yaml"));
      if (found == files.end()) {
        return absl::InvalidArgumentError(absl::StrCat("krusty: nothing expected of ", row[0]));
      }
      each.expected = found->second;
    }
    cases.push_back(std::move(each));
  }
  return absl::OkStatus();
}

std::set<fs::path> FoldersIn(const fs::path& folder) {
  std::set<fs::path> folders;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_directory()) folders.insert(entry.path());
  }
  return folders;
}

absl::StatusOr<std::shared_ptr<const FileTree>> ReadFolder(const fs::path& folder) {
  auto tree = std::make_shared<FileTree>();
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    ASSIGN_OR_RETURN(std::string bytes, ReadBytes(entry.path()));
    RETURN_IF_ERROR(
        tree->Add(entry.path().lexically_relative(folder).generic_string(), std::move(bytes)));
  }
  return tree;
}

}  // namespace

absl::StatusOr<std::vector<Case>> ReadCollection(const std::string& directory) {
  const fs::path root(directory);
  std::error_code error;
  if (!fs::is_directory(root / "kustomize", error)) {
    return absl::NotFoundError(absl::StrCat("there is no collection in ", directory));
  }
  std::vector<Case> cases;
  RETURN_IF_ERROR(AddKrusty(root / "krusty", cases));
  ASSIGN_OR_RETURN(const std::vector<Row> negatives,
                   ReadRows(root / "kustomize" / "negative.tsv", 4));
  for (const fs::path& folder : FoldersIn(root / "kustomize")) {
    RETURN_IF_ERROR(AddRepository(folder, negatives, cases));
  }
  return cases;
}

absl::StatusOr<std::vector<Case>> ReadQuirks(const std::string& directory) {
  std::vector<Case> cases;
  for (const fs::path& folder : FoldersIn(directory)) {
    ASSIGN_OR_RETURN(const std::shared_ptr<const FileTree> tree, ReadFolder(folder / "input"));
    Case each{folder.filename().string(), tree, "", {}, {}};
    if (tree->Find("a/kustomization.yaml") != nullptr) each.directory = std::string("a");
    const absl::StatusOr<std::string> code = ReadBytes(folder / "rc");
    if (code.ok() && absl::StartsWith(*code, "0")) {
      ASSIGN_OR_RETURN(each.expected, ReadBytes(folder / "stdout.yaml"));
    }
    cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace muster::cases
