#include "cli/import/argocd_chart.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/import/chart_form.h"
#include "cli/import/source_objects.h"
#include "common/base/status_macros.h"
#include "common/manifest/yaml_writer.h"

namespace muster::cli {
namespace {

constexpr absl::string_view kAt = "spec.source.helm";

class Reader {
 public:
  Reader(const ArgocdApplication& application, const std::string& path, const FileTree* files,
         ImportItem& item)
      : application_(application),
        chart_(application.chart),
        path_(path),
        files_(files),
        item_(item),
        values_(application.chart.values) {}

  absl::StatusOr<ChartFields> Read() {
    RETURN_IF_ERROR(FindFiles());
    for (const ArgocdChart::Parameter& each : chart_.parameters) RETURN_IF_ERROR(Set(each));
    for (const ArgocdChart::Parameter& each : chart_.file_parameters) {
      RETURN_IF_ERROR(SetFromFile(each));
    }
    RETURN_IF_ERROR(CheckHelmValues(values_));
    RETURN_IF_ERROR(CheckFilesForVariables());
    Crds();
    const std::string& release =
        chart_.release_name.empty() ? application_.name : chart_.release_name;
    if (absl::StrContains(release, "${")) {
      return absl::UnimplementedError(absl::StrCat("the release is called '", release,
                                                   "', which a package cannot vary by cluster"));
    }
    Place();
    fields_.helm.Set("releaseName", release);
    if (!values_.map().empty()) fields_.helm.Set("values", values_);
    return std::move(fields_);
  }

 private:
  bool InRegistry() const { return !chart_.name.empty(); }

  // What Argo CD puts in for $NAME and ${NAME} in parameters and in names of files.
  absl::StatusOr<std::string> Expand(const std::string& text) const {
    const std::map<std::string, std::string> known = {
        {"ARGOCD_APP_NAME", application_.name},
        {"ARGOCD_APP_NAMESPACE", TextAt(Value(application_.common), "/namespace")},
        {"ARGOCD_APP_SOURCE_REPO_URL", application_.repo_url},
        {"ARGOCD_APP_SOURCE_PATH", application_.path},
        {"ARGOCD_APP_SOURCE_TARGET_REVISION", application_.revision}};
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      const absl::string_view rest = absl::string_view(text).substr(i);
      if (rest[0] != '$' || absl::StartsWith(rest, "${cluster.")) {
        out += rest[0];
        continue;
      }
      const bool braces = rest.size() > 1 && rest[1] == '{';
      size_t end = braces ? 2 : 1;
      while (end < rest.size() &&
             (absl::ascii_isalnum(static_cast<unsigned char>(rest[end])) || rest[end] == '_')) {
        ++end;
      }
      const std::string name(rest.substr(braces ? 2 : 1, end - (braces ? 2 : 1)));
      const auto found = known.find(name);
      if (found == known.end()) {
        return absl::UnimplementedError(absl::StrCat("'", text, "' holds $", name,
                                                     ", which Argo CD fills in: write its value"));
      }
      out += found->second;
      i += end - (braces ? 0 : 1);
    }
    return out;
  }

  absl::Status FindFiles() {
    for (const std::string& written : chart_.value_files) {
      if (absl::StartsWith(written, "$")) {
        RETURN_IF_ERROR(AddReferred(written));
        continue;
      }
      ASSIGN_OR_RETURN(const std::string file, Expand(written));
      if (absl::StrContains(file, "://")) {
        return absl::UnimplementedError(
            absl::StrCat("values come from ", file, ": commit the file"));
      }
      if (file.find_first_of("*?[") != std::string::npos) {
        return absl::UnimplementedError(
            absl::StrCat("'", file, "' means several files: name each"));
      }
      if (InRegistry()) {
        return absl::UnimplementedError(
            absl::StrCat("values file ", file, " is in the chart: copy what it holds into values"));
      }
      ASSIGN_OR_RETURN(std::string path, absl::StartsWith(file, "/")
                                             ? NormalizePath(absl::string_view(file).substr(1))
                                             : ResolvePath(path_, file));
      const bool varies = absl::StrContains(path, "${");
      if (!varies && files_ != nullptr && files_->Find(path) == nullptr) {
        if (chart_.ignores_missing_files) continue;
        return absl::UnimplementedError(absl::StrCat("there is no values file ", path));
      }
      if ((varies || files_ == nullptr) && chart_.ignores_missing_files) {
        return absl::UnimplementedError(absl::StrCat("whether there is a values file ", path,
                                                     " cannot be seen here: run the import there"));
      }
      paths_.push_back(std::move(path));
    }
    return absl::OkStatus();
  }

  // "$values/prod/web.yaml"
  absl::Status AddReferred(const std::string& written) {
    const size_t slash = written.find('/');
    const std::string name = written.substr(0, slash);
    const auto found = application_.references.find(name);
    if (slash == std::string::npos || found == application_.references.end()) {
      return absl::UnimplementedError(absl::StrCat("no source is called ", name));
    }
    if ((!InRegistry() || !fields_.reference.empty()) && fields_.reference != name) {
      return absl::UnimplementedError(
          "values files come from several repositories: put them into one");
    }
    if (chart_.ignores_missing_files) {
      return absl::UnimplementedError("values files may be missing (ignoreMissingValueFiles)");
    }
    fields_.reference = name;
    ASSIGN_OR_RETURN(const std::string rest, Expand(written.substr(slash + 1)));
    ASSIGN_OR_RETURN(std::string path, NormalizePath(rest));
    paths_.push_back(std::move(path));
    return absl::OkStatus();
  }

  // The values of the files, where they can be read.
  absl::StatusOr<Value> FileValues() const {
    if (paths_.empty()) return Value(Value::Map());
    if (files_ == nullptr || !fields_.reference.empty()) {
      return absl::UnimplementedError("needs the values files, which are in another repository");
    }
    return ReadHelmValuesFiles(*files_, paths_);
  }

  absl::Status Set(const ArgocdChart::Parameter& parameter) {
    ASSIGN_OR_RETURN(const std::string text, Expand(parameter.value));
    // One element is set in the list that is there by then, be it in a file.
    const size_t bracket = parameter.name.find('[');
    if (bracket != std::string::npos) {
      absl::StatusOr<Value> merged = FileValues();
      if (!merged.ok()) {
        return Annotate(merged.status(), absl::StrCat("parameter '", parameter.name, "'"));
      }
      MergeHelmValues(values_, *merged);
      Value probe = Value::Map();
      RETURN_IF_ERROR(SetHelmValue(parameter.name.substr(0, bracket), "x", true, probe));
      CopyAt(probe, *merged, values_);
    }
    return SetHelmValue(parameter.name, text, parameter.as_string, values_);
  }

  // Copies what `from` holds where the only leaf of `way` is.
  static void CopyAt(const Value& way, const Value& from, Value& to) {
    if (!way.is_map()) {
      to = from;
      return;
    }
    const Member& step = *way.map().begin();
    const Value* next = from.Get(step.key);
    if (next == nullptr) return;
    Value* into = to.Get(step.key);
    if (into == nullptr) into = &to.map().Set(step.key, Value::Map());
    CopyAt(step.value, *next, *into);
  }

  absl::Status SetFromFile(const ArgocdChart::Parameter& parameter) {
    ASSIGN_OR_RETURN(const std::string file, Expand(parameter.value));
    ASSIGN_OR_RETURN(const std::string path, ResolvePath(path_, file));
    const std::string* bytes = files_ == nullptr ? nullptr : files_->Find(path);
    if (InRegistry() || bytes == nullptr) {
      return absl::UnimplementedError(absl::StrCat("there is no file ", path));
    }
    if (absl::StrContains(parameter.name, "[")) {
      return absl::UnimplementedError(
          absl::StrCat("file parameter '", parameter.name, "' sets an element of a list"));
    }
    Value text = Value::Map();
    RETURN_IF_ERROR(SetHelmValue(parameter.name, "x", true, text));
    ReplaceLeaf(*bytes, text);
    MergeHelmValues(text, values_);
    return absl::OkStatus();
  }

  static void ReplaceLeaf(const std::string& text, Value& value) {
    if (value.is_map()) return ReplaceLeaf(text, *value.Get((*value.map().begin()).key));
    value = text;
  }

  // Naming the cluster in values makes Muster replace expressions in values files too.
  absl::Status CheckFilesForVariables() const {
    if (files_ == nullptr || !fields_.reference.empty() ||
        !absl::StrContains(WriteYaml(values_), "${cluster.")) {
      return absl::OkStatus();
    }
    for (const std::string& path : paths_) {
      const std::string* bytes = files_->Find(path);
      if (bytes != nullptr && absl::StrContains(*bytes, "${")) {
        return absl::UnimplementedError(absl::StrCat(
            path, " holds ${...}, which Muster would take for variables: write $${...}"));
      }
    }
    return absl::OkStatus();
  }

  void Crds() {
    if (!chart_.skips_crds) return;
    const bool none = files_ != nullptr && !InRegistry() &&
                      files_->Below(absl::StrCat(path_, path_.empty() ? "" : "/", "crds")).empty();
    if (none) return;
    item_.LeaveOut(absl::StrCat(kAt, ".skipCrds"),
                   "CRDs of a chart are always delivered: delete them with a patch, or take "
                   "another chart");
  }

  void Place() {
    if (InRegistry()) {
      fields_.helm.Set("chart", chart_.name);
      fields_.has_files = !paths_.empty();
      if (paths_.empty()) return;
    }
    const ChartPlace place = InRegistry() ? PlaceValues(paths_) : PlaceChart(path_, paths_);
    fields_.has_files = true;
    fields_.path = place.path;
    if (!place.chart.empty()) fields_.helm.Set("chart", place.chart);
    if (!place.values_files.empty()) {
      fields_.helm.Set("valuesFiles", PathList(place.values_files));
    }
  }

  const ArgocdApplication& application_;
  const ArgocdChart& chart_;
  const std::string& path_;
  const FileTree* const files_;
  ImportItem& item_;
  Value values_;
  std::vector<std::string> paths_;  // of values files, from the root of their repository
  ChartFields fields_;
};

}  // namespace

absl::StatusOr<ChartFields> ReadArgocdChart(const ArgocdApplication& application,
                                            const std::string& path, const FileTree* files,
                                            ImportItem& item) {
  return Reader(application, path, files, item).Read();
}

}  // namespace muster::cli
