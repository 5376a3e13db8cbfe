#include "hub/hub_jobs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/status_macros.h"
#include "hub/child/fetch_child.h"
#include "hub/clones.h"
#include "hub/core/keys.h"
#include "hub/credentials.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

constexpr int kFetchers = 2;
constexpr size_t kReadablePathsMax = 64;
constexpr int kWorkerFailuresMax = 5;  // in one rendering job

// What the child thought of the request.
absl::Status StatusOf(const pb::FetchChildResponse& response) {
  return absl::Status(static_cast<absl::StatusCode>(response.code()), response.message());
}

// Waits for an item that is free; nullopt at the end.
template <typename Item>
std::optional<std::pair<std::string, Item>> WaitForItem(FairQueue<Item>& queue, Mutex& mutex,
                                                        CondVar& work, const bool& stop)
    EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  while (!stop) {
    if (auto item = queue.Take()) return item;
    work.Wait(mutex);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HubJobs>> HubJobs::Create(Options options, Parts parts) {
  RETURN_IF_ERROR(OpenClones(options.clones, BootId()));
  return std::unique_ptr<HubJobs>(new HubJobs(std::move(options), std::move(parts)));
}

HubJobs::HubJobs(Options options, Parts parts)
    : options_(std::move(options)), parts_(std::move(parts)) {
  for (int i = 0; i < kFetchers; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->scratch = absl::StrCat(options_.clones, "/.scratch-", i);
    worker->child = std::make_unique<SupervisedChild>(
        ChildProcess::Options{"fetch", FetchChildArguments({options_.clones, worker->scratch, {}})},
        &worker->random);
    worker->thread = std::thread([this, &worker = *worker] { RunFetcher(worker); });
    workers_.push_back(std::move(worker));
  }
  auto worker = std::make_unique<Worker>();
  worker->child = std::make_unique<SupervisedChild>(
      ChildProcess::Options{"render", RenderChildArguments(options_.clones, options_.helm)},
      &worker->random);
  worker->thread = std::thread([this, &worker = *worker] { RunRenderer(worker); });
  workers_.push_back(std::move(worker));
  issuer_ = std::thread([this] { RunIssuer(); });
}

HubJobs::~HubJobs() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  work_.SignalAll();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->child->Stop();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->thread.join();
  issuer_.join();
  // The children go with their workers; until then one may still be writing.
  workers_.clear();
  CloseClones(options_.clones);
}

void HubJobs::Start(Job job) {
  {
    MutexLock lock(mutex_);
    if (auto* fetch = std::get_if<FetchJob>(&job)) {
      const std::string key = fetch->repository.text();
      fetches_.Push(key, std::move(*fetch));
    } else if (auto* render = std::get_if<RenderJob>(&job)) {
      const std::string key = render->request.repository();
      renders_.Push(
          key, RenderTask{std::move(*render), std::make_unique<RenderingWriter>(parts_.store), {}});
    } else {
      issues_.Push("", std::move(std::get<IssueJob>(job)));
    }
  }
  work_.SignalAll();
}

// ---------------------------------------------------------------- fetching

void HubJobs::RunFetcher(Worker& worker) {
  while (true) {
    std::optional<std::pair<std::string, FetchJob>> item;
    {
      MutexLock lock(mutex_);
      item = WaitForItem(fetches_, mutex_, work_, stop_);
    }
    if (!item.has_value()) return;
    Fetch(worker, std::move(item->second));
    {
      MutexLock lock(mutex_);
      fetches_.Done(item->first);
    }
    work_.SignalAll();
  }
}

void HubJobs::Fetch(Worker& worker, FetchJob job) {
  absl::StatusOr<pb::FetchResponse> response = AskToFetch(worker, job);
  if (response.status().code() == absl::StatusCode::kCancelled) return;  // the hub is stopping
  if (response.ok() && job.request.config_path_set()) {
    const std::string key = job.repository.text();
    {
      MutexLock lock(mutex_);
      renders_.Push(key, ConfigTask{std::move(job), *std::move(response)});
    }
    work_.SignalAll();
    return;
  }
  parts_.post(FetchDone{std::move(job.repository), std::move(response), job.plan, job.job});
}

absl::StatusOr<pb::FetchResponse> HubJobs::AskToFetch(Worker& worker, const FetchJob& job) {
  pb::FetchChildRequest request;
  *request.mutable_fetch() = job.request;
  // Declarations are read by the other child: this one holds the credential.
  request.mutable_fetch()->set_config_path_set(false);
  if (!job.credentials.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_fetch()->mutable_credential(), Credential(job.credentials));
  }
  if (job.request.allow_file()) AllowPath(worker, job.request.url());
  absl::StatusOr<pb::FetchChildResponse> answer =
      Ask(worker, std::move(request), options_.fetch_timeout);
  if (!answer.ok()) return answer.status();
  const absl::Status status = StatusOf(*answer);
  if (status.ok()) return std::move(*answer->mutable_fetch());
  return status;
}

absl::StatusOr<pb::GitCredential> HubJobs::Credential(const std::string& name) const {
  const absl::StatusOr<std::string> bytes = parts_.store->Get(keys::Credential(name));
  if (bytes.status().code() == absl::StatusCode::kNotFound) {
    return absl::UnauthenticatedError(
        absl::StrCat("the hub holds no credential '", name, "'; store it, or correct the name"));
  }
  if (!bytes.ok()) return bytes.status();
  pb::CredentialRecord record;
  if (!record.ParseFromString(*bytes)) {
    return absl::DataLossError(absl::StrCat("the record of credential '", name, "' is damaged"));
  }
  return UnsealCredential(parts_.sealing_key, name, record);
}

// A fetch child may read the repositories that file:// URLs name, and no other file. Its rules are
// made once, so a new path needs a new child.
void HubJobs::AllowPath(Worker& worker, const std::string& url) {
  absl::string_view path = url;
  if (!absl::ConsumePrefix(&path, "file://") || !absl::StartsWith(path, "/")) return;
  const std::vector<std::string>& known = worker.readable;
  if (std::find(known.begin(), known.end(), path) != known.end()) return;
  if (worker.readable.size() == kReadablePathsMax) worker.readable.erase(worker.readable.begin());
  worker.readable.emplace_back(path);
  worker.child->Renew(FetchChildArguments({options_.clones, worker.scratch, worker.readable}));
}

// ---------------------------------------------------------------- rendering

void HubJobs::RunRenderer(Worker& worker) {
  while (true) {
    std::optional<std::pair<std::string, RenderWork>> item;
    {
      MutexLock lock(mutex_);
      item = WaitForItem(renders_, mutex_, work_, stop_);
    }
    if (!item.has_value()) return;
    auto* render = std::get_if<RenderTask>(&item->second);
    const bool done = render == nullptr || RenderMore(worker, *render);
    if (render == nullptr) ReadConfig(worker, std::get<ConfigTask>(std::move(item->second)));
    {
      MutexLock lock(mutex_);
      renders_.Done(item->first);
      // To the end of the line: another repository's turn comes first.
      if (!done) renders_.Push(item->first, std::move(item->second));
    }
    work_.SignalAll();
  }
}

void HubJobs::ReadConfig(Worker& worker, ConfigTask task) {
  pb::FetchChildRequest request;
  pb::ConfigRequest& config = *request.mutable_config();
  config.set_repository(task.job.request.repository());
  config.set_commit(task.response.commit());
  config.set_path(task.job.request.config_path());
  absl::StatusOr<pb::FetchChildResponse> answer =
      Ask(worker, std::move(request), options_.render_timeout);
  const absl::Status status = answer.ok() ? StatusOf(*answer) : answer.status();
  if (status.code() == absl::StatusCode::kCancelled) return;
  if (!status.ok()) {
    parts_.post(FetchDone{task.job.repository,
                          Annotate(status, absl::StrCat("read the declarations at ",
                                                        task.response.commit().substr(0, 12))),
                          task.job.plan, task.job.job});
    return;
  }
  *task.response.mutable_config() = std::move(*answer->mutable_config());
  parts_.post(FetchDone{std::move(task.job.repository), std::move(task.response), task.job.plan,
                        task.job.job});
}

bool HubJobs::RenderMore(Worker& worker, RenderTask& task) {
  absl::Status status;
  if (task.job.request.inputs_size() > 0) {
    pb::FetchChildRequest request;
    pb::RenderRequest& render = *request.mutable_render();
    render = task.job.request;
    if (task.worker_failures > 0)
      render.mutable_inputs()->DeleteSubrange(1, render.inputs_size() - 1);
    absl::StatusOr<pb::FetchChildResponse> answer =
        Ask(worker, std::move(request), options_.render_timeout);
    status = answer.ok() ? StatusOf(*answer) : answer.status();
    if (status.code() == absl::StatusCode::kCancelled) return true;
    if (status.ok()) {
      status = TakeOutputs(std::move(*answer->mutable_render()), task);
    } else if (Isolate(status, task)) {
      return false;
    }
  }
  if (!status.ok()) {
    parts_.post(
        RenderDone{task.job.job,
                   Annotate(status, absl::StrCat("render '", task.job.request.repository(), "' at ",
                                                 task.job.request.commit().substr(0, 12)))});
    return true;
  }
  if (task.job.request.inputs_size() > 0) return false;
  parts_.post(RenderDone{task.job.job, std::move(task.results)});
  return true;
}

// One package that kills the worker, or keeps it busy for ever, must not stop the others of its
// repository: it is found by asking for one input at a time, and gets the failure for itself.
bool HubJobs::Isolate(const absl::Status& status, RenderTask& task) {
  if (status.code() == absl::StatusCode::kFailedPrecondition) return false;  // nothing to render
  auto* inputs = task.job.request.mutable_inputs();
  const bool alone = task.worker_failures > 0 || inputs->size() == 1;
  const bool enough = ++task.worker_failures > kWorkerFailuresMax;
  if (!alone && !enough) return true;
  // What was rendered before is good, whatever became of the rest.
  const int failures = enough ? inputs->size() : 1;
  for (int i = 0; i < failures; ++i) {
    Rendered failed;
    failed.status =
        Annotate(status, absl::StrCat("render package '", inputs->Get(i).package(), "'"));
    task.results.push_back(std::move(failed));
  }
  inputs->DeleteSubrange(0, failures);
  return true;
}

absl::Status HubJobs::TakeOutputs(pb::RenderResponse answer, RenderTask& task) {
  auto* inputs = task.job.request.mutable_inputs();
  if (answer.outputs_size() == 0 || answer.outputs_size() > inputs->size()) {
    return absl::DataLossError("the render worker's answer has not as many outputs as inputs");
  }
  for (const pb::RenderOutput& output : answer.outputs()) {
    ASSIGN_OR_RETURN(Rendered rendered, task.writer->Add(output));
    task.results.push_back(std::move(rendered));
  }
  RETURN_IF_ERROR(task.writer->Flush());
  inputs->DeleteSubrange(0, answer.outputs_size());
  return absl::OkStatus();
}

absl::StatusOr<pb::FetchChildResponse> HubJobs::Ask(Worker& worker, pb::FetchChildRequest request,
                                                    absl::Duration timeout) {
  request.set_id(worker.random.Next());
  ASSIGN_OR_RETURN(const std::string bytes,
                   worker.child->Call(request.SerializeAsString(), timeout));
  pb::FetchChildResponse response;
  if (!response.ParseFromString(bytes) || response.id() != request.id()) {
    worker.child->Renew();
    return absl::DataLossError("the worker's answer is not one");
  }
  // A child sees the resolver's files as they were when it started, and after a shortage of memory
  // it ends; in both cases the next request is for a new one.
  const absl::StatusCode code = StatusOf(response).code();
  if (code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted) {
    worker.child->Renew();
  }
  return response;
}

// ---------------------------------------------------------------- certificates

void HubJobs::RunIssuer() {
  while (true) {
    std::optional<std::pair<std::string, IssueJob>> item;
    {
      MutexLock lock(mutex_);
      item = WaitForItem(issues_, mutex_, work_, stop_);
    }
    if (!item.has_value()) return;
    Issue(item->second);
    MutexLock lock(mutex_);
    issues_.Done(item->first);
  }
}

void HubJobs::Issue(const IssueJob& job) {
  CertificateIssued issued;
  issued.cluster = job.cluster;
  issued.request = job.request;
  issued.renewal = job.renewal;
  issued.expires_ms = absl::ToUnixMillis(job.not_after);
  absl::StatusOr<Certificate> certificate = parts_.issue(job);
  if (certificate.ok()) {
    issued.spki = certificate->spki;
    issued.certificate_der = std::move(certificate->der);
  } else {
    issued.certificate_der = certificate.status();
  }
  parts_.post(std::move(issued));
}

}  // namespace muster::hub
