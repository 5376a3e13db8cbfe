#include "cli/bootstrap_plan.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/problem.h"
#include "common/config/names.h"

namespace muster::cli {
namespace {

std::string TextAt(const Value& value, absl::string_view pointer) {
  const Value* const found = value.Find(pointer);
  return found != nullptr && found->is_string() ? found->string() : "";
}

std::string AnnotationOf(const Value& object, absl::string_view name) {
  const Value* const all = object.Find("/metadata/annotations");
  const Value* const found = all == nullptr ? nullptr : all->Get(name);
  return found != nullptr && found->is_string() ? found->string() : "";
}

absl::Status InTheWay(const BootstrapSituation& situation, const std::string& why,
                      const std::string& hint) {
  return ProblemStatus(
      absl::StatusCode::kFailedPrecondition,
      {.what = absl::StrCat("cannot join cluster/", situation.cluster), .why = why, .hint = hint});
}

// The command that takes an agent and its identity out of a cluster; what it applied stays.
std::string RemoveCommand(const BootstrapSituation& situation) {
  return absl::StrCat("kubectl --namespace ", situation.name_space,
                      " delete statefulset/muster-agent pvc/data-muster-agent-0, then again; the "
                      "volume also holds the key of secrets that are sealed to this cluster");
}

// Why a container does not run, or nothing.
std::string ContainerStory(const Value& status) {
  for (const absl::string_view state : {"/state/waiting", "/state/terminated"}) {
    const Value* const found = status.Find(state);
    if (found == nullptr || !found->is_map()) continue;
    const std::string reason = TextAt(*found, "/reason");
    const std::string message = TextAt(*found, "/message");
    return message.empty() ? reason : absl::StrCat(reason, ": ", message);
  }
  return "";
}

std::string PodStory(const Value& pod) {
  if (const Value* const containers = pod.Find("/status/containerStatuses");
      containers != nullptr && containers->is_list()) {
    for (const Value& container : containers->list()) {
      std::string story = ContainerStory(container);
      if (!story.empty()) return story;
    }
  }
  if (const Value* const conditions = pod.Find("/status/conditions");
      conditions != nullptr && conditions->is_list()) {
    for (const Value& condition : conditions->list()) {
      if (TextAt(condition, "/type") != "PodScheduled" || TextAt(condition, "/status") != "False") {
        continue;
      }
      return absl::StrCat(TextAt(condition, "/reason"), ": ", TextAt(condition, "/message"));
    }
  }
  const std::string phase = TextAt(pod, "/status/phase");
  return phase == "Running" ? "it runs, and has not reached the hub yet" : phase;
}

// Whether an address, host:port, leads a pod to itself, or nowhere.
bool IsLocal(absl::string_view address) {
  const absl::string_view host = address.substr(0, address.rfind(':'));
  return host == "localhost" || absl::StartsWith(host, "127.") || host == "[::1]" ||
         host == "::1" || host == "0.0.0.0" || host == "[::]";
}

// Whether an image's name begins with a registry, as container runtimes tell it.
bool NamesRegistry(absl::string_view image) {
  const size_t slash = image.find('/');
  if (slash == absl::string_view::npos) return false;
  const absl::string_view first = image.substr(0, slash);
  return first == "localhost" || absl::StrContains(first, '.') || absl::StrContains(first, ':');
}

}  // namespace

std::vector<std::string> BootstrapWarnings(absl::string_view join_address,
                                           absl::string_view agent_address,
                                           absl::string_view image) {
  std::vector<std::string> warnings;
  if (IsLocal(join_address)) {
    warnings.push_back(absl::StrCat(
        "the hub's join address is ", join_address,
        ", which a pod cannot reach: start the hub with --join-listen 0.0.0.0:7445 and "
        "--join-address HOST:7445, or give --join HOST:PORT"));
  }
  if (IsLocal(agent_address)) {
    warnings.push_back(absl::StrCat(
        "the hub's agent address is ", agent_address,
        ", which a pod cannot reach: start the hub with --agent-listen 0.0.0.0:7443 and "
        "--agent-address HOST:7443, or give --hub-address HOST:PORT"));
  }
  if (!NamesRegistry(image)) {
    warnings.push_back(absl::StrCat(
        "the image ", image,
        " names no registry, and there is no public one: unless the nodes have it already, build "
        "it (deploy/image/build), push it and give --image REGISTRY/muster-agent:TAG"));
  }
  return warnings;
}

InstalledAgent InstalledOf(const Value& workload) {
  return {.exists = true,
          .hub_id = AnnotationOf(workload, kHubAnnotation),
          .cluster = AnnotationOf(workload, kClusterAnnotation)};
}

absl::StatusOr<BootstrapStep> PlanBootstrap(const BootstrapSituation& situation) {
  const InstalledAgent& installed = situation.installed;
  if (installed.exists && !installed.hub_id.empty() && installed.hub_id != situation.hub_id) {
    return InTheWay(situation,
                    absl::StrCat("its agent belongs to another hub, ",
                                 absl::string_view(installed.hub_id).substr(0, 12)),
                    RemoveCommand(situation));
  }
  if (installed.exists && !installed.cluster.empty() && installed.cluster != situation.cluster) {
    return InTheWay(situation,
                    absl::StrCat("it has joined already, as cluster/", installed.cluster),
                    absl::StrCat("muster bootstrap ", installed.cluster));
  }
  const bool joined = situation.state == "Enrolled" || situation.state == "Pending";
  if (joined && installed.exists) return BootstrapStep::kUpdate;
  if (joined) {
    return InTheWay(
        situation,
        absl::StrCat("the name is taken: another agent joined as cluster/", situation.cluster),
        absl::StrCat("choose another name, or first: muster revoke ", situation.cluster));
  }
  if (situation.state == "Revoked" && installed.exists) {
    return InTheWay(situation, "it was revoked, and its agent still holds the old certificate",
                    RemoveCommand(situation));
  }
  return BootstrapStep::kJoin;
}

absl::StatusOr<std::string> ClusterNameFrom(absl::string_view context) {
  const size_t slash = context.rfind('/');
  if (slash != absl::string_view::npos) context.remove_prefix(slash + 1);
  std::string name;
  for (const char sign : context) {
    const char low = absl::ascii_tolower(static_cast<unsigned char>(sign));
    const bool fits = absl::ascii_isalnum(static_cast<unsigned char>(low)) != 0;
    if (fits) {
      name.push_back(low);
    } else if (!name.empty() && name.back() != '-') {
      name.push_back('-');
    }
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  if (CheckName(name).ok()) return name;
  return UsageProblem(absl::StrCat("kubectl's context '", context, "' makes no name"),
                      "say what the cluster is called: muster bootstrap NAME");
}

std::string PodsStory(const Value::List& pods) {
  if (pods.empty()) return "no pod yet";
  const Value& pod = pods.front();
  return absl::StrCat("pod ", TextAt(pod, "/metadata/name"), ": ", PodStory(pod));
}

}  // namespace muster::cli
