// The chain finds whatever was done to it; an export is believed for its signature alone.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/audit/chain.h"
#include "common/audit/export.h"
#include "common/trust/authority.h"
#include "common/trust/ed25519.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr int64_t kNoon = 1'795'262'400'000;  // 2026-11-21T12:00:00Z

AuditEntry Entry(const std::string& actor, const std::string& message = "") {
  return {.time_ms = kNoon,
          .actor = actor,
          .action = "CreateToken",
          .subject = "token/1",
          .result = "Done",
          .message = message,
          .evidence = Digest()};
}

std::vector<std::string> Lines(int count, const std::string& hub = "hub") {
  AuditChain chain(hub);
  std::vector<std::string> lines;
  for (int i = 1; i <= count; ++i) lines.push_back(chain.Append(Entry(absl::StrCat("ada-", i))));
  return lines;
}

absl::Status CheckAll(const std::vector<std::string>& lines, const std::string& hub = "hub") {
  AuditChain chain(hub);
  for (const std::string& line : lines) {
    const absl::Status checked = chain.Check(line);
    if (!checked.ok()) return checked;
  }
  return absl::OkStatus();
}

TEST(AuditChain, NamesEachLineInTheNext) {
  AuditChain chain("hub");
  const Digest beginning = chain.head().digest;
  const std::string first = chain.Append(Entry("ada"));
  EXPECT_EQ(first, absl::StrCat("{\"number\":1,\"previous\":\"", beginning.hex(),
                                "\",\"time\":\"2026-11-21T12:00:00.000Z\",\"actor\":\"ada\","
                                "\"action\":\"CreateToken\",\"subject\":\"token/1\","
                                "\"result\":\"Done\",\"message\":\"\",\"evidence\":\"\"}"));
  EXPECT_EQ(chain.head().number, 1u);
  EXPECT_EQ(chain.head().digest, Digest::Of(first));
  EXPECT_THAT(chain.Append(Entry("bob")), HasSubstr(Digest::Of(first).hex()));
}

TEST(AuditChain, FindsAnyByteThatWasChanged) {
  const std::vector<std::string> lines = Lines(3);
  ASSERT_TRUE(CheckAll(lines).ok());
  // Of the first two: what follows names them. Of the last, its head does.
  for (size_t line = 0; line < 2; ++line) {
    for (size_t at = 0; at < lines[line].size(); ++at) {
      std::vector<std::string> changed = lines;
      changed[line][at] ^= 1;
      EXPECT_EQ(CheckAll(changed).code(), absl::StatusCode::kDataLoss) << line << ", " << at;
    }
  }
}

TEST(AuditChain, FindsWhatIsGoneAddedMovedOrAnotherHubs) {
  const std::vector<std::string> lines = Lines(4);
  EXPECT_FALSE(CheckAll({lines[1], lines[2]}).ok());
  EXPECT_FALSE(CheckAll({lines[0], lines[2]}).ok());
  EXPECT_FALSE(CheckAll({lines[0], lines[0]}).ok());
  EXPECT_FALSE(CheckAll({lines[0], lines[2], lines[1]}).ok());
  EXPECT_FALSE(CheckAll(lines, "another hub").ok());
  EXPECT_THAT(std::string(CheckAll({lines[0], lines[2]}).message()), HasSubstr("after record 1"));
}

TEST(AuditChain, GoesOnWhereItStood) {
  AuditChain chain("hub");
  std::vector<std::string> lines = {chain.Append(Entry("ada"))};
  AuditChain again(chain.head());
  lines.push_back(again.Append(Entry("bob")));
  EXPECT_TRUE(CheckAll(lines).ok());
}

TEST(AuditChain, KeepsTextAsTextAndCutsWhatIsLong) {
  AuditChain chain("hub");
  const std::string line = chain.Append(Entry("a\"\n}\u2028", std::string(5'000, 'x')));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_LT(line.size(), 1'500u);
  const auto parsed = ParseAuditLine(line);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->entry.actor, "a\"\n}\u2028");
  EXPECT_EQ(parsed->entry.time_ms, kNoon);
  EXPECT_TRUE(ParseAuditLine(chain.Append(Entry("\xff\xfe"))).ok());
  EXPECT_FALSE(ParseAuditLine("{}").ok());
  EXPECT_FALSE(ParseAuditLine("").ok());
}

// ---------------------------------------------------------------- exports

class AuditExportTest : public testing::Test {
 protected:
  static Validity Around() {
    return {.not_before = absl::FromUnixMillis(kNoon) - absl::Hours(1),
            .not_after = absl::FromUnixMillis(kNoon) + absl::Hours(24 * 365)};
  }

  // As the hub signs it, with the certificate of `by`'s authority.
  std::string Footer(const AuditHead& head, const CertificateAuthority& by,
                     int64_t time_ms = kNoon) {
    const std::string text =
        AuditCheckpointText({.hub_id = root_.hub_id(), .head = head, .time_ms = time_ms});
    return *AuditExportFooter(*Ed25519Signer(key_).Sign(kAuditCheckpointType, text),
                              *by.IssueSigner(key_.public_key(), Around()));
  }

  std::vector<std::string> Export(int count) {
    std::vector<std::string> lines = {AuditExportHeader(root_.hub_id())};
    AuditChain chain(root_.hub_id());
    for (int i = 0; i < count; ++i) lines.push_back(chain.Append(Entry("ada")));
    lines.push_back(Footer(chain.head(), root_));
    return lines;
  }

  absl::StatusOr<AuditCheckpoint> Read(const std::vector<std::string>& lines) {
    AuditExportReader reader(root_.root_der());
    for (const std::string& line : lines) {
      const absl::Status added = reader.Add(line);
      if (!added.ok()) return added;
    }
    return reader.Finish();
  }

  const CertificateAuthority root_ = CertificateAuthority::Create("hub", Around());
  const Ed25519PrivateKey key_ = Ed25519PrivateKey::FromSeed(std::string(32, 's'));
};

TEST_F(AuditExportTest, IsProvedWithTheRootAlone) {
  const auto checkpoint = Read(Export(5));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
  EXPECT_EQ(checkpoint->head.number, 5u);
  EXPECT_EQ(checkpoint->hub_id, root_.hub_id());
}

TEST_F(AuditExportTest, OneChangedByteIsFoundWhereverItIs) {
  const std::vector<std::string> good = Export(3);
  for (size_t line = 0; line < good.size(); ++line) {
    for (size_t at = 0; at < good[line].size(); at += line + 1 == good.size() ? 37 : 1) {
      std::vector<std::string> changed = good;
      changed[line][at] = changed[line][at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(Read(changed).ok()) << line << ", " << at;
    }
  }
}

TEST_F(AuditExportTest, IsRefusedWhenItWasCutOrWrittenAnew) {
  std::vector<std::string> cut = Export(3);
  cut.pop_back();
  EXPECT_THAT(std::string(Read(cut).status().message()), HasSubstr("it was cut"));
  std::vector<std::string> shorter = Export(3);
  shorter.erase(shorter.end() - 2);
  EXPECT_EQ(Read(shorter).status().code(), absl::StatusCode::kDataLoss);
  std::vector<std::string> longer = Export(3);
  longer.push_back(longer[1]);
  EXPECT_FALSE(Read(longer).ok());
  EXPECT_FALSE(Read({}).ok());
}

TEST_F(AuditExportTest, ASignerOfAnotherRootOrOutOfItsTimeIsNotBelieved) {
  std::vector<std::string> lines = Export(1);
  const AuditHead head = [&] {
    AuditChain chain(root_.hub_id());
    EXPECT_TRUE(chain.Check(lines[1]).ok());
    return chain.head();
  }();
  lines.back() = Footer(head, CertificateAuthority::Create("thief", Around()));
  EXPECT_EQ(Read(lines).status().code(), absl::StatusCode::kPermissionDenied);
  lines.back() = Footer(head, root_, kNoon + int64_t{3} * 365 * 24 * 3'600'000);
  EXPECT_FALSE(Read(lines).ok());
  lines.back() = Footer(head, root_);
  EXPECT_TRUE(Read(lines).ok());
}

}  // namespace
}  // namespace muster
