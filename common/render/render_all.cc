#include "common/render/render_all.h"

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/manifest/bundle.h"
#include "common/manifest/sealed.h"
#include "common/render/helm/render_chart.h"
#include "common/render/input_digest.h"
#include "common/render/kustomize/build.h"
#include "common/render/kustomize/remote.h"
#include "common/render/render.h"

namespace muster {
namespace {

using Uses = std::set<std::string>;

// Where objects come from.
using Places = std::map<ObjectKey, std::pair<std::string, int>>;

absl::StatusOr<Bundle> BundleOf(Rendering rendering, Places& places) {
  std::vector<BundleInput> objects;
  objects.reserve(rendering.objects.size());
  for (RenderedObject& rendered : rendering.objects) {
    places[rendered.object.key] = {rendered.file, rendered.line};
    const bool sealed = !rendered.sealed.empty();
    if (sealed) rendered.object.value = SealedForm(rendered.object.value, rendered.sealed);
    std::string origin = rendered.Where();
    objects.push_back({.object = std::move(rendered.object),
                       .origin = std::move(origin),
                       .wave = rendered.wave,
                       .sealed = sealed});
  }
  return MakeBundle(std::move(objects));
}

void SetSources(const Places& places, const v1::Manifest& manifest, v1::ObjectSources& sources) {
  std::map<std::string, uint32_t> numbers;
  for (const v1::ManifestEntry& entry : manifest.entries()) {
    const auto place = places.find(KeyOf(entry));
    CHECK(place != places.end()) << "a bundle has an object that was not rendered";
    const auto& [file, line] = place->second;
    const auto [number, added] = numbers.try_emplace(file, numbers.size());
    if (added) sources.add_files(file);
    sources.add_file(number->second);
    sources.add_line(static_cast<uint32_t>(std::max(0, line)));
  }
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

// What the inputs of one request share.
struct Shared {
  Shared(const TreeReader& reader, HelmDoor* door)
      : helm(door),
        charts(door),
        source(reader),
        cache(source, door == nullptr ? nullptr : &charts) {}

  HelmDoor* const helm;
  HelmInflator charts;
  TreeReaderSource source;
  kustomize::BuildCache cache;
};

// A name for the content of several paths together: equal content, equal name.
absl::StatusOr<std::string> JoinTreeIds(const TreeReader& reader,
                                        const std::set<std::string>& paths) {
  std::string ids;
  for (const std::string& path : paths) {
    const absl::StatusOr<std::string> id = reader.tree_id(path);
    if (!id.ok() && id.status().code() != absl::StatusCode::kNotFound) return id.status();
    absl::StrAppend(&ids, path, "\n", id.ok() ? *id : "none", "\n");
  }
  return Digest::Of(ids).hex();
}

// Asks for a name only: paths that did not change need not be read.
auto HasFileIn(const TreeReader& reader) {
  return [&reader](const std::string& path) -> absl::StatusOr<bool> {
    const absl::StatusOr<std::string> id = reader.tree_id(path);
    if (!id.ok() && id.status().code() != absl::StatusCode::kNotFound) return id.status();
    return id.ok();
  };
}

enum class Engine { kYaml, kKustomize, kHelm };

absl::StatusOr<Engine> EngineOf(const TreeReader& reader, const v1::RenderInput& input) {
  ASSIGN_OR_RETURN(const bool kustomizes, UsesKustomize(input, HasFileIn(reader)));
  if (kustomizes) return Engine::kKustomize;
  ASSIGN_OR_RETURN(const bool helms, UsesHelm(input, HasFileIn(reader)));
  return helms ? Engine::kHelm : Engine::kYaml;
}

// The inputs of one path that are rendered alike.
class PathRenderer {
 public:
  PathRenderer(const TreeReader& reader, Shared& shared, const v1::RenderInput& first)
      : reader_(reader),
        shared_(shared),
        path_(first.path()),
        engine_(EngineOf(reader, first)),
        version_(VersionOf()),
        tree_id_(TreeIdOf(first)) {}

  void Answer(const v1::RenderInput& asked, v1::RenderOutput& output) {
    std::string chart;
    const absl::StatusOr<v1::RenderInput> found = WithChart(asked, output, chart);
    const v1::RenderInput& input = found.ok() ? *found : asked;
    const absl::string_view engine = IsKustomize() ? kKustomizeEngine
                                     : IsHelm()    ? kHelmEngine
                                                   : kRenderEngine;
    output.set_engine(std::string(engine));
    // The chart is part of what made it, as Helm is.
    const std::string version =
        absl::StrCat(version_.value_or(""), chart.empty() ? "" : " ", chart);
    output.set_engine_version(version);
    // Until here nothing depended on the cluster, so a failure is shared by all.
    output.set_uses_known(true);
    for (const std::string& name : repositories_) output.add_repositories(name);
    for (const v1::ChartWant& want : charts_) *output.add_charts() = want;
    if (!version_.ok()) return SetStatus(version_.status(), output);
    if (!found.ok()) return SetStatus(found.status(), output);
    const absl::StatusOr<std::string> tree_id = IsHelm() ? ChartIdOf(input) : tree_id_;
    if (!tree_id.ok()) return SetStatus(tree_id.status(), output);
    const absl::StatusOr<Uses>& uses = UsesOf(input);
    if (!uses.ok()) return SetStatus(uses.status(), output);
    for (const std::string& name : *uses) output.add_uses(name);
    const Digest digest = InputDigest(engine, version, *tree_id, input, *uses);
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
  bool IsKustomize() const { return engine_.ok() && *engine_ == Engine::kKustomize; }
  bool IsHelm() const { return engine_.ok() && *engine_ == Engine::kHelm; }

  // The input, its chart being the path at which the registry's chart stands.
  absl::StatusOr<v1::RenderInput> WithChart(const v1::RenderInput& asked, v1::RenderOutput& output,
                                            std::string& chart) const {
    v1::RenderInput input = asked;
    if (asked.helm().repository().empty()) return input;
    const v1::ChartWant want = WantOf(asked.helm());
    *output.add_charts() = want;
    output.add_repositories(want.repository());
    ASSIGN_OR_RETURN(const FoundChart found, FindChart(reader_.registries, want));
    input.mutable_helm()->set_chart(found.path);
    chart = found.text;
    return input;
  }

  absl::StatusOr<std::string> VersionOf() {
    if (!engine_.ok()) return engine_.status();
    if (IsKustomize()) return std::string(kKustomizeEngineVersion);
    if (!IsHelm()) return std::string(kRenderEngineVersion);
    if (shared_.helm == nullptr) return absl::FailedPreconditionError(NoHelm(path_));
    absl::StatusOr<HelmIdentity> helm = shared_.helm->Identity();
    if (!helm.ok()) return Annotate(helm.status(), path_);
    helm_ = *std::move(helm);
    return helm_.version;
  }

  absl::StatusOr<std::string> TreeIdOf(const v1::RenderInput& input) {
    if (!engine_.ok()) return engine_.status();
    if (IsHelm()) return "";  // see ChartIdOf
    if (!IsKustomize()) return reader_.tree_id(path_);
    // Reads the whole directory, rather than each file that is looked for.
    RETURN_IF_ERROR(shared_.source.IsDirectory(path_).status());
    shared_.source.ForgetAsked();
    const absl::StatusOr<std::set<std::string>> paths =
        kustomize::BuildInputs(shared_.cache, path_, KustomizeOptions(input));
    repositories_ = shared_.source.asked();
    charts_ = shared_.source.wanted();
    if (!paths.ok()) return paths.status();
    ASSIGN_OR_RETURN(const std::string ids, JoinTreeIds(reader_, *paths));
    if (shared_.helm == nullptr || !HasChart(*paths)) return ids;
    ASSIGN_OR_RETURN(const HelmIdentity helm, shared_.helm->Identity());
    return absl::StrCat(ids, "\n", helm.digest, "\n", kHelmMapping);
  }

  // Whether one of the paths is a chart that a kustomization inflates: then the program counts.
  bool HasChart(const std::set<std::string>& paths) const {
    for (const std::string& path : paths) {
      const absl::StatusOr<std::string> chart = JoinPath(path, "Chart.yaml");
      if (chart.ok() && reader_.tree_id(*chart).ok()) return true;
    }
    return false;
  }

  // Of the files that Helm gets; they are not all of the path's, and not the same for every input.
  // The release's name is the package's where there is no other, and the program counts.
  absl::StatusOr<std::string> ChartIdOf(const v1::RenderInput& input) {
    ASSIGN_OR_RETURN(std::set<std::string> paths, ChartInputs(input));
    for (const v1::Patch& patch : input.patches()) {
      if (patch.path().empty()) continue;
      ASSIGN_OR_RETURN(std::string path, JoinPath(input.path(), patch.path()));
      paths.insert(std::move(path));
    }
    ASSIGN_OR_RETURN(const std::string ids, JoinTreeIds(reader_, paths));
    return absl::StrCat(ids, "\n", helm_.digest, "\n", kHelmMapping, "\n", input.package());
  }

  const absl::StatusOr<FileTree>& Files() {
    if (!files_.has_value()) files_.emplace(reader_.read(path_));
    return *files_;
  }

  const absl::StatusOr<BuiltObjects>& Built(const v1::RenderInput& input) {
    if (!built_.has_value()) {
      built_.emplace(kustomize::BuildKustomization(shared_.cache, path_, KustomizeOptions(input)));
    }
    return *built_;
  }

  // Which cluster variables the texts mention depends on the texts alone.
  const absl::StatusOr<Uses>& UsesOf(const v1::RenderInput& input) {
    v1::RenderInput texts;
    texts.set_path(input.path());
    texts.set_renderer(input.renderer());
    texts.set_substitute(input.substitute());
    *texts.mutable_patches() = input.patches();
    *texts.mutable_patch_files() = input.patch_files();
    if (input.has_helm()) *texts.mutable_helm() = input.helm();
    if (input.has_target_helm()) *texts.mutable_target_helm() = input.target_helm();
    const auto [at, added] = uses_.try_emplace(ParamsDigest(texts, {}), Uses());
    if (!added) return at->second;
    if (IsHelm()) return at->second = ClusterVariablesOfHelm(shared_.source, texts);
    if (!input.substitute()) return at->second;
    if (IsKustomize()) {
      const absl::StatusOr<BuiltObjects>& built = Built(input);
      at->second = built.ok() ? ClusterVariablesOfBuilt(*built, shared_.source, texts)
                              : absl::StatusOr<Uses>(built.status());
      return at->second;
    }
    const absl::StatusOr<FileTree>& files = Files();
    at->second = files.ok() ? UsedClusterVariables(*files, texts) : files.status();
    return at->second;
  }

  absl::StatusOr<Rendering> RenderOf(const v1::RenderInput& input) {
    if (IsHelm()) return RenderHelm(shared_.source, input, shared_.helm);
    if (IsKustomize()) {
      const absl::StatusOr<BuiltObjects>& built = Built(input);
      if (!built.ok()) return built.status();
      return RenderBuilt(*built, shared_.source, input);
    }
    const absl::StatusOr<FileTree>& files = Files();
    if (!files.ok()) return files.status();
    return Render(*files, input);
  }

  absl::Status RenderInto(const v1::RenderInput& input, v1::RenderOutput& output) {
    absl::StatusOr<Rendering> rendering = RenderOf(input);
    if (!rendering.ok()) return rendering.status();
    Places places;
    absl::StatusOr<Bundle> bundle = BundleOf(*std::move(rendering), places);
    if (!bundle.ok()) return bundle.status();
    SetSources(places, bundle->manifest, *output.mutable_sources());
    SetBundle(*std::move(bundle), output);
    return absl::OkStatus();
  }

  const TreeReader& reader_;
  Shared& shared_;
  const std::string path_;
  HelmIdentity helm_;  // for charts
  const absl::StatusOr<Engine> engine_;
  const absl::StatusOr<std::string> version_;
  // What its kustomizations ask for; set with the next.
  std::set<std::string> repositories_;
  std::vector<v1::ChartWant> charts_;
  const absl::StatusOr<std::string> tree_id_;
  std::optional<absl::StatusOr<FileTree>> files_;      // read when first needed
  std::optional<absl::StatusOr<BuiltObjects>> built_;  // built when first needed
  std::map<Digest, absl::StatusOr<Uses>> uses_;        // by the texts that are looked at
  std::map<Digest, absl::Status> answered_;            // by input digest
};

// Inputs that agree on these share a PathRenderer.
auto KeyOf(const v1::RenderInput& input) {
  return std::make_tuple(absl::string_view(input.path()), static_cast<int>(input.renderer()),
                         static_cast<int>(input.load_restrictor()), input.has_helm());
}

// Other repositories are reached by their URL, from kustomizations, and in no other way.
absl::Status RefuseRepositoryPaths(const v1::RenderInput& input) {
  const auto refuse = [](const std::string& path) {
    return absl::InvalidArgumentError(
        absl::StrCat("path '", path, "': a path does not begin like that"));
  };
  if (kustomize::IsInRepository(input.path())) return refuse(input.path());
  for (const v1::Patch& patch : input.patches()) {
    if (kustomize::IsInRepository(patch.path())) return refuse(patch.path());
  }
  if (kustomize::IsInRepository(input.helm().chart())) return refuse(input.helm().chart());
  for (const v1::Helm* helm : {&input.helm(), &input.target_helm()}) {
    for (const std::string& file : helm->values_files()) {
      if (kustomize::IsInRepository(file)) return refuse(file);
    }
  }
  return absl::OkStatus();
}

}  // namespace

v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader) {
  return RenderAll(request, reader, nullptr);
}

v1::RenderResponse RenderAll(const v1::RenderRequest& request, const TreeReader& reader,
                             HelmDoor* helm) {
  v1::RenderResponse response;
  std::vector<int> order(request.inputs_size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&request](int a, int b) {
    return KeyOf(request.inputs(a)) < KeyOf(request.inputs(b));
  });
  for (int i = 0; i < request.inputs_size(); ++i) response.add_outputs();
  std::unique_ptr<Shared> shared;
  std::optional<PathRenderer> renderer;
  const v1::RenderInput* last = nullptr;
  for (const int i : order) {
    const v1::RenderInput& input = request.inputs(i);
    if (const absl::Status bad = RefuseRepositoryPaths(input); !bad.ok()) {
      SetStatus(bad, *response.mutable_outputs(i));
      continue;
    }
    if (last == nullptr || KeyOf(*last) != KeyOf(input)) {
      renderer.reset();
      if (shared == nullptr || shared->source.bytes() > limits::kKustomizeCacheBytes) {
        shared = std::make_unique<Shared>(reader, helm);
      }
      renderer.emplace(reader, *shared, input);
    }
    last = &input;
    renderer->Answer(input, *response.mutable_outputs(i));
  }
  return response;
}

}  // namespace muster
