// CoreFixture: a hub's core in a small world of its own, for stories about it: Git, the renderer,
// the issuer and agents are maps and functions that a test sets as it likes. For tests only.
//
//   git["apps"].commit = "c1";
//   Fleet(...);                          // declarations
//   const Cluster prod = Join("prod", {{"env", "prod"}});
//   Run();                               // answers all jobs until there are none
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/random.h"
#include "common/store/memory_store.h"
#include "common/trust/certificate.h"
#include "common/trust/ed25519.h"
#include "common/trust/join_token.h"
#include "gtest/gtest.h"
#include "hub/core/fakes_test.h"
#include "hub/core/hub_core.h"
#include "hub/core/keys.h"

namespace muster::hub {

class CoreFixture : public testing::Test {
 protected:
  CoreFixture() {
    v1::HubMeta meta;
    meta.set_format(1);
    meta.set_hub_id(HubId());
    meta.set_fleet_url("https://git.example.com/fleet.git");
    meta.set_fleet_branch("main");
    meta.set_fleet_path("fleet");
    Batch batch;
    batch.Put(keys::kMeta, meta.SerializeAsString());
    EXPECT_TRUE(store.Commit(batch).ok());
    git[".fleet"].commit = "f1";
    Restart();
  }

  static std::string HubId() { return Digest::Of("root").hex(); }

  // ------------------------------------------------------------ time and turns

  // Starts the hub anew from what the store holds. Jobs and links are gone.
  void Restart() {
    Settings settings;
    settings.hub_id = HubId();
    settings.version = "test";
    settings.join_address = "hub.example.com:7443";
    core = std::make_unique<HubCore>(settings, random);
    for (const absl::string_view prefix : HubCore::kLoadPrefixes) {
      const auto records = store.Scan(prefix);
      ASSERT_TRUE(records.ok());
      for (const Record& record : *records) {
        const absl::Status loaded = core->LoadRecord(record.key, record.value);
        ASSERT_TRUE(loaded.ok()) << loaded;
      }
    }
    const absl::Status finished = core->FinishLoad();
    ASSERT_TRUE(finished.ok()) << finished;
    jobs.clear();
  }

  // One event, one turn.
  Outbox Do(const Event& event) {
    Outbox out;
    core->Handle(now, event, out);
    EXPECT_TRUE(store.Commit(out.batch).ok());
    for (const Job& job : out.jobs) jobs.push_back(job);
    for (const Send& send : out.sends) Deliver(send);
    for (const OperatorReply& reply : out.operator_replies) replies.insert({reply.request, reply});
    return out;
  }

  // Answers jobs until there are none.
  void Run() {
    for (int turns = 0; !jobs.empty(); ++turns) {
      ASSERT_LT(turns, 1'000) << "the hub never comes to rest";
      const Job job = jobs.front();
      jobs.pop_front();
      std::visit([this](const auto& one) { Answer(one); }, job);
    }
  }

  // Lets time pass, with every tick on the way.
  void Pass(absl::Duration duration) {
    const absl::Time end = now + duration;
    while (core->NextWake() <= end) {
      now = std::max(now, core->NextWake());
      Do(Tick{});
      Run();
    }
    now = end;
    Do(Tick{});
    Run();
  }

  // ------------------------------------------------------------ the world's answers

  void Answer(const FetchJob& job) {
    ++fetches;
    FakeRepository& repository = git[job.repository.text()];
    repository.asked = job.request;
    FetchDone done{job.repository, v1::FetchResponse(), job.plan, job.job};
    if (!repository.error.ok()) {
      done.result = repository.error;
      Do(done);
      return;
    }
    const std::string head = HeadOf(repository, job);
    if (head.empty()) {
      done.result = absl::NotFoundError("the repository has no such ref");
      Do(done);
      return;
    }
    v1::FetchResponse& response = *done.result;
    response = repository.charts;
    response.set_commit(head);
    const bool known = job.request.known_commit() == head;
    response.set_descends(known || job.request.known_commit().empty() || repository.descends);
    if (!known) {
      v1::Commit* commit = response.add_commits();
      commit->set_id(head);
      commit->set_author("Ada <ada@example.com>");
      commit->set_subject(absl::StrCat("Subject of ", head));
    }
    if (job.request.has_verify()) {
      for (const v1::CommitSignature& one : repository.signatures) *response.add_signatures() = one;
      if (repository.signatures.empty()) {
        v1::CommitSignature* unsigned_head = response.add_signatures();
        unsigned_head->set_commit(head);
        unsigned_head->set_result(v1::SIGNATURE_RESULT_UNSIGNED);
      }
      response.set_more_commits(repository.more_commits);
    }
    if (job.request.config_path_set()) *response.mutable_config() = config;
    Do(done);
  }

  // Empty when there is no such ref. Whoever follows a repository has declared what there is.
  static std::string HeadOf(const FakeRepository& repository, const FetchJob& job) {
    const v1::FetchRequest& request = job.request;
    if (job.plan == 0) return repository.commit;
    if (!request.commit().empty()) return request.commit();
    const auto& named = request.tag().empty() ? repository.branches : repository.tags;
    const auto found = named.find(request.tag().empty() ? request.branch() : request.tag());
    if (found != named.end()) return found->second;
    return request.branch() == "main" ? repository.commit : "";
  }

  void Answer(const RenderJob& job) {
    ++render_jobs;
    RenderDone done{job.job, std::vector<Rendered>()};
    if (!render_failure.ok()) {
      done.results = render_failure;
      Do(done);
      return;
    }
    for (const v1::RenderInput& input : job.request.inputs()) {
      done.results->push_back(Render(job.request, input));
    }
    Do(done);
  }

  // The bundle is a digest of what went in. "$name" and "$env" in a file use the cluster's facts;
  // "error" in it fails; an empty file renders to nothing; "base NAME" is on top of that declared
  // repository's commit, "chart VERSION" wants the chart 'web' of the registry 'charts'.
  Rendered Render(const v1::RenderRequest& request, const v1::RenderInput& input) {
    Rendered result;
    const FakeRepository& repository = git[request.repository()];
    const auto own = repository.at.find(request.commit());
    const auto& files = own == repository.at.end() ? repository.files : own->second;
    const auto file = files.find(input.path());
    if (file == files.end()) {
      result.status = absl::NotFoundError(absl::StrCat(input.path(), ": no such directory"));
      return result;
    }
    std::string text = file->second;
    if (text.find("error") != std::string::npos) {
      result.status = absl::InvalidArgumentError(absl::StrCat(input.path(), "/a.yaml:7: bad"));
      return result;
    }
    if (absl::string_view base = text; absl::ConsumePrefix(&base, "base ")) {
      for (const v1::DeclaredRepository& declared : request.declared()) {
        if (declared.spec().name() != base) continue;
        result.repositories = {std::string(base)};
        text = declared.commit().empty() ? "" : absl::StrCat("on ", declared.commit());
      }
      if (result.repositories.empty() || text.empty()) {
        result.status =
            absl::UnimplementedError(absl::StrCat(input.path(), "/k.yaml:2: no ", base));
        return result;
      }
    }
    if (absl::string_view version = text; absl::ConsumePrefix(&version, "chart ")) {
      result.repositories = {"charts"};
      v1::ChartWant& want = result.charts.emplace_back();
      want.set_repository("charts");
      want.set_chart("web");
      want.set_version(std::string(version));
    }
    if (input.substitute()) {
      for (const v1::Variable& variable : input.variables()) {
        absl::StrAppend(&text, " ", variable.name(), "=", variable.value());
      }
      result.uses_known = true;
      if (text.find("$env") != std::string::npos) {
        result.uses.push_back("cluster.labels.env");
        for (const v1::Label& label : input.labels()) {
          if (label.key() == "env") absl::StrAppend(&text, " env is ", label.value());
        }
      }
      if (text.find("$name") != std::string::npos) {
        result.uses.push_back("cluster.name");
        absl::StrAppend(&text, " name is ", input.cluster_name());
      }
    }
    if (text.find("$kubernetes") != std::string::npos) {
      result.uses_known = true;
      result.uses.push_back("cluster.kubernetesVersion");
      absl::StrAppend(&text, " for ", input.kubernetes_version());
    }
    result.input = Digest::Of(absl::StrCat(input.path(), "\n", text));
    for (const std::string& known : input.known_inputs()) {
      if (known == result.input.view()) return result;
    }
    ++rendered;
    result.bundle = BundleOf(text);
    result.manifest_bytes = 100;
    result.object_count = text.empty() ? 0 : 3;
    result.object_bytes = 1'000;
    result.engine = "yaml";
    result.engine_version = "1";
    return result;
  }

  static Digest BundleOf(absl::string_view text) {
    return Digest::Of(absl::StrCat("bundle of ", text));
  }

  void Answer(const IssueJob& job) {
    CertificateIssued issued;
    issued.cluster = job.cluster;
    issued.request = job.request;
    issued.renewal = job.renewal;
    issued.spki = *CheckCsr(job.csr_der);
    issued.certificate_der = absl::StrCat("certificate for ", issued.spki.hex());
    issued.expires_ms = absl::ToUnixMillis(job.not_after);
    last_answer = Do(issued);
  }

  // ------------------------------------------------------------ agents

  void Deliver(const Send& send) {
    const auto* push = std::get_if<PushDesired>(&send.message);
    if (push == nullptr) return;
    for (auto& [name, agent] : agents) {
      if (agent.link != send.link) continue;
      ++pushes;
      agent.desired_bytes = push->payload;
      ASSERT_TRUE(agent.desired.ParseFromString(push->payload));
    }
  }

  // The request that an agent with this token makes.
  EnrollRequested EnrollWith(const std::string& token_text, const FakeAgent& agent,
                             const std::string& csr) {
    const JoinToken token = *JoinToken::Parse(token_text);
    EnrollRequested event;
    event.request = ++last_request;
    event.peer = "192.0.2.7:1";
    event.enroll.set_token_id(token.id.text());
    event.enroll.set_csr_der(csr);
    event.enroll.set_identity_public_key(agent.identity.public_key().bytes());
    event.enroll.set_cluster_name(agent.name);
    event.enroll.set_cluster_uid(absl::StrCat("uid of ", agent.name));
    event.enroll.set_agent_version("test");
    event.enroll.set_proof(JoinProof(
        TokenKey(token.secret), JoinClaim{.token_id = token.id.text(),
                                          .hub_id = HubId(),
                                          .csr_der = csr,
                                          .identity_public_key = event.enroll.identity_public_key(),
                                          .cluster_name = event.enroll.cluster_name(),
                                          .cluster_uid = event.enroll.cluster_uid()}));
    return event;
  }

  template <typename Command>
  absl::StatusOr<OperatorAnswer> Ask(Command command) {
    Outbox out = Do(OperatorAsked{++last_request, "ada", std::move(command)});
    EXPECT_EQ(out.operator_replies.size(), 1u);
    return std::move(out.operator_replies[0].response);
  }

  std::string Token(const std::string& cluster,
                    const std::map<std::string, std::string>& labels = {}) {
    v1::CreateTokenRequest request;
    request.set_cluster_name(cluster);
    for (const auto& [key, value] : labels) {
      v1::Label* label = request.add_labels();
      label->set_key(key);
      label->set_value(value);
    }
    auto answer = Ask(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return std::get<v1::CreateTokenResponse>(*answer).token();
  }

  // Enrols a cluster and connects its agent.
  FakeAgent& Join(const std::string& name, const std::map<std::string, std::string>& labels = {}) {
    FakeAgent& agent = agents[name];
    agent.name = name;
    const std::string csr = MakeCsr(agent.key);
    Do(EnrollWith(Token(name, labels), agent, csr));
    Run();
    const auto row = core->View()->clusters().Find(name);
    EXPECT_NE(row, nullptr);
    agent.id = row->id;
    Connect(agent);
    Run();
    return agent;
  }

  Outbox Connect(FakeAgent& agent) {
    AgentConnected event;
    event.link = agent.link = ++last_link;
    event.cluster = agent.id;
    event.spki = agent.key.Spki();
    event.peer = "192.0.2.7:2";
    event.hello.set_agent_version("test");
    event.hello.set_driver("memory");
    event.hello.set_recipient(agent.recipient);
    event.hello.set_kubernetes_version(kubernetes_versions[agent.name]);
    event.hello.set_generation(agent.desired.generation());
    if (!agent.desired_bytes.empty()) {
      event.hello.set_desired_digest(Digest::Of(agent.desired_bytes).bytes());
    }
    if (!agent_reported[agent.name].empty()) {
      event.hello.set_observed_digest(Digest::Of(agent_reported[agent.name]).bytes());
    }
    return Do(event);
  }

  // The report of an agent that has applied all that it was given.
  v1::ObservedState Applied(const FakeAgent& agent) {
    v1::ObservedState state;
    state.set_generation(agent.desired.generation());
    state.set_desired_digest(Digest::Of(agent.desired_bytes).bytes());
    state.set_sync(v1::SYNC_STATUS_SYNCED);
    state.set_health(v1::HEALTH_STATUS_HEALTHY);
    for (const v1::DesiredPackage& package : agent.desired.packages()) {
      v1::ObservedPackage* one = state.add_packages();
      one->set_name(package.name());
      one->set_bundle_digest(package.bundle_digest());
      one->set_attempted_digest(package.bundle_digest());
      one->set_sync(v1::SYNC_STATUS_SYNCED);
      one->set_health(v1::HEALTH_STATUS_HEALTHY);
      one->set_objects(package.object_count());
    }
    return state;
  }

  Outbox Report(FakeAgent& agent, const v1::ObservedState& state) {
    AgentReport event;
    event.link = agent.link;
    event.report.set_number(++agent.reports);
    *event.report.mutable_state() = state;
    agent_reported[agent.name] = state.SerializeAsString();
    return Do(event);
  }

  void ReportAll() {
    for (auto& [name, agent] : agents) Report(agent, Applied(agent));
  }

  Outbox Beat(const FakeAgent& agent) { return Do(AgentHeartbeat{agent.link, {}}); }

  // ------------------------------------------------------------ declarations

  v1::Repository& DeclareRepository(const std::string& name) {
    v1::Repository* repository = config.add_repositories();
    repository->set_name(name);
    repository->set_project("default");
    repository->set_url(absl::StrCat("https://git.example.com/", name, ".git"));
    repository->set_branch("main");
    repository->set_interval_ms(60'000);
    repository->mutable_origin()->set_file(absl::StrCat("fleet/", name, ".yaml"));
    repository->mutable_origin()->set_line(1);
    config.set_files(config.files() + 1);
    git.try_emplace(name);
    return *repository;
  }

  // Selects every cluster, from repository "apps" at the path of its name.
  v1::Package& DeclarePackage(const std::string& name) {
    v1::Package* package = config.add_packages();
    package->set_name(name);
    package->set_project("default");
    package->set_repository("apps");
    package->set_path(name);
    package->set_renderer(v1::RENDERER_AUTO);
    package->add_targets()->mutable_cluster_selector();
    package->mutable_origin()->set_file(absl::StrCat("fleet/", name, ".yaml"));
    package->mutable_origin()->set_line(1);
    config.set_files(config.files() + 1);
    return *package;
  }

  // Commits the declarations and lets the hub see them.
  void PushConfig() {
    git[".fleet"].commit = absl::StrCat("f", ++fleet_commits);
    Ask(SyncNow{".fleet"}).IgnoreError();
    Do(Tick{});
    Run();
  }

  // Commits `files` to "apps" and lets the hub see them.
  void PushApps(const std::string& commit, std::map<std::string, std::string> files) {
    git["apps"].commit = commit;
    git["apps"].files = std::move(files);
    Ask(SyncNow{"apps"}).IgnoreError();
    Do(Tick{});
    Run();
  }

  // One repository, one package "web" for everybody, at commit c1.
  void SmallFleet() {
    DeclareRepository("apps");
    DeclarePackage("web");
    git["apps"].commit = "c1";
    git["apps"].files = {{"web", "one"}};
    PushConfig();
    Run();
  }

  std::shared_ptr<const ClusterRow> ClusterOf(const std::string& name) {
    return core->View()->clusters().Find(name);
  }
  v1::ClusterView ViewOf(const std::string& name, bool detail) {
    const std::shared_ptr<const FleetView> fleet = core->View();
    return MakeClusterView(*fleet, *fleet->clusters().Find(name), detail);
  }
  std::shared_ptr<const PackageRow> PackageOf(const std::string& name) {
    return core->View()->packages().Find(name);
  }
  v1::RepositoryView RepositoryOf(const std::string& name) {
    const auto row = core->View()->repositories().Find(name);
    return row == nullptr ? v1::RepositoryView() : row->view;
  }

  template <typename List>
  static const v1::Condition* ConditionIn(const List& conditions, absl::string_view type) {
    for (const v1::Condition& condition : conditions) {
      if (condition.type() == type) return &condition;
    }
    return nullptr;
  }

  bool HasEvent(absl::string_view reason) {
    const auto records = store.Scan(keys::kEvents);
    for (const Record& record : *records) {
      v1::EventRecord event;
      event.ParseFromString(record.value);
      if (event.reason() == reason) return true;
    }
    return false;
  }

  SeededRandom random{42};
  MemoryStore store;
  std::unique_ptr<HubCore> core;
  absl::Time now = absl::FromUnixSeconds(1'800'000'000);
  std::deque<Job> jobs;

  std::map<std::string, FakeRepository> git;
  v1::FleetConfig config;
  absl::Status render_failure;
  std::map<std::string, FakeAgent> agents;
  std::map<std::string, std::string> agent_reported;
  std::map<std::string, std::string> kubernetes_versions;  // that agents say

  int fetches = 0;
  int render_jobs = 0;
  int rendered = 0;  // inputs that were not known
  int pushes = 0;
  int fleet_commits = 1;
  RequestId last_request = 0;
  LinkId last_link = 0;
  Outbox last_answer;
  std::multimap<RequestId, OperatorReply> replies;  // to operators
};

}  // namespace muster::hub
