// muster get: lists, and single things by name.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/fetch.h"
#include "cli/follow.h"
#include "cli/output/jsonpath.h"
#include "cli/problem.h"
#include "cli/subject.h"
#include "common/base/check.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kClearScreen = "\x1b[H\x1b[2J";

pb::ListRequest RequestOf(const GetOptions& options) {
  pb::ListRequest request;
  request.set_selector(options.selector);
  request.set_cluster(options.cluster);
  request.set_package(options.package);
  request.set_repository(options.repository);
  request.set_limit(options.limit);
  request.set_page_token(options.page_token);
  return request;
}

template <typename View>
absl::StatusOr<Fetched<View>> FetchUnsorted(HubClient& hub, const GetOptions& options,
                                            const std::vector<std::string>& names) {
  if (names.empty()) return Fetch<View>(hub, RequestOf(options));
  Fetched<View> all;
  for (const std::string& name : names) {
    pb::ListRequest request = RequestOf(options);
    request.set_name(name);
    ASSIGN_OR_RETURN(Fetched<View> found, Fetch<View>(hub, std::move(request)));
    if (found.items.empty()) {
      return ProblemStatus(absl::StatusCode::kNotFound,
                           {.what = absl::StrCat("there is no ", ListingOf<View>().noun, "/", name),
                            .hint = absl::StrCat("muster get ", ListingOf<View>().plural)});
    }
    for (View& item : found.items) all.items.push_back(std::move(item));
  }
  all.total = static_cast<int>(all.items.size());
  return all;
}

// Nothing first, then by number or text.
bool SortsBefore(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return a.is_null() && !b.is_null();
  const std::optional<int64_t> x = a.AsInt64();
  const std::optional<int64_t> y = b.AsInt64();
  if (x && y) return *x < *y;
  if (a.is_bool() && b.is_bool()) return a.boolean() < b.boolean();
  const auto text = [](const Value& value) {
    return value.is_string() ? value.string() : JsonLine(value);
  };
  return text(a) < text(b);
}

template <typename View>
absl::Status SortItems(const std::string& sort_by, std::vector<View>& items) {
  ASSIGN_OR_RETURN(const JsonPath path, JsonPath::ParsePath(sort_by));
  std::vector<std::pair<Value, size_t>> order;
  bool found = items.empty();
  for (const View& item : items) {
    const Value document = DocumentOf(item);
    const std::vector<const Value*> at = path.Find(document);
    found = found || !at.empty();
    order.emplace_back(at.empty() ? Value() : *at.front(), order.size());
  }
  if (!found) {
    return UsageProblem(absl::StrCat("--sort-by ", sort_by, ": there is no such field"),
                        absl::StrCat("muster get ", ListingOf<View>().plural, " -o yaml"));
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return SortsBefore(a.first, b.first); });
  std::vector<View> sorted;
  sorted.reserve(items.size());
  for (const auto& [value, place] : order) sorted.push_back(std::move(items[place]));
  items = std::move(sorted);
  return absl::OkStatus();
}

template <typename View>
absl::StatusOr<Fetched<View>> FetchNamed(HubClient& hub, const GetOptions& options,
                                         const std::vector<std::string>& names) {
  if (options.sort_by.empty()) return FetchUnsorted<View>(hub, options, names);
  GetOptions all = options;
  all.limit = 0;  // the hub's own order says nothing about which come first
  ASSIGN_OR_RETURN(Fetched<View> fetched, FetchUnsorted<View>(hub, all, names));
  RETURN_IF_ERROR(SortItems(options.sort_by, fetched.items));
  const size_t limit = static_cast<size_t>(options.limit);
  if (limit > 0 && fetched.items.size() > limit) fetched.items.resize(limit);
  return fetched;
}

// What a watch prints: the whole table anew on a terminal, else the rows that changed.
template <typename View>
class Watcher {
 public:
  explicit Watcher(Session& session) : session_(session) {}

  void Show(const std::vector<View>& items) {
    if (session_.style().terminal && !IsDocument(session_.format())) {
      session_.Print(kClearScreen);
      PrintList(session_, items, "");
      return;
    }
    const Listing<View>& listing = ListingOf<View>();
    std::vector<View> changed;
    std::map<std::string, std::string> now;
    for (const View& item : items) {
      const std::string key = listing.name(item);
      const std::string content = ContentOf(item);
      const auto before = shown_.find(key);
      if (before == shown_.end() || before->second != content) changed.push_back(item);
      now[key] = content;
    }
    for (const auto& [key, content] : shown_) {
      if (!now.contains(key)) session_.Tell(absl::StrCat(listing.noun, "/", key, " is gone"));
    }
    shown_ = std::move(now);
    for (const View& item : changed) {
      if (session_.format() == Format::kJson) {
        session_.Print(JsonLine(Typed(listing.kind, DocumentOf(item))));
      } else if (session_.format() == Format::kYaml) {
        session_.Print("---\n");
        session_.PrintDocument(Typed(listing.kind, DocumentOf(item)));
      } else if (session_.format() == Format::kJsonPath) {
        session_.PrintDocument(Typed(listing.kind, DocumentOf(item)));
      }
    }
    if (IsDocument(session_.format()) || changed.empty()) return;
    session_.Print(PlainText(session_, changed, first_ && !session_.flags().no_headers));
    first_ = false;
  }

 private:
  // What must differ for a row to be printed anew: all that it shows but the ages, which change
  // with every look (seen from the epoch they are all nought).
  std::string ContentOf(const View& item) const {
    if (IsDocument(session_.format())) return item.SerializeAsString();
    std::string content;
    for (const Cell& cell : ListingOf<View>().row(item, absl::UnixEpoch())) {
      absl::StrAppend(&content, cell.text, "\n");
    }
    return content;
  }

  Session& session_;
  std::map<std::string, std::string> shown_;
  bool first_ = true;
};

template <typename View>
absl::Status WatchList(Session& session, HubClient& hub, const GetOptions& options,
                       const std::vector<std::string>& names) {
  absl::Time deadline = absl::InfiniteFuture();
  if (!session.flags().timeout.empty()) {
    ASSIGN_OR_RETURN(const absl::Duration timeout, session.Timeout(absl::InfiniteDuration()));
    deadline = session.now() + timeout;
  }
  Watcher<View> watcher(session);
  const absl::Status status = Follow(session, hub, deadline, [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const Fetched<View> fetched, FetchNamed<View>(hub, options, names));
    watcher.Show(fetched.items);
    return false;
  });
  // A watch with a timeout has done what it was asked to.
  return absl::IsDeadlineExceeded(status) ? absl::OkStatus() : status;
}

template <typename View>
absl::StatusOr<ExitCode> GetAs(Session& session, const GetOptions& options,
                               const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  if (options.watch) {
    RETURN_IF_ERROR(WatchList<View>(session, *hub, options, names));
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const Fetched<View> fetched, FetchNamed<View>(*hub, options, names));
  if (names.size() == 1 && fetched.items.size() == 1) {
    PrintOne(session, fetched.items.front());
  } else {
    PrintList(session, fetched.items, fetched.next_page_token);
  }
  return ExitCode::kOk;
}

absl::Status CheckOptions(Kind kind, const GetOptions& options) {
  if (kind == Kind::kObject && options.cluster.empty()) {
    return UsageProblem("of which cluster?", "muster get objects --cluster NAME");
  }
  if (!options.selector.empty() && kind != Kind::kCluster && kind != Kind::kPackage) {
    return UsageProblem("-l selects clusters by their labels", "muster get clusters -l env=prod");
  }
  if (options.sort_by.empty()) return absl::OkStatus();
  if (!options.page_token.empty()) {
    return UsageProblem("--sort-by sorts a whole list, and --page-token asks for a part of one",
                        "leave one of them out");
  }
  if (const absl::Status path = JsonPath::ParsePath(options.sort_by).status(); !path.ok()) {
    return UsageProblem(absl::StrCat("--sort-by ", options.sort_by, ": ", path.message()),
                        "muster get clusters --sort-by .lastSeenAt");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Get(Session& session, const GetOptions& options) {
  static const std::vector<Kind> kKinds = {Kind::kCluster, Kind::kPackage, Kind::kRepository,
                                           Kind::kCommit,  Kind::kObject,  Kind::kToken,
                                           Kind::kEvent,   Kind::kRollout};
  if (options.words.empty()) {
    return ParseKind("", kKinds).status();
  }
  Kind kind;
  std::vector<std::string> names;
  if (options.words.size() == 1 && !absl::StrContains(options.words[0], '/')) {
    ASSIGN_OR_RETURN(kind, ParseKind(options.words[0], kKinds));
  } else {
    ASSIGN_OR_RETURN(const std::vector<Subject> subjects, ParseSubjects(options.words, kKinds));
    kind = subjects.front().kind;
    for (const Subject& subject : subjects) {
      if (subject.kind != kind) {
        return UsageProblem("get lists things of one kind at a time", "run it once for each kind");
      }
      names.push_back(subject.name);
    }
  }
  RETURN_IF_ERROR(CheckOptions(kind, options));
  switch (kind) {
    case Kind::kCluster:
      return GetAs<pb::ClusterView>(session, options, names);
    case Kind::kPackage:
      return GetAs<pb::PackageView>(session, options, names);
    case Kind::kRepository:
      return GetAs<pb::RepositoryView>(session, options, names);
    case Kind::kCommit:
      return GetAs<pb::CommitView>(session, options, names);
    case Kind::kObject:
      return GetAs<pb::ObjectView>(session, options, names);
    case Kind::kToken:
      return GetAs<pb::TokenView>(session, options, names);
    case Kind::kEvent:
      return GetAs<pb::EventView>(session, options, names);
    case Kind::kRollout:
      return GetAs<pb::RolloutView>(session, options, names);
    case Kind::kHistory:
      break;
  }
  CHECK(false) << "not a kind that get lists";
  return ExitCode::kError;
}

}  // namespace muster::cli
