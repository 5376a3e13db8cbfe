// muster audit: the log, its export, and the proof of both.
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/test_run.h"
#include "common/audit/export.h"
#include "common/trust/authority.h"
#include "common/trust/ed25519.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace muster::cli {
namespace {

using ::testing::HasSubstr;

// A hub with five records, and its root in a file.
class AuditCommand : public testing::Test {
 protected:
  AuditCommand() {
    const Validity validity{.not_before = run_.clock.Now() - absl::Hours(1),
                            .not_after = run_.clock.Now() + absl::Hours(1)};
    const auto root = CertificateAuthority::Create("hub", validity);
    const auto key = Ed25519PrivateKey::FromSeed(std::string(32, 's'));
    pb::AuditLines& lines = run_.hub->audit_lines;
    lines.set_hub_id(root.hub_id());
    AuditChain chain(root.hub_id());
    for (int i = 0; i < 5; ++i) {
      lines.add_lines(chain.Append({.time_ms = run_.Ago(absl::Minutes(5)),
                                    .actor = "ada",
                                    .action = "Sync",
                                    .subject = "repositories",
                                    .result = "Done",
                                    .message = "",
                                    .evidence = Digest()}));
    }
    lines.set_number(5);
    lines.set_head(chain.head().digest.bytes());
    *lines.mutable_checkpoint() = *Ed25519Signer(key).Sign(
        kAuditCheckpointType,
        AuditCheckpointText({.hub_id = root.hub_id(),
                             .head = chain.head(),
                             .time_ms = absl::ToUnixMillis(run_.clock.Now())}));
    lines.set_signer_der(*root.IssueSigner(key.public_key(), validity));
    root_ = Write("root.pem", CertificateToPem(root.root_der()));
  }

  static std::string Write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  TestRun run_;
  std::string root_;
};

TEST_F(AuditCommand, ExportsWhatItVerifiesWithoutTheHub) {
  ASSERT_EQ(run_({"audit", "export"}), 0) << run_.err();
  const std::string file = Write("audit.jsonl", run_.out());
  run_.connect = absl::UnavailableError("there is no hub");
  EXPECT_EQ(run_({"audit", "verify", file, "--root", root_}), 0) << run_.err();
  EXPECT_THAT(run_.out(), HasSubstr("ok: 5 records, none changed"));
}

TEST_F(AuditCommand, FindsAChangedByteInAnExport) {
  run_({"audit", "export"});
  const std::string file =
      Write("changed.jsonl",
            absl::StrReplaceAll(run_.out(), {{"\"actor\":\"ada\"", "\"actor\":\"eve\""}}));
  EXPECT_EQ(run_({"audit", "verify", file, "--root", root_}), 2);
  EXPECT_EQ(run_.out(), "");
  EXPECT_THAT(run_.err(), HasSubstr("line 3"));
}

TEST_F(AuditCommand, VerifiesTheHubsOwnLog) {
  EXPECT_EQ(run_({"audit", "verify", "--root", root_}), 0) << run_.err();
  std::string& last = *run_.hub->audit_lines.mutable_lines(4);
  last = absl::StrReplaceAll(last, {{"Done", "Dome"}});
  EXPECT_EQ(run_({"audit", "verify", "--root", root_}), 2);
}

TEST_F(AuditCommand, SaysWhatItCannotReadAndWhatIsNotThere) {
  EXPECT_EQ(run_({"audit", "verify", "/nowhere/audit.jsonl", "--root", root_}), 2);
  EXPECT_THAT(run_.err(), HasSubstr("/nowhere/audit.jsonl"));
  EXPECT_EQ(run_({"audit", "verify", Write("empty.jsonl", ""), "--root", root_}), 2);
  run_.hub->audit_lines.Clear();
  EXPECT_EQ(run_({"audit", "export"}), 2);
  EXPECT_THAT(run_.err(), HasSubstr("empty"));
}

TEST_F(AuditCommand, ListsWhatWasDone) {
  pb::AuditView view;
  view.set_number(7);
  view.set_actor("ada");
  view.set_action("RevokeCluster");
  view.set_subject("cluster/prod-1");
  view.set_result("Refused");
  view.set_message("no \x1b[2J");
  run_.hub->audit.push_back(view);
  EXPECT_EQ(run_({"audit", "log"}), 0);
  EXPECT_THAT(run_.out(), HasSubstr("RevokeCluster"));
  EXPECT_THAT(run_.out(), testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(run_({"audit", "log", "-o", "json"}), 0);
  EXPECT_THAT(run_.out(), HasSubstr("\"AuditList\""));
}

}  // namespace
}  // namespace muster::cli
