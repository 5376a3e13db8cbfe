#include "common/render/helm/output.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/annotations.h"
#include "common/manifest/yaml.h"
#include "common/render/documents.h"

namespace muster {
namespace {

constexpr absl::string_view kSourceMark = "# Source: ";
constexpr absl::string_view kHook = "helm.sh/hook";
constexpr absl::string_view kWeight = "helm.sh/hook-weight";
constexpr absl::string_view kDeletePolicy = "helm.sh/hook-delete-policy";
constexpr absl::string_view kResourcePolicy = "helm.sh/resource-policy";

constexpr int32_t kDefinitionsWave = -20'000;
constexpr int32_t kBeforeWave = -10'000;
constexpr int32_t kAfterWave = 10'000;
constexpr int32_t kWeightMax = 9'999;

// Where the chart's own name for a file leads in the repository: "web/templates/x.yaml" to
// "apps/web/templates/x.yaml".
std::string InRepository(absl::string_view source, const Chart& chart) {
  absl::string_view rest = source;
  if (!absl::ConsumePrefix(&rest, absl::StrCat(chart.name, "/"))) return std::string(source);
  return chart.directory.empty() ? std::string(rest) : absl::StrCat(chart.directory, "/", rest);
}

// The file that a document says it is made from.
std::string SourceOf(absl::string_view document) {
  for (const absl::string_view line : absl::StrSplit(document, absl::MaxSplits('\n', 3))) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, kSourceMark)) {
      return std::string(absl::StripTrailingAsciiWhitespace(rest));
    }
  }
  return "";
}

enum class Moment { kNever, kBefore, kAfter };  // kNever: left out

absl::StatusOr<Moment> MomentOf(absl::string_view hooks) {
  bool before = false, after = false, test = false;
  for (absl::string_view hook : absl::StrSplit(hooks, ',')) {
    hook = absl::StripAsciiWhitespace(hook);
    if (hook == "pre-install" || hook == "pre-upgrade") {
      before = true;
    } else if (hook == "post-install" || hook == "post-upgrade") {
      after = true;
    } else if (hook == "test" || hook == "test-success" || hook == "test-failure") {
      test = true;
    } else {
      return absl::UnimplementedError(absl::StrCat(
          "the hook '", hook,
          "' has no moment here: agents know pre-install, pre-upgrade, post-install and "
          "post-upgrade; switch it off by the chart's values, or take it out of a copy of the "
          "chart"));
    }
  }
  if (before) return Moment::kBefore;
  if (after) return Moment::kAfter;
  if (test) return Moment::kNever;
  return absl::InvalidArgumentError(absl::StrCat("the annotation ", kHook, " is empty"));
}

absl::StatusOr<int32_t> WeightOf(const Value& object) {
  const absl::string_view text = AnnotationOf(object, kWeight);
  if (text.empty()) return 0;
  int32_t weight = 0;
  if (!absl::SimpleAtoi(text, &weight) || weight < -kWeightMax || weight > kWeightMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the annotation ", kWeight, " is no whole number from ", -kWeightMax, " to ", kWeightMax));
  }
  return weight;
}

void Annotate(Value& object, absl::string_view name, absl::string_view text) {
  if (!AnnotationOf(object, name).empty()) return;
  Value::Map annotations;
  if (const Value* present = object.Find("/metadata/annotations");
      present != nullptr && present->is_map()) {
    annotations = present->map();
  }
  annotations.Set(std::string(name), Value(text));
  object.Set("/metadata/annotations", Value(std::move(annotations)));
}

// Gives the object its wave; false when it is left out.
absl::StatusOr<bool> TakeHook(RenderedObject& rendered) {
  Value& value = rendered.object.value;
  if (AnnotationOf(value, kResourcePolicy) == "keep") Annotate(value, kPruneAnnotation, "never");
  const absl::string_view hooks = AnnotationOf(value, kHook);
  if (hooks.empty()) return true;
  ASSIGN_OR_RETURN(const Moment moment, MomentOf(hooks));
  if (moment == Moment::kNever) return false;
  ASSIGN_OR_RETURN(const int32_t weight, WeightOf(value));
  rendered.wave = (moment == Moment::kBefore ? kBeforeWave : kAfterWave) + weight;
  const absl::string_view policy = AnnotationOf(value, kDeletePolicy);
  if (policy.empty() || absl::StrContains(policy, "before-hook-creation")) {
    Annotate(value, kReplaceAnnotation, "true");
  }
  return true;
}

bool IsDefinitionFile(absl::string_view source) { return absl::StrContains(source, "/crds/"); }

absl::Status ReadDocument(absl::string_view text, const std::string& source, const Chart& chart,
                          Hooks hooks, std::vector<RenderedObject>& objects) {
  const std::string file = InRepository(source, chart);
  absl::StatusOr<std::vector<Document>> documents = ParseYaml(text, "");
  if (!documents.ok()) {
    // The place is one in what was printed, which nobody has.
    return muster::Annotate(
        absl::Status(documents.status().code(),
                     absl::StrCat("what it renders to is refused at line",
                                  absl::StripPrefix(documents.status().message(), ":"))),
        file);
  }
  for (Document& document : *documents) {
    absl::StatusOr<std::vector<ListItem>> items = ExpandLists(std::move(document.value));
    if (!items.ok()) return muster::Annotate(items.status(), file);
    for (ListItem& item : *items) {
      absl::StatusOr<Object> object = MakeObject(std::move(item.value));
      if (!object.ok()) return muster::Annotate(object.status(), file);
      RenderedObject rendered{*std::move(object), file, 0, 0};
      if (hooks == Hooks::kAsTheyAre) {
        objects.push_back(std::move(rendered));
        continue;
      }
      if (IsDefinitionFile(source)) rendered.wave = kDefinitionsWave;
      absl::StatusOr<bool> wanted = TakeHook(rendered);
      if (!wanted.ok()) {
        return muster::Annotate(wanted.status(),
                                absl::StrCat(file, ": ", rendered.object.key.text()));
      }
      if (*wanted) objects.push_back(std::move(rendered));
    }
  }
  if (objects.size() <= limits::kObjectsPerBundleMax) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(file, ": the chart has more than ", limits::kObjectsPerBundleMax, " objects"));
}

// The pointer to the first difference; nullopt when there is none. Depth is bounded by the reader.
std::optional<std::string> FirstDifference(const Value& a, const Value& b) {
  if (a.is_map() && b.is_map()) {
    for (const Member& member : a.map()) {
      const Value* other = b.Get(member.key);
      const std::string below = JoinPointer("", member.key);
      if (other == nullptr) return below;
      if (const auto deeper = FirstDifference(member.value, *other)) return below + *deeper;
    }
    for (const Member& member : b.map()) {
      if (a.Get(member.key) == nullptr) return JoinPointer("", member.key);
    }
    return std::nullopt;
  }
  if (a.is_list() && b.is_list() && a.list().size() == b.list().size()) {
    for (size_t i = 0; i < a.list().size(); ++i) {
      if (const auto deeper = FirstDifference(a.list()[i], b.list()[i])) {
        return absl::StrCat("/", i, *deeper);
      }
    }
    return std::nullopt;
  }
  if (a == b) return std::nullopt;
  return "";
}

absl::Status Unstable(const RenderedObject& at, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(at.file, ": ", at.object.key.text(), ": ", what,
                   " when the chart is rendered twice, so clusters would never agree; give the "
                   "value by helm.values instead of a random function, a date or the order of "
                   "`keys`"));
}

// Where the first place "dir/file:12" or "dir/file:12:3" in the text stands; npos when nowhere.
std::pair<size_t, size_t> FindPlace(absl::string_view text, const std::string& prefix) {
  for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
    size_t end = at;
    while (end < text.size() && text[end] != ':' && text[end] != ' ' && text[end] != '\n') ++end;
    if (end + 1 >= text.size() || text[end] != ':' || !absl::ascii_isdigit(text[end + 1])) continue;
    while (end < text.size() &&
           (absl::ascii_isdigit(text[end]) ||
            (text[end] == ':' && end + 1 < text.size() && absl::ascii_isdigit(text[end + 1])))) {
      ++end;
    }
    return {at, end};
  }
  return {absl::string_view::npos, 0};
}

void ReplaceAll(std::string& text, absl::string_view from, absl::string_view to) {
  text = absl::StrReplaceAll(text, {{from, to}});
}

}  // namespace

absl::StatusOr<std::vector<RenderedObject>> ReadChartOutput(absl::string_view output,
                                                            const Chart& chart, Hooks hooks) {
  std::vector<RenderedObject> objects;
  for (const TextDocument& document : SplitDocuments(output)) {
    const std::string source = SourceOf(document.text);
    RETURN_IF_ERROR(ReadDocument(document.text, source, chart, hooks, objects));
  }
  return objects;
}

absl::Status CompareRuns(const std::vector<RenderedObject>& first,
                         const std::vector<RenderedObject>& second) {
  std::map<ObjectKey, const RenderedObject*> by_key;
  for (const RenderedObject& rendered : second) by_key[rendered.object.key] = &rendered;
  for (const RenderedObject& rendered : first) {
    const auto other = by_key.find(rendered.object.key);
    if (other == by_key.end()) return Unstable(rendered, "has another name or is not there");
    const auto difference = FirstDifference(rendered.object.value, other->second->object.value);
    if (difference.has_value()) {
      return Unstable(rendered, absl::StrCat("field ", *difference, " differs"));
    }
    by_key.erase(other);
  }
  if (by_key.empty()) return absl::OkStatus();  // comments, or the order of objects
  return Unstable(*by_key.begin()->second, "has another name or is not there");
}

std::string ExplainFailure(absl::string_view words, const Chart& chart,
                           const std::vector<std::string>& secrets) {
  std::vector<std::string> lines;
  for (absl::string_view line : absl::StrSplit(words, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || absl::StartsWith(line, "Use --debug flag")) continue;
    lines.emplace_back(absl::StripPrefix(line, "Error: "));
  }
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, text.empty() || absl::EndsWith(text, ":") ? "" : ":",
                    text.empty() ? "" : " ", line);
  }
  for (const std::string& secret : secrets) ReplaceAll(text, secret, "***");
  const std::string directory = chart.directory.empty() ? "" : absl::StrCat(chart.directory, "/");
  for (const absl::string_view part : {"templates/", "charts/", "crds/", "Chart.yaml"}) {
    ReplaceAll(text, absl::StrCat(chart.name, "/", part), absl::StrCat("\x01", part));
  }
  ReplaceAll(text, "\x01", directory);
  std::string place;
  for (const absl::string_view part : {"templates/", "charts/"}) {
    const auto [at, end] = FindPlace(text, absl::StrCat(directory, part));
    if (at == std::string::npos) continue;
    place = text.substr(at, end - at);
    if (at == 0) text.erase(0, end);
    break;
  }
  absl::string_view rest = text;
  for (const absl::string_view lead : {"execution error at (", "parse error at ("}) {
    if (place.empty() || !absl::ConsumePrefix(&rest, absl::StrCat(lead, place, "): "))) continue;
    return absl::StrCat(place, ": ", rest);
  }
  while (absl::ConsumePrefix(&rest, ":") || absl::ConsumePrefix(&rest, " ")) {
  }
  if (place.empty())
    return absl::StrCat(chart.directory.empty() ? chart.name : chart.directory, ": ", rest);
  return absl::StrCat(place, ": ", rest);
}

}  // namespace muster
