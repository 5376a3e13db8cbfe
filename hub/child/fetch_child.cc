#include "hub/child/fetch_child.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/base/limits.h"
#include "common/base/log.h"
#include "common/sandbox/sandbox.h"
#include "hub/child/child_process.h"
#include "hub/child/fetch_answer.h"
#include "hub/source/https.h"
#include "hub/source/libgit2_source.h"
#include "hub/source/registry_source.h"
#include "proto/child.pb.h"

namespace muster::hub {
namespace {

namespace pb = muster::v1;

// The hub kills a child that is late; this stops one that spins after a hub that is gone.
constexpr absl::Duration kCpuTimeMax = absl::Minutes(5);

// Index files and packs are written whole.
constexpr size_t kFileBytesMax = 2 * limits::kPackBytesMax;

bool EnterOrSay(const SandboxOptions& options) {
  const auto missing = EnterSandbox(options);
  if (!missing.ok()) {
    log::Error("cannot enter the sandbox", {{"reason", missing.status().ToString()}});
    return false;
  }
  for (const std::string& part : *missing) {
    log::Warning("the sandbox is incomplete", {{"missing", part}});
  }
  return true;
}

// Nothing else that happens to a single rendering passes by itself.
bool LostHelm(const pb::FetchChildResponse& response) {
  for (const pb::RenderOutput& output : response.render().outputs()) {
    if (output.code() == static_cast<int>(absl::StatusCode::kUnavailable)) return true;
  }
  return false;
}

// Until the hub closes the channel.
int Serve(GitSource& source, HelmDoor* helm) {
  FrameChannel channel(kChildChannel, limits::kChildMessageBytesMax);
  while (true) {
    const auto bytes = channel.Receive(kNoDeadline);
    if (!bytes.ok()) return 0;
    pb::FetchChildRequest request;
    if (!request.ParseFromString(*bytes)) return 1;
    LimitCpuTime(kCpuTimeMax);
    pb::FetchChildResponse response = AnswerFetchChild(source, request, helm);
    std::string answer = response.SerializeAsString();
    if (answer.size() > limits::kChildMessageBytesMax) {
      response.clear_response();
      response.set_code(static_cast<int>(absl::StatusCode::kResourceExhausted));
      response.set_message(absl::StrCat("the rendering is larger than ",
                                        limits::kChildMessageBytesMax >> 20, " MiB"));
      answer = response.SerializeAsString();
    }
    if (!channel.Send(answer, kNoDeadline).ok()) return 0;
    // After a shortage of memory nothing here is to be trusted, and without its launcher Helm is
    // lost: the hub starts another child.
    if (response.code() == static_cast<int>(absl::StatusCode::kResourceExhausted)) return 0;
    if (LostHelm(response)) return 0;
  }
}

}  // namespace

std::vector<std::string> FetchChildArguments(const FetchChildOptions& options) {
  std::vector<std::string> arguments = {options.clones, options.scratch};
  arguments.insert(arguments.end(), options.readable.begin(), options.readable.end());
  return arguments;
}

std::vector<std::string> RenderChildArguments(const std::string& clones, const HelmOptions& helm) {
  if (helm.program.empty()) return {clones};
  return {clones, helm.program, helm.digest, helm.scratch};
}

int FetchChildMain(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return 2;
  SandboxOptions options;
  options.memory_bytes_max = limits::kFetchChildBytesMax;
  options.network = Network::kConnect;
  options.readable = FilesForConnecting();
  options.readable.insert(options.readable.end(), arguments.begin() + 2, arguments.end());
  options.writable = {arguments[0]};
  options.file_bytes_max = kFileBytesMax;
  if (!EnterOrSay(options)) return 3;
  Libgit2Source git({.directory = arguments[0], .scratch = arguments[1]});
  RegistrySource source(git, {.directory = arguments[0],
                              .connect =
                                  [](const std::string& authorities) {
                                    return std::make_unique<CurlHttps>(authorities);
                                  },
                              .now_s = [] { return absl::ToUnixSeconds(absl::Now()); }});
  return Serve(source, nullptr);
}

int RenderChildMain(const std::vector<std::string>& arguments) {
  if (arguments.size() != 1 && arguments.size() != 4) return 2;
  std::unique_ptr<HelmDoor> helm;
  if (arguments.size() == 4) {
    auto started = StartHelmLauncher({arguments[1], arguments[2], arguments[3]});
    if (!started.ok()) {
      // Everything but charts can be rendered without.
      log::Error("cannot start the helm launcher", {{"reason", started.status().ToString()}});
    } else {
      helm = *std::move(started);
    }
  }
  SandboxOptions options;
  options.memory_bytes_max = limits::kFetchChildBytesMax;
  options.readable = {arguments[0]};
  if (!EnterOrSay(options)) return 3;
  Libgit2Source source({.directory = arguments[0]});
  return Serve(source, helm.get());
}

}  // namespace muster::hub
