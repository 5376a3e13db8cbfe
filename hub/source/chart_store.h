// ChartStore: fetched charts, kept as commits in a bare repository beside the Git clones, so that
// whatever reads a commit of a Git repository reads charts in the same way.
//
// A commit holds one directory a chart: "web/1.2.3/Chart.yaml". It has no parents; the hub's
// journal has the history. Files are named by their content, so a chart that stays costs nothing.
// For the fetch child; one thread. A store that is broken is replaced, as a clone is.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/render/file_tree.h"

namespace muster::hub {

class ChartStore {
 public:
  virtual ~ChartStore() = default;

  // Whether the commit and everything at `path` of it can be read.
  virtual bool Has(const std::string& commit, const std::string& path) = 0;

  // A commit of new charts and of those that `from` has, each by its path. Returns its id.
  struct Contents {
    std::map<std::string, FileTree> added;
    std::map<std::string, std::string> kept;  // path -> commit that has it
    std::string author;
    std::string subject;
  };
  virtual absl::StatusOr<std::string> Write(const Contents& contents) = 0;
};

// The store of one repository: `directory`/NAME.git.
class GitChartStore final : public ChartStore {
 public:
  explicit GitChartStore(std::string clone) : clone_(std::move(clone)) {}
  bool Has(const std::string& commit, const std::string& path) override;
  absl::StatusOr<std::string> Write(const Contents& contents) override;

 private:
  const std::string clone_;
};

}  // namespace muster::hub
