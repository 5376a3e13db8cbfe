#include "hub/child/helm_launcher.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/helm/helm_program.h"
#include "common/sandbox/sandbox.h"
#include "hub/child/child_process.h"
#include "hub/child/frame.h"
#include "proto/child.pb.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// Two runs, and what it takes to lay out the chart.
const absl::Duration kPatience = 2 * limits::kHelmTimeout + absl::Seconds(10);

pb::HelmResponse Answer(HelmProgram& helm, const pb::HelmRequest& request) {
  pb::HelmResponse response;
  absl::Status status;
  if (request.has_call()) {
    absl::StatusOr<HelmOutput> output = helm.Template(request.call());
    status = output.status();
    if (output.ok()) {
      response.set_output(std::move(output->first));
      response.set_second_output(std::move(output->second));
    }
  } else {
    absl::StatusOr<HelmIdentity> identity = helm.Identity();
    status = identity.status();
    if (identity.ok()) {
      response.set_version(std::move(identity->version));
      response.set_digest(std::move(identity->digest));
    }
  }
  response.set_id(request.id());
  response.set_code(static_cast<int>(status.code()));
  response.set_message(std::string(status.message()));
  return response;
}

// Until the render child ends.
int Serve(int socket, const HelmOptions& options) {
  SandboxOptions sandbox;
  sandbox.memory_bytes_max = limits::kFetchChildBytesMax;
  sandbox.readable = {"/dev/null"};
  sandbox.writable = {options.scratch};
  sandbox.programs = Programs::kStart;
  sandbox.executables = {options.program};
  sandbox.file_bytes_max = limits::kBlobBytesMax;
  if (const auto missing = EnterSandbox(sandbox); !missing.ok()) {
    log::Error("the helm launcher cannot enter its sandbox",
               {{"reason", missing.status().ToString()}});
    return 3;
  }
  HelmProgram helm({.path = options.program, .digest = options.digest, .scratch = options.scratch});
  FrameChannel channel(socket, limits::kChildMessageBytesMax);
  while (true) {
    const auto bytes = channel.Receive(kNoDeadline);
    if (!bytes.ok()) return 0;
    pb::HelmRequest request;
    if (!request.ParseFromString(*bytes)) return 1;
    if (!channel.Send(Answer(helm, request).SerializeAsString(), kNoDeadline).ok()) return 0;
  }
}

class LaunchedHelm final : public HelmDoor {
 public:
  explicit LaunchedHelm(int socket) : channel_(socket, limits::kChildMessageBytesMax) {}

  absl::StatusOr<HelmIdentity> Identity() override {
    ASSIGN_OR_RETURN(const pb::HelmResponse response, Ask(pb::HelmRequest()));
    return HelmIdentity{response.version(), response.digest()};
  }

  absl::StatusOr<HelmOutput> Template(const pb::HelmCall& call) override {
    pb::HelmRequest request;
    *request.mutable_call() = call;
    ASSIGN_OR_RETURN(pb::HelmResponse response, Ask(std::move(request)));
    return HelmOutput{std::move(*response.mutable_output()),
                      std::move(*response.mutable_second_output())};
  }

 private:
  absl::StatusOr<pb::HelmResponse> Ask(pb::HelmRequest request) {
    request.set_id(++last_id_);
    const Deadline deadline = DeadlineIn(kPatience);
    RETURN_IF_ERROR(Lost(channel_.Send(request.SerializeAsString(), deadline)));
    const absl::StatusOr<std::string> bytes = channel_.Receive(deadline);
    RETURN_IF_ERROR(Lost(bytes.status()));
    pb::HelmResponse response;
    if (!response.ParseFromString(*bytes) || response.id() != last_id_) {
      return absl::UnavailableError("the helm launcher's answer is not one");
    }
    const absl::Status status(static_cast<absl::StatusCode>(response.code()), response.message());
    if (!status.ok()) return status;
    return response;
  }

  static absl::Status Lost(const absl::Status& status) {
    if (status.ok()) return status;
    return absl::UnavailableError(absl::StrCat("ask the helm launcher: ", status.message()));
  }

  FrameChannel channel_;
  uint64_t last_id_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HelmDoor>> StartHelmLauncher(const HelmOptions& options) {
  std::error_code error;
  std::filesystem::remove_all(options.scratch, error);  // of a former life
  std::filesystem::create_directories(options.scratch, error);
  std::filesystem::permissions(options.scratch, std::filesystem::perms::owner_all, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("make the directory ", options.scratch, ": ", error.message()));
  }
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return absl::ErrnoToStatus(errno, "make a channel to the helm launcher");
  }
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, "start the helm launcher");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    prctl(PR_SET_NAME, "muster-helm");
    close(kChildChannel);  // the render child's, not ours
    close(sockets[0]);
    _exit(Serve(sockets[1], options));
  }
  close(sockets[1]);
  return std::make_unique<LaunchedHelm>(sockets[0]);
}

}  // namespace muster::hub
