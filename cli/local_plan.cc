#include "cli/local_plan.h"

#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/directory_source.h"
#include "cli/files.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/plan/fleet_plan.h"
#include "common/plan/planner.h"
#include "common/render/render_all.h"
#include "common/render/tree_reader.h"

namespace muster::cli {
namespace {

using Blobs = std::map<Digest, std::string>;

// The working tree as a renderer reads a commit.
TreeReader ReaderOf(const FileTree& files) {
  TreeReader reader;
  reader.read = [&files](const std::string& path) -> absl::StatusOr<FileTree> {
    if (!path.empty() && !files.Contains(path)) {
      return absl::NotFoundError(absl::StrCat(path, ": no such file or directory"));
    }
    FileTree part;
    if (const std::string* file = files.Find(path)) RETURN_IF_ERROR(part.Add(path, *file));
    for (const auto& [name, bytes] : files.Below(path)) RETURN_IF_ERROR(part.Add(name, bytes));
    return part;
  };
  reader.tree_id = [read = reader.read](const std::string& path) -> absl::StatusOr<std::string> {
    ASSIGN_OR_RETURN(const FileTree part, read(path));
    std::string names;
    for (const auto& [name, bytes] : part) {
      absl::StrAppend(&names, name.size(), ":", name, Digest::Of(bytes).view());
    }
    return Digest::Of(names).hex();
  };
  return reader;
}

// Renders what the planner wants, until it wants nothing more; keeps manifests and objects.
absl::Status RenderWanted(Planner& planner, const TreeReader& reader, HelmDoor* helm,
                          Blobs& blobs) {
  std::map<std::string, Digest> bundles;  // by input digest
  for (auto wanted = planner.Wanted(); !wanted.empty(); wanted = planner.Wanted()) {
    pb::RenderRequest request;
    request.set_repository(planner.fleet().repository());
    for (const Planner::Input& input : wanted) *request.add_inputs() = input.input;
    pb::RenderResponse response = RenderAll(request, reader, helm);
    if (response.outputs_size() != request.inputs_size()) {
      return absl::InternalError("the renderer answered another number of inputs");
    }
    for (int i = 0; i < response.outputs_size(); ++i) {
      pb::RenderOutput& rendered = *response.mutable_outputs(i);
      Planner::Output output;
      output.status =
          absl::Status(static_cast<absl::StatusCode>(rendered.code()), rendered.message());
      output.uses.assign(rendered.uses().begin(), rendered.uses().end());
      output.uses_known = rendered.uses_known();
      if (output.status.ok()) {
        if (!rendered.manifest().empty()) {
          const Digest bundle = Digest::Of(rendered.manifest());
          bundles[rendered.input_digest()] = bundle;
          blobs[bundle] = std::move(*rendered.mutable_manifest());
          for (std::string& json : *rendered.mutable_objects()) {
            const Digest digest = Digest::Of(json);
            blobs[digest] = std::move(json);
          }
        }
        const auto bundle = bundles.find(rendered.input_digest());
        if (bundle == bundles.end()) {
          output.status = absl::FailedPreconditionError(
              "it gives no objects at all; an empty rendering is never applied");
        } else {
          output.bundle = bundle->second;
        }
      }
      planner.Take(wanted[i].package, wanted[i].params, std::move(output));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<pb::FleetPlan> PlanWorkingTree(HubClient& hub, const std::string& repository,
                                              const std::string& directory, HelmDoor* helm) {
  ASSIGN_OR_RETURN(const WorkingPath place, FindWorkingPath(directory));
  const std::string root = place.root == "/" ? directory : place.root;
  pb::PlanFleetRequest asked;
  asked.set_repository(repository);
  ASSIGN_OR_RETURN(pb::PlanFleet fleet, hub.GetPlanFleet(asked));
  ASSIGN_OR_RETURN(const FileTree files, ReadTree(root, ""));
  const TreeReader reader = ReaderOf(files);
  Planner planner(std::move(fleet));
  Blobs blobs;
  RETURN_IF_ERROR(RenderWanted(planner, reader, helm, blobs));
  pb::PlanComparisons comparisons = planner.Comparisons();
  comparisons.set_revision(absl::StrCat("the working tree ", root));
  return MakeFleetPlan(comparisons, [&](const Digest& digest) -> absl::StatusOr<std::string> {
    const auto known = blobs.find(digest);
    if (known != blobs.end()) return known->second;
    pb::GetBlobRequest request;
    request.set_digest(digest.bytes());
    ASSIGN_OR_RETURN(pb::GetBlobResponse response, hub.GetBlob(request));
    return blobs[digest] = std::move(*response.mutable_content());
  });
}

}  // namespace muster::cli
