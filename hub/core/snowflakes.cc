#include "hub/core/snowflakes.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/config/selector.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using What = pb::LiveDifference;

// What a fact is about: package, api version, kind, namespace, name, JSON pointer.
using Subject =
    std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;

// One thing that a cluster has otherwise than the bundles that it applied. Who and when do not make
// two states differ.
struct Fact {
  What::What what = What::WHAT_UNSPECIFIED;
  std::string live;
  std::string desired;
  std::string changed_by;
  int64_t changed_ms = 0;
  int64_t since_ms = 0;
  bool recurring = false;
};

using Facts = std::map<Subject, Fact>;

// Clusters of one group in one state.
struct Variant {
  Digest digest;
  std::shared_ptr<const Facts> facts;       // of the first cluster
  std::vector<const ClusterRow*> clusters;  // by name
};

struct Group {
  std::string name;
  std::vector<const ClusterRow*> clusters;
};

Labels LabelsOfRow(const ClusterRow& row) {
  Labels labels;
  for (const pb::Label& label : row.labels) labels[label.key()] = label.value();
  return labels;
}

// ---------------------------------------------------------------- what a cluster is like

Fact FactOf(const pb::ObjectProblem& problem, What::What what) {
  return {.what = what,
          .live = "",
          .desired = "",
          .changed_by = problem.changed_by(),
          .changed_ms = problem.changed_ms(),
          .since_ms = problem.since_ms(),
          .recurring = problem.recurring()};
}

void AddFields(const std::string& package, const pb::ObjectProblem& problem, Facts& facts) {
  const auto add = [&](const std::string& pointer, std::string live, std::string desired) {
    Fact fact = FactOf(problem, What::WHAT_FIELD);
    fact.live = std::move(live);
    fact.desired = std::move(desired);
    facts.emplace(Subject{package, problem.api_version(), problem.kind(), problem.namespace_(),
                          problem.name(), pointer},
                  std::move(fact));
  };
  for (const pb::FieldDifference& field : problem.differences()) {
    add(field.pointer(), field.live(), field.desired());
  }
  for (const std::string& pointer : problem.fields()) add(pointer, "", "");
  if (problem.fields().empty() && problem.differences().empty()) add("", "", "");
}

void AddProblem(const std::string& package, const pb::ObjectProblem& problem, Facts& facts) {
  What::What what = What::WHAT_UNSPECIFIED;
  switch (problem.what()) {
    case pb::ObjectProblem::WHAT_DRIFTED:
    case pb::ObjectProblem::WHAT_WOULD_CHANGE:
      AddFields(package, problem, facts);
      return;
    case pb::ObjectProblem::WHAT_MISSING:
    case pb::ObjectProblem::WHAT_WOULD_ADD:
      what = What::WHAT_MISSING;
      break;
    case pb::ObjectProblem::WHAT_WOULD_DELETE:
    case pb::ObjectProblem::WHAT_UNMANAGED:
      what = What::WHAT_EXTRA;
      break;
    case pb::ObjectProblem::WHAT_FAILED:
    case pb::ObjectProblem::WHAT_HELD:
      what = What::WHAT_FAILED;
      break;
    default:
      return;  // health is another axis
  }
  facts.emplace(Subject{package, problem.api_version(), problem.kind(), problem.namespace_(),
                        problem.name(), ""},
                FactOf(problem, what));
}

// Agents name the first of many one by one, and count all.
void AddMore(const std::string& package, int64_t counted, int64_t named, Facts& facts) {
  if (counted <= named) return;
  Fact fact;
  fact.what = What::WHAT_MORE;
  fact.live = absl::StrCat(counted);
  facts.emplace(Subject{package, "", "", "", "", "more"}, std::move(fact));
}

bool IsCounted(pb::ObjectProblem::What what) {
  return what == pb::ObjectProblem::WHAT_DRIFTED || what == pb::ObjectProblem::WHAT_MISSING ||
         what == pb::ObjectProblem::WHAT_FAILED || what == pb::ObjectProblem::WHAT_HELD;
}

// In what the cluster differs from the bundles that it applied. Most clusters in nothing: their
// reports need not be read.
std::shared_ptr<const Facts> FactsOf(const ClusterRow& row) {
  static const auto* const none = new std::shared_ptr<const Facts>(std::make_shared<Facts>());
  const bool as_git_says = row.sync == pb::SYNC_STATUS_SYNCED && row.unmanaged == 0 &&
                           row.mode != pb::CLUSTER_MODE_OBSERVE;
  pb::ObservedState state;
  if (as_git_says || row.observed == nullptr || !state.ParseFromString(*row.observed)) return *none;
  auto facts = std::make_shared<Facts>();
  for (const pb::ObservedPackage& package : state.packages()) {
    int64_t named = 0;
    for (const pb::ObjectProblem& problem : package.problems()) {
      AddProblem(package.name(), problem, *facts);
      named += IsCounted(problem.what()) ? 1 : 0;
    }
    AddMore(package.name(), int64_t{package.drifted()} + package.failed() + package.held(), named,
            *facts);
  }
  for (const pb::UnmanagedObject& object : state.unmanaged_objects()) {
    Fact fact;
    fact.what = What::WHAT_EXTRA;
    facts->emplace(
        Subject{"", object.api_version(), object.kind(), object.namespace_(), object.name(), ""},
        std::move(fact));
  }
  AddMore("", state.unmanaged(), state.unmanaged_objects_size(), *facts);
  return facts;
}

void AppendPart(absl::string_view part, std::string& text) {
  absl::StrAppend(&text, part.size(), ":", part);
}

// Names the live state: equal for equal bundles and equal facts, whatever time they are from.
Digest StateDigest(const ClusterRow& row, const Facts& facts) {
  std::string text;
  for (const PackageStatus& package : row.packages) {
    if (package.applied == nullptr) continue;
    AppendPart(package.name.text(), text);
    AppendPart(package.applied->bundle.view(), text);
  }
  for (const auto& [subject, fact] : facts) {
    std::apply([&](const auto&... part) { (AppendPart(part, text), ...); }, subject);
    absl::StrAppend(&text, static_cast<int>(fact.what));
    AppendPart(fact.live, text);
  }
  return Digest::Of(text);
}

// ---------------------------------------------------------------- who should be equal

std::string PackagesText(const ClusterRow& row) {
  std::string text;
  for (const PackageStatus& package : row.packages) {
    if (package.selected) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", package.name.text());
    }
  }
  return text.empty() ? "no package" : text;
}

// What clusters must have in common to be peers, and how people call it.
std::pair<std::string, std::string> PeersOf(const ClusterRow& row, const SnowflakeQuery& query) {
  std::string key;
  if (query.by.empty()) {
    for (const PackageStatus& package : row.packages) {
      if (!package.selected) continue;
      AppendPart(package.name.text(), key);
      absl::StrAppend(&key, package.rendering, ";");
    }
    return {key, PackagesText(row)};
  }
  std::string name;
  const Labels labels = LabelsOfRow(row);
  for (const std::string& wanted : query.by) {
    const auto found = labels.find(wanted);
    AppendPart(found == labels.end() ? "-" : absl::StrCat("=", found->second), key);
    absl::StrAppend(&name, name.empty() ? "" : ", ", found == labels.end() ? "no " : "", wanted,
                    found == labels.end() ? "" : absl::StrCat("=", found->second));
  }
  return {key, name};
}

// Labels that all of them have, sorted by key.
std::vector<pb::Label> CommonLabels(const std::vector<const ClusterRow*>& clusters) {
  std::vector<pb::Label> common = clusters.front()->labels;
  for (const ClusterRow* row : clusters) {
    std::erase_if(common, [row](const pb::Label& label) {
      return std::none_of(row->labels.begin(), row->labels.end(), [&](const pb::Label& other) {
        return other.key() == label.key() && other.value() == label.value();
      });
    });
    if (common.empty()) break;
  }
  return common;
}

// Those of one group, the usual state first.
std::vector<Variant> VariantsOf(const Group& group) {
  std::map<Digest, Variant> variants;
  for (const ClusterRow* row : group.clusters) {
    std::shared_ptr<const Facts> facts = FactsOf(*row);
    const Digest digest = StateDigest(*row, *facts);
    Variant& variant = variants[digest];
    if (variant.clusters.empty()) variant.facts = std::move(facts);
    variant.digest = digest;
    variant.clusters.push_back(row);
  }
  std::vector<Variant> sorted;
  for (auto& [digest, variant] : variants) sorted.push_back(std::move(variant));
  // Of equally many, what is more as Git says is the usual one.
  std::stable_sort(sorted.begin(), sorted.end(), [](const Variant& a, const Variant& b) {
    if (a.clusters.size() != b.clusters.size()) return a.clusters.size() > b.clusters.size();
    return a.facts->size() < b.facts->size();
  });
  return sorted;
}

// ---------------------------------------------------------------- how they differ

std::string CommitText(const AppliedBundle* bundle) {
  if (bundle == nullptr) return "";
  return bundle->commit.empty() ? absl::StrCat("bundle ", bundle->bundle.short_hex())
                                : bundle->commit;
}

const PackageStatus* FindPackage(const ClusterRow& row, const PackageName& name) {
  for (const PackageStatus& package : row.packages) {
    if (package.name == name) return &package;
  }
  return nullptr;
}

const AppliedBundle* AppliedOf(const PackageStatus* package) {
  return package == nullptr ? nullptr : package->applied.get();
}

// Packages of which the two have applied different bundles. Sets `behind` when `here` has not what
// it should have of one.
std::vector<pb::LiveDifference> VersionsOf(const ClusterRow& here, const ClusterRow& usual,
                                           bool& behind) {
  std::set<PackageName> names;
  for (const ClusterRow* row : {&here, &usual}) {
    for (const PackageStatus& package : row->packages) names.insert(package.name);
  }
  std::vector<pb::LiveDifference> differences;
  for (const PackageName& name : names) {
    const PackageStatus* const status = FindPackage(here, name);
    const AppliedBundle* const mine = AppliedOf(status);
    const AppliedBundle* const theirs = AppliedOf(FindPackage(usual, name));
    if ((mine == nullptr ? Digest() : mine->bundle) ==
        (theirs == nullptr ? Digest() : theirs->bundle)) {
      continue;
    }
    const PackageEntry* const desired = status == nullptr ? nullptr : status->desired.get();
    behind |= desired != nullptr && (mine == nullptr || mine->bundle != desired->bundle);
    pb::LiveDifference& difference = differences.emplace_back();
    difference.set_what(What::WHAT_VERSION);
    difference.set_package(name.text());
    difference.set_here(CommitText(mine));
    difference.set_usual(CommitText(theirs));
  }
  return differences;
}

pb::LiveDifference DifferenceOf(const Subject& subject, const Fact* here, const Fact* usual) {
  const Fact& fact = here != nullptr ? *here : *usual;
  pb::LiveDifference difference;
  difference.set_what(fact.what);
  difference.set_package(std::get<0>(subject));
  difference.set_api_version(std::get<1>(subject));
  difference.set_kind(std::get<2>(subject));
  difference.set_namespace_(std::get<3>(subject));
  difference.set_name(std::get<4>(subject));
  if (fact.what != What::WHAT_MORE) difference.set_pointer(std::get<5>(subject));
  difference.set_here(here != nullptr ? here->live : usual->desired);
  difference.set_usual(usual != nullptr ? usual->live : here->desired);
  difference.set_here_is_git(here == nullptr);
  difference.set_usual_is_git(usual == nullptr);
  difference.set_changed_by(fact.changed_by);
  difference.set_changed_ms(fact.changed_ms);
  difference.set_since_ms(fact.since_ms);
  difference.set_recurring(fact.recurring);
  return difference;
}

// What one of the two has and the other has not, or otherwise.
std::vector<pb::LiveDifference> ChangesOf(const Facts& here, const Facts& usual) {
  std::vector<pb::LiveDifference> differences;
  for (const auto& [subject, fact] : here) {
    const auto other = usual.find(subject);
    if (other == usual.end()) {
      differences.push_back(DifferenceOf(subject, &fact, nullptr));
    } else if (other->second.what != fact.what || other->second.live != fact.live) {
      differences.push_back(DifferenceOf(subject, &fact, &other->second));
    }
  }
  for (const auto& [subject, fact] : usual) {
    if (!here.contains(subject)) differences.push_back(DifferenceOf(subject, nullptr, &fact));
  }
  return differences;
}

pb::SnowflakeCluster ClusterOf(const ClusterRow& row) {
  pb::SnowflakeCluster cluster;
  cluster.set_name(row.name);
  cluster.set_connection(row.connection);
  cluster.set_last_seen_ms(row.last_seen_ms);
  cluster.set_agent_version(row.agent_version);
  uint64_t healed = 0;
  for (const PackageStatus& package : row.packages) healed += package.drift_healed;
  cluster.set_drift_healed(healed);
  for (const pb::Label& label : row.labels) *cluster.add_labels() = label;
  return cluster;
}

pb::Snowflake SnowflakeOf(const Group& group, const Variant& variant, const Variant& usual) {
  pb::Snowflake snowflake;
  snowflake.set_group(group.name);
  snowflake.set_peers(static_cast<int32_t>(group.clusters.size()));
  snowflake.set_usual(static_cast<int32_t>(usual.clusters.size()));
  snowflake.set_digest(variant.digest.bytes());
  snowflake.set_clusters_total(static_cast<int32_t>(variant.clusters.size()));
  for (const ClusterRow* row : variant.clusters) {
    if (snowflake.clusters_size() == kSnowflakeClustersMax) break;
    *snowflake.add_clusters() = ClusterOf(*row);
  }
  std::vector<pb::LiveDifference> differences = ChangesOf(*variant.facts, *usual.facts);
  bool behind = false;
  const std::vector<pb::LiveDifference> versions =
      VersionsOf(*variant.clusters.front(), *usual.clusters.front(), behind);
  snowflake.set_reason(!differences.empty() ? pb::Snowflake::REASON_CHANGED
                       : behind             ? pb::Snowflake::REASON_BEHIND
                                            : pb::Snowflake::REASON_STAGED);
  differences.insert(differences.end(), versions.begin(), versions.end());
  snowflake.set_differences_total(static_cast<int32_t>(differences.size()));
  for (pb::LiveDifference& difference : differences) {
    if (difference.recurring()) snowflake.set_recurring(true);
    if (snowflake.differences_size() == kSnowflakeDifferencesMax) continue;
    *snowflake.add_differences() = std::move(difference);
  }
  return snowflake;
}

// The oddest first: what Git cannot explain before what it can, then the fewer among their peers,
// then among more peers, then in more.
bool IsOdder(const pb::Snowflake& a, const pb::Snowflake& b) {
  if (a.reason() != b.reason()) return a.reason() < b.reason();
  const int64_t share_a = int64_t{a.clusters_total()} * b.peers();
  const int64_t share_b = int64_t{b.clusters_total()} * a.peers();
  if (share_a != share_b) return share_a < share_b;
  if (a.differences_total() != b.differences_total()) {
    return a.differences_total() > b.differences_total();
  }
  return a.clusters(0).name() < b.clusters(0).name();
}

pb::PeerGroup PeerGroupOf(const Group& group, const std::vector<Variant>& variants) {
  pb::PeerGroup view;
  view.set_name(group.name);
  std::set<std::string> packages;
  for (const ClusterRow* row : group.clusters) {
    for (const PackageStatus& package : row->packages) {
      if (package.selected) packages.insert(package.name.text());
    }
  }
  for (const std::string& package : packages) view.add_packages(package);
  view.set_clusters(static_cast<int32_t>(group.clusters.size()));
  view.set_alike(static_cast<int32_t>(variants.front().clusters.size()));
  view.set_variants(static_cast<int32_t>(variants.size()));
  view.set_usual_digest(variants.front().digest.bytes());
  view.set_usual_differs(!variants.front().facts->empty());
  for (const pb::Label& label : CommonLabels(group.clusters)) *view.add_labels() = label;
  return view;
}

// Groups by what their clusters must have in common; counts who is not compared.
std::map<std::string, Group> GroupsOf(const Rows<ClusterRow>& clusters, const SnowflakeQuery& query,
                                      pb::Snowflakes& found) {
  const bool all =
      query.selector.match_labels_size() + query.selector.match_expressions_size() == 0;
  std::map<std::string, Group> groups;
  clusters.VisitAll([&](const std::string&, const ClusterRow& row) {
    if (row.state != pb::ClusterRecord::STATE_ENROLLED) return;
    if (!all && !Matches(query.selector, LabelsOfRow(row))) return;
    if (row.observed == nullptr) {
      found.set_unheard(found.unheard() + 1);
      return;
    }
    auto [key, name] = PeersOf(row, query);
    Group& group = groups[key];
    if (group.clusters.empty()) group.name = std::move(name);
    group.clusters.push_back(&row);
    found.set_clusters(found.clusters() + 1);
  });
  return groups;
}

}  // namespace

absl::StatusOr<SnowflakeQuery> ParseSnowflakeQuery(const pb::SnowflakesRequest& request) {
  SnowflakeQuery query;
  ASSIGN_OR_RETURN(query.selector, ParseSelector(request.selector()));
  query.by.assign(request.by().begin(), request.by().end());
  if (query.by.size() > kSnowflakeLabelsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("snowflakes: more than ", kSnowflakeLabelsMax, " labels to group by"));
  }
  if (std::find(query.by.begin(), query.by.end(), "") != query.by.end()) {
    return absl::InvalidArgumentError("snowflakes: a label to group by has no name");
  }
  if (request.limit() < 0) {
    return absl::InvalidArgumentError("snowflakes: the limit is below zero");
  }
  if (request.limit() > 0) query.limit = std::min(request.limit(), kSnowflakesMax);
  return query;
}

pb::Snowflakes FindSnowflakes(const Rows<ClusterRow>& clusters, const SnowflakeQuery& query) {
  pb::Snowflakes found;
  std::vector<pb::Snowflake> snowflakes;
  std::vector<pb::PeerGroup> groups;
  for (const auto& [key, group] : GroupsOf(clusters, query, found)) {
    if (group.clusters.size() == 1) {
      found.set_alone(found.alone() + 1);
      continue;
    }
    const std::vector<Variant> variants = VariantsOf(group);
    groups.push_back(PeerGroupOf(group, variants));
    found.set_alike(found.alike() + groups.back().alike());
    for (size_t i = 1; i < variants.size(); ++i) {
      snowflakes.push_back(SnowflakeOf(group, variants[i], variants[0]));
      found.set_differing(found.differing() + snowflakes.back().clusters_total());
    }
  }
  std::stable_sort(snowflakes.begin(), snowflakes.end(), IsOdder);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const pb::PeerGroup& a, const pb::PeerGroup& b) {
                     const bool odd_a = a.variants() > 1, odd_b = b.variants() > 1;
                     return odd_a != odd_b ? odd_a : a.clusters() > b.clusters();
                   });
  found.set_total(static_cast<int32_t>(snowflakes.size()));
  found.set_groups_total(static_cast<int32_t>(groups.size()));
  for (pb::Snowflake& snowflake : snowflakes) {
    if (found.snowflakes_size() == query.limit) break;
    *found.add_snowflakes() = std::move(snowflake);
  }
  for (pb::PeerGroup& group : groups) {
    if (found.groups_size() == kSnowflakeGroupsMax) break;
    *found.add_groups() = std::move(group);
  }
  return found;
}

}  // namespace muster::hub
