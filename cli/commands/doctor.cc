// muster doctor: what a person should look at, here and at the hub, each with the next command.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/commands/commands.h"
#include "cli/config.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/problem.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/trust/certificate.h"

namespace muster::cli {
namespace {

constexpr absl::Duration kClockSkewMax = absl::Seconds(30);
constexpr absl::Duration kCertificateSoon = absl::Hours(24 * 14);
constexpr uint64_t kDiskLow = 2ull << 30;

class Examination {
 public:
  explicit Examination(Session& session) : session_(session) {}

  // Stops at the first thing without which the rest cannot be asked.
  void Run() {
    const absl::StatusOr<Config> config = LoadConfig(session_.env());
    if (!config.ok()) return Add("configuration", config.status());
    Good("configuration",
         absl::StrCat(config->path, ", ",
                      Count(static_cast<int64_t>(config->contexts.size()), "context")));
    const absl::StatusOr<ConfigContext> context =
        ChooseContext(*config, session_.env(), session_.flags().context);
    if (!context.ok()) return Add("context", context.status());
    Good("context", absl::StrCat(context->name, ": hub ", context->hub));
    const absl::StatusOr<HubAddress> address = LoadCredentials(*context, config->path);
    if (!address.ok()) return Add("credentials", address.status());
    LookAtCertificate(*address);
    LookAtHub();
  }

  ExitCode Print() {
    int errors = 0;
    Value::List findings;
    std::string out;
    for (const pb::Finding& finding : findings_) {
      errors += finding.severity() == "error";
      findings.push_back(DocumentOf(finding));
      absl::StrAppend(&out, Line(finding));
    }
    if (IsDocument(session_.format())) {
      Value::Map body;
      body.Set("errors", errors);
      body.Set("items", std::move(findings));
      session_.PrintDocument(Typed("FindingList", std::move(body)));
    } else {
      session_.Print(out);
    }
    return errors == 0 ? ExitCode::kOk : ExitCode::kDiffers;
  }

 private:
  void LookAtCertificate(const HubAddress& address) {
    const absl::StatusOr<std::string> der = CertificateFromPem(address.certificate_pem);
    if (!der.ok()) return Add("certificate", der.status());
    const absl::StatusOr<CertificateInfo> info = ParseCertificate(*der);
    if (!info.ok()) return Add("certificate", info.status());
    const absl::Duration left = info->not_after - session_.now();
    const std::string until = TimeText(absl::ToUnixMillis(info->not_after));
    if (left <= absl::ZeroDuration()) {
      return Add("error", "certificate", absl::StrCat("expired at ", until),
                 "on the hub: muster-hub operator --data DIR --name NAME --output DIR");
    }
    if (left < kCertificateSoon) {
      return Add("warning", "certificate",
                 absl::StrCat("expires in ", AgeText(left), ", at ", until),
                 "on the hub: muster-hub operator --data DIR --name NAME --output DIR");
    }
    Good("certificate", absl::StrCat("valid until ", until, " (", AgeText(left), ")"));
  }

  void LookAtHub() {
    const absl::StatusOr<HubClient*> hub = session_.Hub();
    if (!hub.ok()) return Add("hub", hub.status());
    const absl::StatusOr<pb::HubView> asked = Tried("reach the hub", (*hub)->GetHub());
    if (!asked.ok()) return Add("hub", WithWhere(asked.status(), session_.hub_name()));
    const pb::HubView& view = *asked;
    Good("hub",
         absl::StrCat("version ", view.version(), ", up ", AgeOf(view.started_ms(), session_.now()),
                      ", store ", BytesText(view.store_bytes()), ", disk free ",
                      BytesText(view.disk_free_bytes())));
    if (view.version() != kVersion) {
      Add("warning", "version",
          absl::StrCat("this is muster ", kVersion, ", the hub is ", view.version()),
          "muster version");
    }
    const absl::Duration skew =
        absl::AbsDuration(absl::FromUnixMillis(view.now_ms()) - session_.now());
    if (skew > kClockSkewMax) {
      Add("warning", "clock",
          absl::StrCat("this machine and the hub are ", AgeText(skew), " apart"), "timedatectl");
    }
    if (view.disk_free_bytes() > 0 && view.disk_free_bytes() < kDiskLow) {
      Add("warning", "disk",
          absl::StrCat("the hub has ", BytesText(view.disk_free_bytes()), " left"), "");
    }
    LookAtFleet(view);
  }

  void LookAtFleet(const pb::HubView& view) {
    if (view.pending_clusters() > 0) {
      Add("warning", "clusters",
          absl::StrCat(Count(view.pending_clusters(), "cluster"), " waiting to be accepted"),
          "muster get clusters");
    }
    const std::string counts = absl::StrCat(
        Count(view.clusters(), "cluster"), ", ", view.connected(), " connected, ", view.converged(),
        " converged, fleet repository at ", ShortCommit(view.fleet_commit()));
    if (view.converged() == view.clusters() && view.connected() == view.clusters()) {
      Good("fleet", counts);
    } else {
      Add("warning", "fleet", counts, "muster diff --all");
    }
    for (const pb::Condition& condition : view.conditions()) {
      if (condition.status() != pb::CONDITION_STATUS_FALSE) continue;
      Add("error", condition.type(), condition.message(), "muster get events");
    }
    for (const pb::Finding& finding : view.findings()) findings_.push_back(finding);
  }

  void Add(absl::string_view subject, const absl::Status& status) {
    const Problem problem = ProblemOf(status);
    Add("error", subject,
        absl::StrCat(problem.what, problem.where.empty() ? "" : " (", problem.where,
                     problem.where.empty() ? "" : ")", problem.why.empty() ? "" : ": ",
                     problem.why),
        problem.hint);
  }

  void Add(absl::string_view severity, absl::string_view subject, absl::string_view message,
           absl::string_view next) {
    pb::Finding& finding = findings_.emplace_back();
    finding.set_severity(std::string(severity));
    finding.set_subject(std::string(subject));
    finding.set_message(std::string(message));
    finding.set_next(std::string(next));
  }

  void Good(absl::string_view subject, absl::string_view message) {
    Add("ok", subject, message, "");
  }

  std::string Line(const pb::Finding& finding) const {
    Tone tone = Tone::kBad;
    if (finding.severity() == "ok") tone = Tone::kGood;
    if (finding.severity() == "warning") tone = Tone::kUnknown;
    std::string out =
        absl::StrCat(session_.style().Mark(tone, finding.severity()), " ",
                     SafeText(finding.subject()), ": ", SafeText(finding.message()), "\n");
    if (!finding.next().empty()) absl::StrAppend(&out, "  next: ", SafeText(finding.next()), "\n");
    return out;
  }

  Session& session_;
  std::vector<pb::Finding> findings_;
};

}  // namespace

absl::StatusOr<ExitCode> Doctor(Session& session) {
  Examination examination(session);
  examination.Run();
  return examination.Print();
}

}  // namespace muster::cli
