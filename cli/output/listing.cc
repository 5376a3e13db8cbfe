#include "cli/output/listing.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/output/document.h"
#include "cli/output/text.h"
#include "cli/output/words.h"

namespace muster::cli {
namespace {

constexpr bool kWide = true;

std::string YesNo(bool yes) { return yes ? "yes" : "no"; }

// How far something may be trusted to be green: a cluster that is not enrolled has no status yet.
std::string ClusterMessage(const v1::ClusterView& view) {
  if (!view.message().empty()) return view.message();
  if (view.state() == "Pending") {
    return absl::StrCat("waits for: muster accept ", view.name(),
                        view.words().empty() ? "" : " (words: ", view.words(),
                        view.words().empty() ? "" : ")");
  }
  if (view.state() == "Declared") return "declared in Git, has not joined";
  if (view.state() == "Revoked") return "revoked";
  return view.suspended() ? "suspended" : "";
}

std::vector<Cell> ClusterRow(const v1::ClusterView& view, absl::Time now) {
  // A cluster that has not joined is not lost; only one that has can be.
  const bool joined = view.state().empty() || view.state() == "Enrolled";
  return {view.name(),
          joined ? ConnectionCell(view.connection()) : Cell(view.state(), Tone::kUnknown),
          SyncCell(view.sync()),
          HealthCell(view.health()),
          OrNone(view.desired_revision()),
          OrNone(view.applied_revision()),
          AgeOf(view.applied_ms(), now),
          view.state().empty() ? "Enrolled" : view.state(),
          ModeWord(view.mode()),
          absl::StrCat(view.applied_generation(), "/", view.desired_generation()),
          absl::StrCat(view.objects()),
          absl::StrCat(view.drifted()),
          absl::StrCat(view.unmanaged()),
          AgeOf(view.last_seen_ms(), now),
          OrNone(view.agent_version()),
          LabelsText(view.labels()),
          ClusterMessage(view)};
}

std::vector<Cell> PackageRow(const v1::PackageView& view, absl::Time) {
  return {view.name(),
          view.repository(),
          ShortCommit(view.commit()),
          absl::StrCat(view.synced(), "/", view.clusters()),
          SyncCell(view.sync()),
          HealthCell(view.health()),
          YesNo(view.suspended()),
          view.project(),
          OrNone(view.path()),
          absl::StrCat(view.bundles()),
          absl::StrCat(view.objects()),
          view.message()};
}

std::string RepositoryMessage(const v1::RepositoryView& view) {
  if (!view.message().empty()) return view.message();
  if (view.frozen()) return absl::StrCat("history was rewritten to ", view.seen_commit());
  return "";
}

std::vector<Cell> RepositoryRow(const v1::RepositoryView& view, absl::Time now) {
  Cell state("Ready", Tone::kGood);
  if (view.commit().empty()) state = {"Unknown", Tone::kUnknown};
  if (view.suspended()) state = {"Suspended", Tone::kPaused};
  if (view.failures() > 0) state = {"Failing", Tone::kBad};
  if (RefusalOf(view) != nullptr) state = {"Refused", Tone::kBad};
  if (view.frozen()) state = {"Frozen", Tone::kBad};
  return {view.name(),
          state,
          OrNone(view.ref()),
          ShortCommit(view.commit()),
          AgeOf(view.polled_ms(), now),
          view.project(),
          view.url(),
          absl::StrCat(view.failures()),
          YesNo(view.fleet()),
          OrNone(view.subject()),
          RepositoryMessage(view)};
}

// "Ada Lovelace" of "Ada Lovelace <ada@example.com>": tables are narrow.
std::string PersonName(const std::string& author) {
  const size_t address = author.find(" <");
  return address == std::string::npos || address == 0 ? author : author.substr(0, address);
}

std::vector<Cell> CommitRow(const v1::CommitView& view, absl::Time now) {
  Tone tone = Tone::kWorking;
  if (view.result() == "Rendered") tone = Tone::kGood;
  if (view.result() == "Superseded") tone = Tone::kFaint;
  if (view.result() == "Failed" || view.result() == "Frozen" || view.result() == "Refused")
    tone = Tone::kBad;
  return {ShortCommit(view.commit().id()),
          view.repository(),
          Cell(view.result().empty() ? "Unknown" : view.result(), tone),
          absl::StrCat(view.clusters_applied(), "/", view.clusters_desired()),
          absl::StrCat(view.clusters_healthy(), "/", view.clusters_desired()),
          AgeOf(view.seen_ms(), now),
          OrNone(PersonName(view.commit().author())),
          OrNone(view.commit().signer()),
          OrNone(view.commit().author()),
          OrNone(view.commit().signing_key()),
          view.commit().id(),
          view.commit().subject(),
          view.message()};
}

std::vector<Cell> ObjectRow(const v1::ObjectView& view, absl::Time now) {
  return {OrNone(view.entry().namespace_()),
          view.entry().kind(),
          view.entry().name(),
          view.package(),
          SyncCell(view.sync()),
          HealthCell(view.health()),
          ShortCommit(view.commit()),
          view.entry().api_version(),
          absl::StrCat(view.entry().wave()),
          BytesText(view.entry().size()),
          view.has_problem() ? ProblemLine(view.problem(), now) : ""};
}

std::vector<Cell> TokenRow(const v1::TokenView& view, absl::Time now) {
  Tone tone = Tone::kFaint;
  if (view.state() == "Valid") tone = Tone::kGood;
  if (view.state() == "Burned") tone = Tone::kBad;
  const absl::Duration left = absl::FromUnixMillis(view.expires_ms()) - now;
  return {view.id(),
          Cell(view.state(), tone),
          view.cluster_name().empty() ? "<any>" : view.cluster_name(),
          view.state() == "Valid" ? AgeText(left) : "<none>",
          YesNo(view.needs_accept()),
          AgeOf(view.created_ms(), now),
          OrNone(view.created_by()),
          LabelsText(view.labels()),
          OrNone(view.used_by())};
}

std::vector<Cell> EventRow(const v1::EventView& view, absl::Time now) {
  return {AgeOf(view.time_ms(), now),
          Cell(view.type(), view.type() == "Warning" ? Tone::kBad : Tone::kFaint),
          view.reason(),
          view.subject(),
          OrNone(view.actor()),
          TimeText(view.time_ms()),
          view.message()};
}

std::vector<Cell> HistoryRow(const v1::HistoryView& view, absl::Time now) {
  return {AgeOf(view.time_ms(), now),
          absl::StrCat(view.generation()),
          view.package(),
          view.bundle_digest().empty() ? "<removed>" : ShortCommit(view.commit()),
          OrNone(PersonName(view.author())),
          TimeText(view.time_ms()),
          YesNo(view.receipt()),
          view.subject()};
}

std::vector<Cell> ClusterPackageRow(const v1::ClusterPackageView& view, absl::Time) {
  return {view.name(),
          SyncCell(view.sync()),
          HealthCell(view.health()),
          ShortCommit(view.desired_commit()),
          ShortCommit(view.applied_commit()),
          absl::StrCat(view.objects()),
          absl::StrCat(view.drifted()),
          absl::StrCat(view.held()),
          absl::StrCat(view.drift_healed()),
          view.message()};
}

std::vector<Cell> ConditionRow(const v1::Condition& view, absl::Time now) {
  return {view.type(), ConditionCell(view.status()), OrNone(view.reason()),
          AgeOf(view.since_ms(), now), view.message()};
}

}  // namespace

template <>
const Listing<v1::ClusterView>& ListingOf() {
  static const auto* const listing =
      new Listing<v1::ClusterView>{.kind = "Cluster",
                                   .noun = "cluster",
                                   .plural = "clusters",
                                   .empty = "muster join NAME",
                                   .columns = {{"NAME"},
                                               {"CONNECTION"},
                                               {"SYNC"},
                                               {"HEALTH"},
                                               {"DESIRED"},
                                               {"APPLIED"},
                                               {"AGE"},
                                               {"STATE", kWide},
                                               {"MODE", kWide},
                                               {"GENERATION", kWide},
                                               {"OBJECTS", kWide},
                                               {"DRIFTED", kWide},
                                               {"UNMANAGED", kWide},
                                               {"SEEN", kWide},
                                               {"AGENT", kWide},
                                               {"LABELS", kWide},
                                               {"MESSAGE"}},
                                   .row = ClusterRow,
                                   .name = [](const v1::ClusterView& view) { return view.name(); }};
  return *listing;
}

template <>
const Listing<v1::PackageView>& ListingOf() {
  static const auto* const listing =
      new Listing<v1::PackageView>{.kind = "Package",
                                   .noun = "package",
                                   .plural = "packages",
                                   .empty = "muster get repositories",
                                   .columns = {{"NAME"},
                                               {"REPOSITORY"},
                                               {"COMMIT"},
                                               {"SYNCED"},
                                               {"SYNC"},
                                               {"HEALTH"},
                                               {"SUSPENDED"},
                                               {"PROJECT", kWide},
                                               {"PATH", kWide},
                                               {"BUNDLES", kWide},
                                               {"OBJECTS", kWide},
                                               {"MESSAGE"}},
                                   .row = PackageRow,
                                   .name = [](const v1::PackageView& view) { return view.name(); }};
  return *listing;
}

template <>
const Listing<v1::RepositoryView>& ListingOf() {
  static const auto* const listing = new Listing<v1::RepositoryView>{
      .kind = "Repository",
      .noun = "repository",
      .plural = "repositories",
      .empty = "muster doctor",
      .columns = {{"NAME"},
                  {"STATE"},
                  {"REF"},
                  {"COMMIT"},
                  {"POLLED"},
                  {"PROJECT", kWide},
                  {"URL", kWide},
                  {"FAILURES", kWide},
                  {"FLEET", kWide},
                  {"SUBJECT", kWide},
                  {"MESSAGE"}},
      .row = RepositoryRow,
      .name = [](const v1::RepositoryView& view) { return view.name(); }};
  return *listing;
}

template <>
const Listing<v1::CommitView>& ListingOf() {
  static const auto* const listing = new Listing<v1::CommitView>{
      .kind = "Commit",
      .noun = "commit",
      .plural = "commits",
      .empty = "muster sync",
      .columns = {{"COMMIT"},
                  {"REPOSITORY"},
                  {"RESULT"},
                  {"APPLIED"},
                  {"HEALTHY"},
                  {"SEEN"},
                  {"AUTHOR"},
                  {"SIGNER"},
                  {"ADDRESS", kWide},
                  {"KEY", kWide},
                  {"ID", kWide},
                  {"SUBJECT"},
                  {"MESSAGE"}},
      .row = CommitRow,
      .name = [](const v1::CommitView& view) { return view.commit().id(); }};
  return *listing;
}

template <>
const Listing<v1::ObjectView>& ListingOf() {
  static const auto* const listing = new Listing<v1::ObjectView>{
      .kind = "Object",
      .noun = "object",
      .plural = "objects",
      .empty = "muster get packages",
      .columns = {{"NAMESPACE"},
                  {"KIND"},
                  {"NAME"},
                  {"PACKAGE"},
                  {"SYNC"},
                  {"HEALTH"},
                  {"COMMIT"},
                  {"APIVERSION", kWide},
                  {"WAVE", kWide},
                  {"SIZE", kWide},
                  {"MESSAGE"}},
      .row = ObjectRow,
      .name = [](const v1::ObjectView& view) {
        const v1::ManifestEntry& entry = view.entry();
        return ObjectName(entry.api_version(), entry.kind(), entry.namespace_(), entry.name());
      }};
  return *listing;
}

template <>
const Listing<v1::TokenView>& ListingOf() {
  static const auto* const listing =
      new Listing<v1::TokenView>{.kind = "Token",
                                 .noun = "token",
                                 .plural = "tokens",
                                 .empty = "muster token create",
                                 .columns = {{"ID"},
                                             {"STATE"},
                                             {"CLUSTER"},
                                             {"EXPIRES"},
                                             {"ACCEPT"},
                                             {"AGE"},
                                             {"BY"},
                                             {"LABELS", kWide},
                                             {"USED-BY", kWide}},
                                 .row = TokenRow,
                                 .name = [](const v1::TokenView& view) { return view.id(); }};
  return *listing;
}

template <>
const Listing<v1::EventView>& ListingOf() {
  static const auto* const listing = new Listing<v1::EventView>{
      .kind = "Event",
      .noun = "event",
      .plural = "events",
      .empty = "",
      .columns = {{"AGE"},
                  {"TYPE"},
                  {"REASON"},
                  {"SUBJECT"},
                  {"ACTOR", kWide},
                  {"TIME", kWide},
                  {"MESSAGE"}},
      .row = EventRow,
      .name = [](const v1::EventView& view) { return absl::StrCat(view.number()); }};
  return *listing;
}

template <>
const Listing<v1::HistoryView>& ListingOf() {
  static const auto* const listing = new Listing<v1::HistoryView>{
      .kind = "History",
      .noun = "history",
      .plural = "entries",
      .empty = "",
      .columns = {{"AGE"},
                  {"GENERATION"},
                  {"PACKAGE"},
                  {"COMMIT"},
                  {"AUTHOR"},
                  {"TIME", kWide},
                  {"RECEIPT", kWide},
                  {"SUBJECT"}},
      .row = HistoryRow,
      .name = [](const v1::HistoryView& view) {
        return absl::StrCat(view.cluster(), "/", view.generation(), "/", view.package());
      }};
  return *listing;
}

template <>
const Listing<v1::ClusterPackageView>& ListingOf() {
  static const auto* const listing = new Listing<v1::ClusterPackageView>{
      .kind = "ClusterPackage",
      .noun = "package",
      .plural = "packages",
      .empty = "",
      .columns = {{"PACKAGE"},
                  {"SYNC"},
                  {"HEALTH"},
                  {"DESIRED"},
                  {"APPLIED"},
                  {"OBJECTS"},
                  {"DRIFTED"},
                  {"HELD"},
                  {"HEALED"},
                  {"MESSAGE"}},
      .row = ClusterPackageRow,
      .name = [](const v1::ClusterPackageView& view) { return view.name(); }};
  return *listing;
}

template <>
const Listing<v1::Condition>& ListingOf() {
  static const auto* const listing = new Listing<v1::Condition>{
      .kind = "Condition",
      .noun = "condition",
      .plural = "conditions",
      .empty = "",
      .columns = {{"TYPE"}, {"STATUS"}, {"REASON"}, {"SINCE"}, {"MESSAGE"}},
      .row = ConditionRow,
      .name = [](const v1::Condition& view) { return view.type(); }};
  return *listing;
}

}  // namespace muster::cli
