#include <string>

#include "cli/output/document.h"
#include "cli/output/listing.h"
#include "cli/output/table.h"
#include "cli/output/text.h"
#include "common/manifest/json.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "proto/operator_service.pb.h"

namespace muster::cli {
namespace {

TEST(SafeText, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(SafeText("plain ✔ text"), "plain ✔ text");
  EXPECT_EQ(SafeText("\x1b]0;owned\x07"), "\\x1b]0;owned\\x07");
  EXPECT_EQ(SafeText("a\nb\tc\rd"), "a b c d");
  EXPECT_EQ(SafeText("c1: \xc2\x9b"
                     "31m"),
            "c1: \\x9b31m");
  EXPECT_EQ(SafeText("\xe2\x80\xae"
                     "abc"),
            "\\u202eabc");
  EXPECT_EQ(SafeText("\xff\xc3("), "\\xff\\xc3(");
  EXPECT_EQ(SafeText(std::string("\0", 1)), "\\x00");
  EXPECT_EQ(SafeText("\xc0\x9b"), "\\xc0\\x9b");  // an overlong escape
}

TEST(SafeJson, EscapesWhatJsonItselfWouldLetThrough) {
  EXPECT_EQ(SafeJson("{\n  \"a\": \"\xc2\x9b\x7f\xe2\x80\xae\"\n}\n"),
            "{\n  \"a\": \"\\u009b\\u007f\\u202e\"\n}\n");
}

TEST(AgeText, ReadsLikeKubectl) {
  EXPECT_EQ(AgeText(absl::Seconds(119)), "119s");
  EXPECT_EQ(AgeText(absl::Seconds(310)), "5m10s");
  EXPECT_EQ(AgeText(absl::Minutes(5)), "5m");
  EXPECT_EQ(AgeText(absl::Minutes(59)), "59m");
  EXPECT_EQ(AgeText(absl::Minutes(200)), "3h20m");
  EXPECT_EQ(AgeText(absl::Hours(30)), "30h");
  EXPECT_EQ(AgeText(absl::Hours(52)), "2d4h");
  EXPECT_EQ(AgeText(absl::Hours(24 * 30)), "30d");
  EXPECT_EQ(AgeText(absl::Hours(24 * 800)), "2y70d");
  EXPECT_EQ(AgeText(-absl::Seconds(3)), "0s");  // clocks differ
}

TEST(TimeText, IsRfc3339InUtc) {
  EXPECT_EQ(TimeText(1'795'262'400'000), "2026-11-21T12:00:00Z");
  EXPECT_EQ(TimeText(1'795'262'400'120), "2026-11-21T12:00:00.12Z");
}

TEST(Truncated, CutsAtAWholeCharacterAndSaysSo) {
  EXPECT_EQ(Truncated("abcdef", 6, false), "abcdef");
  EXPECT_EQ(Truncated("abcdefg", 6, false), "abcde…");
  EXPECT_EQ(Truncated("abcdefg", 6, true), "abc...");
  EXPECT_EQ(Truncated("日本語", 5, false), "日本…");
}

TEST(Table, AlignsByWhatIsSeen) {
  const Table table{.columns = {{"NAME"}, {"SYNC"}, {"WIDE", true}, {"MESSAGE"}},
                    .rows = {{"日本", Cell("Synced", Tone::kGood), "w", ""},
                             {"long-name", Cell("OutOfSync", Tone::kBad), "w", "the \x1b cause"}}};
  EXPECT_EQ(TableText(table, {}, Style{}),
            "NAME        SYNC        MESSAGE\n"
            "日本        Synced\n"
            "long-name   OutOfSync   the \\x1b cause\n");
  EXPECT_EQ(TableText(table, {.headers = false, .wide = true, .indent = 2}, Style{}),
            "  日本        Synced      w\n"
            "  long-name   OutOfSync   w   the \\x1b cause\n");
}

TEST(Table, SaysAStateByGlyphWordAndColourOnATerminal) {
  const Table table{.columns = {{"SYNC"}, {"MESSAGE"}},
                    .rows = {{Cell("Synced", Tone::kGood), "a message that is long"}}};
  EXPECT_EQ(TableText(table, {.headers = false}, Style{.terminal = true, .colour = true}),
            "\x1b[32m✔ Synced\x1b[0m   a message that is long\n");
  EXPECT_EQ(
      TableText(table, {.headers = false}, Style{.terminal = true, .ascii = true, .width = 24}),
      "+ Synced   a message ...\n");
}

TEST(Csv, QuotesAndDisarmsFormulas) {
  const Table table{.columns = {{"NAME"}, {"MESSAGE"}},
                    .rows = {{"a,b", "say \"x\""}, {"=1+1", "plain"}}};
  EXPECT_EQ(CsvText(table, true), "NAME,MESSAGE\r\n\"a,b\",\"say \"\"x\"\"\"\r\n'=1+1,plain\r\n");
}

TEST(Document, FollowsOneRuleForEveryMessage) {
  v1::ClusterView view;
  view.set_name("prod-1");
  v1::Label& label = *view.add_labels();
  label.set_key("env");
  label.set_value("prod");
  view.set_sync(v1::SYNC_STATUS_OUT_OF_SYNC);
  view.set_last_seen_ms(1'795'262'400'000);
  view.set_desired_digest("\x01\xff");
  view.set_desired_generation(18446744073709551615u);
  const Value document{DocumentOf(view)};
  EXPECT_EQ(document.Get("name")->string(), "prod-1");
  EXPECT_EQ(document.Find("/labels/env")->string(), "prod");
  EXPECT_EQ(document.Get("sync")->string(), "OutOfSync");
  EXPECT_EQ(document.Get("health")->string(), "Unknown");
  EXPECT_EQ(document.Get("lastSeenAt")->string(), "2026-11-21T12:00:00Z");
  EXPECT_TRUE(document.Get("enrolledAt")->is_null());  // there, and not known
  EXPECT_EQ(document.Get("desiredDigest")->string(), "01ff");
  EXPECT_EQ(document.Get("desiredGeneration")->number(), "18446744073709551615");
  EXPECT_TRUE(document.Get("packages")->list().empty());
  EXPECT_FALSE(document.Get("suspended")->boolean());
}

TEST(Document, WritesDurationsAsGoDoes) {
  v1::Repository repository;
  repository.set_interval_ms(90'000);
  const Value document{DocumentOf(repository)};
  EXPECT_EQ(document.Get("interval")->string(), "1m30s");
  EXPECT_TRUE(document.Get("origin")->is_null());
}

// Two fields that became one key would hide each other.
TEST(Document, GivesEachFieldOfEachMessageItsOwnKey) {
  const auto* const file = v1::ClusterView::descriptor()->file();
  for (const auto* of : {file, v1::Condition::descriptor()->file()}) {
    for (int i = 0; i < of->message_type_count(); ++i) {
      const auto* const type = of->message_type(i);
      const auto* const prototype =
          google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
      EXPECT_EQ(DocumentOf(*prototype).size(), static_cast<size_t>(type->field_count()))
          << type->full_name();
    }
  }
}

TEST(EnumWord, IsTheWordOfTheProduct) {
  EXPECT_EQ(EnumWord(*v1::ObjectProblem::What_descriptor(), v1::ObjectProblem::WHAT_WOULD_ADD),
            "WouldAdd");
  EXPECT_EQ(EnumWord(*v1::ClusterMode_descriptor(), v1::CLUSTER_MODE_OBSERVE), "Observe");
  EXPECT_EQ(EnumWord(*v1::SyncStatus_descriptor(), 99), "Unknown");  // of a newer hub
}

template <typename View>
void ExpectFits() {
  const Listing<View>& listing = ListingOf<View>();
  EXPECT_EQ(listing.row(View(), absl::UnixEpoch()).size(), listing.columns.size()) << listing.kind;
  for (const Column& column : listing.columns) {
    EXPECT_EQ(column.heading.find(' '), std::string::npos) << column.heading;
  }
}

TEST(Listing, HasACellForEachColumn) {
  ExpectFits<v1::ClusterView>();
  ExpectFits<v1::PackageView>();
  ExpectFits<v1::RepositoryView>();
  ExpectFits<v1::CommitView>();
  ExpectFits<v1::ObjectView>();
  ExpectFits<v1::TokenView>();
  ExpectFits<v1::EventView>();
  ExpectFits<v1::HistoryView>();
  ExpectFits<v1::ClusterPackageView>();
  ExpectFits<v1::Condition>();
}

}  // namespace
}  // namespace muster::cli
