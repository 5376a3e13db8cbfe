#include "common/charts/archive.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "common/base/check.h"

namespace muster {
namespace {

// One member of a tar archive, as ustar has it.
std::string Member(const std::string& name, const std::string& bytes, char type = '0',
                   const std::string& size = "") {
  std::string header(512, '\0');
  std::memcpy(header.data(), name.data(), std::min<size_t>(name.size(), 100));
  std::memcpy(header.data() + 100, "0000644\0", 8);
  char octal[12];
  std::snprintf(octal, sizeof octal, "%011zo", bytes.size());
  const std::string text = size.empty() ? std::string(octal) : size;
  std::memcpy(header.data() + 124, text.data(), text.size());
  header[156] = type;
  std::memcpy(header.data() + 257, "ustar\00000", 8);
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 8, "%06o", sum);
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0');
}

std::string Gzip(const std::string& bytes) {
  z_stream stream = {};
  CHECK(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

const std::string kEnd(1024, '\0');

std::string Chart(const std::string& more = "") {
  return Gzip(Member("web/Chart.yaml", "name: web\n") + more + kEnd);
}

std::string Why(const std::string& archive, const ArchiveLimits& limits = {}) {
  const absl::StatusOr<FileTree> files = UnpackChart(archive, limits);
  return files.ok() ? "unpacked" : std::string(files.status().message());
}

TEST(Archive, UnpacksTheFilesOfAChart) {
  const auto files =
      UnpackChart(Chart(Member("web/", "", '5') + Member("./web//templates/a.yaml", "kind: A\n") +
                        Member("web/big.bin", std::string(70'000, 'x')) + Member("web/empty", "")));
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->size(), 4u);
  EXPECT_EQ(*files->Find("Chart.yaml"), "name: web\n");
  EXPECT_EQ(*files->Find("templates/a.yaml"), "kind: A\n");
  EXPECT_EQ(files->Find("big.bin")->size(), 70'000u);
  EXPECT_EQ(*files->Find("empty"), "");
}

TEST(Archive, ReadsLongNamesOfBothKinds) {
  const std::string deep = "web/" + std::string(120, 'd') + "/a.yaml";
  const std::string record = " path=" + deep + "\n";
  const std::string extended = std::to_string(record.size() + 3) + record;
  for (const std::string& before :
       {Member("././@LongLink", deep + '\0', 'L'), Member("pax", extended, 'x')}) {
    const auto files = UnpackChart(
        Chart(Member("pax", "52 comment=0123456789012345678901234567890123456789\n", 'g') + before +
              Member("web/short", "long")));
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(*files->Find(deep.substr(4)), "long");
  }
}

TEST(Archive, ReadsSeveralGzipMembers) {
  const auto files = UnpackChart(Gzip(Member("web/Chart.yaml", "name: web\n")) +
                                 Gzip(Member("web/a", "b") + kEnd));
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(*files->Find("a"), "b");
}

TEST(Archive, LetsNothingOut) {
  EXPECT_EQ(Why(Chart(Member("web/../../etc/passwd", "x"))),
            "path 'web/../../etc/passwd': '..' is not allowed; nothing outside may be reached");
  EXPECT_NE(Why(Chart(Member("/etc/passwd", "x"))).find("is absolute"), std::string::npos);
  EXPECT_NE(Why(Chart(Member("web\\..\\a", "x"))).find("backslash"), std::string::npos);
  EXPECT_NE(Why(Chart(Member("web/link", "", '2'))).find("'web/link' is a link"),
            std::string::npos);
  EXPECT_NE(Why(Chart(Member("web/hard", "", '1'))).find("'web/hard' is a link"),
            std::string::npos);
  EXPECT_EQ(Why(Chart(Member("web/dev", "", '3'))), "'web/dev' is neither a file nor a directory");
  EXPECT_EQ(Why(Chart(Member("web/pipe", "", '6'))),
            "'web/pipe' is neither a file nor a directory");
  EXPECT_EQ(Why(Chart(Member("web/.git/config", "x"))), "'web/.git/config' leads through '.git'");
  EXPECT_EQ(Why(Chart(Member("notes", "x"))), "'notes' stands beside the chart's directory");
  EXPECT_EQ(Why(Chart(Member("other/a", "x"))), "'other/a' is not in 'web', the chart's directory");
  EXPECT_EQ(Why(Chart(Member("web/Chart.yaml", "x"))), "'web/Chart.yaml' stands there twice");
  EXPECT_EQ(Why(Chart(Member("web/a", "x") + Member("web/a-b", "x") + Member("web/a/b", "x"))),
            "'a' is both a file and a directory");
}

TEST(Archive, CountsWhileItUnpacks) {
  // A thousand times larger than what was sent.
  const std::string bomb = Chart(Member("web/zeros", std::string(8u << 20, '\0')));
  ASSERT_LT(bomb.size(), 16u << 10);
  EXPECT_EQ(Why(bomb, {.bytes_max = 1u << 20, .file_bytes_max = 16u << 20}),
            "the archive is larger than allowed when unpacked");
  EXPECT_EQ(Why(bomb, {.file_bytes_max = 1u << 20}), "'web/zeros' is larger than 1024 KiB");
  std::string many;
  for (int i = 0; i < 20; ++i) many += Member("web/f" + std::to_string(i), "x");
  EXPECT_EQ(Why(Chart(many), {.files_max = 20}), "the archive holds more than 20 files");
  EXPECT_EQ(Why(Chart(many), {.files_max = 21}), "unpacked");
  std::string directories;
  for (int i = 0; i < 60; ++i) directories += Member("web/d" + std::to_string(i), "", '5');
  EXPECT_EQ(Why(Chart(directories), {.files_max = 20}), "the archive holds more than 20 files");
  // A size that no file has.
  EXPECT_NE(Why(Chart(Member("web/huge", "x", '0', "77777777777"))).find("is larger than"),
            std::string::npos);
}

TEST(Archive, RefusesWhatIsNone) {
  EXPECT_EQ(Why(""), "it is no gzip archive");
  EXPECT_EQ(Why("<html>not found</html>"), "it is no gzip archive");
  EXPECT_EQ(Why(Gzip("")), "the archive is no chart: it has no Chart.yaml");
  EXPECT_EQ(Why(Gzip(std::string(2048, 'x'))), "the archive is no tar archive");
  EXPECT_EQ(Why(Gzip(Member("web/values.yaml", "a: 1\n") + kEnd)),
            "the archive is no chart: it has no Chart.yaml");
  EXPECT_EQ(Why(Gzip(Member("web/Chart.yaml", "name: web\n").substr(0, 515))),
            "the archive ends in the middle");
  std::string damaged = Chart();
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  EXPECT_NE(Why(damaged), "unpacked");
  const std::string whole = Chart(Member("web/random", std::string(3000, 'r')));
  // The empty blocks at its end are the last that is looked at.
  for (size_t size = 0; size < whole.size() - 32; size += 7) {
    EXPECT_NE(Why(whole.substr(0, size)), "unpacked") << size;
  }
}

}  // namespace
}  // namespace muster
