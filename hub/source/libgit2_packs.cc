#include "hub/source/libgit2_packs.h"

#include <git2/sys/odb_backend.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "hub/source/libgit2.h"

namespace muster::hub::libgit2 {
namespace {

namespace fs = std::filesystem;
using PackBuilder = std::unique_ptr<git_packbuilder, Freer<git_packbuilder_free>>;

// Larger ones are left alone: to write them again would cost more than to ask them.
constexpr uintmax_t kSmallPackBytes = 4u << 20;

// Names the packs that another one has made superfluous, one stem a line.
constexpr char kSuperfluous[] = "/muster-superfluous-packs";

// "<clone>/objects/pack/pack-<id>", of whole packs that are small.
std::vector<std::string> SmallPacks(const std::string& clone) {
  std::vector<std::string> stems;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(clone + "/objects/pack", error)) {
    std::error_code unreadable;
    if (entry.path().extension() != ".pack") continue;
    const uintmax_t size = entry.file_size(unreadable);
    fs::path index = entry.path();
    index.replace_extension(".idx");
    if (unreadable || size > kSmallPackBytes || !fs::exists(index, unreadable)) continue;
    stems.push_back((entry.path().parent_path() / entry.path().stem()).string());
  }
  std::sort(stems.begin(), stems.end());
  return stems;
}

void RemoveSuperfluous(const std::string& clone) {
  std::ifstream list(clone + kSuperfluous);
  std::error_code ignored;
  for (std::string name; std::getline(list, name);) {
    const std::string stem = absl::StrCat(clone, "/objects/pack/", name);
    // The index first: a pack without one is not looked at.
    fs::remove(stem + ".idx", ignored);
    fs::remove(stem + ".pack", ignored);
  }
  fs::remove(clone + kSuperfluous, ignored);
}

int InsertObject(const git_oid* id, void* builder) {
  return git_packbuilder_insert(static_cast<git_packbuilder*>(builder), id, nullptr);
}

// Every object of the pack `stem` into `builder`.
absl::Status InsertPack(const std::string& stem, git_packbuilder* builder) {
  git_odb* handle = nullptr;
  if (const int code = git_odb_new(&handle); code < 0) return ToStatus(code, "join packs");
  const Odb odb(handle);
  git_odb_backend* pack = nullptr;
  int code = git_odb_backend_one_pack(&pack, (stem + ".idx").c_str());
  if (code == 0) code = git_odb_add_backend(handle, pack, 1);
  if (code == 0) code = git_odb_foreach(handle, &InsertObject, builder);
  return ToStatus(code, absl::StrCat("join the pack ", stem));
}

}  // namespace

absl::Status JoinPacks(const std::string& clone) {
  RemoveSuperfluous(clone);
  const std::vector<std::string> stems = SmallPacks(clone);
  if (stems.size() <= size_t{kSmallPacksMax}) return absl::OkStatus();
  git_repository* opened = nullptr;
  // A broken clone is the fetch's to replace.
  if (git_repository_open_bare(&opened, clone.c_str()) < 0) return absl::OkStatus();
  const Repository repository(opened);
  git_packbuilder* made = nullptr;
  if (const int code = git_packbuilder_new(&made, opened); code < 0) {
    return ToStatus(code, "join packs");
  }
  const PackBuilder builder(made);
  git_packbuilder_set_threads(made, 1);
  for (const std::string& stem : stems) RETURN_IF_ERROR(InsertPack(stem, made));
  const std::string directory = clone + "/objects/pack";
  if (const int code = git_packbuilder_write(made, directory.c_str(), 0, nullptr, nullptr);
      code < 0) {
    return ToStatus(code, "write the joined pack");
  }
  const std::string joined = absl::StrCat("pack-", git_packbuilder_name(made));
  std::ofstream list(clone + kSuperfluous);
  for (const std::string& stem : stems) {
    const std::string name = fs::path(stem).filename().string();
    if (name != joined) list << name << '\n';
  }
  return absl::OkStatus();
}

}  // namespace muster::hub::libgit2
