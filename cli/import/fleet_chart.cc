#include "cli/import/fleet_chart.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {
namespace {

constexpr size_t kReleaseNameMax = 53;
constexpr absl::string_view kLabelPrefix = "global.fleet.clusterLabels.";

bool IsWord(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char sign) {
    return absl::ascii_isalnum(static_cast<unsigned char>(sign)) || sign == '_';
  });
}

// Without double quotes, which a text in YAML may have to escape.
std::string LabelExpression(absl::string_view label) {
  if (IsWord(label)) return absl::StrCat("${cluster.labels.", label, "}");
  return absl::StrCat("${cluster.labels['", label, "']}");
}

// What stands between ${ and }.
absl::StatusOr<std::string> TranslateExpression(absl::string_view written) {
  absl::string_view rest = absl::StripAsciiWhitespace(written);
  if (rest == ".ClusterName") return std::string("${cluster.name}");
  absl::string_view label = rest;
  if (absl::ConsumePrefix(&label, ".ClusterLabels.") && IsWord(label)) {
    return LabelExpression(label);
  }
  for (const absl::string_view function : {"get", "index"}) {
    label = rest;
    if (!absl::ConsumePrefix(&label, function)) continue;
    label = absl::StripLeadingAsciiWhitespace(label);
    if (!absl::ConsumePrefix(&label, ".ClusterLabels")) continue;
    label = absl::StripAsciiWhitespace(label);
    if (absl::ConsumePrefix(&label, "\"") && absl::ConsumeSuffix(&label, "\"") &&
        label.find('"') == label.npos && !label.empty()) {
      return LabelExpression(label);
    }
  }
  return absl::UnimplementedError(absl::StrCat("values hold the template ${", written,
                                               "}: give targets values of their own instead"));
}

absl::StatusOr<std::string> TranslateText(const std::string& text) {
  if (absl::StartsWith(text, kLabelPrefix)) {
    return LabelExpression(absl::string_view(text).substr(kLabelPrefix.size()));
  }
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t open = text.find("${", at);
    out += text.substr(at, open - at);
    if (open == std::string::npos) break;
    const size_t close = text.find('}', open);
    if (close == std::string::npos) {
      return absl::UnimplementedError("values hold a template that does not end");
    }
    ASSIGN_OR_RETURN(const std::string expression,
                     TranslateExpression(text.substr(open + 2, close - open - 2)));
    out += expression;
    at = close + 1;
  }
  return out;
}

bool HoldsTemplates(const Value& values) {
  const std::string text = WriteYaml(values);
  return absl::StrContains(text, "${") || absl::StrContains(text, kLabelPrefix);
}

class Reader {
 public:
  Reader(const FleetChartRequest& request, ImportItem& item)
      : request_(request), yaml_(request.yaml), item_(item) {}

  absl::StatusOr<FleetChartFields> Read() {
    if (!yaml_.variant.kustomize_dir.empty() || !yaml_.variant.overlays.empty()) {
      return absl::UnimplementedError(
          "a kustomization or overlays change what the chart prints: write that as patches of "
          "targets");
    }
    if (!yaml_.chart.why_not.empty()) return absl::UnimplementedError(yaml_.chart.why_not);
    RETURN_IF_ERROR(Values());
    RETURN_IF_ERROR(Where());
    const std::string& release =
        yaml_.chart.release_name.empty() ? request_.release : yaml_.chart.release_name;
    if (release.size() > kReleaseNameMax) {
      return absl::UnimplementedError(absl::StrCat(
          "the release's name '", release, "' is longer than Helm takes: set helm.releaseName"));
    }
    fields_.helm.Set("releaseName", release);
    return std::move(fields_);
  }

 private:
  absl::StatusOr<std::vector<std::string>> PathsOf(const FleetValues& given) const {
    std::vector<std::string> paths;
    for (const std::string& file : given.files) {
      ASSIGN_OR_RETURN(std::string path, ResolvePath(request_.directory, file));
      if (request_.files.Find(path) == nullptr) {
        return absl::UnimplementedError(absl::StrCat("there is no values file ", path));
      }
      paths.push_back(std::move(path));
    }
    return paths;
  }

  // Files that are templates are read here and now, since Muster's variables look otherwise.
  absl::Status Values() {
    const std::vector<const FleetValues*> all = AllValues();
    bool templates = false;
    for (const FleetValues* given : all) {
      ASSIGN_OR_RETURN(const std::vector<std::string> paths, PathsOf(*given));
      ASSIGN_OR_RETURN(const Value read, ReadHelmValuesFiles(request_.files, paths));
      templates |= HoldsTemplates(read) || HoldsTemplates(given->values);
    }
    for (const FleetValues* given : all) {
      ASSIGN_OR_RETURN(Given one, Take(*given, templates));
      given_.push_back(std::move(one));
    }
    Given& own = given_[0];
    // Files win over values: they move to the targets, which come later.
    const bool moves = !own.files.empty() && !own.values.map().empty();
    if (!own.values.map().empty()) fields_.helm.Set("values", own.values);
    if (!moves) own_files_ = own.files;
    for (size_t i = 1; i < given_.size(); ++i) {
      if (moves)
        given_[i].files.insert(given_[i].files.begin(), own.files.begin(), own.files.end());
    }
    return absl::OkStatus();
  }

  struct Given {
    Value values = Value::Map();
    std::vector<std::string> files;  // from the root
  };

  std::vector<const FleetValues*> AllValues() const {
    std::vector<const FleetValues*> all = {&yaml_.values};
    all.insert(all.end(), request_.targets.begin(), request_.targets.end());
    return all;
  }

  absl::StatusOr<Given> Take(const FleetValues& given, bool templates) const {
    Given one{given.values, {}};
    ASSIGN_OR_RETURN(std::vector<std::string> paths, PathsOf(given));
    // Of a target's own, Muster has values win.
    const bool both = &given != &yaml_.values && !given.values.map().empty();
    if (templates || both) {
      ASSIGN_OR_RETURN(const Value read, ReadHelmValuesFiles(request_.files, paths));
      MergeHelmValues(read, one.values);
    } else {
      one.files = std::move(paths);
    }
    if (templates && yaml_.chart.preprocesses) {
      ASSIGN_OR_RETURN(one.values, TranslateFleetValues(one.values));
    }
    RETURN_IF_ERROR(CheckHelmValues(one.values));
    return one;
  }

  // Where the chart is, and the package that sees it and the files.
  absl::Status Where() {
    std::vector<std::string> files = own_files_;
    for (size_t i = 1; i < given_.size(); ++i) {
      files.insert(files.end(), given_[i].files.begin(), given_[i].files.end());
    }
    ASSIGN_OR_RETURN(const std::string directory, ChartDirectory());
    if (directory == kNowhere) {
      ASSIGN_OR_RETURN(fields_.registry,
                       FindRegistryChart(yaml_.chart.repo, yaml_.chart.chart, yaml_.chart.version));
      fields_.helm.Set("chart", fields_.registry->chart);
      fields_.helm.Set("version", fields_.registry->version);
      fields_.has_files = !files.empty();
      if (fields_.has_files) Place(PlaceValues(files));
    } else {
      NoteChart(request_.files, directory, "helm.chart", item_);
      NoteInjected(directory);
      fields_.has_files = true;
      Place(PlaceChart(directory, files));
    }
    FinishTargets();
    return absl::OkStatus();
  }

  void Place(const ChartPlace& place) {
    fields_.path = place.path;
    if (!place.chart.empty()) fields_.helm.Set("chart", place.chart);
    size_t next = 0;
    const auto take = [&](size_t count) {
      Value::List list;
      for (size_t i = 0; i < count; ++i) list.push_back(place.values_files.at(next++));
      return list;
    };
    if (!own_files_.empty()) fields_.helm.Set("valuesFiles", take(own_files_.size()));
    for (size_t i = 1; i < given_.size(); ++i) {
      target_files_.push_back(take(given_[i].files.size()));
    }
  }

  void FinishTargets() {
    for (size_t i = 1; i < given_.size(); ++i) {
      Value::Map helm;
      if (i - 1 < target_files_.size() && !target_files_[i - 1].empty()) {
        helm.Set("valuesFiles", target_files_[i - 1]);
      }
      if (!given_[i].values.map().empty()) helm.Set("values", given_[i].values);
      fields_.targets.push_back(std::move(helm));
    }
  }

  static constexpr absl::string_view kNowhere = "//";

  // From the root; kNowhere for a chart of a registry.
  absl::StatusOr<std::string> ChartDirectory() const {
    const std::string& chart = yaml_.chart.chart;
    if (!yaml_.chart.repo.empty()) return std::string(kNowhere);
    const absl::StatusOr<std::string> path = ResolvePath(request_.directory, chart);
    if (path.ok() && !absl::StrContains(chart, "://")) {
      const absl::StatusOr<std::string> file = JoinPath(*path, "Chart.yaml");
      if (file.ok() && request_.files.Find(*file) != nullptr) return *path;
      return absl::UnimplementedError(absl::StrCat("there is no chart at '", *path, "'"));
    }
    return std::string(kNowhere);
  }

  // Fleet gives every chart the cluster's labels below global.fleet.
  void NoteInjected(const std::string& directory) {
    for (const auto& [path, bytes] : request_.files.Below(directory)) {
      if (!absl::StrContains(path, "templates/") || !absl::StrContains(bytes, "global.fleet")) {
        continue;
      }
      return item_.LeaveOut("helm.values",
                            "templates read .Values.global.fleet, which Fleet adds: give them as "
                            "values with ${cluster.labels[\"...\"]}");
    }
  }

  const FleetChartRequest& request_;
  const FleetYaml& yaml_;
  ImportItem& item_;
  std::vector<Given> given_;  // the bundle's, then the targets'
  std::vector<std::string> own_files_;
  std::vector<Value::List> target_files_;
  FleetChartFields fields_;
};

}  // namespace

bool IsFleetChart(const FleetYaml& yaml, const std::string& directory, const FileTree& files) {
  if (!yaml.chart.chart.empty() || !yaml.chart.repo.empty()) return true;
  return files.Find(absl::StrCat(directory, directory.empty() ? "" : "/", "Chart.yaml")) != nullptr;
}

absl::StatusOr<FleetChartFields> ReadFleetChart(const FleetChartRequest& request,
                                                ImportItem& item) {
  return Reader(request, item).Read();
}

absl::StatusOr<Value> TranslateFleetValues(const Value& values) {
  if (values.is_string()) {
    ASSIGN_OR_RETURN(std::string text, TranslateText(values.string()));
    return Value(std::move(text));
  }
  if (values.is_list()) {
    Value::List list;
    for (const Value& each : values.list()) {
      ASSIGN_OR_RETURN(Value translated, TranslateFleetValues(each));
      list.push_back(std::move(translated));
    }
    return Value(std::move(list));
  }
  if (!values.is_map()) return values;
  Value::Map map;
  for (const Member& member : values.map()) {
    ASSIGN_OR_RETURN(const std::string key, TranslateText(member.key));
    ASSIGN_OR_RETURN(Value translated, TranslateFleetValues(member.value));
    map.Set(key, std::move(translated));
  }
  return Value(std::move(map));
}

}  // namespace muster::cli
