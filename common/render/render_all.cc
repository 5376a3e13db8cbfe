#include "common/render/render_all.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "common/render/input_digest.h"
#include "common/render/render.h"

namespace muster {
namespace {

using Uses = std::set<std::string>;

absl::StatusOr<Bundle> RenderBundle(const FileTree& files, const v1::RenderInput& input) {
  ASSIGN_OR_RETURN(Rendering rendering, Render(files, input));
  std::vector<BundleInput> objects;
  objects.reserve(rendering.objects.size());
  for (RenderedObject& rendered : rendering.objects) {
    objects.push_back({.object = std::move(rendered.object),
                       .origin = absl::StrCat(rendered.file, ":", rendered.line)});
  }
  return MakeBundle(std::move(objects));
}

void SetBundle(Bundle bundle, v1::RenderOutput& output) {
  std::map<std::string, std::string*> by_digest;
  for (Bundle::Blob& blob : bundle.blobs) by_digest[blob.digest.bytes()] = &blob.json;
  for (const v1::ManifestEntry& entry : bundle.manifest.entries()) {
    const auto blob = by_digest.find(entry.digest());
    CHECK(blob != by_digest.end()) << "a bundle lacks a blob of its manifest";
    output.add_objects(*blob->second);
  }
  output.set_manifest(std::move(bundle.manifest_bytes));
}

void SetStatus(const absl::Status& status, v1::RenderOutput& output) {
  output.set_code(static_cast<int>(status.code()));
  output.set_message(std::string(status.message()));
}

// The inputs of one path.
class PathRenderer {
 public:
  PathRenderer(const TreeReader& reader, const std::string& path)
      : reader_(reader), path_(path), tree_id_(reader.tree_id(path)) {}

  void Answer(const v1::RenderInput& input, v1::RenderOutput& output) {
    output.set_engine(std::string(kRenderEngine));
    output.set_engine_version(std::string(kRenderEngineVersion));
    // Until here nothing depended on the cluster, so a failure is shared by all.
    output.set_uses_known(true);
    if (!tree_id_.ok()) return SetStatus(tree_id_.status(), output);
    const absl::StatusOr<Uses>& uses = UsesOf(input);
    if (!uses.ok()) return SetStatus(uses.status(), output);
    for (const std::string& name : *uses) output.add_uses(name);
    const Digest digest = InputDigest(*tree_id_, input, *uses);
    output.set_input_digest(digest.bytes());
    if (std::find(input.known_inputs().begin(), input.known_inputs().end(), digest.view()) !=
        input.known_inputs().end()) {
      return;
    }
    if (const auto answered = answered_.find(digest); answered != answered_.end()) {
      return SetStatus(answered->second, output);
    }
    const absl::Status status = RenderInto(input, output);
    SetStatus(status, output);
    answered_.emplace(digest, status);
  }

 private:
  const absl::StatusOr<FileTree>& Files() {
    if (!files_.has_value()) files_.emplace(reader_.read(path_));
    return *files_;
  }

  // Which cluster variables the texts mention depends on the texts alone.
  const absl::StatusOr<Uses>& UsesOf(const v1::RenderInput& input) {
    v1::RenderInput texts;
    texts.set_path(input.path());
    texts.set_substitute(input.substitute());
    *texts.mutable_patches() = input.patches();
    *texts.mutable_patch_files() = input.patch_files();
    const auto [at, added] = uses_.try_emplace(ParamsDigest(texts, {}), Uses());
    if (!added || !input.substitute()) return at->second;
    const absl::StatusOr<FileTree>& files = Files();
    at->second = files.ok() ? UsedClusterVariables(*files, texts) : files.status();
    return at->second;
  }

  absl::Status RenderInto(const v1::RenderInput& input, v1::RenderOutput& output) {
    const absl::StatusOr<FileTree>& files = Files();
    if (!files.ok()) return files.status();
    absl::StatusOr<Bundle> bundle = RenderBundle(*files, input);
    if (!bundle.ok()) return bundle.status();
    SetBundle(*std::move(bundle), output);
    return absl::OkStatus();
  }

  const TreeReader& reader_;
  const std::string path_;
  const absl::StatusOr<std::string> tree_id_;
  std::optional<absl::StatusOr<FileTree>> files_;  // read when first needed
  std::map<Digest, absl::StatusOr<Uses>> uses_;    // by the texts that are looked at
  std::map<Digest, absl::Status> answered_;        // by input digest
};

}  // namespace

v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader) {
  v1::RenderResponse response;
  std::vector<int> order(request.inputs_size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&request](int a, int b) {
    return request.inputs(a).path() < request.inputs(b).path();
  });
  for (int i = 0; i < request.inputs_size(); ++i) response.add_outputs();
  std::optional<PathRenderer> renderer;
  const std::string* path = nullptr;
  for (const int i : order) {
    const v1::RenderInput& input = request.inputs(i);
    if (path == nullptr || *path != input.path()) renderer.emplace(reader, input.path());
    path = &input.path();
    renderer->Answer(input, *response.mutable_outputs(i));
  }
  return response;
}

}  // namespace muster
