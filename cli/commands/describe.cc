// muster describe: all about one cluster, package or repository, and what to look at next.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands/commands.h"
#include "cli/commands/printing.h"
#include "cli/commands/rollout.h"
#include "cli/fetch.h"
#include "cli/output/words.h"
#include "cli/problem.h"
#include "cli/subject.h"
#include "common/base/status_macros.h"

namespace muster::cli {
namespace {

constexpr int kEventsShown = 10;
constexpr int kPlacesShown = 20;  // objects whose file is looked for

// "Label:          value" lines and indented tables.
class Page {
 public:
  explicit Page(Session& session) : session_(session) {}

  void Line(absl::string_view label, const Cell& cell, absl::string_view note = "") {
    Raw(label, absl::StrCat(session_.style().Mark(cell.tone, SafeText(cell.text)),
                            note.empty() ? "" : " ", SafeText(note)));
  }

  template <typename View, typename Views>
  void Section(absl::string_view title, const Views& views) {
    if (views.empty()) return;
    absl::StrAppend(
        &text_, title, ":\n",
        TableText(TableOf(std::vector<View>(views.begin(), views.end()), session_.now()),
                  {.wide = true, .indent = 2}, session_.style()));
  }

  void Title(absl::string_view title) { absl::StrAppend(&text_, title, ":\n"); }
  void Item(absl::string_view text) { absl::StrAppend(&text_, "  ", SafeText(text), "\n"); }

  const std::string& text() const { return text_; }

 private:
  void Raw(absl::string_view label, absl::string_view text) {
    absl::StrAppendFormat(&text_, "%-14s %s\n", absl::StrCat(label, ":"), text);
  }

  Session& session_;
  std::string text_;
};

std::string Digits(absl::string_view digest) {
  return digest.empty() ? "<none>" : absl::BytesToHexString(digest).substr(0, 12);
}

std::string OriginText(const pb::Origin& origin) {
  return origin.file().empty() ? "<none>" : absl::StrCat(origin.file(), ":", origin.line());
}

absl::StatusOr<std::vector<pb::EventView>> EventsOf(HubClient& hub, pb::ListRequest request) {
  request.set_limit(kEventsShown);
  ASSIGN_OR_RETURN(Fetched<pb::EventView> events, Fetch<pb::EventView>(hub, std::move(request)));
  return std::move(events.items);
}

// Where the objects that have problems stand in Git, by package and object; those that are known.
using Places = std::map<std::pair<std::string, std::string>, std::string>;

std::string NameOf(const pb::ObjectProblem& problem) {
  return ObjectName(problem.api_version(), problem.kind(), problem.namespace_(), problem.name());
}

// What cannot be told now is left out: the problems are what matters.
Places FindPlaces(HubClient& hub, const pb::ClusterView& view) {
  Places places;
  int asked = 0;
  for (const pb::ClusterPackageView& package : view.packages()) {
    for (const pb::ObjectProblem& problem : package.problems()) {
      if (asked == kPlacesShown) return places;
      ++asked;
      pb::ListRequest request;
      request.set_cluster(view.name());
      request.set_package(package.name());
      request.set_name(problem.name());
      const absl::StatusOr<Fetched<pb::ObjectView>> found = Fetch<pb::ObjectView>(hub, request);
      if (!found.ok()) continue;
      for (const pb::ObjectView& object : found->items) {
        const pb::ManifestEntry& entry = object.entry();
        if (object.source_file().empty()) continue;
        places[{package.name(),
                ObjectName(entry.api_version(), entry.kind(), entry.namespace_(), entry.name())}] =
            object.source_line() == 0
                ? object.source_file()
                : absl::StrCat(object.source_file(), ":", object.source_line());
      }
    }
  }
  return places;
}

void AddProblems(const pb::ClusterView& view, const Places& places, absl::Time now, Page& page) {
  bool titled = false;
  for (const pb::ClusterPackageView& package : view.packages()) {
    for (const pb::ObjectProblem& problem : package.problems()) {
      if (!titled) page.Title("Problems");
      titled = true;
      page.Item(absl::StrCat(std::string(1, ProblemSign(problem.what())), " ", package.name(), ": ",
                             ObjectText(problem.kind(), problem.namespace_(), problem.name()), " ",
                             ProblemLine(problem, now)));
      const auto place = places.find({package.name(), NameOf(problem)});
      if (place != places.end()) page.Item(absl::StrCat("    file ", place->second));
      for (const std::string& line : ProblemDetails(problem)) {
        page.Item(absl::StrCat("    ", line));
      }
    }
  }
}

void AddUnmanaged(const pb::ClusterView& view, Page& page) {
  if (view.unmanaged_objects().empty()) return;
  page.Title("Unmanaged");
  for (const pb::UnmanagedObject& object : view.unmanaged_objects()) {
    page.Item(ObjectText(object.kind(), object.namespace_(), object.name()));
  }
  const int64_t more = int64_t{view.unmanaged()} - view.unmanaged_objects_size();
  if (more > 0) page.Item(absl::StrCat("and ", more, " more"));
}

void AddCluster(const pb::ClusterView& view, const Places& places, absl::Time now, Page& page) {
  page.Line("Name", view.name());
  page.Line("Id", OrNone(view.id()));
  page.Line("Project", OrNone(view.project()));
  page.Line("Labels", LabelsText(view.labels()));
  page.Line("State", view.state());
  if (!view.words().empty()) page.Line("Words", view.words());
  page.Line("Mode", absl::StrCat(ModeWord(view.mode()), view.suspended() ? ", suspended" : ""));
  page.Line("Connection", ConnectionCell(view.connection()),
            view.last_seen_ms() == 0
                ? "(never seen)"
                : absl::StrCat("(seen ", AgeOf(view.last_seen_ms(), now), " ago)"));
  page.Line("Sync", SyncCell(view.sync()));
  page.Line("Health", HealthCell(view.health()));
  page.Line("Desired", absl::StrCat("generation ", view.desired_generation(), ", ",
                                    OrNone(view.desired_revision()), ", digest ",
                                    Digits(view.desired_digest())));
  page.Line(
      "Applied",
      absl::StrCat(
          "generation ", view.applied_generation(), ", ", OrNone(view.applied_revision()),
          view.applied_ms() == 0 ? "" : absl::StrCat(", ", AgeOf(view.applied_ms(), now), " ago")));
  page.Line("Objects", absl::StrCat(view.objects(), " (", view.drifted(), " drifted, ",
                                    view.unmanaged(), " unmanaged)"));
  uint64_t healed = 0;
  for (const pb::ClusterPackageView& package : view.packages()) healed += package.drift_healed();
  page.Line("Healed",
            absl::StrCat(Count(static_cast<int64_t>(healed), "object"), " put right so far"));
  page.Line("Agent",
            absl::StrCat(OrNone(view.agent_version()), ", driver ", OrNone(view.driver())));
  if (!view.recipient().empty()) page.Line("Recipient", view.recipient());
  if (view.certificate_expires_ms() != 0) {
    page.Line(
        "Certificate",
        absl::StrCat("until ", TimeText(view.certificate_expires_ms()), " (",
                     AgeText(absl::FromUnixMillis(view.certificate_expires_ms()) - now), ")"));
  }
  if (!view.suspended_locally().empty()) {
    page.Line("Suspended", absl::StrCat("in the cluster itself: ", view.suspended_locally()));
  }
  if (!view.message().empty()) page.Line("Message", view.message());
  page.Section<pb::ClusterPackageView>("Packages", view.packages());
  AddProblems(view, places, now, page);
  AddUnmanaged(view, page);
  page.Section<pb::Condition>("Conditions", view.conditions());
}

std::string NextOf(const pb::ClusterView& view) {
  if (view.state() == "Pending") return absl::StrCat("muster accept ", view.name());
  if (view.state() == "Declared") return absl::StrCat("muster join ", view.name());
  if (view.suspended()) return absl::StrCat("muster resume cluster ", view.name());
  if (view.sync() != pb::SYNC_STATUS_SYNCED) return absl::StrCat("muster diff ", view.name());
  return absl::StrCat("muster history ", view.name());
}

absl::Status DescribeCluster(Session& session, HubClient& hub, const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  request.set_detail(true);
  ASSIGN_OR_RETURN(const pb::ClusterView view, FetchOne<pb::ClusterView>(hub, request));
  if (IsDocument(session.format())) {
    PrintOne(session, view);
    return absl::OkStatus();
  }
  pb::ListRequest of_cluster;
  of_cluster.set_cluster(name);
  ASSIGN_OR_RETURN(const std::vector<pb::EventView> events, EventsOf(hub, of_cluster));
  Page page(session);
  AddCluster(view, FindPlaces(hub, view), session.now(), page);
  page.Section<pb::EventView>("Events", events);
  session.Print(page.text());
  session.TellNext(NextOf(view));
  return absl::OkStatus();
}

absl::Status DescribePackage(Session& session, HubClient& hub, const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  request.set_detail(true);
  ASSIGN_OR_RETURN(const pb::PackageView view, FetchOne<pb::PackageView>(hub, request));
  if (IsDocument(session.format())) {
    PrintOne(session, view);
    return absl::OkStatus();
  }
  pb::ListRequest of_package;
  of_package.set_package(name);
  ASSIGN_OR_RETURN(const std::vector<pb::EventView> events, EventsOf(hub, of_package));
  Page page(session);
  page.Line("Name", view.name());
  page.Line("Project", OrNone(view.project()));
  page.Line("Declared", OriginText(view.origin()));
  page.Line("Repository", view.repository());
  page.Line("Path", OrNone(view.path()));
  page.Line("Commit", OrNone(view.commit()));
  page.Line("Clusters", absl::StrCat(view.synced(), " of ", view.clusters(), " synced, ",
                                     Count(view.bundles(), "distinct rendering")));
  page.Line("Objects", absl::StrCat(view.objects()));
  page.Line("Sync", SyncCell(view.sync()));
  page.Line("Health", HealthCell(view.health()));
  page.Line("Suspended", view.suspended() ? "yes" : "no");
  if (!view.message().empty()) page.Line("Message", view.message());
  page.Section<pb::Condition>("Conditions", view.conditions());
  page.Section<pb::EventView>("Events", events);
  session.Print(page.text());
  session.TellNext(view.suspended()
                       ? absl::StrCat("muster resume package ", view.name())
                       : absl::StrCat("muster get commits --repository ", view.repository()));
  return absl::OkStatus();
}

std::string NextOf(const pb::RepositoryView& view) {
  if (view.frozen()) {
    return absl::StrCat("muster accept-rewrite ", view.name(), " ", view.seen_commit());
  }
  if (view.suspended()) return absl::StrCat("muster resume repository ", view.name());
  if (view.failures() > 0) return absl::StrCat("muster sync ", view.name());
  return absl::StrCat("muster get commits --repository ", view.name());
}

absl::Status DescribeRepository(Session& session, HubClient& hub, const std::string& name) {
  pb::ListRequest request;
  request.set_name(name);
  request.set_detail(true);
  ASSIGN_OR_RETURN(const pb::RepositoryView view, FetchOne<pb::RepositoryView>(hub, request));
  if (IsDocument(session.format())) {
    PrintOne(session, view);
    return absl::OkStatus();
  }
  pb::ListRequest recent;
  recent.set_repository(name);
  recent.set_limit(kEventsShown);
  ASSIGN_OR_RETURN(const Fetched<pb::CommitView> commits, Fetch<pb::CommitView>(hub, recent));
  const absl::Time now = session.now();
  Page page(session);
  page.Line("Name", view.name());
  page.Line("Project", OrNone(view.project()));
  page.Line("Declared", view.fleet() ? "the fleet repository itself" : OriginText(view.origin()));
  page.Line("URL", view.url());
  page.Line("Ref", OrNone(view.ref()));
  page.Line("Commit",
            absl::StrCat(OrNone(view.commit()), view.subject().empty() ? "" : " ", view.subject()));
  page.Line("Polled", view.polled_ms() == 0
                          ? "never"
                          : absl::StrCat(AgeOf(view.polled_ms(), now), " ago, next in ",
                                         AgeText(absl::FromUnixMillis(view.next_poll_ms()) - now)));
  if (view.failures() > 0) page.Line("Failures", absl::StrCat(view.failures(), " in a row"));
  if (view.frozen())
    page.Line("Frozen", absl::StrCat("history was rewritten to ", view.seen_commit()));
  page.Line("Verified", view.verify().empty() ? "no, commits need no signature" : view.verify());
  page.Line("Suspended", view.suspended() ? "yes" : "no");
  if (!view.message().empty()) page.Line("Message", view.message());
  page.Section<pb::Condition>("Conditions", view.conditions());
  page.Section<pb::CommitView>("Commits", commits.items);
  session.Print(page.text());
  session.TellNext(NextOf(view));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ExitCode> Describe(Session& session, const DescribeOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Subject> subjects,
                   ParseSubjects(options.words, {Kind::kCluster, Kind::kPackage, Kind::kRepository,
                                                 Kind::kRollout}));
  ASSIGN_OR_RETURN(HubClient * hub, session.Hub());
  bool first = true;
  for (const Subject& subject : subjects) {
    if (!first) session.Print(session.format() == Format::kYaml ? "---\n" : "\n");
    first = false;
    if (subject.kind == Kind::kCluster) {
      RETURN_IF_ERROR(DescribeCluster(session, *hub, subject.name));
    } else if (subject.kind == Kind::kPackage) {
      RETURN_IF_ERROR(DescribePackage(session, *hub, subject.name));
    } else if (subject.kind == Kind::kRollout) {
      RETURN_IF_ERROR(DescribeRollout(session, *hub, subject.name).status());
    } else {
      RETURN_IF_ERROR(DescribeRepository(session, *hub, subject.name));
    }
  }
  return ExitCode::kOk;
}

}  // namespace muster::cli
