#include "hub/source/git_ref.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/config/repository_url.h"
#include "common/manifest/utf8.h"

namespace muster::hub {
namespace {

// git-check-ref-format(1), as far as a name can do harm or never exist.
bool IsRefName(absl::string_view name) {
  if (name.empty() || name.size() > 1'000 || name.front() == '/' || name.back() == '/' ||
      name.back() == '.' || name.front() == '-') {
    return false;
  }
  for (const char* part : {"..", "//", "@{", "/.", ".lock/"}) {
    if (absl::StrContains(name, part)) return false;
  }
  if (name.front() == '.' || absl::EndsWith(name, ".lock")) return false;
  return std::none_of(name.begin(), name.end(), [](unsigned char c) {
    return c <= ' ' || c == 0x7f || absl::StrContains("~^:?*[\\", std::string(1, c));
  });
}

constexpr char kReplacement[] = "\xef\xbf\xbd";  // U+FFFD

// C0, DEL and C1: they could drive a terminal.
bool IsControl(absl::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  return first < 0x20 || first == 0x7f ||
         (first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0);
}

}  // namespace

std::string WantedRef::text() const {
  if (!commit.empty()) return absl::StrCat("commit ", commit);
  absl::string_view rest = name;
  if (absl::ConsumePrefix(&rest, "refs/heads/")) return absl::StrCat("branch '", rest, "'");
  absl::ConsumePrefix(&rest, "refs/tags/");
  return absl::StrCat("tag '", rest, "'");
}

absl::StatusOr<WantedRef> ParseWantedRef(const v1::FetchRequest& request) {
  const int set = (request.branch().empty() ? 0 : 1) + (request.tag().empty() ? 0 : 1) +
                  (request.commit().empty() ? 0 : 1);
  if (set != 1) {
    return absl::InvalidArgumentError("exactly one of branch, tag and commit must be given");
  }
  WantedRef ref;
  if (!request.commit().empty()) {
    if (!IsCommitId(request.commit())) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", CommitText(request.commit(), 64),
                       "' is not a commit: give all 40 lower-case hexadecimal digits"));
    }
    ref.commit = request.commit();
    return ref;
  }
  const bool branch = !request.branch().empty();
  const std::string& name = branch ? request.branch() : request.tag();
  if (!IsRefName(name)) {
    return absl::InvalidArgumentError(absl::StrCat("'", CommitText(name, 64), "' cannot be the ",
                                                   "name of a ", branch ? "branch" : "tag"));
  }
  ref.name = absl::StrCat(branch ? "refs/heads/" : "refs/tags/", name);
  return ref;
}

std::string CommitText(absl::string_view text, size_t bytes_max) {
  text = text.substr(0, bytes_max);  // a replacement is never shorter than what it replaces
  std::string valid;
  while (!text.empty()) {
    const size_t bad = std::min(FindInvalidUtf8(text), text.size());
    absl::StrAppend(&valid, text.substr(0, bad));
    if (bad == text.size()) break;
    valid += kReplacement;
    text.remove_prefix(bad + 1);
  }
  std::string result;
  for (size_t i = 0; i < valid.size();) {
    size_t length = 1;
    while (i + length < valid.size() && (valid[i + length] & 0xc0) == 0x80) ++length;
    absl::string_view next = absl::string_view(valid).substr(i, length);
    if (IsControl(next)) next = " ";
    if (result.size() + next.size() > bytes_max) break;
    absl::StrAppend(&result, next);
    i += length;
  }
  return result;
}

}  // namespace muster::hub
