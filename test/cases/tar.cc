#include "test/cases/tar.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace muster::cases {
namespace {

constexpr size_t kBlock = 512;

// A header's text field, up to its first zero byte.
absl::string_view Field(absl::string_view header, size_t offset, size_t size) {
  const absl::string_view field = header.substr(offset, size);
  return field.substr(0, field.find('\0'));
}

// An octal number; zero for anything else.
uint64_t Octal(absl::string_view field) {
  uint64_t value = 0;
  for (const char c : field) {
    if (c < '0' || c > '7') break;
    value = value * 8 + (c - '0');
  }
  return value;
}

std::string NameOf(absl::string_view header) {
  // In GNU's variant the prefix's place holds times.
  const bool has_prefix = header.substr(257, 6) == absl::string_view("ustar\0", 6);
  const absl::string_view prefix = has_prefix ? Field(header, 345, 155) : "";
  const absl::string_view name = Field(header, 0, 100);
  const std::string path = prefix.empty() ? std::string(name) : absl::StrCat(prefix, "/", name);
  return path;
}

// The path in an extended header, whose lines are "SIZE KEY=VALUE"; empty when there is none.
std::string PaxPath(absl::string_view records) {
  for (absl::string_view record : absl::StrSplit(records, '\n')) {
    record = record.substr(std::min(record.find(' '), record.size() - 1) + 1);
    if (absl::ConsumePrefix(&record, "path=")) return std::string(record);
  }
  return "";
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> ReadTar(absl::string_view archive) {
  std::map<std::string, std::string> files;
  std::string long_name;  // of the next entry
  while (archive.size() >= kBlock && archive[0] != '\0') {
    const absl::string_view header = archive.substr(0, kBlock);
    archive.remove_prefix(kBlock);
    if (header.substr(257, 5) != "ustar") return absl::InvalidArgumentError("tar: not ustar");
    const uint64_t size = Octal(Field(header, 124, 12));
    const std::string path = long_name.empty() ? NameOf(header) : std::move(long_name);
    long_name.clear();
    if (size > archive.size()) {
      return absl::InvalidArgumentError(absl::StrCat("tar: ", path, " is cut off"));
    }
    const absl::string_view content = archive.substr(0, size);
    switch (header[156]) {
      case '0':
      case '\0':
        files.emplace(absl::StripPrefix(path, "./"), std::string(content));
        break;
      case '5':  // a directory
        break;
      case 'L':  // GNU's way
        long_name = std::string(content.substr(0, content.find('\0')));
        break;
      case 'x':  // the way of POSIX
        long_name = PaxPath(content);
        break;
      default:
        return absl::InvalidArgumentError(absl::StrCat("tar: ", path, " is a link, or stranger"));
    }
    archive.remove_prefix(std::min<size_t>(archive.size(), (size + kBlock - 1) / kBlock * kBlock));
  }
  return files;
}

}  // namespace muster::cases
