#include "test/sim/hub_node.h"

#include <utility>
#include <variant>
#include <vector>

#include "common/base/check.h"
#include "hub/child/fetch_answer.h"
#include "hub/core/hub_core.h"
#include "hub/rendering_writer.h"

namespace muster::sim {
namespace {

// How long a fetch and a rendering take.
constexpr absl::Duration kFetchTime = absl::Milliseconds(50);
constexpr absl::Duration kRenderTime = absl::Milliseconds(20);

}  // namespace

// Nobody waits for answers here: what was asked for shows in the view.
class HubNode::NoAnswers final : public hub::Answers {
 public:
  void Answer(hub::EnrollReply) override {}
  void Answer(hub::RenewReply) override {}
  void Answer(hub::OperatorReply) override {}
};

// The real children's work, here and now; results arrive later, unless the hub died meanwhile.
class HubNode::Jobs final : public hub::Jobs {
 public:
  explicit Jobs(HubNode& node) : node_(node), life_(node.life()) {}

  void Start(hub::Job job) override {
    const bool fetches = std::holds_alternative<hub::FetchJob>(job);
    node_.world().queue.After(fetches ? kFetchTime : kRenderTime,
                              [node = &node_, life = life_, job = std::move(job)]() mutable {
                                if (node->life() == life)
                                  node->Post(Perform(*node, std::move(job)));
                              });
  }

 private:
  static hub::Event Perform(HubNode& node, hub::Job job) {
    if (auto* fetch = std::get_if<hub::FetchJob>(&job)) {
      return hub::FetchDone{fetch->repository, Fetch(node, fetch->request), fetch->plan,
                            fetch->job};
    }
    if (auto* render = std::get_if<hub::RenderJob>(&job)) {
      return hub::RenderDone{render->job, Render(node, std::move(render->request))};
    }
    CHECK(false) << "nobody enrols in this world";
    return hub::Tick();
  }

  static absl::Status StatusOf(const v1::FetchChildResponse& response) {
    return absl::Status(static_cast<absl::StatusCode>(response.code()), response.message());
  }

  static absl::StatusOr<v1::FetchResponse> Fetch(HubNode& node, const v1::FetchRequest& request) {
    v1::FetchChildRequest asked;
    *asked.mutable_fetch() = request;
    v1::FetchChildResponse answer = hub::AnswerFetchChild(node.clones_, asked);
    if (answer.code() != 0) return StatusOf(answer);
    v1::FetchResponse response = std::move(*answer.mutable_fetch());
    if (!request.config_path_set()) return response;
    asked.Clear();
    asked.mutable_config()->set_repository(request.repository());
    asked.mutable_config()->set_commit(response.commit());
    asked.mutable_config()->set_path(request.config_path());
    answer = hub::AnswerFetchChild(node.clones_, asked);
    if (answer.code() != 0) return StatusOf(answer);
    *response.mutable_config() = std::move(*answer.mutable_config());
    return response;
  }

  static absl::StatusOr<std::vector<hub::Rendered>> Render(HubNode& node,
                                                           v1::RenderRequest request) {
    hub::RenderingWriter writer(&node.disk());
    std::vector<hub::Rendered> results;
    while (request.inputs_size() > 0) {
      v1::FetchChildRequest asked;
      *asked.mutable_render() = request;
      const v1::FetchChildResponse answer = hub::AnswerFetchChild(node.clones_, asked);
      if (answer.code() != 0) return StatusOf(answer);
      const int answered = answer.render().outputs_size();
      CHECK_GT(answered, 0);
      for (const v1::RenderOutput& output : answer.render().outputs()) {
        absl::StatusOr<hub::Rendered> rendered = writer.Add(output);
        CHECK_OK(rendered);
        results.push_back(*std::move(rendered));
      }
      request.mutable_inputs()->DeleteSubrange(0, answered);
    }
    CHECK_OK(writer.Flush());
    return results;
  }

  HubNode& node_;
  const uint64_t life_;
};

HubNode::HubNode(Setup setup)
    : Node(setup.world, "hub"),
      setup_(std::move(setup)),
      clones_(&setup_.remotes),
      signer_(setup_.signing_key),
      answers_(std::make_unique<NoAnswers>()) {}

HubNode::~HubNode() = default;

std::shared_ptr<const hub::FleetView> HubNode::view() const {
  return hub_ == nullptr ? nullptr : hub_->view().Get();
}

void HubNode::Ask(hub::OperatorCommand command) {
  if (up()) Post(hub::OperatorAsked{next_request_++, "tester", std::move(command)});
}

void HubNode::Build() {
  random_ = std::make_unique<SeededRandom>(setup_.seed + life());
  hub::Settings settings;
  settings.hub_id = setup_.hub_id;
  settings.version = "sim";
  core_ = std::make_unique<hub::HubCore>(settings, *random_);
  CHECK_OK(hub::LoadCore(store(), *core_));
  pushes_ = std::make_unique<hub::PushBuilder>(store(), signer_);
  jobs_ = std::make_unique<Jobs>(*this);
  hub_ = std::make_unique<hub::Hub>(
      hub::Hub::Parts{*core_, store(), *jobs_, setup_.network, *answers_});
  setup_.network.HubUp([this](hub::Event event) { Post(std::move(event)); }, pushes_.get());
}

void HubNode::Destroy() {
  setup_.network.HubDown();
  hub_.reset();
  jobs_.reset();
  pushes_.reset();
  core_.reset();
  random_.reset();
}

void HubNode::Post(hub::Event event) {
  hub_->Post(std::move(event));
  Wake();
}

void HubNode::RunTurn(absl::Time now) { hub_->Turn(now); }

}  // namespace muster::sim
