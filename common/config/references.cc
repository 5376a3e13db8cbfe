#include "common/config/references.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/suggest.h"

namespace muster {
namespace {

v1::ConfigError Error(absl::string_view kind, absl::string_view name, absl::string_view file,
                      int line, std::string message) {
  v1::ConfigError error;
  error.set_kind(std::string(kind));
  error.set_name(std::string(name));
  error.set_file(std::string(file));
  error.set_line(line);
  error.set_message(std::move(message));
  return error;
}

// The packages that lead back to themselves: Tarjan's strongly connected components, without
// recursion, because the depth is the user's.
class Circles {
 public:
  using Edges = std::map<std::string, std::vector<std::string>>;

  explicit Circles(const Edges& edges) : edges_(edges) {
    for (const auto& [name, targets] : edges_) {
      if (marks_.count(name) == 0) Visit(name);
    }
  }

  // The number of a package's circle; packages of no circle have none.
  const std::map<std::string, int>& circle_of() const { return circle_of_; }

 private:
  struct Mark {
    int index = 0;
    int low = 0;
    bool on_stack = false;
  };
  struct Frame {
    std::string name;
    size_t next = 0;
  };

  void Enter(const std::string& name) {
    const int index = static_cast<int>(marks_.size());
    marks_[name] = {index, index, true};
    stack_.push_back(name);
    frames_.push_back({name, 0});
  }

  void Visit(const std::string& root) {
    Enter(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.back();
      const std::string name = frame.name;
      const auto targets = edges_.find(name);
      if (targets != edges_.end() && frame.next < targets->second.size()) {
        const std::string& target = targets->second[frame.next++];
        const auto mark = marks_.find(target);
        if (mark == marks_.end()) {
          Enter(target);
        } else if (mark->second.on_stack) {
          marks_[name].low = std::min(marks_[name].low, mark->second.index);
        }
        continue;
      }
      frames_.pop_back();
      if (!frames_.empty()) {
        Mark& above = marks_[frames_.back().name];
        above.low = std::min(above.low, marks_[name].low);
      }
      if (marks_[name].low == marks_[name].index) Leave(name, targets);
    }
  }

  void Leave(const std::string& name, Edges::const_iterator targets) {
    std::vector<std::string> members;
    do {
      members.push_back(stack_.back());
      marks_[stack_.back()].on_stack = false;
      stack_.pop_back();
    } while (members.back() != name);
    const bool to_itself =
        targets != edges_.end() &&
        std::find(targets->second.begin(), targets->second.end(), name) != targets->second.end();
    if (members.size() == 1 && !to_itself) return;
    for (const std::string& member : members) circle_of_[member] = count_;
    ++count_;
  }

  const Edges& edges_;
  std::map<std::string, Mark> marks_;
  std::vector<std::string> stack_;
  std::vector<Frame> frames_;
  std::map<std::string, int> circle_of_;
  int count_ = 0;
};

// Fields whose meaning depends on what kind of repository there is.
constexpr const char* kDependingFields[] = {"/spec", "/spec/path", "/spec/helm",
                                            "/spec/helm/repository", "/spec/helm/version"};

using Misuse = std::pair<const char*, std::string>;  // a pointer, and what is wrong there

// A package whose own repository is a registry has no files but the chart's.
std::vector<Misuse> MisusedRegistry(const v1::Package& package) {
  std::vector<Misuse> errors;
  const std::string has = absl::StrCat("Repository '", package.repository(), "' is a registry, ");
  const v1::Helm& helm = package.helm();
  if (helm.chart().empty() || helm.version().empty()) {
    errors.push_back(
        {"/spec/helm", absl::StrCat(has, "so helm.chart and helm.version are needed")});
  }
  const std::string remedy = absl::StrCat(
      has,
      "which has no other files; name a Git repository in spec.repository, and this one in "
      "spec.helm.repository");
  if (!package.path().empty() && package.path() != ".") errors.push_back({"/spec/path", remedy});
  if (!helm.repository().empty()) {
    errors.push_back({"/spec/helm/repository",
                      absl::StrCat(has, "so its charts need no other; leave one of the two out")});
  }
  bool files = helm.values_files_size() > 0;
  for (const v1::Target& target : package.targets()) {
    files = files || target.helm().values_files_size() > 0;
    for (const v1::Patch& patch : target.patches()) files = files || !patch.path().empty();
  }
  if (files)
    errors.push_back({"/spec", absl::StrCat("valuesFiles and patches in files: ", remedy)});
  return errors;
}

}  // namespace

void References::Declare(absl::string_view kind, const Findings& findings) {
  const Document& document = findings.document();
  const Value* name = document.value.Find("/metadata/name");
  if (name == nullptr || !name->is_string()) return;
  places_[{std::string(kind), name->string()}].push_back(
      {document.file, document.positions.Find("/metadata/name").line});
}

void References::Declare(const v1::Repository& repository) {
  is_registry_[repository.name()] = repository.type() != v1::REPOSITORY_TYPE_UNSPECIFIED;
}

void References::Refer(const v1::Package& package, const Findings& findings) {
  const Document& document = findings.document();
  const auto add = [&](std::string kind, const std::string& name, const std::string& pointer) {
    references_.push_back({"Package",
                           package.name(),
                           std::move(kind),
                           name,
                           FieldText(document.value, pointer),
                           {document.file, document.positions.Find(pointer).line}});
  };
  add("Repository", package.repository(), "/spec/repository");
  if (!package.helm().repository().empty()) {
    add("Repository", package.helm().repository(), "/spec/helm/repository");
  }
  Noted noted{package, document.file, {}};
  for (const char* pointer : kDependingFields) {
    noted.lines[pointer] = document.positions.Find(pointer).line;
  }
  packages_.push_back(std::move(noted));
  // One plan is shipped, and need not be declared.
  if (!package.rollout().empty() && package.rollout() != "standard") {
    add("RolloutPlan", package.rollout(), "/spec/rollout");
  }
  for (int i = 0; i < package.depends_on_size(); ++i) {
    add("Package", package.depends_on(i), absl::StrCat("/spec/dependsOn/", i));
  }
}

void References::Refer(const v1::Repository& repository, const Findings& findings) {
  const Document& document = findings.document();
  for (int i = 0; i < repository.verify().signers_size(); ++i) {
    const std::string pointer = absl::StrCat("/spec/verify/signers/", i);
    references_.push_back({"Repository",
                           repository.name(),
                           "Signers",
                           repository.verify().signers(i),
                           FieldText(document.value, pointer),
                           {document.file, document.positions.Find(pointer).line}});
  }
}

void References::AddDuplicates(std::vector<v1::ConfigError>& errors) const {
  for (const auto& [key, places] : places_) {
    for (size_t i = 0; i < places.size() && places.size() > 1; ++i) {
      const Place& other = places[i == 0 ? 1 : 0];
      errors.push_back(
          Error(key.first, key.second, places[i].file, places[i].line,
                absl::StrCat(key.first, " '", key.second, "' is declared twice; also in ",
                             other.file, ":", other.line)));
    }
  }
}

void References::AddMissing(std::vector<v1::ConfigError>& errors) const {
  for (const Reference& reference : references_) {
    if (places_.count({reference.kind, reference.name}) > 0) continue;
    std::vector<absl::string_view> names;
    for (const auto& [key, places] : places_) {
      if (key.first == reference.kind) names.push_back(key.second);
    }
    errors.push_back(Error(reference.from_kind, reference.from, reference.place.file,
                           reference.place.line,
                           absl::StrCat(reference.field, ": there is no ", reference.kind, " '",
                                        reference.name, "'", DidYouMean(reference.name, names))));
  }
}

// What only a registry has, asked of Git; and what only Git has, asked of a registry.
void References::AddMisused(std::vector<v1::ConfigError>& errors) const {
  const auto is = [this](const std::string& name, bool registry) {
    const auto found = is_registry_.find(name);
    return found != is_registry_.end() && found->second == registry;
  };
  for (const Noted& noted : packages_) {
    const v1::Package& package = noted.package;
    const v1::Helm& helm = package.helm();
    std::vector<Misuse> misuses;
    if (!helm.repository().empty() && is(helm.repository(), false)) {
      misuses.push_back(
          {"/spec/helm/repository",
           absl::StrCat("Repository '", helm.repository(),
                        "' is a Git repository; for a chart in it, name it in "
                        "spec.repository and give helm.chart the chart's directory")});
    }
    if (is(package.repository(), true)) misuses = MisusedRegistry(package);
    if (is(package.repository(), false)) {
      if (package.path().empty()) {
        misuses.push_back({"/spec/path", "is missing; '.' is the whole repository"});
      }
      if (helm.repository().empty() && !(helm.version().empty() && helm.digest().empty())) {
        misuses.push_back({"/spec/helm/version",
                           "version and digest are for charts of a registry; a chart in Git is "
                           "what stands there"});
      }
    }
    for (auto& [pointer, why] : misuses) {
      const std::string field = absl::StrReplaceAll(pointer + 1, {{"/", "."}});
      errors.push_back(Error("Package", package.name(), noted.file, noted.lines.at(pointer),
                             absl::StrCat(field, ": ", why)));
    }
  }
}

void References::AddCircles(std::vector<v1::ConfigError>& errors) const {
  Circles::Edges edges;
  for (const Reference& reference : references_) {
    if (reference.kind == "Package") edges[reference.from].push_back(reference.name);
  }
  const Circles circles(edges);
  const std::map<std::string, int>& circle_of = circles.circle_of();
  std::map<int, std::vector<absl::string_view>> members;
  for (const auto& [name, circle] : circle_of) members[circle].push_back(name);
  for (const Reference& reference : references_) {
    if (reference.kind != "Package") continue;
    const auto from = circle_of.find(reference.from), to = circle_of.find(reference.name);
    if (from == circle_of.end() || to == circle_of.end() || from->second != to->second) continue;
    const std::vector<absl::string_view>& all = members[from->second];
    errors.push_back(Error("Package", reference.from, reference.place.file, reference.place.line,
                           all.size() == 1
                               ? absl::StrCat(reference.field, ": the package depends on itself")
                               : absl::StrCat(reference.field, ": '", reference.name,
                                              "' depends on this package in turn; the circle is ",
                                              absl::StrJoin(all, ", "))));
  }
}

std::vector<v1::ConfigError> References::Check() const {
  std::vector<v1::ConfigError> errors;
  AddDuplicates(errors);
  AddMissing(errors);
  AddMisused(errors);
  AddCircles(errors);
  return errors;
}

}  // namespace muster
