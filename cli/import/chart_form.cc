#include "cli/import/chart_form.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/import/kustomize_form.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/charts/oci.h"
#include "common/charts/semver.h"
#include "common/config/repository_url.h"
#include "common/manifest/yaml.h"
#include "common/manifest/yaml_writer.h"
#include "common/render/variables.h"

namespace muster::cli {
namespace {

constexpr int kIndexMax = 1000;  // Helm pads a list up to it

// One step of "a.b[0]": a key, or an index.
struct Step {
  std::string key;
  int index = -1;
};

absl::Status BadName(absl::string_view name, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("parameter '", name, "' ", why));
}

absl::StatusOr<std::vector<Step>> StepsOf(absl::string_view name) {
  std::vector<Step> steps;
  std::string key;
  bool expects_key = true;
  for (size_t i = 0; i <= name.size(); ++i) {
    const char sign = i < name.size() ? name[i] : '.';
    if (sign == '\\' && i + 1 < name.size()) {
      key += name[++i];
    } else if (sign != '.' && sign != '[') {
      key += sign;
    } else {
      if (!key.empty())
        steps.push_back({std::exchange(key, "")});
      else if (expects_key)
        return BadName(name, "has an empty part");
      expects_key = sign == '.';
      if (sign != '[') continue;
      const size_t end = name.find(']', i);
      int index = -1;
      if (end == name.npos || !absl::SimpleAtoi(name.substr(i + 1, end - i - 1), &index) ||
          index < 0 || index > kIndexMax) {
        return BadName(name, "has an index that is none");
      }
      steps.push_back({"", index});
      i = end;
      if (i + 1 < name.size() && name[i + 1] != '.' && name[i + 1] != '[') {
        return BadName(name, "goes on after an index");
      }
      expects_key = false;
    }
  }
  return steps;
}

// A text as Helm types it: a truth value, null, an integer without leading zeros, or the text.
Value Typed(const std::string& text, bool as_string) {
  if (as_string) return text;
  if (text == "true") return true;
  if (text == "false") return false;
  if (text == "null") return Value();
  int64_t number = 0;
  const bool zeros = text.size() > 1 && text[0] == '0';
  if (!zeros && !text.empty() && !absl::ascii_isspace(static_cast<unsigned char>(text[0])) &&
      absl::SimpleAtoi(text, &number)) {
    return number;
  }
  return text;
}

// Up to `end`, or a comma where these part; a backslash takes the next sign as it is.
std::string TakeText(absl::string_view& text, bool parted_by_commas, char end) {
  std::string taken;
  while (!text.empty()) {
    const char sign = text[0];
    if ((parted_by_commas && sign == ',') || (end != 0 && sign == end)) break;
    text.remove_prefix(1);
    if (sign != '\\' || text.empty()) {
      taken += sign;
      continue;
    }
    taken += text[0];
    text.remove_prefix(1);
  }
  return taken;
}

absl::StatusOr<Value> ValueOf(absl::string_view name, absl::string_view text, bool as_string) {
  if (!absl::StartsWith(text, "{")) return Typed(TakeText(text, false, 0), as_string);
  text.remove_prefix(1);
  Value::List list;
  if (text == "}") return list;
  while (true) {
    list.push_back(Typed(TakeText(text, true, '}'), as_string));
    if (text == "}") return list;
    if (!absl::ConsumePrefix(&text, ",")) return BadName(name, "has a list that does not end");
  }
}

absl::Status Apply(absl::string_view name, const std::vector<Step>& steps, size_t at, Value value,
                   Value& node) {
  if (at == steps.size()) {
    node = std::move(value);
    return absl::OkStatus();
  }
  const Step& step = steps[at];
  if (step.index < 0) {
    if (node.is_null()) node = Value::Map();
    if (!node.is_map()) return BadName(name, absl::StrCat("is no map before '", step.key, "'"));
    Value* next = node.Get(step.key);
    if (next == nullptr) next = &node.map().Set(step.key, Value());
    return Apply(name, steps, at + 1, std::move(value), *next);
  }
  if (node.is_null()) node = Value::List();
  if (!node.is_list()) return BadName(name, "has an index where there is no list");
  const auto index = static_cast<size_t>(step.index);
  if (node.list().size() <= index) node.list().resize(index + 1);
  return Apply(name, steps, at + 1, std::move(value), node.list()[index]);
}

std::string CommonDirectory(const std::vector<std::string>& directories) {
  std::vector<std::string> common = absl::StrSplit(directories.at(0), '/', absl::SkipEmpty());
  for (const std::string& directory : directories) {
    const std::vector<std::string> parts = absl::StrSplit(directory, '/', absl::SkipEmpty());
    size_t same = 0;
    while (same < parts.size() && same < common.size() && parts[same] == common[same]) ++same;
    common.resize(same);
  }
  return absl::StrJoin(common, "/");
}

ChartPlace PlaceBelow(std::string path, const std::vector<std::string>& values_files) {
  ChartPlace place;
  place.path = std::move(path);
  for (const std::string& file : values_files) {
    place.values_files.push_back(RelativePath(place.path, file));
  }
  return place;
}

}  // namespace

absl::Status SetHelmValue(absl::string_view name, absl::string_view text, bool as_string,
                          Value& values) {
  ASSIGN_OR_RETURN(const std::vector<Step> steps, StepsOf(name));
  ASSIGN_OR_RETURN(Value value, ValueOf(name, text, as_string));
  return Apply(name, steps, 0, std::move(value), values);
}

void MergeHelmValues(const Value& over, Value& base) {
  if (!over.is_map() || !base.is_map()) {
    base = over;
    return;
  }
  for (const Member& member : over.map()) {
    Value* old = base.Get(member.key);
    if (old == nullptr) {
      base.map().Set(member.key, member.value);
    } else {
      MergeHelmValues(member.value, *old);
    }
  }
}

absl::StatusOr<Value> ReadHelmValues(absl::string_view text, const std::string& name) {
  ASSIGN_OR_RETURN(std::vector<Document> documents, ParseYaml(text, name));
  if (documents.empty()) return Value(Value::Map());
  if (documents.size() > 1 || !documents[0].value.is_map()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": values are one map"));
  }
  return std::move(documents[0].value);
}

absl::StatusOr<Value> ReadHelmValuesFiles(const FileTree& files,
                                          const std::vector<std::string>& paths) {
  Value merged = Value::Map();
  for (const std::string& path : paths) {
    const std::string* bytes = files.Find(path);
    if (bytes == nullptr) return absl::NotFoundError(absl::StrCat("there is no file ", path));
    ASSIGN_OR_RETURN(const Value values, ReadHelmValues(*bytes, path));
    MergeHelmValues(values, merged);
  }
  return merged;
}

absl::Status CheckHelmValues(const Value& values) {
  std::set<std::string> uses;
  const std::string text = WriteYaml(values);
  const absl::Status readable = CollectClusterVariables(text, {"values", 1}, uses);
  bool others = false;  // beside those of the cluster, which an import writes itself
  for (size_t at = text.find("${"); at != text.npos; at = text.find("${", at + 2)) {
    others |= !absl::StartsWith(absl::string_view(text).substr(at), "${cluster.");
  }
  if (readable.ok() && (uses.empty() || !others)) return absl::OkStatus();
  return absl::UnimplementedError(
      "values hold ${...}, which Muster would take for variables: write them into a values file");
}

ChartPlace PlaceChart(const std::string& directory, const std::vector<std::string>& values_files) {
  std::vector<std::string> directories = {directory};
  for (const std::string& file : values_files) directories.push_back(DirectoryOf(file));
  ChartPlace place = PlaceBelow(CommonDirectory(directories), values_files);
  if (place.path != directory) place.chart = RelativePath(place.path, directory);
  return place;
}

ChartPlace PlaceValues(const std::vector<std::string>& values_files) {
  std::vector<std::string> directories;
  for (const std::string& file : values_files) directories.push_back(DirectoryOf(file));
  return PlaceBelow(CommonDirectory(directories), values_files);
}

Value::List PathList(const std::vector<std::string>& paths) {
  Value::List list;
  for (const std::string& path : paths) list.push_back(path);
  return list;
}

namespace {

// What a declaration may say of it.
absl::Status CheckRegistryChart(const RegistryChart& found) {
  const std::string& url = found.repository.url;
  const bool oci = found.repository.type == "oci";
  const absl::Status address = NormalizeRegistryUrl(url, oci).status();
  if (absl::StartsWith(url, "http://")) {
    return absl::UnimplementedError(
        absl::StrCat("the chart '", found.chart, "' comes from ", url,
                     ", which anybody on the way can change: serve it over https"));
  }
  if (!address.ok()) {
    return absl::UnimplementedError(absl::StrCat(
        "the chart '", found.chart, "' comes from a registry whose address ", address.message()));
  }
  if (const absl::Status name = oci ? CheckOciName(found.chart) : absl::OkStatus(); !name.ok()) {
    return absl::UnimplementedError(name.message());
  }
  if (const absl::Status range = SemVerRange::Parse(found.version).status(); !range.ok()) {
    return absl::UnimplementedError(
        absl::StrCat("the version of chart '", found.chart, "': ", range.message()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RegistryChart> FindRegistryChart(const std::string& url, const std::string& chart,
                                                const std::string& version) {
  std::string address = url;
  RegistryChart found{{}, chart, version.empty() ? "*" : version};
  if (absl::StrContains(chart, "://")) {
    if (!url.empty()) return absl::UnimplementedError(absl::StrCat("chart ", chart));
    address = chart;
    found.chart.clear();
  }
  const bool http = absl::StartsWith(address, "https://") || absl::StartsWith(address, "http://");
  if (!http && !absl::StartsWith(address, "oci://") && absl::StrContains(address, "://")) {
    return absl::UnimplementedError(
        absl::StrCat("the chart comes from ", address, ", which is no registry: commit the chart"));
  }
  if (http && (found.chart.empty() || absl::EndsWith(address, ".tgz"))) {
    return absl::UnimplementedError(
        absl::StrCat("the chart is the archive ", address, ": commit it, or name its registry"));
  }
  if (!http && !absl::StartsWith(address, "oci://")) address = absl::StrCat("oci://", address);
  while (absl::EndsWith(address, "/")) address.pop_back();
  if (found.chart.empty()) {
    const size_t slash = address.rfind('/');
    if (slash < sizeof("oci://")) return absl::UnimplementedError("the registry names no chart");
    found.chart = address.substr(slash + 1);
    address.resize(slash);
  }
  found.repository.type = http ? "helm" : "oci";
  found.repository.url = address;
  found.repository.name = BaseNameOf(RepositoryKey(address));
  RETURN_IF_ERROR(CheckRegistryChart(found));
  return found;
}

void NoteChart(const FileTree& files, const std::string& directory, const std::string& field,
               ImportItem& item) {
  const auto mentions = [&](absl::string_view word) {
    for (const auto& [path, bytes] : files.Below(directory)) {
      if (absl::StrContains(path, "templates/") && absl::StrContains(bytes, word)) return true;
    }
    return false;
  };
  if (mentions(".Capabilities.APIVersions")) {
    item.LeaveOut(field,
                  "templates ask which APIs the cluster has, and hear only of those that Helm "
                  "knows: give what they decide as a value");
  }
  if (mentions("lookup ")) {
    item.LeaveOut(field, "templates look into the cluster (lookup), and find nothing there");
  }
}

}  // namespace muster::cli
