#include "common/charts/archive.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"

namespace muster {
namespace {

constexpr size_t kBlock = 512;           // of a tar archive
constexpr size_t kNameBytesMax = 4'096;  // of a long name, or an extended header's
constexpr size_t kHeaderBytesMax = 64u << 10;

absl::Status Refuse(absl::string_view name, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("'", absl::CHexEscape(name.substr(0, 256)), "' ", why));
}

absl::Status Torn() { return absl::InvalidArgumentError("the archive ends in the middle"); }

// Unpacks as much as is asked for, across several gzip members, and counts it.
class Inflater {
 public:
  Inflater(absl::string_view packed, size_t bytes_max) : bytes_left_(bytes_max) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (open_) inflateEnd(&stream_);
  }

  // Fills `out`; fewer bytes mean the end.
  absl::StatusOr<size_t> Read(char* out, size_t size) {
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (!open_) {
        if (stream_.avail_in == 0) break;
        RETURN_IF_ERROR(Open());
      }
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code == Z_STREAM_END) {
        inflateEnd(&stream_);
        open_ = false;
      } else if (code == Z_BUF_ERROR || (code == Z_OK && stream_.avail_in == 0)) {
        if (stream_.avail_out > 0) return Torn();
      } else if (code != Z_OK) {
        return absl::InvalidArgumentError("the archive's gzip data is damaged");
      }
    }
    const size_t got = size - stream_.avail_out;
    if (got > bytes_left_) {
      return absl::ResourceExhaustedError("the archive is larger than allowed when unpacked");
    }
    bytes_left_ -= got;
    return got;
  }

 private:
  absl::Status Open() {
    constexpr int kGzipOnly = 15 + 16;
    const auto [in, available, out, room] =
        std::make_tuple(stream_.next_in, stream_.avail_in, stream_.next_out, stream_.avail_out);
    stream_ = {};
    stream_.next_in = in;
    stream_.avail_in = available;
    stream_.next_out = out;
    stream_.avail_out = room;
    if (inflateInit2(&stream_, kGzipOnly) != Z_OK) {
      return absl::ResourceExhaustedError("no memory to unpack the archive");
    }
    open_ = true;
    return absl::OkStatus();
  }

  z_stream stream_ = {};
  bool open_ = false;
  size_t bytes_left_;
};

// One member's header.
struct Header {
  std::string name;
  uint64_t size = 0;
  char type = '0';
};

absl::string_view Field(const char* block, size_t at, size_t size) {
  absl::string_view text(block + at, size);
  return text.substr(0, std::min(text.find('\0'), text.size()));
}

// Octal digits, or base 256 when the first bit is set.
absl::StatusOr<uint64_t> NumberAt(const char* block, size_t at, size_t size) {
  uint64_t number = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(block + at);
  if ((bytes[0] & 0x80) != 0) {
    for (size_t i = 0; i < size; ++i) {
      if (number >> 55 != 0) return absl::InvalidArgumentError("the archive names an absurd size");
      number = (number << 8) | (i == 0 ? bytes[0] & 0x7fu : bytes[i]);
    }
    return number;
  }
  absl::string_view digits = absl::StripAsciiWhitespace(Field(block, at, size));
  for (const char c : digits) {
    if (c < '0' || c > '7') return absl::InvalidArgumentError("the archive is no tar archive");
    number = number * 8 + static_cast<uint64_t>(c - '0');
  }
  return number;
}

absl::StatusOr<Header> ParseHeader(const char* block) {
  constexpr size_t kSum = 148;
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i) {
    const bool own = i >= kSum && i < kSum + 8;
    sum += own ? ' ' : static_cast<unsigned char>(block[i]);
  }
  ASSIGN_OR_RETURN(const uint64_t expected, NumberAt(block, kSum, 8));
  if (sum != expected) return absl::InvalidArgumentError("the archive is no tar archive");
  Header header;
  header.name = std::string(Field(block, 0, 100));
  if (absl::string_view(block + 257, 6) == absl::string_view("ustar\0", 6)) {
    const absl::string_view prefix = Field(block, 345, 155);
    if (!prefix.empty()) header.name = absl::StrCat(prefix, "/", header.name);
  }
  ASSIGN_OR_RETURN(header.size, NumberAt(block, 124, 12));
  header.type = block[156] == '\0' ? '0' : block[156];
  return header;
}

// What an extended header says about the next member: "LENGTH KEY=VALUE\n", many times.
absl::Status ReadExtended(absl::string_view text, std::string& name, bool& has_size,
                          uint64_t& size) {
  while (!text.empty()) {
    const size_t blank = text.find(' ');
    size_t length = 0;
    if (blank == text.npos || !absl::SimpleAtoi(text.substr(0, blank), &length) ||
        length <= blank + 1 || length > text.size()) {
      return absl::InvalidArgumentError("the archive has a damaged extended header");
    }
    absl::string_view record = text.substr(blank + 1, length - blank - 1);
    text.remove_prefix(length);
    absl::ConsumeSuffix(&record, "\n");
    if (absl::ConsumePrefix(&record, "path=")) name = std::string(record);
    if (absl::ConsumePrefix(&record, "size=")) has_size = absl::SimpleAtoi(record, &size);
  }
  return absl::OkStatus();
}

class Reader {
 public:
  Reader(absl::string_view archive, const ArchiveLimits& limits)
      // Headers and padding come on top of what the files hold.
      : inflater_(archive, limits.bytes_max + (limits.files_max + 2) * 4 * kBlock),
        limits_(limits) {}

  absl::StatusOr<FileTree> Read() {
    while (true) {
      ASSIGN_OR_RETURN(const size_t got, inflater_.Read(block_.data(), kBlock));
      // Two empty blocks end an archive, and so does, for many a tool, its end.
      if (got == 0) break;
      if (got < kBlock) return Torn();
      if (std::all_of(block_.begin(), block_.end(), [](char c) { return c == '\0'; })) break;
      ASSIGN_OR_RETURN(Header header, ParseHeader(block_.data()));
      RETURN_IF_ERROR(Take(std::move(header)));
    }
    if (files_.Find("Chart.yaml") == nullptr) {
      return absl::InvalidArgumentError("the archive is no chart: it has no Chart.yaml");
    }
    for (const auto& [path, bytes] : files_) {
      if (!files_.Below(path).empty()) return Refuse(path, "is both a file and a directory");
    }
    return std::move(files_);
  }

 private:
  absl::Status Take(Header header) {
    if (++members_ > 2 * limits_.files_max) return TooMany();
    switch (header.type) {
      case 'L': {  // the next member's long name, as GNU writes it
        ASSIGN_OR_RETURN(long_name_, Content(header, kNameBytesMax));
        long_name_ =
            std::string(absl::string_view(long_name_)
                            .substr(0, std::min(long_name_.find('\0'), long_name_.size())));
        return absl::OkStatus();
      }
      case 'x': {
        ASSIGN_OR_RETURN(const std::string text, Content(header, kHeaderBytesMax));
        return ReadExtended(text, long_name_, has_size_, size_);
      }
      case 'g':  // for all members: comments, as Git writes them
        return Content(header, kHeaderBytesMax).status();
      default:
        break;
    }
    if (!long_name_.empty()) header.name = std::exchange(long_name_, "");
    if (std::exchange(has_size_, false)) header.size = size_;
    switch (header.type) {
      case '0':
      case '7':
        return TakeFile(header);
      case '5':
        return CheckName(header.name).status();
      case '1':
      case '2':
        return Refuse(header.name,
                      "is a link, and a chart's archive may hold none; `helm package` "
                      "puts in what links lead to");
      default:
        return Refuse(header.name, "is neither a file nor a directory");
    }
  }

  absl::Status TakeFile(const Header& header) {
    ASSIGN_OR_RETURN(const std::string path, CheckName(header.name));
    const size_t slash = path.find('/');
    if (slash == path.npos) return Refuse(header.name, "stands beside the chart's directory");
    const std::string base = path.substr(0, slash);
    if (base_.empty()) base_ = base;
    if (base != base_) {
      return Refuse(header.name, absl::StrCat("is not in '", base_, "', the chart's directory"));
    }
    if (files_.size() == limits_.files_max) return TooMany();
    ASSIGN_OR_RETURN(std::string bytes, Content(header, limits_.file_bytes_max));
    if (files_.bytes() + bytes.size() > limits_.bytes_max) {
      return absl::ResourceExhaustedError("the archive is larger than allowed when unpacked");
    }
    if (absl::Status bad = files_.Add(path.substr(slash + 1), std::move(bytes)); !bad.ok()) {
      return Refuse(header.name, absl::IsAlreadyExists(bad) ? "stands there twice" : bad.message());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> CheckName(const std::string& name) {
    const absl::StatusOr<std::string> path = NormalizePath(name);
    if (!path.ok()) return path.status();
    int depth = 0;
    for (const absl::string_view part : absl::StrSplit(*path, '/')) {
      if (++depth > limits::kPathDepthMax) return Refuse(name, "is nested too deep");
      if (absl::EqualsIgnoreCase(part, ".git")) return Refuse(name, "leads through '.git'");
    }
    return *path;
  }

  absl::StatusOr<std::string> Content(const Header& header, size_t bytes_max) {
    if (header.size > bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("'", absl::CHexEscape(header.name.substr(0, 256)), "' is larger than ",
                       bytes_max >> 10, " KiB"));
    }
    std::string bytes(header.size, '\0');
    ASSIGN_OR_RETURN(const size_t got, inflater_.Read(bytes.data(), bytes.size()));
    const size_t padding = (kBlock - bytes.size() % kBlock) % kBlock;
    ASSIGN_OR_RETURN(const size_t skipped, inflater_.Read(block_.data(), padding));
    if (got < bytes.size() || skipped < padding) return Torn();
    return bytes;
  }

  absl::Status TooMany() const {
    return absl::ResourceExhaustedError(
        absl::StrCat("the archive holds more than ", limits_.files_max, " files"));
  }

  Inflater inflater_;
  const ArchiveLimits limits_;
  std::array<char, kBlock> block_;
  FileTree files_;
  std::string base_;
  std::string long_name_;
  bool has_size_ = false;
  uint64_t size_ = 0;
  size_t members_ = 0;
};

}  // namespace

absl::StatusOr<FileTree> UnpackChart(absl::string_view archive, const ArchiveLimits& limits) {
  if (!absl::StartsWith(archive, "\x1f\x8b")) {
    return absl::InvalidArgumentError("it is no gzip archive");
  }
  return Reader(archive, limits).Read();
}

}  // namespace muster
