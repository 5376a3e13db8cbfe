#include "hub/http/metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "common/document/document.h"
#include "hub/http/fleet_tiles.h"

namespace muster::hub {

namespace pb = muster::v1;

namespace {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

// Writes families one after another.
class Exposition {
 public:
  Exposition& Family(absl::string_view name, absl::string_view type, absl::string_view help) {
    name_ = std::string(name);
    absl::StrAppend(&text_, "# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n");
    return *this;
  }
  Exposition& Sample(double value, const LabelPairs& labels = {}, absl::string_view suffix = "") {
    std::string inside;
    for (const auto& [key, label] : labels) {
      absl::StrAppend(&inside, inside.empty() ? "" : ",", key, "=\"",
                      absl::StrReplaceAll(label, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}}),
                      "\"");
    }
    absl::StrAppend(&text_, name_, suffix, inside.empty() ? "" : absl::StrCat("{", inside, "}"),
                    " ", absl::StrFormat("%.17g", value), "\n");
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

double Seconds(int64_t ms) { return static_cast<double>(ms) / 1000; }

struct Totals {
  uint64_t objects = 0, drifted = 0, unmanaged = 0, held = 0, failed = 0, healed = 0;
  int64_t oldest_contact_ms = 0;       // of enrolled clusters
  int64_t certificate_expires_ms = 0;  // the first that does
};

Totals TotalsOf(const FleetView& fleet) {
  Totals totals;
  const auto first = [](int64_t& best, int64_t time) {
    if (time > 0 && (best == 0 || time < best)) best = time;
  };
  fleet.clusters().VisitAll([&](const std::string&, const ClusterRow& row) {
    if (row.state != pb::ClusterRecord::STATE_ENROLLED) return;
    totals.unmanaged += row.unmanaged;
    first(totals.oldest_contact_ms, row.last_seen_ms);
    first(totals.certificate_expires_ms, row.certificate_expires_ms);
    for (const PackageStatus& package : row.packages) {
      totals.objects += package.objects;
      totals.drifted += package.drifted;
      totals.held += package.held;
      totals.failed += package.failed;
      totals.healed += package.drift_healed;
    }
  });
  return totals;
}

void AddClusters(const MetricsInput& input, Exposition& out) {
  out.Family("muster_clusters", "gauge", "Clusters by the worst that is to be said of each.");
  for (const auto& [state, count] : TileCounts(input.fleet)) out.Sample(count, {{"state", state}});
  out.Family("muster_clusters_enrolled", "gauge", "Clusters that have joined.")
      .Sample(input.hub.clusters());
  out.Family("muster_agents_connected", "gauge", "Agents that the hub hears from.")
      .Sample(input.hub.connected());
  out.Family("muster_clusters_pending", "gauge", "Clusters that wait to be accepted.")
      .Sample(input.hub.pending_clusters());
  const Totals totals = TotalsOf(input.fleet);
  out.Family("muster_objects", "gauge", "Objects that agents manage.").Sample(totals.objects);
  out.Family("muster_objects_drifted", "gauge", "Objects that are not as they should be.")
      .Sample(totals.drifted);
  out.Family("muster_objects_failed", "gauge", "Objects that could not be applied or removed.")
      .Sample(totals.failed);
  out.Family("muster_objects_held", "gauge", "Objects whose removal a rail has stopped.")
      .Sample(totals.held);
  out.Family("muster_objects_unmanaged", "gauge", "Objects in clusters that nobody manages.")
      .Sample(totals.unmanaged);
  out.Family("muster_drift_healed", "gauge",
             "Objects put right by the agents that are enrolled, since each was first started.")
      .Sample(totals.healed);
  out.Family("muster_agent_last_contact_oldest_timestamp_seconds", "gauge",
             "When the enrolled agent that is silent longest was last heard; 0: none was.")
      .Sample(Seconds(totals.oldest_contact_ms));
  out.Family("muster_agent_certificate_expiry_timestamp_seconds", "gauge",
             "When the first certificate of an enrolled agent ends; 0: there is none.")
      .Sample(Seconds(totals.certificate_expires_ms));
}

void AddSources(const MetricsInput& input, Exposition& out) {
  std::map<std::pair<std::string, std::string>, int> packages;
  for (const pb::PackageView& view : MakePackageViews(input.fleet)) {
    ++packages[{EnumWord(*pb::SyncStatus_descriptor(), view.sync()),
                EnumWord(*pb::HealthStatus_descriptor(), view.health())}];
  }
  out.Family("muster_packages", "gauge", "Packages by sync and health.");
  for (const auto& [words, count] : packages) {
    out.Sample(count, {{"sync", words.first}, {"health", words.second}});
  }
  std::vector<const pb::RepositoryView*> repositories;
  input.fleet.repositories().VisitAll([&](const std::string&, const RepositoryRow& row) {
    if (repositories.size() < kMetricRepositoriesMax) repositories.push_back(&row.view);
  });
  out.Family("muster_repositories", "gauge", "Repositories that the hub follows.")
      .Sample(static_cast<double>(input.fleet.repositories().size()));
  out.Family("muster_repository_poll_failures", "gauge", "Polls that failed in a row.");
  for (const auto* one : repositories) out.Sample(one->failures(), {{"repository", one->name()}});
  out.Family("muster_repository_frozen", "gauge", "1: a rewritten history waits for an operator.");
  for (const auto* one : repositories) out.Sample(one->frozen(), {{"repository", one->name()}});
  out.Family("muster_repository_last_poll_timestamp_seconds", "gauge", "The last good poll.");
  for (const auto* one : repositories) {
    out.Sample(Seconds(one->polled_ms()), {{"repository", one->name()}});
  }
}

void AddHub(const MetricsInput& input, Exposition& out) {
  out.Family("muster_build_info", "gauge", "1, with the version of the hub.")
      .Sample(1, {{"version", input.hub.version()}});
  std::map<std::string, int> findings = {{"error", 0}, {"warning", 0}};
  for (const pb::Finding& finding : input.hub.findings()) ++findings[finding.severity()];
  out.Family("muster_findings", "gauge", "What muster doctor shows, by severity.");
  for (const auto& [severity, count] : findings) out.Sample(count, {{"severity", severity}});
  out.Family("muster_store_bytes", "gauge", "The hub's store on disk.")
      .Sample(static_cast<double>(input.hub.store_bytes()));
  out.Family("muster_disk_free_bytes", "gauge", "Free space where the store stands.")
      .Sample(static_cast<double>(input.hub.disk_free_bytes()));
  out.Family("muster_hub_start_timestamp_seconds", "gauge", "When the hub was started.")
      .Sample(Seconds(input.hub.started_ms()));
}

void AddHttp(const MetricsInput& input, Exposition& out) {
  const HttpFigures::Snapshot http = input.http.Get();
  out.Family("muster_http_requests_total", "counter", "Answers of the console, by status.");
  for (const auto& [status, count] : http.answers) {
    out.Sample(static_cast<double>(count), {{"code", absl::StrCat(status)}});
  }
  out.Family("muster_http_request_duration_seconds", "histogram", "How long answers took.");
  uint64_t sum = 0;
  for (size_t i = 0; i < http.buckets.size(); ++i) {
    sum += http.buckets[i];
    const std::string bound =
        i < HttpFigures::kBounds.size() ? absl::StrCat(HttpFigures::kBounds[i]) : "+Inf";
    out.Sample(static_cast<double>(sum), {{"le", bound}}, "_bucket");
  }
  out.Sample(http.seconds, {}, "_sum").Sample(static_cast<double>(sum), {}, "_count");
  out.Family("muster_http_connections", "gauge", "Open connections to the console.")
      .Sample(input.connections);
  out.Family("muster_http_streams", "gauge", "Of these, browsers that are told of changes.")
      .Sample(input.streams);
  out.Family("muster_http_connections_refused_total", "counter",
             "Connections beyond the limits of the console.")
      .Sample(static_cast<double>(http.refused));
  out.Family("muster_http_codes_refused_total", "counter",
             "Codes to sign in with that were not, or no longer, good.")
      .Sample(static_cast<double>(http.refused_codes));
}

void AddProcess(Exposition& out) {
  struct rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return time.tv_sec + time.tv_usec / 1e6; };
  out.Family("process_cpu_seconds_total", "counter", "CPU time of the hub.")
      .Sample(seconds(usage.ru_utime) + seconds(usage.ru_stime));
  long pages = 0, resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  out.Family("process_resident_memory_bytes", "gauge", "Memory of the hub.")
      .Sample(static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

void HttpFigures::Answered(int status, absl::Duration took) {
  const double seconds = absl::ToDoubleSeconds(took);
  const size_t bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  MutexLock lock(mutex_);
  ++figures_.answers[status];
  ++figures_.buckets[bucket];
  figures_.seconds += seconds;
}

void HttpFigures::Refused() {
  MutexLock lock(mutex_);
  ++figures_.refused;
}

void HttpFigures::RefusedCode() {
  MutexLock lock(mutex_);
  ++figures_.refused_codes;
}

HttpFigures::Snapshot HttpFigures::Get() const {
  MutexLock lock(mutex_);
  return figures_;
}

std::string MetricsText(const MetricsInput& input) {
  Exposition out;
  AddHub(input, out);
  AddClusters(input, out);
  AddSources(input, out);
  AddHttp(input, out);
  AddProcess(out);
  return out.Take();
}

}  // namespace muster::hub
