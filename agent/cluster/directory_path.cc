// Where an object's file is: see directory_driver.h.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agent/cluster/directory_driver.h"

namespace muster::agent {
namespace {

constexpr size_t kNameBytesMax = 255;

// Injective, and never empty, ".", "..", hidden, or with a slash.
std::string Escaped(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool plain = absl::ascii_isalnum(c) || c == '-' || c == ':' || (c == '.' && i > 0);
    if (plain) {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string KindName(const ObjectKey& key) {
  const std::string kind = absl::AsciiStrToLower(Escaped(key.kind));
  if (key.group().empty()) return kind;
  return absl::StrCat(kind, ".", absl::AsciiStrToLower(Escaped(key.group())));
}

}  // namespace

absl::StatusOr<std::string> DirectoryPath(const ObjectKey& key, DirectoryLayout layout) {
  if (key.kind.empty() || key.name.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("file of '", key.text(), "': kind and name may not be empty"));
  }
  // An underscore is escaped elsewhere, so that no namespace can take this place.
  const std::string ns = key.namespace_.empty() ? "_cluster" : Escaped(key.namespace_);
  const std::string name = absl::StrCat(Escaped(key.name), ".yaml");
  const bool tree = layout == DirectoryLayout::kTree;
  const std::string flat = absl::StrCat(ns, "_", KindName(key), "_", name);
  const size_t longest =
      tree ? std::max({ns.size(), KindName(key).size(), name.size()}) : flat.size();
  if (longest > kNameBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("file of '", key.text(), "': the name is too long for a file"));
  }
  return tree ? absl::StrCat(ns, "/", KindName(key), "/", name) : flat;
}

}  // namespace muster::agent
