// ChartForm: charts as other tools name them, as a Package has them: values that are given one by
// one or in an order of their own, where chart and values files stand, and where a chart comes
// from. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/import/import_report.h"
#include "cli/import/planned_fleet.h"
#include "common/manifest/value.h"
#include "common/render/file_tree.h"

namespace muster::cli {

// Sets in `values`, a map, what Helm's `--set NAME=TEXT` sets, or `--set-string` with `as_string`;
// commas are part of the text but within {a,b}. kInvalidArgument for what Helm would not take.
absl::Status SetHelmValue(absl::string_view name, absl::string_view text, bool as_string,
                          Value& values);

// Lays `over` over `base` as Helm does with values files: maps member by member, all else as a
// whole.
void MergeHelmValues(const Value& over, Value& base);

// The values that a file or an inline text holds: a map. kInvalidArgument for anything else.
absl::StatusOr<Value> ReadHelmValues(absl::string_view text, const std::string& name);

// The same of files one over the other; kNotFound when one is not there.
absl::StatusOr<Value> ReadHelmValuesFiles(const FileTree& files,
                                          const std::vector<std::string>& paths);

// kUnimplemented when texts in `values` hold expressions that Muster would replace, and the tool
// does not.
absl::Status CheckHelmValues(const Value& values);

// The members of Package.spec for a chart in the package's own repository: the path that holds the
// chart's directory and all of the values files, and these from there. All are from the root.
struct ChartPlace {
  std::string path;
  std::string chart;  // below the path; empty: the path itself
  std::vector<std::string> values_files;
};
ChartPlace PlaceChart(const std::string& directory, const std::vector<std::string>& values_files);

// The same for values files alone, of a chart that comes from elsewhere.
ChartPlace PlaceValues(const std::vector<std::string>& values_files);

Value::List PathList(const std::vector<std::string>& paths);

// A chart of a registry: the Repository to declare, and the chart's name and versions there.
struct RegistryChart {
  PlannedRepository repository;
  std::string chart;
  std::string version;  // or a range; "*" when the tool names none
};

// `url` as the tool has it: https://..., oci://..., or without a scheme for OCI; `chart` may be
// empty or a whole address of its own (oci://host/path/chart). kUnimplemented for archives and
// whatever else a tool may fetch, and for what a declaration may not say: the address of a registry
// that a Repository refuses (http://), and a version that is none.
absl::StatusOr<RegistryChart> FindRegistryChart(const std::string& url, const std::string& chart,
                                                const std::string& version);

// Tells of what the templates of a chart in the tree ask for, and get otherwise from Muster.
void NoteChart(const FileTree& files, const std::string& directory, const std::string& field,
               ImportItem& item);

}  // namespace muster::cli
