// HubJobs: the real Jobs. Fetches and renderings go to child processes, certificates to a thread,
// and results come back as events.
//
// Two fetch children, so that one silent server does not stop all others; one render child. A
// repository is worked on by one child at a time, and repositories take turns. A child that takes
// too long is killed, and only its request fails.
//
// Start: the core's thread. The callbacks of Parts: threads of HubJobs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/digest.h"
#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "common/base/random.h"
#include "common/store/store.h"
#include "hub/child/helm_launcher.h"
#include "hub/child/supervised_child.h"
#include "hub/core/event.h"
#include "hub/core/outbox.h"
#include "hub/fair_queue.h"
#include "hub/jobs.h"
#include "hub/rendering_writer.h"

namespace muster::hub {

class HubJobs final : public Jobs {
 public:
  struct Certificate {
    std::string der;
    Digest spki;  // of the key that it certifies
  };

  struct Options {
    std::string clones;  // directory of the Git clones; made if it is not there
    absl::Duration fetch_timeout = limits::kFetchTimeout;
    absl::Duration render_timeout = limits::kRenderTimeout;  // for one answer of the child
    HelmOptions helm;
  };

  struct Parts {
    Store* store;             // outlives the jobs
    std::string sealing_key;  // of the credentials
    std::function<absl::StatusOr<Certificate>(const IssueJob&)> issue;
    std::function<void(Event)> post;
  };

  // kUnavailable when the directory cannot be made.
  static absl::StatusOr<std::unique_ptr<HubJobs>> Create(Options options, Parts parts);

  // Kills the children and waits for the threads; what had not ended is answered by no event.
  ~HubJobs() override;

  void Start(Job job) override;

 private:
  // A rendering under way: its child answers for the first inputs that are left.
  struct RenderTask {
    RenderJob job;  // inputs that are left
    std::unique_ptr<RenderingWriter> writer;
    std::vector<Rendered> results;
    int worker_failures = 0;  // from the first on, one input is asked for at a time
  };
  // The second half of a fetch: its declarations.
  struct ConfigTask {
    FetchJob job;
    v1::FetchResponse response;
  };
  using RenderWork = std::variant<RenderTask, ConfigTask>;

  // A thread with its child.
  struct Worker {
    SystemRandom random;
    std::unique_ptr<SupervisedChild> child;
    std::string scratch;                // of a fetcher
    std::vector<std::string> readable;  // of a fetcher: see AllowPath
    std::thread thread;
  };

  HubJobs(Options options, Parts parts);

  void RunFetcher(Worker& worker);
  void RunRenderer(Worker& worker);
  void RunIssuer();

  void Fetch(Worker& worker, FetchJob job);
  absl::StatusOr<v1::FetchResponse> AskToFetch(Worker& worker, const FetchJob& job);
  absl::StatusOr<v1::GitCredential> Credential(const std::string& name) const;
  void AllowPath(Worker& worker, const std::string& url);
  void ReadConfig(Worker& worker, ConfigTask task);
  // Renders some more inputs of `task`; true when all are done, or it failed as a whole.
  bool RenderMore(Worker& worker, RenderTask& task);
  absl::Status TakeOutputs(v1::RenderResponse answer, RenderTask& task);
  // Whether the task can go on although the worker failed over it.
  static bool Isolate(const absl::Status& status, RenderTask& task);
  void Issue(const IssueJob& job);
  absl::StatusOr<v1::FetchChildResponse> Ask(Worker& worker, v1::FetchChildRequest request,
                                             absl::Duration timeout);

  const Options options_;
  const Parts parts_;

  Mutex mutex_;
  CondVar work_;
  bool stop_ GUARDED_BY(mutex_) = false;
  FairQueue<FetchJob> fetches_ GUARDED_BY(mutex_);
  FairQueue<RenderWork> renders_ GUARDED_BY(mutex_);
  FairQueue<IssueJob> issues_ GUARDED_BY(mutex_);

  std::vector<std::unique_ptr<Worker>> workers_;  // constant after construction
  std::thread issuer_;
};

}  // namespace muster::hub
