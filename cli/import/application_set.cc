#include "cli/import/application_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/import/planned_fleet.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/json.h"
#include "common/manifest/yaml.h"
#include "common/render/ignore.h"

namespace muster::cli {
namespace {

constexpr size_t kApplicationsMax = 10'000;
constexpr int kNestingMax = 4;
constexpr size_t kAlternativesMax = 1'000;
constexpr char kSecretType[] = "argocd.argoproj.io/secret-type";

// One set of parameters.
struct Parameters {
  Value::Map values;
  std::optional<Value> selector;
  Value template_override;  // of the generator; null: none
};

using ParameterSets = std::vector<Parameters>;

// `from` put over `into`: maps are merged, anything else that is not empty wins.
void MergeOver(const Value& from, Value& into) {
  if (!from.is_map() || !into.is_map()) {
    if (!from.is_null() && !(from == Value(""))) into = from;
    return;
  }
  for (const Member& member : from.map()) {
    Value* old = into.Get(member.key);
    if (old == nullptr) {
      into.map().Set(member.key, member.value);
    } else {
      MergeOver(member.value, *old);
    }
  }
}

// What a dotted name leads to; a key may hold dots itself.
const Value* LookUp(const Value::Map& map, const std::string& name) {
  if (const Value* whole = map.Get(name); whole != nullptr) return whole;
  for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const Value* part = map.Get(name.substr(0, dot));
    if (part == nullptr || !part->is_map()) continue;
    const Value* found = LookUp(part->map(), name.substr(dot + 1));
    if (found != nullptr) return found;
  }
  return nullptr;
}

class Template {
 public:
  Template(const Parameters& parameters, bool go) : parameters_(parameters), go_(go) {}

  absl::StatusOr<Value> Fill(const Value& value) const {
    if (value.is_string()) {
      ASSIGN_OR_RETURN(std::string text, FillText(value.string()));
      return Value(std::move(text));
    }
    if (value.is_list()) {
      Value::List list;
      for (const Value& each : value.list()) {
        ASSIGN_OR_RETURN(Value filled, Fill(each));
        list.push_back(std::move(filled));
      }
      return Value(std::move(list));
    }
    if (!value.is_map()) return value;
    Value::Map map;
    for (const Member& member : value.map()) {
      ASSIGN_OR_RETURN(std::string key, FillText(member.key));
      ASSIGN_OR_RETURN(Value filled, Fill(member.value));
      map.Set(std::move(key), std::move(filled));
    }
    return Value(std::move(map));
  }

 private:
  absl::StatusOr<std::string> FillText(const std::string& text) const {
    std::string out;
    size_t at = 0;
    while (true) {
      const size_t open = text.find("{{", at);
      if (open == std::string::npos) break;
      const size_t close = text.find("}}", open);
      if (close == std::string::npos) break;
      absl::StrAppend(&out, text.substr(at, open - at));
      ASSIGN_OR_RETURN(const std::string value, Evaluate(text.substr(open + 2, close - open - 2)));
      absl::StrAppend(&out, value);
      at = close + 2;
    }
    return absl::StrCat(out, text.substr(at));
  }

  // `index .path.segments 1`, `index .metadata.labels "a"`, `.a.b`, `a.b`, `path[1]`.
  absl::StatusOr<std::string> Evaluate(const std::string& expression) const {
    std::string name(absl::StripAsciiWhitespace(expression));
    const std::string whole = absl::StrCat("{{", expression, "}}");
    const std::vector<std::string> words = absl::StrSplit(name, ' ', absl::SkipEmpty());
    std::string index;
    if (go_ && words.size() == 3 && words[0] == "index") {
      name = words[1];
      index = words[2];
      if (index.size() > 1 && index.front() == '"') index = index.substr(1, index.size() - 2);
    } else if (words.size() != 1) {
      return absl::UnimplementedError(
          absl::StrCat(whole, ": template functions are not understood, only names of parameters"));
    }
    if (go_ && !absl::StartsWith(name, ".")) {
      return absl::UnimplementedError(absl::StrCat(whole, ": is more than a parameter's name"));
    }
    if (go_) name = name.substr(1);
    if (!index.empty()) absl::StrAppend(&name, ".", index);
    return ValueOf(name, whole);
  }

  absl::StatusOr<std::string> ValueOf(const std::string& name, const std::string& whole) const {
    const std::string labels = "metadata.labels.";
    if (parameters_.selector.has_value() && absl::StartsWith(name, labels)) {
      return absl::StrCat("${cluster.labels[\"", name.substr(labels.size()), "\"]}");
    }
    std::string key = name;
    if (!go_ && name == "path") key = "path.path";
    if (!go_ && absl::StartsWith(name, "path[") && absl::EndsWith(name, "]")) {
      key = absl::StrCat("path.segments.", name.substr(5, name.size() - 6));
    }
    const Value* value = LookUp(parameters_.values, key);
    const std::string segments = "path.segments.";
    if (absl::StartsWith(key, segments)) {
      const Value* list = LookUp(parameters_.values, "path.segments");
      size_t index = 0;
      if (list != nullptr && absl::SimpleAtoi(key.substr(segments.size()), &index) &&
          index < list->list().size()) {
        value = &list->list()[index];
      }
    }
    if (value == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(whole, ": there is no such parameter"));
    }
    if (value->is_map() || value->is_list() || value->is_null()) {
      return absl::InvalidArgumentError(
          absl::StrCat(whole, ": is a ", KindName(value->kind()), ", not text"));
    }
    return TextAt(*value, "");
  }

  const Parameters& parameters_;
  const bool go_;
};

class Generators {
 public:
  Generators(const FileTree& files, const IsHere& is_here, bool go)
      : files_(files), is_here_(is_here), go_(go) {}

  absl::StatusOr<ParameterSets> All(const Value::List& generators, int depth) const {
    ParameterSets all;
    for (const Value& generator : generators) {
      ASSIGN_OR_RETURN(ParameterSets sets, One(generator, depth));
      for (Parameters& set : sets) all.push_back(std::move(set));
      if (all.size() > kApplicationsMax) {
        return absl::ResourceExhaustedError("more than 10000 Applications");
      }
    }
    return all;
  }

 private:
  absl::StatusOr<ParameterSets> One(const Value& generator, int depth) const {
    if (!generator.is_map() || depth > kNestingMax) {
      return absl::InvalidArgumentError("spec.generators: is no list of generators");
    }
    for (const Member& member : generator.map()) {
      absl::StatusOr<ParameterSets> sets;
      if (member.key == "list") {
        sets = FromList(member.value);
      } else if (member.key == "clusters") {
        sets = FromClusters(member.value);
      } else if (member.key == "git") {
        sets = FromGit(member.value);
      } else if (member.key == "matrix") {
        sets = FromMatrix(member.value, depth);
      } else if (member.key == "merge") {
        sets = FromMerge(member.value, depth);
      } else if (member.key == "selector") {
        return absl::UnimplementedError(
            "spec.generators.selector: filters of parameters are not "
            "understood");
      } else {
        return absl::UnimplementedError(
            absl::StrCat("spec.generators.", member.key,
                         ": what it finds out elsewhere is not in the tree; "
                         "write a list of it"));
      }
      if (!sets.ok()) return sets;
      if (const Value* own = member.value.Get("template"); own != nullptr) {
        for (Parameters& set : *sets) set.template_override = *own;
      }
      return sets;
    }
    return absl::InvalidArgumentError("spec.generators: a generator is empty");
  }

  absl::StatusOr<ParameterSets> FromList(const Value& list) const {
    if (list.Find("/elementsYaml") != nullptr) {
      return absl::UnimplementedError(
          "spec.generators.list.elementsYaml: is a template; write the elements out");
    }
    ParameterSets sets;
    for (const Value& element : ListAt(list, "/elements")) {
      if (element.is_map()) sets.push_back({element.map(), std::nullopt, Value()});
    }
    return sets;
  }

  absl::StatusOr<ParameterSets> FromClusters(const Value& clusters) const {
    Value selector = Value::Map();
    if (const Value* own = clusters.Get("selector"); own != nullptr && own->is_map()) {
      selector = *own;
    }
    // Every cluster has it; what is left selects.
    selector.Remove(JoinPointer("/matchLabels", kSecretType));
    if (MapAt(selector, "/matchLabels").empty()) selector.Remove("/matchLabels");
    Parameters set;
    set.values = {
        {"name", kClusterName}, {"nameNormalized", kClusterName}, {"server", kClusterServer}};
    if (const Value* values = clusters.Get("values"); values != nullptr && values->is_map()) {
      set.values.Set("values", *values);
    }
    set.selector = std::move(selector);
    return ParameterSets{std::move(set)};
  }

  absl::StatusOr<ParameterSets> FromGit(const Value& git) const {
    const std::string url = TextAt(git, "/repoURL");
    if (!is_here_(url)) {
      return absl::UnimplementedError(
          absl::StrCat("spec.generators.git: ", url, " is not the tree at hand"));
    }
    if (git.Find("/pathParamPrefix") != nullptr) {
      return absl::UnimplementedError("spec.generators.git.pathParamPrefix is not understood");
    }
    absl::StatusOr<ParameterSets> sets = git.Find("/files") != nullptr
                                             ? FromFiles(ListAt(git, "/files"))
                                             : FromDirectories(ListAt(git, "/directories"));
    if (!sets.ok()) return sets;
    for (Parameters& set : *sets) {
      if (MapAt(git, "/values").empty()) continue;
      ASSIGN_OR_RETURN(Value values, Template(set, go_).Fill(MapAt(git, "/values")));
      set.values.Set("values", std::move(values));
    }
    return sets;
  }

  static Value PathParameters(const std::string& path) {
    Value::List segments;
    for (const absl::string_view part : absl::StrSplit(path, '/')) segments.push_back(part);
    const std::string name = BaseNameOf(path);
    return Value::Map{{"path", path},
                      {"basename", name},
                      {"basenameNormalized", NameFrom(name)},
                      {"segments", std::move(segments)}};
  }

  absl::StatusOr<ParameterSets> FromDirectories(const Value::List& patterns) const {
    std::set<std::string> directories;
    for (const auto& [path, bytes] : files_) {
      for (size_t slash = path.find('/'); slash != std::string::npos;
           slash = path.find('/', slash + 1)) {
        const std::string directory = path.substr(0, slash);
        if (!IsHiddenPath(directory)) directories.insert(directory);
      }
    }
    ParameterSets sets;
    for (const std::string& directory : directories) {
      if (!Wanted(patterns, directory)) continue;
      Parameters set;
      set.values.Set("path", PathParameters(directory));
      sets.push_back(std::move(set));
    }
    return sets;
  }

  static bool Wanted(const Value::List& patterns, const std::string& path) {
    bool wanted = false;
    for (const Value& pattern : patterns) {
      if (!MatchesArgocdGlob(TextAt(pattern, "/path"), path, false)) continue;
      if (FlagAt(pattern, "/exclude")) return false;
      wanted = true;
    }
    return wanted;
  }

  absl::StatusOr<ParameterSets> FromFiles(const Value::List& patterns) const {
    ParameterSets sets;
    for (const auto& [path, bytes] : files_) {
      if (!Wanted(patterns, path)) continue;
      ASSIGN_OR_RETURN(const std::vector<Document> documents, ParseYaml(bytes, path));
      for (const Document& document : documents) {
        const Value::List one{document.value};
        for (const Value& each : document.value.is_list() ? document.value.list() : one) {
          if (!each.is_map()) {
            return absl::InvalidArgumentError(absl::StrCat(path, ": holds no map of parameters"));
          }
          Parameters set{each.map(), std::nullopt, Value()};
          Value place = PathParameters(DirectoryOf(path));
          place.map().Set("filename", BaseNameOf(path));
          place.map().Set("filenameNormalized", NameFrom(BaseNameOf(path)));
          set.values.Set("path", std::move(place));
          sets.push_back(std::move(set));
        }
      }
    }
    return sets;
  }

  absl::StatusOr<ParameterSets> FromMatrix(const Value& matrix, int depth) const {
    const Value::List& generators = ListAt(matrix, "/generators");
    if (generators.size() != 2) {
      return absl::InvalidArgumentError("spec.generators.matrix: needs two generators");
    }
    if (absl::StrContains(CanonicalJson(generators[1]), "{{")) {
      return absl::UnimplementedError(
          "spec.generators.matrix: a generator with templates of the other's parameters");
    }
    ASSIGN_OR_RETURN(const ParameterSets first, One(generators[0], depth + 1));
    ASSIGN_OR_RETURN(const ParameterSets second, One(generators[1], depth + 1));
    if (first.size() * second.size() > kApplicationsMax) {
      return absl::ResourceExhaustedError("more than 10000 Applications");
    }
    ParameterSets sets;
    for (const Parameters& a : first) {
      for (const Parameters& b : second) {
        Value values = a.values;
        MergeOver(b.values, values);
        if (a.selector.has_value() && b.selector.has_value()) {
          return absl::UnimplementedError("spec.generators.matrix: clusters twice");
        }
        sets.push_back(
            {std::move(values.map()), a.selector.has_value() ? a.selector : b.selector, Value()});
      }
    }
    return sets;
  }

  absl::StatusOr<ParameterSets> FromMerge(const Value& merge, int depth) const {
    ParameterSets merged;
    bool first = true;
    for (const Value& generator : ListAt(merge, "/generators")) {
      ASSIGN_OR_RETURN(ParameterSets sets, One(generator, depth + 1));
      for (Parameters& set : sets) {
        if (set.selector.has_value()) {
          return absl::UnimplementedError(
              "spec.generators.merge: clusters, which only Argo CD knows, merged with others; use "
              "targets with selectors");
        }
        if (first) {
          merged.push_back(std::move(set));
          continue;
        }
        for (Parameters& base : merged) {
          if (!SameKeys(ListAt(merge, "/mergeKeys"), base, set)) continue;
          Value values = std::move(base.values);
          MergeOver(set.values, values);
          base.values = std::move(values.map());
        }
      }
      first = false;
    }
    return merged;
  }

  static bool SameKeys(const Value::List& keys, const Parameters& a, const Parameters& b) {
    return std::all_of(keys.begin(), keys.end(), [&](const Value& key) {
      const Value* left = LookUp(a.values, TextAt(key, ""));
      const Value* right = LookUp(b.values, TextAt(key, ""));
      return left != nullptr && right != nullptr && *left == *right;
    });
  }

  const FileTree& files_;
  const IsHere& is_here_;
  const bool go_;
};

// {a,b} written out; of more than kAlternativesMax, the first.
std::vector<std::string> Alternatives(const std::string& glob) {
  std::vector<std::string> open = {glob};
  std::vector<std::string> all;
  while (!open.empty() && all.size() < kAlternativesMax) {
    const std::string one = std::move(open.back());
    open.pop_back();
    const size_t start = one.find('{');
    const size_t end = start == std::string::npos ? start : one.find('}', start);
    if (end == std::string::npos) {
      all.push_back(one);
      continue;
    }
    const std::vector<std::string> parts =
        absl::StrSplit(one.substr(start + 1, end - start - 1), ',');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      open.push_back(absl::StrCat(one.substr(0, start), *part, one.substr(end + 1)));
    }
  }
  return all;
}

}  // namespace

bool MatchesArgocdGlob(const std::string& glob, const std::string& text, bool crosses) {
  for (std::string pattern : Alternatives(glob)) {
    std::string subject = text;
    if (crosses) {
      // Without separators a '*' goes everywhere.
      std::replace(pattern.begin(), pattern.end(), '/', '\x01');
      std::replace(subject.begin(), subject.end(), '/', '\x01');
    }
    if (MatchesGlob(pattern, subject)) return true;
  }
  return false;
}

absl::StatusOr<std::vector<GeneratedApplication>> GenerateApplications(const Value& set,
                                                                       const FileTree& files,
                                                                       const IsHere& is_here) {
  const bool go = FlagAt(set, "/spec/goTemplate");
  if (set.Find("/spec/templatePatch") != nullptr) {
    return absl::UnimplementedError("spec.templatePatch: is a program of its own");
  }
  ASSIGN_OR_RETURN(const ParameterSets sets,
                   Generators(files, is_here, go).All(ListAt(set, "/spec/generators"), 0));
  std::vector<GeneratedApplication> applications;
  for (const Parameters& parameters : sets) {
    const Value* shared = set.Find("/spec/template");
    Value form = shared == nullptr ? Value(Value::Map()) : *shared;
    if (!parameters.template_override.is_null()) MergeOver(parameters.template_override, form);
    ASSIGN_OR_RETURN(Value object, Template(parameters, go).Fill(form));
    if (!object.is_map()) return absl::InvalidArgumentError("spec.template: is no map");
    object.map().Set("apiVersion", "argoproj.io/v1alpha1");
    object.map().Set("kind", "Application");
    applications.push_back({std::move(object), parameters.selector});
  }
  return applications;
}

}  // namespace muster::cli
