#include "hub/child/fetch_answer.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/render/kustomize/remote.h"
#include "common/render/render_all.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

absl::StatusOr<pb::FleetConfig> ReadConfig(GitSource& source, const std::string& repository,
                                           const std::string& commit, const std::string& path) {
  ASSIGN_OR_RETURN(const FileTree files, source.Read(repository, commit, path));
  FleetConfigOptions options;
  ASSIGN_OR_RETURN(options.path, NormalizePath(path));
  return ParseFleetConfig(files, options);
}

absl::StatusOr<pb::FetchResponse> Fetch(GitSource& source, const pb::FetchRequest& request) {
  ASSIGN_OR_RETURN(pb::FetchResponse response, source.Fetch(request));
  if (request.config_path_set()) {
    ASSIGN_OR_RETURN(
        *response.mutable_config(),
        ReadConfig(source, request.repository(), response.commit(), request.config_path()));
  }
  return response;
}

using Clock = std::chrono::steady_clock;

// How many inputs to render next: as many as fit into `left` if they are like the `done` so far,
// which took `used`.
int StepFor(int64_t left, int64_t used, int done) {
  const int64_t each = std::max<int64_t>(used / std::max(done, 1), 1);
  return static_cast<int>(std::clamp<int64_t>(left / each, 1, 1'000'000));
}

// The commit of a declared repository that rules it. kUnavailable when its clone is not there, as
// after a restart of the machine: then it is being fetched.
absl::StatusOr<std::string> CommitOf(GitSource& source, const pb::RenderRequest& request,
                                     const std::string& name) {
  for (const pb::DeclaredRepository& each : request.declared()) {
    if (each.spec().name() != name) continue;
    if (source.TreeId(name, each.commit(), "").ok()) return each.commit();
  }
  return absl::UnavailableError(absl::StrCat("repository '", name, "' is not fetched yet"));
}

absl::StatusOr<FileTree> ReadDeclared(GitSource& source, const pb::RenderRequest& request,
                                      const kustomize::RepositoryPath& at) {
  ASSIGN_OR_RETURN(const std::string commit, CommitOf(source, request, at.name));
  ASSIGN_OR_RETURN(const FileTree files, source.Read(at.name, commit, at.path));
  FileTree named;
  for (const auto& [path, bytes] : files) {
    RETURN_IF_ERROR(named.Add(kustomize::JoinRepositoryPath(at.name, path), bytes));
  }
  return named;
}

// The commit of the request, with the declared repositories beside it.
TreeReader ReaderFor(GitSource& source, const pb::RenderRequest& request) {
  TreeReader reader;
  reader.tree_id = [&](const std::string& path) -> absl::StatusOr<std::string> {
    if (!kustomize::IsInRepository(path)) {
      return source.TreeId(request.repository(), request.commit(), path);
    }
    const kustomize::RepositoryPath at = kustomize::SplitRepositoryPath(path);
    ASSIGN_OR_RETURN(const std::string commit, CommitOf(source, request, at.name));
    return source.TreeId(at.name, commit, at.path);
  };
  reader.read = [&](const std::string& path) {
    if (!kustomize::IsInRepository(path)) {
      return source.Read(request.repository(), request.commit(), path);
    }
    return ReadDeclared(source, request, kustomize::SplitRepositoryPath(path));
  };
  for (const pb::DeclaredRepository& each : request.declared()) {
    const pb::Repository& spec = each.spec();
    if (spec.type() == pb::REPOSITORY_TYPE_HELM || spec.type() == pb::REPOSITORY_TYPE_OCI) {
      reader.registries.push_back({spec.name(), spec.url(), each.commit(), each.charts()});
      continue;
    }
    reader.declared.push_back(
        {spec.name(), spec.url(), spec.branch(), spec.tag(), spec.commit(), each.commit()});
  }
  return reader;
}

// Renders a growing number of inputs at a time, until the answer is large enough or has taken long
// enough: inputs that share a rendering are best looked at together, and those that do not must
// neither fill the memory nor meet the hub's deadline.
absl::StatusOr<pb::RenderResponse> RenderSome(GitSource& source, const pb::RenderRequest& request,
                                              HelmDoor* helm) {
  const absl::Status fetched = source.TreeId(request.repository(), request.commit(), "").status();
  if (!fetched.ok()) return absl::FailedPreconditionError(fetched.message());
  const TreeReader reader = ReaderFor(source, request);
  pb::RenderResponse response;
  const Clock::time_point start = Clock::now();
  const int64_t time_max = absl::ToInt64Milliseconds(limits::kRenderTimeout / 4);
  const int64_t bytes_max = limits::kRenderAnswerBytes;
  int64_t bytes = 0, time = 0;
  int step = 1;
  while (response.outputs_size() < request.inputs_size() && bytes < bytes_max && time < time_max) {
    const int done = response.outputs_size();
    step = std::min(step, request.inputs_size() - done);
    pb::RenderRequest part;
    part.set_repository(request.repository());
    part.set_commit(request.commit());
    for (int i = done; i < done + step; ++i) *part.add_inputs() = request.inputs(i);
    pb::RenderResponse rendered = RenderAll(part, reader, helm);
    bytes += static_cast<int64_t>(rendered.ByteSizeLong());
    time = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count();
    for (pb::RenderOutput& output : *rendered.mutable_outputs()) {
      *response.add_outputs() = std::move(output);
    }
    step = std::min({2 * step, StepFor(bytes_max - bytes, bytes, done + step),
                     StepFor(time_max - time, time, done + step)});
  }
  return response;
}

absl::Status Answer(GitSource& source, const pb::FetchChildRequest& request, HelmDoor* helm,
                    pb::FetchChildResponse& response) {
  switch (request.request_case()) {
    case pb::FetchChildRequest::kFetch: {
      ASSIGN_OR_RETURN(*response.mutable_fetch(), Fetch(source, request.fetch()));
      return absl::OkStatus();
    }
    case pb::FetchChildRequest::kRender: {
      ASSIGN_OR_RETURN(*response.mutable_render(), RenderSome(source, request.render(), helm));
      return absl::OkStatus();
    }
    case pb::FetchChildRequest::kConfig: {
      const pb::ConfigRequest& config = request.config();
      ASSIGN_OR_RETURN(*response.mutable_config(),
                       ReadConfig(source, config.repository(), config.commit(), config.path()));
      return absl::OkStatus();
    }
    case pb::FetchChildRequest::REQUEST_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("an empty request");
}

}  // namespace

pb::FetchChildResponse AnswerFetchChild(GitSource& source, const pb::FetchChildRequest& request) {
  return AnswerFetchChild(source, request, nullptr);
}

pb::FetchChildResponse AnswerFetchChild(GitSource& source, const pb::FetchChildRequest& request,
                                        HelmDoor* helm) {
  pb::FetchChildResponse response;
  absl::Status status;
  try {
    status = Answer(source, request, helm, response);
  } catch (const std::bad_alloc&) {
    status = absl::ResourceExhaustedError(absl::StrCat("it needs more memory than the ",
                                                       limits::kFetchChildBytesMax >> 20,
                                                       " MiB that a worker may have"));
  }
  response.set_id(request.id());
  if (!status.ok()) {
    response.clear_response();
    response.set_code(static_cast<int>(status.code()));
    response.set_message(std::string(status.message()));
  }
  return response;
}

}  // namespace muster::hub
