// How the audit log looks in lists. A part of listing.h.
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/listing.h"
#include "cli/output/text.h"
#include "common/document/time_text.h"

namespace muster::cli {
namespace {

namespace pb = muster::v1;

std::vector<Cell> RowOf(const pb::AuditView& view, absl::Time) {
  const Tone tone = view.result() == "Done"    ? Tone::kGood
                    : view.result() == "Noted" ? Tone::kPlain
                                               : Tone::kBad;
  return {absl::StrCat(view.number()),
          view.time_ms() == 0 ? std::string("<none>") : TimeText(view.time_ms()),
          OrNone(view.actor()),
          OrNone(view.action()),
          OrNone(view.subject()),
          Cell(view.result(), tone),
          OrNone(view.message())};
}

}  // namespace

template <>
const Listing<pb::AuditView>& ListingOf() {
  static const auto* const listing = new Listing<pb::AuditView>{
      .kind = "Audit",
      .noun = "audit",
      .plural = "audit records",
      .empty = "",
      .columns =
          {{"NUMBER"}, {"TIME"}, {"ACTOR"}, {"ACTION"}, {"SUBJECT"}, {"RESULT"}, {"MESSAGE"}},
      .row = RowOf,
      .name = [](const pb::AuditView& view) { return absl::StrCat(view.number()); }};
  return *listing;
}

}  // namespace muster::cli
