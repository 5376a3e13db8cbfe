#include "hub/source/chart_fetch.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/charts/archive.h"
#include "common/charts/semver.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr size_t kNewsNamed = 3;
constexpr size_t kProblemBytesMax = 1'000;

using WantKey = std::tuple<std::string, std::string, std::string>;

WantKey KeyOf(const pb::ChartWant& want) { return {want.chart(), want.version(), want.digest()}; }

// Nothing is wrong with the chart: asking again may help, and nothing changes until then.
bool Passes(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsInternal(status) || absl::IsCancelled(status) || absl::IsDataLoss(status);
}

// '/' of a chart's name would lead into another chart's directory.
std::string PathOf(const pb::ChartWant& want, absl::string_view version) {
  const std::string path =
      absl::StrCat(absl::StrReplaceAll(want.chart(), {{"/", "+"}}), "/", version);
  if (want.digest().empty()) return path;
  // All of it: who makes the chart must not be able to find two archives for one path.
  return absl::StrCat(path, "@", absl::StripPrefix(want.digest(), "sha256:"));
}

// What names a chart's content: the manifest where there is one.
const std::string& NameOf(const pb::ChartPin& pin) {
  return pin.manifest_digest().empty() ? pin.archive_digest() : pin.manifest_digest();
}

std::string PinText(const pb::ChartPin& pin) {
  return absl::StrCat(pin.want().chart(), " ", pin.version(), " ", NameOf(pin));
}

bool Differs(const pb::ChartPin& known, const ChartOffer& offer) {
  if (!known.manifest_digest().empty()) return known.manifest_digest() != offer.manifest_digest;
  // A registry that does not say has to be believed until its version moves.
  return !offer.archive_digest.empty() && known.archive_digest() != offer.archive_digest;
}

bool IsOlder(absl::string_view version, absl::string_view than) {
  const auto a = ParseSemVer(version), b = ParseSemVer(than);
  return a.ok() && b.ok() && Compare(*a, *b) < 0;
}

class Look {
 public:
  Look(const pb::FetchRequest& request, ChartRegistry& registry, ChartStore& store)
      : request_(request), registry_(registry), store_(store) {
    for (const pb::ChartPin& pin : request.known_charts().pins()) {
      known_[KeyOf(pin.want())] = &pin;
      if (!pin.version().empty()) known_at_[pin.path()].push_back(&pin);
    }
  }

  absl::Status At(const pb::ChartWant& want) {
    const auto found = known_.find(KeyOf(want));
    const pb::ChartPin* known =
        found != known_.end() && !found->second->version().empty() ? found->second : nullptr;
    absl::StatusOr<ChartOffer> offer = registry_.Look(want);
    if (Passes(offer.status())) return Annotate(offer.status(), WantText(want));
    if (!offer.ok()) return Fail(want, known, offer.status());
    if (known != nullptr && IsOlder(offer->version, known->version())) {
      return Fail(want, known,
                  absl::NotFoundError(absl::StrCat("version ", known->version(),
                                                   " was withdrawn, and the highest that fits is ",
                                                   offer->version, ", which is older")));
    }
    const bool same_version = known != nullptr && offer->version == known->version();
    if (same_version && !Differs(*known, *offer)) {
      if (store_.Has(request_.known_commit(), known->path())) {
        Keep(*known);
        return absl::OkStatus();
      }
      // The store was lost; what is fetched anew has to be what it was.
      offer->archive_digest = known->archive_digest();
    }
    const absl::Status taken = Take(want, *offer);
    if (Passes(taken)) return Annotate(taken, WantText(want));
    return taken.ok() ? taken : Fail(want, known, taken);
  }

  // What is known of it, without asking; what is not stays away.
  void KeepUnseen(const pb::ChartWant& want) {
    const auto found = known_.find(KeyOf(want));
    if (found == known_.end() || found->second->version().empty()) return;
    if (store_.Has(request_.known_commit(), found->second->path())) Keep(*found->second);
  }

  // What all of it comes to.
  absl::StatusOr<pb::FetchResponse> Finish(std::string author, int64_t now_s) {
    AgreeOnContent();
    response_.set_descends(response_.rewritten().empty());
    const bool same = !request_.known_commit().empty() &&
                      lock_.SerializeAsString() == request_.known_charts().SerializeAsString() &&
                      store_.Has(request_.known_commit(), "");
    if (same) {
      response_.set_commit(request_.known_commit());
    } else {
      contents_.author = author;
      contents_.subject = Subject();
      ASSIGN_OR_RETURN(*response_.mutable_commit(), store_.Write(contents_));
      pb::Commit& commit = *response_.add_commits();
      commit.set_id(response_.commit());
      commit.set_author(std::move(author));
      commit.set_subject(contents_.subject);
      commit.set_committed_ms(now_s * 1'000);
    }
    *response_.mutable_charts() = std::move(lock_);
    return std::move(response_);
  }

 private:
  void Keep(const pb::ChartPin& known) {
    // Without its files there is nothing to keep.
    if (!contents_.added.contains(known.path())) {
      contents_.kept[known.path()] = request_.known_commit();
    }
    *lock_.add_pins() = known;
  }

  absl::Status Fail(const pb::ChartWant& want, const pb::ChartPin* known, const absl::Status& why) {
    std::string message = absl::StrCat(WantText(want), ": ", why.message());
    if (message.size() > kProblemBytesMax) message.resize(kProblemBytesMax);
    if (known != nullptr && store_.Has(request_.known_commit(), known->path())) {
      response_.add_problems(
          absl::StrCat(message, "; ", known->version(), " (", NameOf(*known), ") keeps ruling"));
      Keep(*known);
      return absl::OkStatus();
    }
    response_.add_problems(message);
    pb::ChartPin& pin = *lock_.add_pins();
    SetWant(want, pin);
    pin.set_error(std::string(why.message()).substr(0, kProblemBytesMax));
    return absl::OkStatus();
  }

  absl::Status Take(const pb::ChartWant& want, ChartOffer& offer) {
    pb::ChartPin pin;
    SetWant(want, pin);
    pin.set_version(offer.version);
    pin.set_path(PathOf(want, offer.version));
    if (!contents_.added.contains(pin.path())) {
      const auto known = known_at_.find(pin.path());
      if (known != known_at_.end() && offer.archive_digest.empty()) {
        // What was fetched for another want is this version, as long as the registry says nothing.
        offer.archive_digest = known->second.front()->archive_digest();
        if (store_.Has(request_.known_commit(), pin.path())) {
          pin.set_archive_digest(offer.archive_digest);
          Keep(pin);
          return absl::OkStatus();
        }
      }
      ASSIGN_OR_RETURN(const std::string archive, registry_.Download(want, offer));
      ASSIGN_OR_RETURN(FileTree files, UnpackChart(archive));
      contents_.kept.erase(pin.path());
      contents_.added.emplace(pin.path(), std::move(files));
      taken_[pin.path()] = offer;
    }
    *lock_.add_pins() = std::move(pin);
    return absl::OkStatus();
  }

  // Wants that share a path share its content, in whichever order and at whichever look they were
  // asked for; and what it was for any of them, it has to be still.
  void AgreeOnContent() {
    for (pb::ChartPin& pin : *lock_.mutable_pins()) {
      const auto taken = taken_.find(pin.path());
      if (pin.version().empty() || taken == taken_.end()) continue;
      pin.set_archive_digest(taken->second.archive_digest);
      pin.set_manifest_digest(taken->second.manifest_digest);
    }
    for (const auto& [path, offer] : taken_) {
      const auto known = known_at_.find(path);
      if (known == known_at_.end()) continue;
      const auto was = std::find_if(known->second.begin(), known->second.end(),
                                    [&](const auto* pin) { return Differs(*pin, offer); });
      if (was == known->second.end()) continue;
      response_.add_rewritten(absl::StrCat(
          (*was)->want().chart(), " ", (*was)->version(), " was ", NameOf(**was), " and is ",
          offer.manifest_digest.empty() ? offer.archive_digest : offer.manifest_digest));
    }
  }

  static void SetWant(const pb::ChartWant& want, pb::ChartPin& pin) {
    *pin.mutable_want() = want;
    pin.mutable_want()->clear_repository();
  }

  // What is new since the known lock, for the list of commits.
  std::string Subject() const {
    std::vector<std::string> before, news;
    for (const auto& [key, pin] : known_) before.push_back(PinText(*pin));
    for (const pb::ChartPin& pin : lock_.pins()) {
      const std::string text = PinText(pin);
      const auto seen = [&text](const std::string& other) { return other == text; };
      if (pin.version().empty() || std::any_of(before.begin(), before.end(), seen) ||
          std::any_of(news.begin(), news.end(), seen)) {
        continue;
      }
      news.push_back(text);
    }
    if (news.empty()) return lock_.pins().empty() ? "no chart is asked for" : "no new chart";
    const size_t more = news.size() - std::min(news.size(), kNewsNamed);
    news.resize(news.size() - more);
    return absl::StrCat(absl::StrJoin(news, ", "),
                        more > 0 ? absl::StrCat(" and ", more, " more") : "");
  }

  const pb::FetchRequest& request_;
  ChartRegistry& registry_;
  ChartStore& store_;
  std::map<WantKey, const pb::ChartPin*> known_;
  std::map<std::string, std::vector<const pb::ChartPin*>> known_at_;  // by path
  ChartStore::Contents contents_;
  std::map<std::string, ChartOffer> taken_;  // what was downloaded, by path
  pb::ChartLock lock_;
  pb::FetchResponse response_;
};

}  // namespace

absl::StatusOr<pb::FetchResponse> FetchCharts(const pb::FetchRequest& request,
                                              ChartRegistry& registry, ChartStore& store,
                                              int64_t now_s, absl::FunctionRef<bool()> late) {
  RETURN_IF_ERROR(registry.Open());
  std::map<WantKey, pb::ChartWant> wants;
  for (const pb::ChartWant& want : request.charts()) wants.emplace(KeyOf(want), want);
  if (request.keep_charts()) {
    for (const pb::ChartPin& pin : request.known_charts().pins()) {
      if (!pin.version().empty()) wants.emplace(KeyOf(pin.want()), pin.want());
    }
  }
  if (wants.size() > size_t{kChartsMax}) {
    return absl::ResourceExhaustedError(absl::StrCat("packages ask for ", wants.size(),
                                                     " charts and versions of this repository; ",
                                                     kChartsMax, " are allowed"));
  }
  Look look(request, registry, store);
  for (const auto& [key, want] : wants) {
    if (!late()) {
      RETURN_IF_ERROR(look.At(want));
    } else {
      look.KeepUnseen(want);
    }
  }
  const size_t scheme = request.url().find("://");
  return look.Finish(request.url().substr(scheme == std::string::npos ? 0 : scheme + 3), now_s);
}

}  // namespace muster::hub
